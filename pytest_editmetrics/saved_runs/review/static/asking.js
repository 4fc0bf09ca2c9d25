"use strict";

// What is asked before a decision: the note of a refusal, and which cases are accepted together.

const note = make("textarea", { id: "note", rows: "4", maxlength: "4000" });
const noting = make(
  "dialog",
  { id: "noting", "aria-labelledby": "noting-title" },
  make("h2", { id: "noting-title" }, "Refuse"),
  make(
    "form",
    { method: "dialog" },
    make("label", { for: "note" }, "What is wrong with it? Others who look at this run see the note."),
    note,
    make("div", { class: "ends" }, make("button", { value: "keep" }, "Refuse"), make("button", { value: "", formnovalidate: "" }, "Cancel")),
  ),
);
document.body.append(noting);
note.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  noting.close("keep");
});
noting.addEventListener("close", () => {
  if (noting.returnValue === "keep") decide(targets(), "refused", note.value.trim());
});

function refuse() {
  if (acting) return;
  const chosen = targets();
  if (chosen.length === 0) {
    moveOn();
    return;
  }
  const decision = decisions.get(chosen[0].id);
  note.value = chosen.length === 1 && decision ? decision.note : "";
  noting.querySelector("h2").textContent = chosen.length === 1 ? `Refuse ${nameOf(chosen[0])}` : `Refuse ${chosen.length} cases`;
  noting.returnValue = "";
  openDialog(noting);
}

const NAMED = 100;
const kinds = make("div", { class: "kinds" });
const together = make(
  "dialog",
  { id: "together", "aria-labelledby": "together-title" },
  make("h2", { id: "together-title" }, "Accept all…"),
  make("p", {}, "Every undecided case of the kind, listed or not. One whose test failed for another reason, too, is left."),
  kinds,
  make("form", { method: "dialog", class: "ends" }, make("button", { value: "" }, "Cancel")),
);
document.body.append(together);

// Which they are, so that nobody accepts by a number alone.
function namesOf(members) {
  const names = members.slice(0, NAMED).map((one) => make("li", {}, nameOf(one)));
  if (members.length > NAMED) names.push(make("li", {}, `and ${members.length - NAMED} more`));
  return make("details", {}, make("summary", {}, "Which"), make("ul", {}, ...names));
}

function acceptAlike() {
  const like = atHand();
  if (acting || !like || buttonOf("all").disabled) return;
  const known = Object.keys(ALIKE).filter((kind) => ALIKE[kind](like));
  kinds.replaceChildren(...known.map((kind) => {
    const members = alike(kind, like);
    const name = ALIKE[kind](like).split("/").pop();
    const which = kind === "metric" ? `whose worst gate is ${name}` : `of the ${kind} ${name}`;
    const wide = make("button", { type: "button", "data-kind": kind }, which, make("strong", {}, ` ${members.length}`));
    wide.disabled = members.length === 0;
    wide.addEventListener("click", () => {
      together.close();
      decide(members, "accepted", "", true);
    });
    return members.length === 0 ? wide : make("div", {}, wide, namesOf(members));
  }));
  openDialog(together);
}
