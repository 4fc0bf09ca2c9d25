"use strict";

// Where the reader is on the page, and that it stays so.

const BROUGHT = 800;
const LOW = 480;
let bringing = 0;

// Brings a case to the top of the screen. What stands above it and its own body get their heights only
// then, so it is held there for a moment, or until the reader scrolls.
function bring(one) {
  cancelAnimationFrame(bringing);
  // a phone on its side has room for the pictures or for the head
  const shown = () => (one.details.open && innerHeight < LOW ? one.holder : one.element);
  shown().scrollIntoView({ block: "start" });
  const until = performance.now() + BROUGHT;
  const hold = () => {
    if (current !== one || performance.now() > until) return;
    shown().scrollIntoView({ block: "start" });
    bringing = requestAnimationFrame(hold);
  };
  bringing = requestAnimationFrame(hold);
}

for (const name of ["wheel", "touchstart", "pointerdown", "keydown"]) {
  addEventListener(name, () => cancelAnimationFrame(bringing), { passive: true, capture: true });
}

// A page that says its case is not put where an earlier one was scrolled to.
if (/(^#|[#&]case=)c-/.test(location.hash)) history.scrollRestoration = "manual";

// Returns what puts the case that is read back to where it is now, after others came or went. If it goes
// itself, the next that is listed takes its place. Sorting takes along only what is open.
function placeOf(sorting) {
  const inside = ({ top, bottom }) => bottom > 0 && top < innerHeight;
  let seen = current && !current.element.hidden && inside(current.element.getBoundingClientRect()) ? current : null;
  if (sorting) seen = seen && seen.details.open ? seen : null;
  else if (!seen) {
    const at = document.elementFromPoint(innerWidth / 2, Math.max(0, toolbar.getBoundingClientRect().bottom) + 24);
    const element = at && at.closest(".case");
    seen = element && caseById.get(element.id);
  }
  if (!seen) return () => {};
  const { top } = seen.element.getBoundingClientRect();
  return () => {
    let element = seen.element;
    if (element.hidden) {
      const rows = [...list.querySelectorAll(".case")];
      element = rows.slice(rows.indexOf(element)).find((row) => !row.hidden);
    }
    if (element) scrollBy(0, element.getBoundingClientRect().top - top);
  };
}
