"use strict";

// On paper every listed case is open, with its pictures side by side.

const opened = new Set();

function printable(one) {
  const body = one.parsed();
  for (const use of body.querySelectorAll("use")) {
    const image = document.createElementNS(SVG, "image");
    const store = document.getElementById(`i-${use.getAttribute("href").slice("#n-".length)}`);
    if (store) image.setAttribute("href", dataIn(store));
    const svg = use.parentElement;
    for (const side of ["width", "height"]) image.setAttribute(side, svg.getAttribute(side));
    use.replaceWith(image);
  }
  for (const more of body.querySelectorAll(MEASURED)) more.open = true;
  for (const img of body.querySelectorAll("img")) img.loading = "eager";
  return body;
}

addEventListener("beforeprint", () => {
  root.classList.add("printing");
  for (const one of cases) {
    if (one.element.hidden) continue;
    one.unmount();
    one.holder.append(printable(one));
    if (!one.details.open) opened.add(one);
    one.details.open = true;
  }
});

addEventListener("afterprint", () => {
  root.classList.remove("printing");
  for (const one of cases) {
    if (one.element.hidden) continue;
    one.holder.textContent = "";
    if (opened.delete(one)) one.details.open = false;
    one.update();
  }
});
