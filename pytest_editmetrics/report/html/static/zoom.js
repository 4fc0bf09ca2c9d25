"use strict";

// How far a case's pictures are zoomed, and where: one state for all panes of its stage, so that they
// move together. A picture of `w` x `h` pixels is drawn at `scale`, its corner at `x`, `y` of the pane.

const MOST = 64;
const FRESH = 300;
let lastScroll = 0;
addEventListener("scroll", () => (lastScroll = performance.now()), { passive: true });

class Zoom {
  constructor(changed) {
    this.changed = changed;
    this.picture = { w: 1, h: 1 };
    this.pane = { w: 1, h: 1 };
    this.fitted = true;
    this.focus = null; // what is zoomed to, in pixels of the picture, until the reader looks elsewhere
    this.aimed = true;
    this.scale = 1;
    this.x = 0;
    this.y = 0;
  }

  get least() {
    return Math.min(this.pane.w / this.picture.w, this.pane.h / this.picture.h);
  }

  // What is in the middle stays there when the pane becomes larger or smaller.
  place(pane, picture) {
    this.x += (pane.w - this.pane.w) / 2;
    this.y += (pane.h - this.pane.h) / 2;
    this.pane = pane;
    this.picture = picture;
    if (this.fitted) this.scale = this.least;
    this.aim();
  }

  // Puts the focus into the middle, unless the reader looks elsewhere.
  aim() {
    if (this.focus && this.aimed) {
      this.x = this.pane.w / 2 - this.focus.x * this.scale;
      this.y = this.pane.h / 2 - this.focus.y * this.scale;
    }
    this.settle();
  }

  settle() {
    this.scale = Math.min(Math.max(this.scale, Math.min(this.least, 1)), Math.max(MOST, this.least));
    for (const [side, at] of [
      ["w", "x"],
      ["h", "y"],
    ]) {
      const room = this.pane[side] - this.picture[side] * this.scale;
      this[at] = room >= 0 ? room / 2 : Math.min(0, Math.max(room, this[at]));
    }
    this.changed();
  }

  // About a point of the pane that the reader chose, else about its middle.
  to(scale, x, y) {
    if (x !== undefined) this.aimed = false;
    x ??= this.pane.w / 2;
    y ??= this.pane.h / 2;
    const before = this.scale;
    const wanted = Math.min(Math.max(scale, Math.min(this.least, 1)), Math.max(MOST, this.least));
    this.x = x - ((x - this.x) * wanted) / before;
    this.y = y - ((y - this.y) * wanted) / before;
    this.scale = wanted;
    this.fitted = Math.abs(wanted - this.least) < 1e-9;
    this.settle();
  }

  // Zooms without a pointer: to the focus, or the middle of what the reader went to.
  towards(scale) {
    this.to(scale);
    this.aim();
  }

  by(factor, x, y) {
    this.to(this.scale * factor, x, y);
  }

  fit() {
    this.fitted = true;
    this.aimed = true;
    this.scale = this.least;
    this.settle();
  }

  one() {
    this.towards(1);
  }

  pan(dx, dy) {
    this.aimed = false;
    this.x += dx;
    this.y += dy;
    this.settle();
  }

  get movable() {
    return this.picture.w * this.scale > this.pane.w + 0.5 || this.picture.h * this.scale > this.pane.h + 0.5;
  }

  // The pixel of the picture at a point of a pane; null beside the picture.
  pixel(x, y) {
    const at = { x: Math.floor((x - this.x) / this.scale), y: Math.floor((y - this.y) / this.scale) };
    const inside = at.x >= 0 && at.y >= 0 && at.x < this.picture.w && at.y < this.picture.h;
    return inside ? at : null;
  }
}

// Wheel, drag and pinch on a stage. `slides(x, event)` may take a drag for itself.
function listenForGestures(stage, zoom, slides) {
  const fingers = new Map();
  let lastWheel = 0;
  const place = (event) => {
    const pane = event.target.closest(".pane") || stage.firstElementChild;
    const { left, top } = pane.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  stage.addEventListener(
    "wheel",
    (event) => {
      // a page that is being scrolled goes on scrolling when a picture comes under the pointer
      const scrolling = !event.ctrlKey && performance.now() - lastScroll < FRESH && performance.now() - lastWheel > FRESH;
      if (scrolling || (event.deltaY > 0 && zoom.scale <= zoom.least)) return;
      event.preventDefault();
      lastWheel = performance.now();
      const { x, y } = place(event);
      const lines = event.deltaMode === 1 ? 33 : 1;
      zoom.by(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.002)), x, y);
    },
    { passive: false },
  );
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    fingers.set(event.pointerId, { ...place(event), slides: fingers.size === 0 && slides(event, true) });
    if (zoom.movable || fingers.size > 1 || fingers.get(event.pointerId).slides) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { ...before, x: before.x + event.movementX, y: before.y + event.movementY };
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, finger]) => finger);
      const apart = (finger) => Math.hypot(finger.x - other.x, finger.y - other.y) || 1;
      zoom.by(apart(now) / apart(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
    } else if (before.slides) slides(event, false);
    else if (zoom.movable) zoom.pan(event.movementX, event.movementY);
    fingers.set(event.pointerId, now);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    stage.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    const step = steps[event.key];
    if (!step || !zoom.movable || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    zoom.pan(...step);
  });
}
