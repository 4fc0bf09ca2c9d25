"use strict";

// After a decision the page turns to the next case. A second tap, click or key that comes right after the
// first is meant for the case that was there, so that for a moment nothing is decided.

const PAUSE = 500;
const PRESSES = ["Enter", " "];
let acting = false;
let lastPress = "";

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

// A dialog opens under the finger: what it asks is not answered by the tap that opened it.
function openDialog(dialog) {
  const pressed = lastPress === "pointer" || PRESSES.includes(lastPress);
  dialog.classList.toggle("fresh", pressed);
  setTimeout(() => dialog.classList.remove("fresh"), PAUSE);
  dialog.showModal();
}

addEventListener("pointerdown", () => (lastPress = "pointer"), { capture: true });
addEventListener(
  "keydown",
  (event) => {
    const presses = PRESSES.includes(event.key) && event.target.closest("button, summary");
    const dialog = event.target.closest("dialog");
    if (presses && (dialog ? dialog.classList.contains("fresh") : acting)) event.preventDefault();
    lastPress = event.key;
  },
  { capture: true },
);
