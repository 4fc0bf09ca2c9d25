"use strict";

// What people decided, as buttons that are counted and say what is listed. The review moves them into
// its bar and counts anew; in a report they are there if somebody decided on one of its cases.

const STANDS = { open: "to decide", accepted: "accepted", refused: "refused", "put-off": "put off" };
const counted = document.getElementById("counted");
const decisionButtons = new Map();

function countDecisions() {
  if (decisionButtons.size === 0) {
    for (const stand of Object.keys(STANDS)) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.stand = stand;
      button.addEventListener("click", () => askFor(switched("decision", stand)));
      decisionButtons.set(stand, button);
      counted.append(button, " ");
    }
  }
  const numbers = Object.fromEntries(Object.keys(STANDS).map((stand) => [stand, 0]));
  for (const { decision } of cases) if (decision) numbers[decision] += 1;
  for (const [stand, button] of decisionButtons) button.dataset.number = numbers[stand];
  showDecisions();
}

function showDecisions() {
  const on = several("decision");
  for (const [stand, button] of decisionButtons) {
    const pressed = on.includes(stand);
    press(button, pressed);
    button.hidden = button.dataset.number === "0" && stand !== "open" && !pressed;
    const number = document.createElement("span");
    number.className = "number";
    number.textContent = button.dataset.number;
    button.replaceChildren(...(button.hidden ? [] : [number, ` ${STANDS[stand]}`]));
  }
}

if (cases.some((one) => one.element.dataset.decision)) countDecisions();
