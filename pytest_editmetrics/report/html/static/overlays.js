"use strict";

// What is drawn over a picture: boxes, the transport costs of CLIP's patches; and what it means.

const SVG = "http://www.w3.org/2000/svg";
const RAMP = [
  [0, 0, 4],
  [66, 10, 104],
  [147, 38, 103],
  [221, 81, 58],
  [252, 165, 10],
  [252, 255, 164],
];

function rampColour(share) {
  const at = Math.min(Math.max(share, 0), 1) * (RAMP.length - 1);
  const low = Math.min(Math.floor(at), RAMP.length - 2);
  const mixed = RAMP[low].map((from, i) => Math.round(from + (RAMP[low + 1][i] - from) * (at - low)));
  return `rgb(${mixed.join(" ")})`;
}

function svgElement(name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function drawingFor(frame, className, label) {
  return svgElement("svg", {
    viewBox: `0 0 ${frame.w} ${frame.h}`,
    preserveAspectRatio: "none",
    class: className,
    role: "img",
    "aria-label": label,
  });
}

function drawBoxes(frame, boxes) {
  const svg = drawingFor(frame, "boxes", boxes.map(({ label }) => label).join("; "));
  boxes.forEach(({ kind, label, box }, number) => {
    const [x1, y1, x2, y2] = box;
    const group = svgElement("g", { class: `box ${kind}` });
    const place = { x: x1, y: y1, width: Math.max(x2 - x1, 0), height: Math.max(y2 - y1, 0) };
    group.append(svgElement("title", {}, label));
    group.append(svgElement("rect", { ...place, class: "halo" }));
    group.append(svgElement("rect", { ...place, class: "line" }));
    if (boxes.length > 1) group.append(svgElement("text", { x: x1, y: y1, class: "mark" }, number + 1));
    svg.append(group);
  });
  return svg;
}

function listBoxes(list, boxes) {
  list.textContent = "";
  boxes.slice(0, 12).forEach(({ kind, label }, index) => {
    const number = boxes.length > 1 ? `${index + 1} ` : "";
    const item = document.createElement("li");
    const line = document.createElement("span");
    line.className = `line ${kind}`;
    item.append(line, number + label);
    list.append(item);
  });
  if (boxes.length > 12) {
    const item = document.createElement("li");
    item.textContent = `and ${boxes.length - 12} more`;
    list.append(item);
  }
}

function drawPatches(frame, overlay) {
  const [x1, y1, x2, y2] = overlay.area;
  const width = (x2 - x1) / overlay.columns;
  const height = (y2 - y1) / overlay.rows;
  const svg = drawingFor(frame, "patches", `${overlay.label}, at most ${overlay.max}`);
  overlay.cost.forEach((row, r) => {
    row.forEach((cost, c) => {
      const place = { x: x1 + c * width, y: y1 + r * height, width, height };
      const share = overlay.largest > 0 ? cost / overlay.largest : 0;
      const paint =
        cost === null
          ? { fill: "url(#hatch)" }
          : { fill: rampColour(share), "fill-opacity": 0.25 + 0.6 * share };
      const rect = svgElement("rect", { ...place, ...paint, class: "patch" });
      const said = cost === null ? "not measured" : `cost ${cost}`;
      rect.append(svgElement("title", {}, `patch ${r + 1}, ${c + 1}: ${said}`));
      svg.append(rect);
    });
  });
  return svg;
}

function fillLegend(legend, view, overlay) {
  legend.textContent = "";
  const dims = choice.dim && overlay.mask ? " What is not measured is grey." : "";
  if (view === "difference") legend.append(`The difference, ${GAIN} times as strong: black where nothing differs.${dims}`);
  else if (view === "heat") fillRamp(legend, "Difference", `${Math.round(255 / GAIN)} of 255 and more`);
  else if (view === "lpips") fillRamp(legend, overlay.map.label, overlay.map.max);
  else if (view === "patches") fillRamp(legend, overlay.map.label, overlay.map.max, "; hatched: not measured");
  legend.hidden = legend.textContent === "";
}

function fillRamp(legend, label, most, more = "") {
  const ramp = document.createElement("span");
  ramp.className = "ramp";
  legend.append(`${label}: 0 `, ramp, `${most}${more}`);
}
