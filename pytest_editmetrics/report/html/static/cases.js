"use strict";

// A case's body and pictures exist only while it is near the screen, so that a report of a thousand
// cases takes no more memory at its end than at its start.

const THUMB_HEIGHT = 44;

class Case {
  constructor(element) {
    this.details = element.firstElementChild;
    this.holder = element.querySelector(".holder");
    this.template = element.querySelector("template");
    this.thumbs = [...element.querySelectorAll(".thumbs canvas")];
    this.near = false;
    this.viewer = null;
    this.state = null;
    this.details.addEventListener("toggle", () => this.update());
    whenNear(element, (near) => {
      this.near = near;
      this.update();
    });
  }

  update() {
    const open = this.details.open;
    for (const canvas of this.thumbs) {
      const { image, w, h } = canvas.dataset;
      if (!this.near || open) hideImage(canvas);
      else showImage(canvas, image, { w: Number(w), h: Number(h) }, THUMB_HEIGHT);
    }
    const mounted = this.holder.hasChildNodes();
    if (this.near && open && !mounted) this.mount();
    else if (mounted && !(this.near && open)) this.unmount();
  }

  mount() {
    this.holder.style.minHeight = "";
    this.holder.append(this.template.content.cloneNode(true));
    const host = this.holder.querySelector(".picture");
    if (!host) return;
    this.state = this.state || pictureState(JSON.parse(host.nextElementSibling.textContent));
    this.viewer = Viewer.lend();
    this.viewer.attach(host, this.state);
  }

  unmount() {
    if (this.details.open) this.holder.style.minHeight = `${this.holder.offsetHeight}px`;
    if (this.viewer) this.viewer.detach();
    this.viewer = null;
    this.holder.textContent = "";
  }
}
