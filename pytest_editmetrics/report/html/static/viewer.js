"use strict";

// The viewer shows the pictures of one case. There are only as many viewers as there are cases near
// the screen: they are lent to cases and taken back. What the reader chose for the view, the overlay
// and the boxes holds for every case; the slider and the pair of images are the case's own.

const choice = { view: "slider", overlay: "", boxes: true };
const viewers = new Set();
const idle = [];
const STRIP_HEIGHT = 104;
const PAIRS = [
  ["golden", "edited"],
  ["reference", "edited"],
  ["reference", "golden"],
];

function pictureState(data) {
  const names = data.layers.map((layer) => layer.name);
  const pairs = PAIRS.filter((pair) => pair.every((name) => names.includes(name)));
  if (pairs.length === 0) pairs.push([names[0], null]);
  return { data, pairs, pair: pairs[0], position: 50, overlay: null };
}

class Viewer {
  static lend() {
    return idle.pop() || new Viewer();
  }

  constructor() {
    this.element = document.createElement("div");
    this.element.append(document.getElementById("viewer").content.cloneNode(true));
    this.listen();
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  attach(host, state) {
    this.state = state;
    this.data = state.data;
    this.title = host.dataset.title;
    const [first] = this.data.layers;
    this.element.style.setProperty("--w", first.w);
    this.element.style.setProperty("--h", first.h);
    this.element.className = state.pair[1] === null ? "single" : "";
    this.find(".frame").classList.toggle("pixels", first.w < 200);
    this.fillPairs();
    this.fillOverlays();
    this.fillStrip();
    this.showPair();
    viewers.add(this);
    this.refresh();
    host.append(this.element);
  }

  detach() {
    viewers.delete(this);
    for (const canvas of this.element.querySelectorAll("canvas")) hideImage(canvas);
    this.find(".strip").textContent = "";
    this.find(".over").textContent = "";
    this.element.remove();
    idle.push(this);
  }

  fillPairs() {
    const { pairs, pair } = this.state;
    const options = pairs.map(([before, after], index) => new Option(`${before} and ${after}`, index));
    const select = this.find(".pair");
    select.replaceChildren(...options);
    select.value = pairs.indexOf(pair);
    select.hidden = pairs.length < 2;
  }

  fillOverlays() {
    const select = this.find(".overlay");
    const options = this.data.overlays.map((overlay, index) => new Option(overlay.label, index));
    select.replaceChildren(new Option("No overlay", ""), ...options);
    select.hidden = options.length === 0;
    this.find(".boxes").hidden = this.data.boxes.length === 0;
  }

  fillStrip() {
    const figures = this.data.layers.map((layer) => [layer, layer.name]);
    this.data.crops.forEach((pair, number) => {
      const of = this.data.crops.length > 1 ? ` ${number + 1}` : "";
      pair.forEach((crop, side) => {
        figures.push([crop, `object${of}, ${side === 0 ? "reference" : "edited"}`]);
      });
    });
    for (const [image, caption] of figures) {
      const figure = document.createElement("figure");
      const canvas = canvasOf(`${this.title}: ${caption}`);
      canvas.style.aspectRatio = `${image.w} / ${image.h}`;
      const text = document.createElement("figcaption");
      text.textContent = caption;
      figure.append(canvas, text);
      this.find(".strip").append(figure);
      showImage(canvas, image.image, image, STRIP_HEIGHT);
    }
  }

  listen() {
    this.find(".views").addEventListener("click", (event) => {
      const { view } = event.target.dataset;
      if (view) chooseView(view);
    });
    this.find(".pair").addEventListener("change", (event) => {
      this.state.pair = this.state.pairs[event.target.value];
      this.showPair();
    });
    this.find(".overlay").addEventListener("change", (event) => {
      const overlay = this.data.overlays[event.target.value];
      this.state.overlay = overlay;
      chooseOverlay(overlay ? overlay.kind : "");
    });
    this.find(".boxes input").addEventListener("change", (event) => chooseBoxes(event.target.checked));
    this.find("input[type=range]").addEventListener("input", (event) => {
      this.move(Number(event.target.value));
    });
    this.find(".pause").addEventListener("click", () => {
      document.documentElement.toggleAttribute("data-paused");
      refreshAll();
    });
    const frame = this.find(".frame");
    const drag = (event) => {
      const { left, width } = frame.getBoundingClientRect();
      this.move(Math.min(100, Math.max(0, (100 * (event.clientX - left)) / width)));
    };
    frame.addEventListener("pointerdown", (event) => {
      if (choice.view !== "slider" || event.button !== 0) return;
      frame.setPointerCapture(event.pointerId);
      drag(event);
    });
    frame.addEventListener("pointermove", (event) => {
      if (frame.hasPointerCapture(event.pointerId)) drag(event);
    });
  }

  layer(name) {
    return this.data.layers.find((layer) => layer.name === name);
  }

  showPair() {
    const { pair } = this.state;
    ["before", "after"].forEach((side, index) => {
      const element = this.find(`.${side}`);
      const canvas = element.querySelector("canvas");
      const layer = this.layer(pair[index]);
      element.hidden = !layer;
      if (!layer) return;
      canvas.setAttribute("aria-label", `${this.title}: ${layer.name}`);
      element.querySelector(".tag").textContent = layer.name;
      showImage(canvas, layer.image, layer);
    });
    const [before, after] = pair.map((name) => this.layer(name));
    const differ = Boolean(after) && (before.w !== after.w || before.h !== after.h);
    const sizes = this.find(".sizes");
    sizes.hidden = !differ;
    if (differ) {
      const said = [before, after].map((layer) => `${layer.name} ${layer.w}x${layer.h} px`);
      sizes.textContent = `The sizes differ: ${said.join(", ")}. Both are drawn at the same size.`;
    }
    this.find(".from").textContent = pair[0];
    this.find(".to").textContent = pair[1] || "";
    this.move(this.state.position);
  }

  move(position) {
    this.state.position = position;
    const range = this.find("input[type=range]");
    const share = Math.round(position);
    const [before, after] = this.state.pair;
    range.value = share;
    range.setAttribute("aria-label", `Between ${before} and ${after}`);
    const seen = choice.view === "slider" ? 100 - share : share;
    range.setAttribute("aria-valuetext", `${seen} % of the ${after} image seen`);
    this.find(".frame").style.setProperty("--position", position);
  }

  overlay() {
    const { overlay } = this.state;
    if (overlay && overlay.kind === choice.overlay) return overlay;
    return this.data.overlays.find(({ kind }) => kind === choice.overlay);
  }

  refresh() {
    for (const button of this.element.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === choice.view));
    }
    this.move(this.state.position);
    const paused = document.documentElement.hasAttribute("data-paused");
    this.find(".pause").textContent = paused ? "Play" : "Pause";
    this.find(".boxes input").checked = choice.boxes;
    this.drawOver(this.overlay());
  }

  drawOver(overlay) {
    const over = this.find(".over");
    for (const canvas of over.querySelectorAll("canvas")) hideImage(canvas);
    over.textContent = "";
    const [first] = this.data.layers;
    const boxes = choice.boxes ? this.data.boxes : [];
    if (overlay && overlay.kind === "patches") over.append(drawPatches(first, overlay));
    else if (overlay) {
      const canvas = canvasOf(overlay.label);
      canvas.className = overlay.kind;
      over.append(canvas);
      showImage(canvas, overlay.image, overlay);
    }
    if (boxes.length) over.append(drawBoxes(first, boxes));
    this.find(".overlay").value = overlay ? this.data.overlays.indexOf(overlay) : "";
    this.find(".frame").classList.toggle("muted", Boolean(overlay) && overlay.kind !== "mask");
    fillLegend(this.find(".legend"), overlay);
    listBoxes(this.find(".box-list"), boxes);
  }
}

function refreshAll() {
  for (const viewer of viewers) viewer.refresh();
}

function chooseView(view) {
  choice.view = view;
  document.documentElement.dataset.view = view;
  refreshAll();
}

function chooseOverlay(kind) {
  choice.overlay = kind;
  refreshAll();
}

function chooseBoxes(drawn) {
  choice.boxes = drawn;
  refreshAll();
}

function nextOverlay() {
  const kinds = ["", "mask", "heat", "patches"];
  chooseOverlay(kinds[(kinds.indexOf(choice.overlay) + 1) % kinds.length]);
}
