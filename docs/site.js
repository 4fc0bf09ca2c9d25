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
