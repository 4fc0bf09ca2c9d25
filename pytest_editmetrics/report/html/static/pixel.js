"use strict";

// The pixel under the pointer, or the one that a finger touched last: its place, its values in both
// images, and a spot on the panes that the pointer is not on.

function listenForPixels(viewer) {
  const { stage } = viewer;
  stage.addEventListener("pointermove", (event) => inspect(viewer, event));
  stage.addEventListener("pointerdown", (event) => inspect(viewer, event));
  // a finger that is lifted leaves what it touched in sight
  stage.addEventListener("pointerleave", ({ pointerType }) => pointerType === "mouse" && inspect(viewer, null));
}

function inspect(viewer, event) {
  const pane = event && event.target.closest(".pane");
  let at = null;
  if (pane) {
    const { left, top } = pane.getBoundingClientRect();
    at = viewer.zoom.pixel(event.clientX - left, event.clientY - top);
  }
  viewer.inspected = at && { ...at, under: event.pointerType === "mouse" ? [...viewer.stage.children].indexOf(pane) : -1 };
  showPixel(viewer);
}

// Spots move with the pictures.
function showPixel(viewer) {
  const at = viewer.inspected;
  const { x, y, scale } = viewer.zoom;
  [...viewer.stage.querySelectorAll(".spot")].forEach((spot, pane) => {
    spot.hidden = !at || at.under === pane;
    if (at) spot.style.transform = `translate(${x + (at.x + 0.5) * scale}px, ${y + (at.y + 0.5) * scale}px)`;
  });
  viewer.find(".inspector").textContent = at ? pixelText(viewer, at) : "";
}

function pixelText(viewer, { x, y }) {
  const layers = viewer.state.pair.filter(Boolean).map((name) => viewer.layer(name));
  const values = layers.map((layer) => pixelOf(viewer, layer, x, y));
  const parts = [`x ${x}, y ${y}`];
  if (values.some((value) => value === null)) {
    return `${parts[0]} (this browser lets no page in a folder read its images: the one-file report says the values)`;
  }
  layers.forEach((layer, index) => parts.push(`${layer.name} ${values[index].join(" ")}`));
  if (values.length === 2) {
    parts.push(`difference ${values[0].map((value, channel) => Math.abs(value - values[1][channel])).join(" ")}`);
  }
  return parts.join(" · ");
}

function pixelOf(viewer, layer, x, y) {
  const { canvas } = viewer.source(layer);
  if (!canvas.width) return [];
  const [column, row] = [
    Math.floor((x * layer.w) / viewer.frame.w),
    Math.floor((y * layer.h) / viewer.frame.h),
  ];
  try {
    return [...canvas.getContext("2d").getImageData(column, row, 1, 1).data.slice(0, 3)];
  } catch {
    return null;
  }
}
