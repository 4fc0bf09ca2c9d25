"use strict";

// What is asked for, the view and the case stand in the address, behind its #: back and forward go
// through them, and a link shows what was seen. `#c-...` alone, as the page itself links, is a case too.

let current = null;
const unknown = document.getElementById("unknown");

function addressed() {
  const parts = new URLSearchParams();
  if (current) parts.set("case", current.id);
  if (choice.view) parts.set("view", choice.view);
  for (const [name, value] of Object.entries(asked)) {
    if (value !== NOTHING_ASKED[name]) parts.set(name, value);
  }
  return parts.toString();
}

function remember(replaces = false) {
  const hash = addressed();
  if (hash === location.hash.slice(1)) return;
  try {
    history[replaces ? "replaceState" : "pushState"](null, "", `#${hash}`);
  } catch {
    // a page that may not is shown all the same
  }
}

function select(one) {
  if (current) current.element.classList.remove("current");
  current = one;
  if (one) one.element.classList.add("current");
  dispatchEvent(new Event("chosen"));
}

// What is open and alone is what the reader means, however it came to be open.
const openCases = new Set();
let noted = 0;
function noteOpen(one) {
  if (one.details.open) openCases.add(one);
  else openCases.delete(one);
  // what is opened with others, as on paper, is told one by one
  cancelAnimationFrame(noted);
  noted = requestAnimationFrame(chooseAlone);
}

function chooseAlone() {
  if ((current && !current.element.hidden) || root.classList.contains("printing")) return;
  const seen = [...openCases].filter((one) => one.details.open && !one.element.hidden);
  if (seen.length === 1) select(seen[0]);
  else if (current) dispatchEvent(new Event("chosen"));
}

function goTo(one) {
  select(one);
  bring(one);
  one.details.firstElementChild.focus({ preventScroll: true });
}

// A touch of an open case means it, where several are open.
list.addEventListener("click", (event) => {
  const element = event.target.closest(".case");
  const one = element && caseById.get(element.id);
  if (!one || one === current || !one.details.open || event.target.closest("summary, .pick, [data-link]")) return;
  select(one);
  remember(true);
});

// A case that the reader opened or closed. On a narrow screen its picture would open below the edge.
const narrow = matchMedia("(max-width: 860px)");
function chosen(one, opened) {
  if (opened) {
    select(one);
    if (narrow.matches) requestAnimationFrame(() => bring(one));
  } else if (current === one) select(null);
  remember();
}

function readAddress() {
  const text = location.hash.slice(1);
  const parts = new URLSearchParams(text.startsWith("c-") ? `case=${text}` : text);
  for (const [name, normal] of Object.entries(NOTHING_ASKED)) asked[name] = parts.get(name) || normal;
  if (!ORDERS[asked.sort]) asked.sort = NOTHING_ASKED.sort;
  if (!GROUPS[asked.group]) asked.group = NOTHING_ASKED.group;
  const view = parts.get("view") || "";
  if (view !== choice.view) {
    choice.view = view in VIEWS ? view : "";
    refreshAll();
  }
  const id = parts.get("case");
  const one = caseById.get(id) || null;
  linked = one;
  showAsked();
  applyFilters();
  unknown.hidden = !id || Boolean(one);
  if (!one) {
    select(null);
    chooseAlone();
    return;
  }
  one.details.open = true;
  goTo(one);
}

addEventListener("popstate", readAddress);

// The toolbar stays at the top; what is scrolled to lies below it, however high it is.
const toolbar = document.getElementById("filters");
new ResizeObserver(() => {
  root.style.setProperty("--toolbar", `${toolbar.offsetHeight}px`);
}).observe(toolbar);

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-link]");
  if (!button) return;
  select(caseById.get(button.closest(".case").id));
  remember(true);
  copy(location.href, button);
});
