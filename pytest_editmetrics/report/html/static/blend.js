"use strict";

// Pictures made of pictures. Nothing here reads a pixel: a page that lies in a folder may not read
// images of files beside it, and may draw them one over another.

const GAIN = 8;

function surface(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

function blended(canvas, layers) {
  const context = canvas.getContext("2d");
  for (const [operation, paint] of layers) {
    context.globalCompositeOperation = operation;
    if (typeof paint === "string") {
      context.fillStyle = paint;
      context.fillRect(0, 0, canvas.width, canvas.height);
    } else context.drawImage(paint, 0, 0, canvas.width, canvas.height);
  }
  return canvas;
}

// The difference of two images, `GAIN` times as strong, black where nothing was measured.
function drawDifference(canvas, before, after, mask) {
  canvas.width = before.width;
  canvas.height = before.height;
  blended(canvas, [
    ["copy", before],
    ["difference", after],
  ]);
  for (let gain = 1; gain < GAIN; gain *= 2) blended(canvas, [["lighter", canvas]]);
  if (mask) blended(canvas, [["multiply", mask]]);
}

// What was not measured, grey and dark, added where a difference is black.
function addUnmeasured(canvas, after, mask) {
  const { width, height } = canvas;
  const unmeasured = blended(surface(width, height), [
    ["copy", mask],
    ["difference", "#fff"],
  ]);
  const rest = blended(surface(width, height), [
    ["copy", after],
    ["saturation", "#808080"],
    ["multiply", "#555"],
    ["multiply", unmeasured],
  ]);
  blended(canvas, [["lighter", rest]]);
}
