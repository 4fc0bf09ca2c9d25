"use strict";

// The bar at the foot of the page: buttons, what is said, and how the server is asked.

const REVIEW = JSON.parse(document.getElementById("review-data").textContent);

function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key in element && typeof value === "boolean") element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const button = (id, text, key) =>
  make("button", { type: "button", id, "aria-keyshortcuts": key }, text, make("kbd", { "aria-hidden": "true" }, key));

const said = make("output", { id: "said", role: "status" });
const about = make("p", { id: "about" });
const acts = make("div", { class: "acts", role: "group", "aria-label": "Decide" });
const bar = make("section", { id: "deciding", "aria-label": "Review" }, about, counted, said, acts);
const buttonOf = (id) => acts.querySelector(`#${id}`);
acts.append(
  button("accept", "Accept", "a"),
  button("refuse", "Refuse", "r"),
  button("put-off", "Put off", "p"),
  button("undo", "Undo", "u"),
  button("next", "Next", "n"),
  button("all", "Accept all…", "A"),
  button("write", "Write", "w"),
);
if (REVIEW.readOnly) acts.replaceChildren(buttonOf("next"));
document.body.append(bar);
new ResizeObserver(() => {
  root.style.setProperty("--deciding", `${bar.offsetHeight}px`);
}).observe(bar);

function tell(text, failed = false) {
  said.textContent = text;
  said.classList.toggle("failed", failed);
}

async function ask_server(path, body) {
  const headers = { "X-Editmetrics-Token": REVIEW.token, "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, body === undefined ? {} : { method: "POST", headers, body: JSON.stringify(body) });
  } catch {
    return { status: 0, error: "The server does not answer: it was stopped, or the connection is gone." };
  }
  const text = await answer.text();
  try {
    return { ...JSON.parse(text), status: answer.status };
  } catch {
    return { status: answer.status, error: text.trim() };
  }
}
