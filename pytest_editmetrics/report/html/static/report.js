"use strict";

// The page: filters, keyboard, theme, copying.

const root = document.documentElement;
const cases = [...document.querySelectorAll(".case")];
for (const element of cases) new Case(element);
const search = document.getElementById("search");
const metric = document.getElementById("metric");
const statusButtons = [...document.querySelectorAll(".statuses button")];
let current = null;

// --- filters

const texts = new WeakMap();

function textOf(element) {
  if (!texts.has(element)) {
    const body = document.createElement("template");
    body.innerHTML = element.querySelector("noscript").textContent;
    const parts = [
      ...element.querySelectorAll("h3, .brief"),
      ...body.content.querySelectorAll("h4, .message, .note, dd"),
    ];
    texts.set(element, parts.map((part) => part.textContent).join("\n").toLowerCase());
  }
  return texts.get(element);
}

function applyFilters() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const pressed = statusButtons.filter((button) => button.getAttribute("aria-pressed") === "true");
  const statuses = pressed.map((button) => button.dataset.status);
  let visible = 0;
  for (const element of cases) {
    const keys = element.dataset.keys.split(" ").map((key) => key.split(":"));
    const fits = keys.some(
      ([status, name]) =>
        (statuses.length === 0 || statuses.includes(status)) &&
        (metric.value === "" || metric.value === name),
    );
    const found = fits && words.every((word) => textOf(element).includes(word));
    element.hidden = !found;
    visible += found ? 1 : 0;
  }
  document.getElementById("shown").textContent = `${visible} of ${cases.length}`;
  document.getElementById("nothing").hidden = visible > 0;
}

let pending = 0;
search.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(applyFilters, 80);
});
metric.addEventListener("change", applyFilters);
for (const button of statusButtons) {
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!on));
    applyFilters();
  });
}
document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());

const expand = document.getElementById("expand");
expand.addEventListener("click", () => {
  const open = expand.textContent === "Expand all";
  for (const element of cases) element.firstElementChild.open = open;
  expand.textContent = open ? "Collapse all" : "Expand all";
});

// --- moving through the cases

function select(element) {
  if (current) current.classList.remove("current");
  current = element;
  element.classList.add("current");
  element.scrollIntoView({ block: "start" });
  element.querySelector("summary").focus({ preventScroll: true });
}

function step(by) {
  const visible = cases.filter((element) => !element.hidden);
  if (visible.length === 0) return;
  const focused = document.activeElement.closest(".case");
  const at = visible.indexOf(focused || current);
  select(visible[Math.min(visible.length - 1, Math.max(0, at + by))]);
}

function openTarget() {
  const element = document.getElementById(location.hash.slice(1));
  if (!element || !element.classList.contains("case")) return;
  element.hidden = false;
  element.firstElementChild.open = true;
  select(element);
}
addEventListener("hashchange", openTarget);
openTarget();

// --- keyboard

const help = document.getElementById("help");
const VIEWS = { 1: "slider", 2: "onion", 3: "blink", 4: "difference" };
const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  o: nextOverlay,
  b: () => chooseBoxes(!choice.boxes),
  "/": () => search.focus(),
  "?": () => help.showModal(),
};

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || help.open) return;
  if (event.target === search) {
    if (event.key === "Escape") search.blur();
    return;
  }
  if (event.target.tagName === "SELECT") return;
  const action = KEYS[event.key] || (VIEWS[event.key] && (() => chooseView(VIEWS[event.key])));
  if (!action) return;
  event.preventDefault();
  action();
});
document.getElementById("help-button").addEventListener("click", () => help.showModal());

// --- theme

const theme = document.getElementById("theme");
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function stored() {
  try {
    return localStorage.getItem("editmetrics-theme");
  } catch {
    return null;
  }
}

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches;
}

function labelTheme() {
  theme.textContent = isDark() ? "Light" : "Dark";
  theme.setAttribute("aria-label", `Switch to the ${isDark() ? "light" : "dark"} theme`);
}

if (["dark", "light"].includes(stored())) root.dataset.theme = stored();
labelTheme();
systemDark.addEventListener("change", labelTheme);
theme.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  labelTheme();
  try {
    localStorage.setItem("editmetrics-theme", root.dataset.theme);
  } catch {
    // a browser that keeps nothing for local files still switches
  }
});

// --- copying

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const code = button.previousElementSibling;
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 1500);
});

if (matchMedia("(prefers-reduced-motion: reduce)").matches) root.toggleAttribute("data-paused", true);
