// Names for what the theme leaves without one, so that a screen reader can tell them apart; and keys
// scroll a table that is wider than the page.
function name() {
  document.querySelector(".md-search")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((nav, index) => {
    nav.setAttribute("aria-label", `Code ${index + 1}`);
  });
  document.querySelectorAll(".md-typeset__scrollwrap").forEach((wrap) => {
    if (wrap.scrollWidth > wrap.clientWidth) wrap.tabIndex = 0;
    else wrap.removeAttribute("tabindex");
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
addEventListener("resize", name);
name();

// An option is searched for as it is written; for the search a leading dash would mean "without".
for (const kind of ["input", "keyup"]) {
  document.addEventListener(kind, ({ target }) => {
    if (target.matches(".md-search__input") && target.value.startsWith("-")) {
      target.value = target.value.replace(/^-+/, "");
    }
  }, { capture: true });
}
