"use strict";

// An image is decoded when it comes near the screen and given up when it is far away again.

const EMBEDDED = document.documentElement.dataset.images === "embedded";
const urls = new Map();
const parsed = new Promise((resolve) => {
  document.addEventListener("DOMContentLoaded", resolve, { once: true });
});

async function objectUrl(id) {
  // the images stand at the end of the file, which may still be loading
  if (!document.getElementById(`i-${id}`)) await parsed;
  const text = atob(document.getElementById(`i-${id}`).textContent);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
}

function acquire(id) {
  if (!EMBEDDED) return Promise.resolve(`images/${id}.png`);
  const entry = urls.get(id) || { users: 0, url: objectUrl(id) };
  entry.users += 1;
  urls.set(id, entry);
  return entry.url;
}

function release(id) {
  const entry = urls.get(id);
  if (!entry) return;
  entry.users -= 1;
  if (entry.users > 0) return;
  urls.delete(id);
  entry.url.then((url) => URL.revokeObjectURL(url));
}

const shown = new WeakMap();

function showImage(img, id) {
  if (shown.get(img) === id) return;
  hideImage(img);
  shown.set(img, id);
  acquire(id).then((url) => {
    if (shown.get(img) === id) img.src = url;
  });
}

function hideImage(img) {
  const id = shown.get(img);
  if (id === undefined) return;
  shown.delete(img);
  img.removeAttribute("src");
  release(id);
}

const nearby = new Map();
const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) nearby.get(entry.target)(entry.isIntersecting);
  },
  { rootMargin: "800px 0px" },
);

function whenNear(element, callback) {
  nearby.set(element, callback);
  observer.observe(element);
}
