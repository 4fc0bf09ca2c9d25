"use strict";

// A case's body and pictures exist only while it is open and near the screen, so that a report of a
// thousand cases takes no more memory at its end than at its start. Until then the body is text.

const THUMB_HEIGHT = 44;

// Rows stand in blocks. The browser looks at each block whenever the page scrolls, and at rows only in
// the blocks that are near: to look at each of five thousand rows takes longer than a frame.
const BLOCK = 40;
const blocks = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      for (const row of target.children) caseById.get(row.id).watch(isIntersecting);
    }
  },
  { rootMargin: "1600px 0px" },
);

// A browser keeps the layout of all that it has shown, 25 kB a case. A block that is gone for a moment
// loses its own; as it is far from the screen, `content-visibility` does not make it again. The margin
// is wider than the browser's own, within which it would.
const laidOut = new Set();
const layouts = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (isIntersecting) laidOut.add(target);
    const left = entries.filter(({ target, isIntersecting }) => !isIntersecting && laidOut.delete(target));
    for (const { target } of left) target.style.display = "none";
    for (const { target } of left) getComputedStyle(target).getPropertyValue("display");
    for (const { target } of left) target.style.display = "";
  },
  { rootMargin: "300% 0px" },
);

function watchBlock(block) {
  blocks.observe(block);
  layouts.observe(block);
}

function removeBlock(block) {
  blocks.unobserve(block);
  layouts.unobserve(block);
  laidOut.delete(block);
  block.remove();
}

class Case {
  constructor(element, rank) {
    const { status, cause, metric, test, keys } = element.dataset;
    Object.assign(this, { element, rank, status, cause, metric, test, keys: ` ${keys} ` });
    this.id = element.id;
    this.number = Number(element.dataset.case);
    this.decidable = ["failed", "error"].includes(status);
    this.details = element.firstElementChild;
    this.holder = element.querySelector(".holder");
    this.body = this.holder.nextElementSibling;
    this.thumbs = element.querySelector(".thumbs");
    this.near = false;
    this.closed = false; // by the reader, so that "Expand all" leaves it so
    this.viewer = null;
    this.state = null;
    this.text = null;
    this.details.addEventListener("toggle", () => {
      this.update();
      noteOpen(this);
    });
    this.details.firstElementChild.addEventListener("click", () => {
      this.closed = this.details.open;
      chosen(this, !this.details.open);
    });
  }

  watch(wanted) {
    if (wanted) whenNear(this.element, (near) => this.come(near));
    else {
      noLonger(this.element);
      this.come(false);
    }
  }

  come(near) {
    this.near = near;
    this.update();
  }

  // What people decided on it; empty where nobody is asked.
  get decision() {
    return this.element.dataset.decision || (this.decidable ? "open" : "");
  }

  // The decision is a line of its head, so that it is seen whether the case is open or not.
  decide(verb, line) {
    this.text = null;
    for (const old of this.details.firstElementChild.querySelectorAll(".decided")) old.remove();
    if (line) this.details.firstElementChild.append(line);
    if (verb) this.element.dataset.decision = verb;
    else delete this.element.dataset.decision;
  }

  // What it is sorted by: `[cup]` before `[cup_left]`, though a bracket stands behind a dash.
  get name() {
    this.sorted ??= this.test.replace(/[[\]]/g, " ");
    return this.sorted;
  }

  // What the search looks at, in small letters.
  get words() {
    if (this.text === null) {
      const parts = [this.details.firstElementChild.textContent, this.body.textContent.replace(/<[^>]*>/g, " ")];
      this.text = parts.join("\n").replace(/&(amp|lt|gt|#34|#39);/g, (entity) => ENTITIES[entity]).toLowerCase();
    }
    return this.text;
  }

  update() {
    const open = this.details.open;
    if (this.thumbs) this.showThumbs(this.near && !open);
    const mounted = this.holder.hasChildNodes();
    if (this.near && open && !mounted) this.mount();
    else if (mounted && !(this.near && open)) this.unmount();
  }

  showThumbs(wanted) {
    if (wanted === this.thumbs.hasChildNodes()) return;
    for (const canvas of this.thumbs.children) hideImage(canvas);
    this.thumbs.textContent = "";
    if (!wanted) return;
    for (const layer of this.thumbs.dataset.images.split(" ")) {
      const [image, w, h] = layer.split(":");
      const canvas = document.createElement("canvas");
      canvas.style.aspectRatio = `${w} / ${h}`;
      this.thumbs.append(canvas);
      showImage(canvas, image, { w: Number(w), h: Number(h) }, THUMB_HEIGHT);
    }
  }

  // The body as elements that load nothing yet.
  parsed() {
    const template = document.createElement("template");
    template.innerHTML = this.body.textContent;
    return template.content;
  }

  mount() {
    this.holder.style.minHeight = "";
    const body = this.parsed();
    const stills = body.querySelector(".stills");
    if (stills) stills.remove();
    if (!narrow.matches) for (const more of body.querySelectorAll(MEASURED)) more.open = true;
    this.holder.append(body);
    const host = this.holder.querySelector(".picture");
    if (host) {
      this.state = this.state || pictureState(JSON.parse(host.dataset.picture));
      this.viewer = Viewer.lend();
      this.viewer.attach(host, this.state);
    }
  }

  unmount() {
    if (this.details.open) this.holder.style.minHeight = `${this.holder.offsetHeight}px`;
    if (this.viewer) this.viewer.detach();
    this.viewer = null;
    this.holder.textContent = "";
  }
}

// How a failing gate was measured; folded on a phone, whose screen it would fill.
const MEASURED = ".gate:is(.failed, .error) > .more";
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&#34;": '"', "&#39;": "'" };
