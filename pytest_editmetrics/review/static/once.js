"use strict";

// After a decision the page turns to the next case. A second tap, click or key that comes right after the
// first is meant for the case that was there, so that for a moment nothing is decided.

const PAUSE = 500;
let acting = false;

async function once(work) {
  if (acting) return;
  acting = true;
  bar.classList.add("acting");
  try {
    await work();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  } finally {
    acting = false;
    bar.classList.remove("acting");
  }
}

addEventListener(
  "keydown",
  (event) => {
    const presses = ["Enter", " "].includes(event.key) && event.target.closest("button, summary");
    if (acting && presses && !event.target.closest("dialog")) event.preventDefault();
  },
  { capture: true },
);
