"use strict";

// The pixel under the pointer: its place, its values in both images, and a spot on the other panes.

function inspect(viewer, event) {
  const line = viewer.find(".inspector");
  const pane = event && event.target.closest(".pane");
  let at = null;
  let point = null;
  if (pane) {
    const { left, top } = pane.getBoundingClientRect();
    point = { x: event.clientX - left, y: event.clientY - top };
    at = viewer.zoom.pixel(point.x, point.y);
  }
  for (const spot of viewer.stage.querySelectorAll(".spot")) {
    spot.hidden = !at || spot.parentElement === pane;
    if (at) spot.style.transform = `translate(${point.x}px, ${point.y}px)`;
  }
  line.textContent = at ? pixelText(viewer, at) : "";
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
