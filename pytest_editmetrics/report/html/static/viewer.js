"use strict";

// The viewer shows the pictures of one case. There are only as many viewers as there are open cases
// near the screen: they are lent to cases and taken back. What the reader chose for view and boxes holds
// for every case; the slider, the zoom and the pair of images are the case's own.

const choice = { view: "", boxes: true, dim: true };
const viewers = new Set();
const idle = [];
const STRIP_HEIGHT = 104;
const WIDE = 720;
const GAP = 8;
const PAIRS = [
  ["golden", "edited"],
  ["reference", "edited"],
  ["reference", "golden"],
  ["earlier", "edited"],
];
// Each view is a list of panes, each pane a list of sheets, the lowest first.
const VIEWS = {
  pair: { label: "Side by side", panes: [["first"], ["second"]] },
  difference: { label: "Difference", panes: [["difference"]], beside: ["second"] },
  slider: { label: "Slider", panes: [["first", "second"]] },
  onion: { label: "Onion skin", panes: [["first", "second"]] },
  blink: { label: "Blink", panes: [["first", "second"]] },
  heat: { label: "Heat map", panes: [["grey", "heat"]] },
  lpips: { label: "LPIPS map", panes: [["grey", "lpips"]], kind: "heat" },
  patches: { label: "Patch costs", panes: [["grey", "patches"]], kind: "patches" },
};

function pictureState(data) {
  const names = data.layers.map((layer) => layer.name);
  const pairs = PAIRS.filter((pair) => pair.every((name) => names.includes(name)));
  if (pairs.length === 0) pairs.push([names[0], null]);
  return { data, pairs, pair: pairs[0], position: 50, map: null, zoom: null };
}

class Viewer {
  static lend() {
    return idle.pop() || new Viewer();
  }

  constructor() {
    this.element = document.createElement("div");
    this.element.className = "viewer";
    this.element.append(document.getElementById("viewer").content.cloneNode(true));
    this.stage = this.find(".stage");
    this.zoom = new Zoom(() => this.placed());
    this.fillViews();
    this.listen();
    this.resized = new ResizeObserver(() => this.layOut());
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  attach(host, state) {
    this.state = state;
    this.data = state.data;
    this.title = host.dataset.title;
    this.frame = this.data.layers[0];
    const { focus } = this.data;
    this.zoom.focus = focus && { x: (focus[0] + focus[2]) / 2, y: (focus[1] + focus[3]) / 2 };
    this.zoom.fitted = this.zoom.aimed = true;
    this.inspected = null;
    this.sources = new Map();
    this.fillPairs();
    this.fillStrip();
    this.find(".boxes").hidden = this.data.boxes.length === 0;
    host.append(this.element);
    viewers.add(this);
    this.resized.observe(this.element);
    this.refresh();
  }

  detach() {
    viewers.delete(this);
    this.resized.disconnect();
    for (const canvas of this.element.querySelectorAll("canvas")) hideImage(canvas);
    for (const source of this.sources.values()) hideImage(source.canvas);
    this.sources.clear();
    this.find(".strip").textContent = "";
    this.stage.textContent = "";
    this.element.remove();
    idle.push(this);
  }

  // --- what there is

  layer(name) {
    return this.data.layers.find((layer) => layer.name === name);
  }

  overlays(kind) {
    return this.data.overlays.filter((overlay) => overlay.kind === kind);
  }

  mask() {
    return this.overlays("mask")[0];
  }

  offered() {
    if (this.state.pair[1] === null) return [];
    return Object.keys(VIEWS).filter((name) => !VIEWS[name].kind || this.overlays(VIEWS[name].kind).length > 0);
  }

  view() {
    const offered = this.offered();
    if (offered.length === 0) return "single";
    if (offered.includes(choice.view)) return choice.view;
    return this.data.default || (this.element.clientWidth >= WIDE ? "pair" : "slider");
  }

  // The map of the view, if it has one: the one that was chosen, else the first.
  map(view) {
    const maps = VIEWS[view] && VIEWS[view].kind ? this.overlays(VIEWS[view].kind) : [];
    return maps.includes(this.state.map) ? this.state.map : maps[0];
  }

  source(image) {
    if (!this.sources.has(image.image)) {
      const canvas = canvasOf("");
      this.sources.set(image.image, { canvas, ready: showImage(canvas, image.image, image) });
    }
    return this.sources.get(image.image);
  }

  // --- controls

  fillViews() {
    for (const [name, { label }] of Object.entries(VIEWS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.view = name;
      button.textContent = label;
      this.find(".views").append(button);
    }
  }

  fillPairs() {
    const { pairs, pair } = this.state;
    const options = pairs.map(([first, second], index) => new Option(`${first} and ${second}`, index));
    const select = this.find(".pair");
    select.replaceChildren(...options);
    select.value = pairs.indexOf(pair);
    select.hidden = pairs.length < 2;
  }

  fillMaps(view) {
    const select = this.find(".maps");
    const maps = VIEWS[view] && VIEWS[view].kind ? this.overlays(VIEWS[view].kind) : [];
    select.replaceChildren(...maps.map((map) => new Option(map.label, this.data.overlays.indexOf(map))));
    if (maps.length) select.value = this.data.overlays.indexOf(this.map(view));
    select.hidden = maps.length < 2;
  }

  fillStrip() {
    this.data.crops.forEach((pair, number) => {
      const of = this.data.crops.length > 1 ? ` ${number + 1}` : "";
      pair.forEach((crop, side) => {
        const caption = `object${of}, ${side === 0 ? "reference" : "edited"}`;
        const figure = document.createElement("figure");
        const canvas = canvasOf(`${this.title}: ${caption}`);
        canvas.style.aspectRatio = `${crop.w} / ${crop.h}`;
        const text = document.createElement("figcaption");
        text.textContent = caption;
        figure.append(canvas, text);
        this.find(".strip").append(figure);
        showImage(canvas, crop.image, crop, STRIP_HEIGHT);
      });
    });
  }

  listen() {
    this.find(".views").addEventListener("click", (event) => {
      const { view } = event.target.dataset;
      if (view) chooseView(view);
    });
    this.find(".pair").addEventListener("change", (event) => {
      this.state.pair = this.state.pairs[event.target.value];
      this.refresh();
    });
    this.find(".maps").addEventListener("change", (event) => {
      this.state.map = this.data.overlays[event.target.value];
      this.refresh();
    });
    this.find(".boxes input").addEventListener("change", () => toggle("boxes"));
    this.find(".dim input").addEventListener("change", () => toggle("dim"));
    this.find("input[type=range]").addEventListener("input", (event) => this.move(Number(event.target.value)));
    this.find(".pause").addEventListener("click", () => {
      root.toggleAttribute("data-paused");
      refreshAll();
    });
    this.find(".zooms").addEventListener("click", (event) => this.zoomTo(event.target.dataset.zoom));
    listenForGestures(this.stage, this.zoom, (event, begins) => this.slide(event, begins));
    listenForPixels(this);
    this.element.addEventListener("fullscreenchange", () => this.layOut());
  }

  zoomTo(how) {
    if (how === "in") this.zoom.towards(this.zoom.scale * 1.5);
    else if (how === "out") this.zoom.by(1 / 1.5);
    else if (how === "fit") this.zoom.fit();
    else if (how === "one") this.zoom.one();
    else if (how === "full") this.fill();
  }

  // Full screen; where a page may not, as in a frame, the viewer fills the window.
  async fill(wanted = !this.filling) {
    if (document.fullscreenElement) await document.exitFullscreen();
    else if (wanted && this.element.requestFullscreen) {
      try {
        await this.element.requestFullscreen();
        return;
      } catch {
        // the window, then
      }
    }
    this.element.classList.toggle("filling", wanted && !document.fullscreenElement);
    this.layOut();
  }

  get filling() {
    return document.fullscreenElement === this.element || this.element.classList.contains("filling");
  }

  // A drag moves the slider unless the picture is zoomed and the drag begins away from the handle.
  slide(event, begins) {
    if (this.shown !== "slider") return false;
    const { left, width } = this.stage.firstElementChild.getBoundingClientRect();
    const at = event.clientX - left;
    if (begins && this.zoom.movable && Math.abs(at - (this.state.position * width) / 100) > 24) return false;
    this.move(Math.min(100, Math.max(0, (100 * at) / width)));
    return true;
  }

  move(position) {
    this.state.position = position;
    const range = this.find("input[type=range]");
    const share = Math.round(position);
    const [first, second] = this.state.pair;
    range.value = share;
    range.setAttribute("aria-label", `Between ${first} and ${second}`);
    const seen = this.shown === "slider" ? 100 - share : share;
    range.setAttribute("aria-valuetext", `${seen} % of the ${second} image seen`);
    this.stage.style.setProperty("--position", position);
  }

  // --- drawing

  refresh() {
    const view = this.view();
    this.shown = view;
    this.element.dataset.view = view;
    for (const button of this.element.querySelectorAll(".views button")) {
      button.hidden = !this.offered().includes(button.dataset.view);
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    this.find(".views").hidden = view === "single";
    this.find(".pause").textContent = root.hasAttribute("data-paused") ? "Play" : "Pause";
    this.find(".boxes input").checked = choice.boxes;
    this.find(".dim").hidden = view !== "difference" || !this.mask();
    this.find(".dim input").checked = choice.dim;
    const [first, second] = this.state.pair;
    this.find(".from").textContent = first;
    this.find(".to").textContent = second || "";
    this.fillMaps(view);
    this.tellSizes();
    this.draw(view);
    this.move(this.state.position);
    fillLegend(this.find(".legend"), view, { mask: this.mask(), map: this.map(view) });
    listBoxes(this.find(".box-list"), choice.boxes ? this.data.boxes : []);
    this.layOut();
  }

  tellSizes() {
    const [first, second] = this.state.pair.map((name) => this.layer(name));
    const differ = Boolean(second) && (first.w !== second.w || first.h !== second.h);
    const sizes = this.find(".sizes");
    sizes.hidden = !differ;
    if (!differ) return;
    const said = [first, second].map((layer) => `${layer.name} ${layer.w}x${layer.h} px`);
    sizes.textContent = `The sizes differ: ${said.join(", ")}. Both are drawn at the same size.`;
  }

  draw(view) {
    const described = VIEWS[view] || { panes: [["first"]] };
    const panes = [...described.panes];
    const wide = this.element.clientWidth >= WIDE;
    if (described.beside && wide) panes.unshift(described.beside);
    // what an earlier run has, or the reference of a golden image, stands beside the pair
    const others = this.data.layers.map(({ name }) => name).filter((name) => !this.state.pair.includes(name));
    if (view === "pair" && wide) panes.unshift(...others.map((name) => [name]));
    this.stage.setAttribute("aria-label", `Pictures of ${this.title}; + and - zoom, arrow keys move`);
    for (const canvas of this.stage.querySelectorAll("canvas.blend")) hideImage(canvas);
    this.stage.replaceChildren(...panes.map((sheets) => paneOf(this, sheets)));
  }

  // Panes stand side by side, or one below the other where that shows the pictures much larger.
  layOut() {
    this.find("[data-zoom=full]").textContent = this.filling ? "Leave full screen" : "Full screen";
    const panes = this.stage.childElementCount;
    const { w, h } = this.frame;
    const width = this.stage.clientWidth;
    if (!panes || !width) return;
    // all of a screen that is filled is the pictures', so that a zoomed one has room
    const most = this.filling ? this.stage.clientHeight : Math.max(innerHeight < LOW ? 160 : 240, innerHeight * (innerHeight < LOW ? 0.5 : 0.78));
    const apart = GAP * (panes - 1);
    const across = Math.min((width - apart) / panes / w, most / h);
    const down = Math.min(width / w, (most - apart) / panes / h);
    const rows = across < 0.7 * down;
    const scale = rows ? down : across;
    const paneWidth = rows ? width : (width - apart) / panes;
    const filled = rows ? (most - apart) / panes : most;
    const paneHeight = this.filling ? filled : Math.max(scale * h, Math.min(h, 160));
    const fits = this.filling ? paneWidth : Math.min(paneWidth, Math.max(scale * w, 160));
    this.stage.classList.toggle("rows", rows);
    for (const pane of this.stage.children) {
      pane.style.width = `${fits}px`;
      pane.style.height = `${paneHeight}px`;
    }
    this.zoom.place({ w: fits, h: paneHeight }, { w, h });
    // a strip that would be a few pixels high begins at its own size
    if (this.zoom.fitted && Math.min(w, h) * this.zoom.scale < 64 && this.zoom.scale < 1) this.zoom.one();
  }

  placed() {
    const { x, y, scale } = this.zoom;
    for (const world of this.stage.querySelectorAll(".world")) {
      world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    }
    this.stage.style.setProperty("--scale", scale);
    this.stage.classList.toggle("pixels", scale >= 2);
    this.stage.classList.toggle("movable", this.zoom.movable);
    showPixel(this);
    this.find(".percent").textContent = `${Math.round(scale * 100)} %`;
  }
}

function refreshAll() {
  for (const viewer of viewers) viewer.refresh();
}

function chooseView(view) {
  choice.view = view;
  refreshAll();
  remember();
}

function toggle(what) {
  choice[what] = !choice[what];
  refreshAll();
}

function nextView(by) {
  const viewer = currentViewer();
  if (!viewer) return;
  const offered = viewer.offered();
  if (offered.length) chooseView(offered[(offered.indexOf(viewer.shown) + by + offered.length) % offered.length]);
}

// The viewer that a key means: the one that fills the screen, else the current case's, else the first.
function currentViewer() {
  const all = [...viewers];
  const case_ = current && all.find((viewer) => current.element.contains(viewer.element));
  return all.find((viewer) => viewer.filling) || case_ || all[0] || null;
}
