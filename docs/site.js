// Names for what the theme leaves without one, so that a screen reader can tell them apart.
function name() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((nav, index) => {
    nav.setAttribute("aria-label", `Code ${index + 1}`);
  });
  document.querySelectorAll("nav[aria-labelledby]").forEach((nav) => {
    const title = nav.querySelector(".md-nav__title");
    if (title) {
      nav.removeAttribute("aria-labelledby");
      nav.setAttribute("aria-label", title.textContent.trim());
    }
  });
}

new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
name();

// An option is searched for as it is written; for the search a leading dash would mean "without".
for (const kind of ["input", "keyup"]) {
  document.addEventListener(kind, ({ target }) => {
    if (target.matches(".md-search__input") && target.value.startsWith("-")) {
      target.value = target.value.replace(/^-+/, "");
    }
  }, { capture: true });
}
