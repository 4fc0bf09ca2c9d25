"""axe-core finds nothing on a page of each kind, on a phone and a screen, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

PAGES = {
    "home": "index.html",
    "tutorial": "tutorials/first-suite.html",
    "how-to": "how-to/ci.html",
    "api": "reference/api.html",
    "options": "reference/options.html",
    "long table": "reference/bad-input.html",
    "pictures": "explanation/metrics.html",
    "changelog": "changelog.html",
    "not found": "404.html",
}
SCREENS = {"phone": {"width": 390, "height": 844}, "screen": {"width": 1440, "height": 900}}
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def open_page(browser: Browser, url: str, screen: str, scheme: str) -> Page:
    page = browser.new_page(viewport=SCREENS[screen], color_scheme=scheme)
    page.goto(url)
    page.wait_for_load_state("networkidle")
    return page


def assert_accessible(page: Page, where: str) -> None:
    """No rule of axe-core is broken, and the page does not scroll sideways."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [
        (
            rule["id"],
            len(rule["nodes"]),
            rule["nodes"][0]["html"],
            rule["nodes"][0]["failureSummary"],
        )
        for rule in found
    ]
    assert told == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


# home in all four ways, the others on one screen light and on the other dark
LOOKS = [
    ("home", "phone", "light"),
    ("home", "phone", "dark"),
    ("home", "screen", "light"),
    ("home", "screen", "dark"),
    ("tutorial", "phone", "light"),
    ("tutorial", "screen", "dark"),
    ("how-to", "phone", "dark"),
    ("how-to", "screen", "light"),
    ("api", "screen", "dark"),
    ("options", "phone", "light"),
    ("options", "screen", "dark"),
    ("long table", "phone", "dark"),
    ("pictures", "screen", "light"),
    ("changelog", "phone", "light"),
    ("not found", "screen", "dark"),
]


@pytest.mark.parametrize(("kind", "screen", "scheme"), LOOKS)
def test_a_page_of_each_kind(browser: Browser, address: str, kind, screen, scheme):
    page = open_page(browser, f"{address}/{PAGES[kind]}", screen, scheme)
    assert_accessible(page, PAGES[kind])
    page.close()


def test_nothing_is_asked_for_elsewhere_and_nothing_complained_of(browser: Browser, address: str):
    page = browser.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for path in PAGES.values():
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
    page.close()
    assert [url for url in asked if not url.startswith(address)] == []
    assert complaints == []
    assert len(asked) > len(PAGES)


@pytest.mark.parametrize("screen", SCREENS)
def test_search_finds_an_option_and_leads_to_it(browser: Browser, address: str, screen):
    page = open_page(browser, f"{address}/index.html", screen, "light")
    if screen == "phone":
        page.locator("label[for=__search]").first.click()
    page.locator(".md-search__input").focus()
    page.wait_for_load_state("networkidle")
    page.locator(".md-search__input").press_sequentially("--editmetrics-require", delay=30)
    option = "[href*='reference/options.html'][href$='#--editmetrics-require']"
    page.locator(f".md-search-result__link{option}").first.wait_for(state="attached")
    assert_accessible(page, "search")
    page.close()
