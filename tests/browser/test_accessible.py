"""axe-core finds nothing, best practices included, in any view, at any width, light and dark."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

VIEWS = ("pair", "difference", "slider", "onion", "blink", "heat", "lpips", "patches")
# 200 % zoom of 1440 px is a screen of 720 CSS pixels, each of two pixels
SCREENS = {
    "390": {"viewport": {"width": 390, "height": 844}},
    "768": {"viewport": {"width": 768, "height": 1024}},
    "1440": {"viewport": {"width": 1440, "height": 900}},
    "1440 at 200 %": {"viewport": {"width": 720, "height": 450}, "device_scale_factor": 2},
}
RULES = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}


def assert_accessible(page: Page, where: str) -> None:
    """No rule of axe-core is broken, and the page does not scroll sideways."""
    found = Axe().run(page, options=RULES).response["violations"]
    told = [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found]
    assert told == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_every_view(browser: Browser, report, screen, scheme):
    page = browser.new_page(color_scheme=scheme, **SCREENS[screen])
    page.goto(report.as_uri())
    assert_accessible(page, "closed")
    case = page.locator("[data-test$='test_untouched[blue-cup]']")
    case.locator("summary").first.click()
    case.locator(".pane").first.wait_for()
    for view in VIEWS:
        case.locator(f".views [data-view={view}]").click()
        assert case.locator(".viewer").get_attribute("data-view") == view
        assert_accessible(page, view)
    page.keyboard.press("f")
    assert_accessible(page, "full screen")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert_accessible(page, "help")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_verdict_and_group(browser: Browser, report, scheme):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1440, "height": 900})
    page.goto(report.as_uri())
    page.locator("#expand").click()
    assert_accessible(page, "expanded")
    page.locator("#expand").click()
    for group in ("cause", "test", "metric", "none"):
        page.locator("#group").select_option(group)
        assert_accessible(page, group)
    page.close()


def test_without_scripts(browser: Browser, folder):
    """axe-core itself is a script: the page is one whose own script is gone."""
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.route("**/report.js", lambda route: route.abort())
    page.goto((folder / "index.html").as_uri())
    assert_accessible(page, "without its script")
    page.close()
