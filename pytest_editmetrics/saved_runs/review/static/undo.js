"use strict";

// Taking decisions back: the last step, also of many cases, or that of a case that is chosen, whenever and
// by whomever it was made.

const undoable = [];

// What the next undo takes back: the chosen cases that are decided, unless the last step decided them.
function nextUndo() {
  const last = undoable.at(-1);
  const chosen = targets().filter(({ id }) => decisions.has(id));
  const ofLast = last && chosen.every(({ id }) => last.some((one) => one.id === id && one.now === idOf(id)));
  if (chosen.length > 0 && !ofLast) return { chosen };
  return last ? { last } : null;
}

function showUndo() {
  buttonOf("undo").disabled = nextUndo() === null;
}

const undo = () => once(async () => {
  const found = nextUndo();
  if (!found) return;
  const { chosen, last } = found;
  const ids = last ? last.map(({ id }) => id) : chosen.map(({ id }) => id);
  const written = ids.some((id) => decisions.has(id) && decisions.get(id).written);
  const back = last
    ? last.map(({ id, old, now }) => [id, { restore: old, seen: now }])
    : ids.map((id) => [id, { verb: null, seen: idOf(id) }]);
  if (last) undoable.pop();
  if (await kept({ cases: Object.fromEntries(back) }, !last)) {
    unpickAll();
    const one = caseById.get(ids[0]);
    // the next key is meant for what was taken back, not for the case that had followed it
    if (ids.length === 1 && !one.element.hidden) turnTo(one);
    const which = ids.length === 1 ? nameOf(one) : `${ids.length} cases`;
    tell(`Undone: ${which}${written ? "; what was written is git's to take back" : ""}`);
  }
  count();
  showTarget();
});
