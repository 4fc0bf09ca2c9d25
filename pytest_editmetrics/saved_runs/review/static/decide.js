"use strict";

// Deciding: each case is accepted, refused with a note, or put off. The server keeps it in the run; what
// it says is what is shown, so that another tab, or another person, is never overwritten unseen.

const WORDS = { accepted: "Accepted", refused: "Refused", "put-off": "Put off" };
for (const one of cases) one.decidable ||= !REVIEW.cases[one.id].why;
const POLL = 4000;
const decisions = new Map();
const picked = new Set();
let mark = "";

// --- what the server holds

async function refresh() {
  const found = await ask_server(`/state?seen=${mark}`);
  if (found.status !== 200) {
    tell(found.error, true);
    bar.classList.add("lost");
    return;
  }
  if (bar.classList.contains("lost")) tell("");
  bar.classList.remove("lost");
  if (found.decisions) showAll(found.decisions, found.mark);
}

function showAll(found, newMark) {
  const first = mark === "";
  mark = newMark;
  const before = new Set(decisions.keys());
  for (const [id, decision] of Object.entries(found)) {
    before.delete(id);
    if (!decisions.has(id) || decisions.get(id).id !== decision.id) show(id, decision);
  }
  for (const id of before) show(id, null);
  count();
  // the address may ask for what was decided, which is known only now
  if (first && asked.decision) applyFilters();
  showTarget();
}

// --- what a case shows

function show(id, decision) {
  const one = caseById.get(id);
  if (decision) decisions.set(id, decision);
  else decisions.delete(id);
  if (!one) return;
  if (!decision) {
    one.decide("", null);
    return;
  }
  const who = `${decision.by ? ` by ${decision.by}` : ""}, ${decision.at.replace("T", " ").replace("+00:00", " UTC")}`;
  const written = decision.written ? "; golden written" : decision.verb === "accepted" ? "; not written yet" : "";
  const line = make("span", { class: `decided ${decision.verb}` }, make("strong", {}, WORDS[decision.verb]), who + written);
  if (decision.note) line.append(make("q", {}, decision.note));
  one.decide(decision.verb, line);
}

function count() {
  countDecisions();
  if (REVIEW.readOnly) return;
  const accepted = [...decisions].filter(([id, { verb, written }]) => caseById.has(id) && verb === "accepted" && !written);
  const write = buttonOf("write");
  write.firstChild.textContent = accepted.length ? `Write ${accepted.length}…` : "Write…";
  write.disabled = accepted.length === 0;
}

function nameOf(one) {
  return one.test.split("::").pop();
}

let told = ""; // of which cases was said what stands in the bar

function showTarget() {
  const chosen = targets();
  const [first] = chosen;
  const verb = first && decisions.has(first.id) ? ` · ${WORDS[decisions.get(first.id).verb].toLowerCase()}` : "";
  about.textContent = chosen.length > 1 ? `${chosen.length} selected` : first ? nameOf(first) + verb : NOBODY[openCases.size > 1];
  about.title = about.textContent;
  const now = chosen.map(({ id }) => id).join(" ");
  if (told !== now && !acting && !said.classList.contains("failed")) tell("");
  told = now;
  if (REVIEW.readOnly) return;
  const why = chosen.length === 1 ? REVIEW.cases[first.id].why : "";
  buttonOf("accept").disabled = chosen.length === 0 || Boolean(why);
  for (const id of ["refuse", "put-off"]) buttonOf(id).disabled = chosen.length === 0;
  if (why) tell(`Cannot be accepted here: ${why}`);
  buttonOf("all").disabled = !first || picked.size > 0;
  showUndo();
}

const NOBODY = { false: "No case is chosen: open one", true: "Several are open: touch the one you mean" };

const ALIKE = {
  cause: (one) => one.cause,
  test: (one) => one.test.split("[")[0],
  metric: (one) => one.metric,
};

function alike(kind, like) {
  const value = ALIKE[kind](like);
  return cases.filter(
    (one) => !decisions.has(one.id) && !REVIEW.cases[one.id].why && ALIKE[kind](one) === value,
  );
}

// --- choosing and deciding

// Makes a case the one that the next key decides; open, if the one before it was.
function turnTo(one) {
  const opened = current && current.details.open;
  if (opened && current !== one) current.details.open = false;
  one.details.open = Boolean(opened) || one.details.open;
  goTo(one);
  remember(true);
  showTarget();
}

function targets() {
  if (picked.size > 0) return [...picked].map((id) => caseById.get(id));
  const one = atHand();
  return one ? [one] : [];
}

// What the filters hide is decided by no key.
function atHand() {
  return current && !current.element.hidden ? current : null;
}

function pick(one, on) {
  if (on) picked.add(one.id);
  else picked.delete(one.id);
  one.element.classList.toggle("picked", on);
  const box = one.element.querySelector(":scope > .pick input");
  if (box) box.checked = on;
  showTarget();
}

function unpickAll() {
  for (const id of [...picked]) pick(caseById.get(id), false);
}

const isOpen = (one) => one.decision === "open";

// The one decided last may be listed no longer: the next is the one that stood below it.
function nextUndecided() {
  const rows = [...list.querySelectorAll(".case")].map((element) => caseById.get(element.id));
  const at = rows.indexOf(current);
  return [...rows.slice(at + 1), ...rows.slice(0, at + 1)].find((one) => !one.element.hidden && isOpen(one));
}

function moveOn() {
  const next = nextUndecided();
  if (!next) {
    tell("Every case that is listed is decided.");
    return;
  }
  turnTo(next);
}

function decide(chosen, verb, note = "", bulk = false) {
  if (chosen.length === 0) {
    moveOn();
    return;
  }
  once(async () => {
    const asked_for = {};
    for (const { id } of chosen) asked_for[id] = { verb, note, seen: idOf(id) };
    const single = picked.size === 0 && chosen.length === 1;
    if (!(await kept({ cases: asked_for, bulk }))) return;
    unpickAll();
    if (single) moveOn();
  });
}

const idOf = (id) => (decisions.has(id) ? decisions.get(id).id : null);

// Sends decisions and shows what became of them; tells whether they were kept.
async function kept(body, remembers = true) {
  const before = Object.keys(body.cases).map((id) => [id, idOf(id)]);
  const answer = await ask_server("/decide", body);
  if (answer.status !== 200) {
    tell(answer.error, true);
    await refresh();
    return false;
  }
  const done = Object.entries(answer.decisions);
  for (const [id, decision] of done) show(id, decision);
  const changed = before.filter(([id]) => id in answer.decisions).map(([id, old]) => ({ id, old, now: idOf(id) }));
  if (remembers && changed.length > 0) undoable.push(changed);
  tell(toldOf(done, answer.left));
  count();
  applyFilters();
  showTarget();
  return done.length > 0;
}

function toldOf(done, left) {
  const [first] = done;
  const what = first && first[1] ? WORDS[first[1].verb].toLowerCase() : "taken back";
  const parts = [];
  if (done.length === 1) parts.push(`${nameOf(caseById.get(first[0]))}: ${what}`);
  else if (done.length > 1) parts.push(`${done.length} cases ${what}`);
  if (left.length > 0) parts.push(`left ${left.length}: ${left[0].test.split("::").pop()}: ${left[0].why}`);
  return parts.join("; ");
}

// --- keys and clicks

const accept = () => {
  const chosen = targets();
  if (chosen.length === 1 && REVIEW.cases[chosen[0].id].why) showTarget();
  else decide(chosen, "accepted");
};

const onlyOpen = () => askFor(switched("decision", "open"));
const REVIEW_KEYS = REVIEW.readOnly
  ? { n: ["next undecided case", moveOn], o: ["only what is to decide: on, off", onlyOpen] }
  : {
      a: ["accept", accept],
      r: ["refuse, with a note", refuse],
      p: ["put off", () => decide(targets(), "put-off")],
      A: ["accept all of its cause, test or metric", acceptAlike],
      u: ["undo: the last step, or what was decided on this case", undo],
      x: ["select the case, or not", () => !acting && atHand() && pick(current, !picked.has(current.id))],
      n: ["next undecided case", moveOn],
      o: ["only what is to decide: on, off", onlyOpen],
      w: ["write what is accepted: first its diff", () => openDiff()],
    };
for (const [key, [what]] of Object.entries(REVIEW_KEYS)) {
  document.querySelector("#help dl").append(make("div", {}, make("dt", {}, make("kbd", {}, key)), make("dd", {}, what)));
}
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || document.querySelector("dialog[open]")) return;
  if (event.target.closest("select, textarea, input:not([type=checkbox], [type=range])")) return;
  const known = REVIEW_KEYS[event.key];
  if (!known) return;
  event.preventDefault();
  known[1]();
});
const CLICKS = { accept, refuse, "put-off": REVIEW_KEYS.p && REVIEW_KEYS.p[1], all: acceptAlike, undo, next: moveOn, write: () => openDiff() };
acts.addEventListener("click", (event) => {
  const clicked = event.target.closest("button");
  if (clicked && CLICKS[clicked.id]) CLICKS[clicked.id]();
});
// what is chosen changes by clicks, keys, filters and the address, all of which are the report's
for (const name of ["click", "chosen", "filtered"]) addEventListener(name, () => requestAnimationFrame(showTarget));
document.getElementById("cases").addEventListener("focusin", (event) => {
  const element = event.target.closest(".case");
  if (element && event.target.closest("summary") && current !== caseById.get(element.id)) select(caseById.get(element.id));
});

// --- boxes to select several

const boxes = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      boxes.unobserve(target);
      const one = caseById.get(target.id);
      const box = make("input", { type: "checkbox", "aria-label": `Select ${nameOf(one)}` });
      box.addEventListener("change", () => pick(one, box.checked));
      target.append(make("label", { class: "pick" }, box));
    }
  },
  { rootMargin: "600px 0px" },
);
if (!REVIEW.readOnly) for (const one of cases) if (one.decidable) boxes.observe(one.element);

// --- what others decide

setInterval(() => {
  if (!document.hidden) refresh();
}, POLL);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) refresh();
});
refresh().then(showTarget);
