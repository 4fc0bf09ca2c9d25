"use strict";

// The page: keyboard, theme, copying.

function step(by) {
  const visible = listed();
  if (visible.length === 0) return;
  const focused = document.activeElement.closest(".case");
  const at = visible.indexOf(focused ? caseById.get(focused.id) : current);
  goTo(visible[Math.min(visible.length - 1, Math.max(0, at + by))]);
  remember(true);
}

// --- keyboard

const help = document.getElementById("help");
const zoomed = (how) => () => {
  const viewer = currentViewer();
  if (viewer) viewer.zoomTo(how);
};
// A key that is held down acts once: its second turn is meant for what was there before.
const ONCE = ["Enter", " "];
addEventListener("keydown", (event) => {
  if (event.repeat && ONCE.includes(event.key) && event.target.closest("button, summary")) event.preventDefault();
});

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  v: () => nextView(1),
  V: () => nextView(-1),
  s: () => chooseView("pair"),
  d: () => chooseView("difference"),
  b: () => toggle("boxes"),
  m: () => toggle("dim"),
  "+": zoomed("in"),
  "=": zoomed("in"),
  "-": zoomed("out"),
  0: zoomed("fit"),
  1: zoomed("one"),
  f: zoomed("full"),
  "/": () => search.focus(),
  "?": () => help.showModal(),
};

function leave() {
  const viewer = currentViewer();
  if (viewer && viewer.filling) viewer.fill(false);
}

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (event.target === search && !event.isComposing) {
      event.preventDefault();
      emptySearch();
    } else leave();
    return;
  }
  if (event.target.closest("select, textarea, input:not([type=checkbox], [type=range])")) return;
  const action = KEYS[event.key];
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

async function copy(text, button, element) {
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    if (element) getSelection().selectAllChildren(element);
    button.textContent = element ? "Selected" : "It is in the address bar";
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button.previousElementSibling.textContent, button, button.previousElementSibling);
});

if (matchMedia("(prefers-reduced-motion: reduce)").matches) root.toggleAttribute("data-paused", true);

readAddress();
