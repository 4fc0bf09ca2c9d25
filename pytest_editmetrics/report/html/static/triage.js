"use strict";

// Which cases are listed, in which order, under which headings. `asked` is all of it, and stands in the
// address; `cases` are in the order of the page: by outcome, then by margin, the worst first.

const NOTHING_ASKED = { status: "", metric: "", cause: "", decision: "", q: "", sort: "margin", group: "outcome" };
const asked = { ...NOTHING_ASKED };
const list = document.getElementById("cases");
const nothing = document.getElementById("nothing");
const cases = [...list.querySelectorAll(".case")].map((element, rank) => new Case(element, rank));
const caseById = new Map(cases.map((one) => [one.id, one]));
const search = document.getElementById("search");
const clears = [...document.querySelectorAll(".clear")];
const statusButtons = [...document.querySelectorAll(".statuses button")];
const causeButtons = [...document.querySelectorAll(".causes button")];
const selects = ["metric", "cause", "sort", "group"].map((name) => document.getElementById(name));
const names = new Intl.Collator(undefined, { numeric: true });
const SIGNS = Object.fromEntries(statusButtons.map((button) => [button.dataset.status, button.querySelector(".sign").textContent]));
const OUTCOMES = Object.fromEntries(statusButtons.map((button) => [button.dataset.status, button.dataset.words]));
let headings = [...list.querySelectorAll(".group")];
let arranged = "margin outcome";
for (const block of list.querySelectorAll(".block")) watchBlock(block);

const ORDERS = {
  margin: (a, b) => a.rank - b.rank,
  name: (a, b) => names.compare(a.name, b.name) || a.rank - b.rank,
  metric: (a, b) => names.compare(a.metric, b.metric) || a.rank - b.rank,
  cause: (a, b) => !a.cause - !b.cause || names.compare(a.cause, b.cause) || a.rank - b.rank,
  run: (a, b) => a.number - b.number,
};
const GROUPS = {
  outcome: (one) => one.status,
  cause: (one) => one.cause,
  test: (one) => one.test.split("[")[0],
  metric: (one) => one.metric,
  none: () => "",
};

const FILTERS = ["status", "metric", "cause", "decision", "q"];
let linked = null; // the case of a link, which is listed whatever else the link says

function fits(one, statuses, words, decisions) {
  if (one === linked) return true;
  if (decisions.length > 0 && !decisions.includes(one.decision)) return false;
  const keys = one.keys.trim().split(" ");
  const fitting = keys.some((key) => {
    const at = key.indexOf(":");
    const status = key.slice(0, at);
    return (
      (statuses.length === 0 || statuses.includes(status)) &&
      (asked.metric === "" || asked.metric === key.slice(at + 1))
    );
  });
  if (!fitting || (asked.cause !== "" && asked.cause !== one.cause)) return false;
  return words.length === 0 || words.every((word) => one.words.includes(word));
}

function applyFilters() {
  const words = asked.q.toLowerCase().split(/\s+/).filter(Boolean);
  const statuses = several("status");
  const decisions = several("decision");
  arrange();
  for (const one of cases) {
    const wanted = !filtered() || fits(one, statuses, words, decisions);
    if (one.element.hidden === wanted) one.element.hidden = !wanted;
  }
  countListed();
  dispatchEvent(new Event("filtered"));
}

const filtered = () => FILTERS.some((name) => asked[name] !== "");
const several = (name) => asked[name].split(",").filter(Boolean);

// What is asked with one of several switched on, or off again.
function switched(name, value) {
  const on = several(name);
  return { [name]: (on.includes(value) ? on.filter((one) => one !== value) : [...on, value]).join(",") };
}

// Says how many are listed, under each heading too; a block without any is gone.
function countListed() {
  const key = GROUPS[asked.group];
  const counts = new Map();
  let total = 0;
  for (const block of list.querySelectorAll(".block")) {
    const shown = [...block.children].filter((row) => !row.hidden);
    if (block.hidden === shown.length > 0) block.hidden = shown.length === 0;
    block.style.setProperty("--rows", shown.length);
    if (shown.length > 0) {
      const name = key(caseById.get(shown[0].id));
      counts.set(name, (counts.get(name) || 0) + shown.length);
      total += shown.length;
    }
  }
  for (const heading of headings) {
    const count = counts.get(heading.dataset.key) || 0;
    heading.hidden = count === 0;
    heading.querySelector(".number").textContent = count;
  }
  document.getElementById("shown").textContent = `${total} of ${cases.length}`;
  nothing.hidden = total > 0;
  for (const button of clears) button.hidden = !filtered();
}

// Puts blocks and headings in order, unless they lie so. Rows are moved while they are not in the page,
// which is much cheaper than within it.
function arrange() {
  const order = `${asked.sort} ${asked.group}`;
  if (arranged === order) return;
  arranged = order;
  const focused = list.contains(document.activeElement) ? document.activeElement : null;
  for (const heading of headings) heading.remove();
  for (const block of list.querySelectorAll(".block")) removeBlock(block);
  const key = GROUPS[asked.group];
  const groups = new Map();
  // groups stand in the order of their worst case
  for (const one of cases) groups.set(key(one), []);
  for (const one of [...cases].sort(ORDERS[asked.sort])) groups.get(key(one)).push(one);
  const page = document.createDocumentFragment();
  headings = [];
  for (const [name, members] of groups) {
    if (asked.group !== "none") {
      const heading = headingOf(name);
      headings.push(heading);
      page.append(heading);
    }
    for (let first = 0; first < members.length; first += BLOCK) {
      page.append(blockOf(members.slice(first, first + BLOCK)));
    }
  }
  list.insertBefore(page, nothing);
  for (const block of list.querySelectorAll(".block")) watchBlock(block);
  if (focused) focused.focus({ preventScroll: true });
}

function blockOf(members) {
  const block = document.createElement("div");
  block.className = "block";
  block.append(...members.map((one) => one.element));
  return block;
}

function headingOf(name) {
  const heading = document.createElement("h2");
  heading.className = "group";
  heading.dataset.group = asked.group;
  heading.dataset.key = name;
  const number = document.createElement("span");
  number.className = "number";
  if (asked.group === "outcome") {
    const sign = document.createElement("span");
    sign.className = `sign ${name}`;
    sign.setAttribute("aria-hidden", "true");
    sign.textContent = SIGNS[name];
    heading.append(sign, ` ${OUTCOMES[name][0].toUpperCase()}${OUTCOMES[name].slice(1)} `, number);
  } else heading.append(`${name || "No cause to name"} `, number);
  const words = asked.group === "cause" ? wordsOf(name) : "";
  if (words) heading.append(` ${words}`);
  return heading;
}

// The cases that are listed, as they stand on the page.
function listed() {
  return [...list.querySelectorAll(".case:not([hidden])")].map((element) => caseById.get(element.id));
}

// What a cause is, in a few words.
function wordsOf(cause) {
  const option = [...document.getElementById("cause").options].find(({ value }) => value === cause);
  return (option && option.dataset.words) || "";
}

function showAsked() {
  for (const select of selects) select.value = asked[select.id];
  if (search.value !== asked.q) search.value = asked.q;
  for (const button of statusButtons) press(button, several("status").includes(button.dataset.status));
  for (const button of causeButtons) press(button, asked.cause === button.dataset.ofCause);
  showDecisions();
  const said = document.getElementById("cause-words");
  const words = asked.group === "cause" ? "" : wordsOf(asked.cause);
  said.textContent = words && `${asked.cause}: ${words}`;
  said.hidden = words === "";
}

const press = (button, on) => button.setAttribute("aria-pressed", String(on));

// What was typed a moment ago goes along with what is chosen now.
function askFor(change, replaces = false) {
  clearTimeout(pending);
  linked = null;
  const stays = placeOf("sort" in change || "group" in change);
  Object.assign(asked, { q: search.value }, change);
  showAsked();
  applyFilters();
  stays();
  chooseAlone();
  remember(replaces);
}

let pending = 0;
search.addEventListener("input", () => {
  clearTimeout(pending);
  pending = setTimeout(() => askFor({}, asked.q !== ""), 80);
});
// a browser, too, empties or fills the box
for (const name of ["search", "change"]) {
  search.addEventListener(name, () => search.value !== asked.q && askFor({}, asked.q !== ""));
}
for (const select of selects) select.addEventListener("change", () => askFor({ [select.id]: select.value }));
for (const button of statusButtons) {
  button.addEventListener("click", () => {
    askFor(switched("status", button.dataset.status));
  });
}
for (const button of causeButtons) {
  button.addEventListener("click", () => {
    const { ofCause } = button.dataset;
    askFor({ cause: asked.cause === ofCause ? "" : ofCause });
    // the list begins below the first screen
    if (asked.cause) document.getElementById("filters").scrollIntoView({ block: "start" });
  });
}
for (const button of clears) {
  button.addEventListener("click", () => {
    clearTimeout(pending);
    search.value = "";
    askFor(Object.fromEntries(FILTERS.map((name) => [name, ""])));
    // the button is gone; a box that one types in would bring up a phone's keyboard
    if (matchMedia("(pointer: coarse)").matches) list.focus({ preventScroll: true });
    else search.focus();
  });
}
document.getElementById("filters").addEventListener("submit", (event) => {
  event.preventDefault();
  if (search.value !== asked.q) askFor({});
  search.blur();
});

function emptySearch() {
  search.value = "";
  if (asked.q !== "") askFor({});
  search.blur();
}

// on a phone the choices are folded up
const more = document.getElementById("more");
more.addEventListener("click", () => more.setAttribute("aria-expanded", String(more.getAttribute("aria-expanded") === "false")));

const expand = document.getElementById("expand");
expand.addEventListener("click", () => {
  const open = expand.textContent === "Expand all";
  for (const one of cases) {
    if (open && (one.closed || one.element.hidden)) continue;
    one.details.open = open;
    if (open) openCases.add(one);
  }
  expand.textContent = open ? "Collapse all" : "Expand all";
});
