"use strict";

// The viewer of one case. It exists only while its case is near the screen; what the reader chose
// for the view, the overlay and the boxes holds for every case.

const choice = { view: "slider", overlay: "", boxes: true };
const viewers = new Set();
const STRIP_HEIGHT = 104;

class Viewer {
  constructor(host, data) {
    this.host = host;
    this.data = data;
    this.position = 50;
    this.pair = null;
    this.overlayIndex = null;
  }

  find(selector) {
    return this.host.querySelector(selector);
  }

  mount() {
    if (viewers.has(this)) return;
    this.host.style.minHeight = "";
    this.host.append(document.getElementById("viewer").content.cloneNode(true));
    viewers.add(this);
    const first = this.data.layers[0];
    this.host.style.setProperty("--w", first.w);
    this.host.style.setProperty("--h", first.h);
    this.find(".frame").classList.toggle("pixels", first.w < 200);
    this.fillPairs();
    this.fillOverlays();
    this.listen();
    this.fillStrip();
    this.showPair();
    this.refresh();
  }

  unmount() {
    if (!viewers.delete(this)) return;
    this.host.style.minHeight = `${this.host.offsetHeight}px`;
    for (const canvas of this.host.querySelectorAll("canvas")) hideImage(canvas);
    this.host.textContent = "";
  }

  pairs() {
    const names = this.data.layers.map((layer) => layer.name);
    const wanted = [
      ["golden", "edited"],
      ["reference", "edited"],
      ["reference", "golden"],
    ];
    const found = wanted.filter((pair) => pair.every((name) => names.includes(name)));
    return found.length ? found : [[names[0], null]];
  }

  fillPairs() {
    const pairs = this.pairs();
    const select = this.find(".pair");
    this.pair = this.pair || pairs[0];
    const [only] = pairs;
    this.host.classList.toggle("single", only[1] === null);
    select.hidden = pairs.length < 2;
    pairs.forEach(([before, after], index) => {
      const option = new Option(`${before} and ${after}`, index);
      option.selected = before === this.pair[0] && after === this.pair[1];
      select.append(option);
    });
  }

  fillOverlays() {
    const select = this.find(".overlay");
    select.hidden = this.data.overlays.length === 0;
    this.data.overlays.forEach((overlay, index) => select.append(new Option(overlay.label, index)));
    this.find(".boxes").hidden = this.data.boxes.length === 0;
  }

  fillStrip() {
    const strip = this.find(".strip");
    const figures = this.data.layers.map((layer) => [layer, layer.name]);
    this.data.crops.forEach((pair, number) => {
      const of = this.data.crops.length > 1 ? ` ${number + 1}` : "";
      pair.forEach((crop, side) => {
        figures.push([crop, `object${of}, ${side === 0 ? "reference" : "edited"}`]);
      });
    });
    for (const [image, caption] of figures) {
      const figure = document.createElement("figure");
      const canvas = canvasOf(`${this.host.dataset.title}: ${caption}`);
      canvas.style.aspectRatio = `${image.w} / ${image.h}`;
      const text = document.createElement("figcaption");
      text.textContent = caption;
      figure.append(canvas, text);
      strip.append(figure);
      showImage(canvas, image.image, image, STRIP_HEIGHT);
    }
  }

  listen() {
    this.find(".views").addEventListener("click", (event) => {
      const { view } = event.target.dataset;
      if (view) chooseView(view);
    });
    this.find(".pair").addEventListener("change", (event) => {
      this.pair = this.pairs()[event.target.value];
      this.showPair();
    });
    this.find(".overlay").addEventListener("change", (event) => {
      const { value } = event.target;
      chooseOverlay(value === "" ? "" : this.data.overlays[value].kind);
      this.overlayIndex = value === "" ? null : Number(value);
      this.refresh();
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
    ["before", "after"].forEach((side, index) => {
      const element = this.find(`.${side}`);
      const layer = this.layer(this.pair[index]);
      element.hidden = !layer;
      if (!layer) return;
      const canvas = element.querySelector("canvas");
      canvas.setAttribute("aria-label", `${this.host.dataset.title}: ${layer.name}`);
      element.querySelector(".tag").textContent = layer.name;
      showImage(canvas, layer.image, layer);
    });
    const [before, after] = this.pair.map((name) => this.layer(name));
    const differ = after && (before.w !== after.w || before.h !== after.h);
    const sizes = this.find(".sizes");
    sizes.hidden = !differ;
    if (differ) {
      sizes.textContent = `Sizes differ: ${before.name} ${before.w}x${before.h}, ${after.name} ${after.w}x${after.h} px; drawn at the size of the first.`;
    }
    this.find(".from").textContent = this.pair[0];
    this.find(".to").textContent = this.pair[1] || "";
    this.move(this.position);
  }

  move(position) {
    this.position = position;
    const range = this.find("input[type=range]");
    const share = Math.round(position);
    range.value = share;
    range.setAttribute("aria-label", `How much of the ${this.pair[1]} image is seen`);
    range.setAttribute("aria-valuetext", `${share} % ${this.pair[1]}`);
    this.find(".frame").style.setProperty("--position", position);
  }

  overlay() {
    const chosen = this.data.overlays[this.overlayIndex];
    if (chosen && chosen.kind === choice.overlay) return chosen;
    return this.data.overlays.find((overlay) => overlay.kind === choice.overlay);
  }

  refresh() {
    for (const button of this.host.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === choice.view));
    }
    const paused = document.documentElement.hasAttribute("data-paused");
    const pause = this.find(".pause");
    pause.textContent = paused ? "Play" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
    this.find(".boxes input").checked = choice.boxes;
    this.drawOver(this.overlay());
  }

  drawOver(overlay) {
    const over = this.find(".over");
    for (const canvas of over.querySelectorAll("canvas")) hideImage(canvas);
    over.textContent = "";
    const [first] = this.data.layers;
    if (overlay && overlay.kind === "patches") over.append(drawPatches(first, overlay));
    else if (overlay) {
      const canvas = canvasOf(overlay.label);
      canvas.className = overlay.kind;
      over.append(canvas);
      showImage(canvas, overlay.image, overlay);
    }
    if (choice.boxes && this.data.boxes.length) over.append(drawBoxes(first, this.data.boxes));
    this.find(".overlay").value = overlay ? this.data.overlays.indexOf(overlay) : "";
    this.find(".frame").classList.toggle("muted", Boolean(overlay) && overlay.kind !== "mask");
    fillLegend(this.find(".legend"), overlay);
    listBoxes(this.find(".box-list"), choice.boxes ? this.data.boxes : []);
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
