"use strict";

// An image is decoded when it comes near the screen and given up when it is far away again. It is
// drawn on a canvas, whose memory is freed then: of an <img> the browser keeps the decoded pixels.

const root = document.documentElement;
root.classList.add("scripts");
const ADDRESS = root.dataset.images;

// Embedded images stand after the scripts, in the order of the cases, so that a large report answers
// while the rest of it is still loading. An image that nothing follows yet may be half there.
async function arrival(id) {
  for (;;) {
    const loading = document.readyState === "loading";
    const element = document.getElementById(id);
    if (!loading || (element && element.nextSibling)) return element;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

function dataIn(element) {
  const text = element.textContent;
  const start = text.indexOf("data:image/png;base64,");
  return text.slice(start, text.indexOf('"', start));
}

async function embedded(id) {
  const data = dataIn(await arrival(`i-${id}`)).slice("data:image/png;base64,".length);
  return new Blob([Uint8Array.fromBase64 ? Uint8Array.fromBase64(data) : slowly(data)], { type: "image/png" });
}

function slowly(data) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

function loaded(id) {
  return new Promise((resolve, reject) => {
    const img = new Image();
    img.onload = () => resolve(img);
    img.onerror = reject;
    img.src = ADDRESS.replace("*", id);
  });
}

async function decoded(id, options) {
  return createImageBitmap(ADDRESS ? await loaded(id) : await embedded(id), options);
}

const shown = new WeakMap();

// `size` is {w, h} of the image; with `height` it is drawn no higher than that many CSS pixels.
async function showImage(canvas, id, size, height) {
  if (shown.get(canvas) === id) return;
  shown.set(canvas, id);
  canvas.classList.remove("broken");
  const most = height ? Math.ceil(height * devicePixelRatio) : size.h;
  const options =
    size.h > most
      ? { resizeHeight: most, resizeWidth: Math.max(1, Math.round((size.w * most) / size.h)), resizeQuality: "medium" }
      : {};
  try {
    const bitmap = await decoded(id, options);
    if (shown.get(canvas) === id) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("2d", { willReadFrequently: !height }).drawImage(bitmap, 0, 0);
    }
    bitmap.close();
  } catch {
    canvas.classList.add("broken");
  }
}

function hideImage(canvas) {
  shown.delete(canvas);
  canvas.width = 0;
  canvas.height = 0;
}

function canvasOf(label) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", label);
  return canvas;
}

const nearby = new WeakMap();
const observer = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) if (nearby.has(target)) nearby.get(target)(isIntersecting);
  },
  { rootMargin: "800px 0px" },
);

function whenNear(element, callback) {
  nearby.set(element, callback);
  observer.observe(element);
}

function noLonger(element) {
  nearby.delete(element);
  observer.unobserve(element);
}
