"""The report in a real browser. Without Chromium these tests fail with the command that installs it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page
from synthetic_run import make_hostile_run, make_large_run, make_run
from walk import walk

from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.runs.folder import read_run


def shown(page: Page) -> int:
    return page.locator("article.case:visible").count()


def open_first(page: Page, status: str = "failed"):
    """Open the first case of an outcome and return it."""
    case = page.locator(f"article.case.{status}").first
    case.locator("summary").first.click()
    case.locator(".stage .pane").first.wait_for()
    return case


def test_nothing_is_open_that_nobody_asked_for(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    assert page.locator("article.case > details[open]").count() == 0
    closed = page.locator("article.case").first
    closed.locator("summary").first.click()
    closed.locator("summary").first.click()
    page.locator("#expand").click()
    total = page.locator("article.case").count()
    assert page.locator("article.case > details[open]").count() == total - 1


def test_the_slider_moves_and_the_views_change(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    case = open_first(page)
    viewer = case.locator(".viewer")
    case.locator("[data-view=slider]").click()
    stage = case.locator(".stage")
    before = stage.evaluate("e => e.style.getPropertyValue('--position')")
    case.locator("input[type=range]").fill("80")
    assert stage.evaluate("e => e.style.getPropertyValue('--position')") != before
    seen = set()
    for _ in range(case.locator(".views button:visible").count()):
        page.keyboard.press("v")
        view = viewer.get_attribute("data-view")
        assert (
            case.locator(f"[data-view={view}][aria-pressed]").get_attribute("aria-pressed")
            == "true"
        )
        seen.add(view)
    assert {"pair", "difference", "slider", "onion", "blink", "heat", "lpips"} <= seen


DRAWN = "() => [...document.querySelectorAll('.world canvas')].some(c => c.width > 100)"


def test_pictures_are_really_drawn(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    open_first(page)
    page.keyboard.press("s")
    page.wait_for_function(DRAWN.replace("some", "every"))
    levels = page.evaluate(
        """() => [...document.querySelectorAll('.world canvas')].map(c => {
            const data = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
            return new Set(data.slice(0, 40000)).size;
        })"""
    )
    assert len(levels) == 2
    assert min(levels) > 20


def test_filters_by_outcome_metric_and_text(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    everything = shown(page)
    page.locator(".statuses [data-status=failed]").click()
    failed = shown(page)
    assert 0 < failed < everything
    assert failed == page.locator("article.case.failed").count()
    page.locator(".statuses [data-status=failed]").click()
    assert shown(page) == everything
    page.locator("#metric").select_option("sam_clip_cls_sim")
    assert 0 < shown(page) < everything
    page.locator("#metric").select_option("")
    page.keyboard.press("/")
    page.keyboard.type("no such test anywhere")
    page.wait_for_function(
        "() => document.querySelectorAll('article.case:not([hidden])').length == 0"
    )
    assert page.locator("#shown").inner_text().startswith("0 of ")
    page.locator("#nothing .clear").click()
    assert shown(page) == everything
    assert page.locator(".clear:visible").count() == 0


def test_keys_move_through_the_cases_and_help_opens(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.keyboard.press("j")
    first = page.locator(".case.current").get_attribute("id")
    page.keyboard.press("j")
    second = page.locator(".case.current").get_attribute("id")
    page.keyboard.press("k")
    assert page.locator(".case.current").get_attribute("id") == first != second
    page.keyboard.press("?")
    assert page.locator("#help").evaluate("e => e.open")


def test_failures_come_first(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    classes = page.locator("article.case").evaluate_all("all => all.map(e => e.className)")
    failed = [("failed" in name) for name in classes]
    assert any(failed)
    assert failed == sorted(failed, reverse=True)
    errors = [("error" in name) for name in classes]
    assert errors.index(True) == sum(failed)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_theme_follows_the_system_and_can_be_switched(browser, report, scheme):
    page = browser.new_page(color_scheme=scheme)
    page.goto(report.as_uri())
    colour = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]"
    start = page.evaluate(colour)
    assert (start > 128) == (scheme == "light")
    page.get_by_role("button", name="theme").click()
    assert (page.evaluate(colour) > 128) != (scheme == "light")
    page.close()


def test_a_phone_never_scrolls_sideways(browser, report):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(report.as_uri())
    page.locator("#expand").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_hostile_names_are_inert_and_shown_as_they_are(watched, tmp_path):
    write_html(read_run(make_hostile_run(tmp_path / "run")), tmp_path / "report.html")
    page = watched.page
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("#expand").click()
    assert "<script>alert(1)</script>" in page.locator("body").inner_text()
    assert "{{ 7 * 7 }}" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_report_shows_the_same_cases(watched, report, tmp_path):
    write_html(read_run(make_run(tmp_path / "run")), tmp_path / "folder")
    page = watched.page
    page.goto(report.as_uri())
    cases = page.locator("article.case").count()
    page.goto((tmp_path / "folder" / "index.html").as_uri())
    assert page.locator("article.case").count() == cases > 0


def test_the_report_of_the_readmes_walk_opens(watched, tmp_path):
    reports = (done for done in walk(tmp_path) if "--editmetrics-html=report.html" in done.command)
    assert next(reports).status == 1
    page = watched.page
    page.goto((tmp_path / "report.html").as_uri())
    assert page.locator("h1").inner_text() == "2 of 2 cases failed"
    page.keyboard.press("s")
    page.locator("#expand").click()
    page.wait_for_function(
        "() => [...document.querySelectorAll('.world canvas')].filter(c => c.width === 480).length === 4"
    )


def test_a_case_far_away_keeps_its_place_and_comes_back(watched, tmp_path):
    write_html(read_run(make_large_run(tmp_path / "run", 90)), tmp_path / "report.html")
    page = watched.page
    page.goto((tmp_path / "report.html").as_uri())
    page.locator("#expand").click()
    first = page.locator("article.case").first
    first.locator(".pane").first.wait_for()
    height = first.evaluate("e => e.offsetHeight")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for_function("() => !document.querySelector('.case .holder').hasChildNodes()")
    page.wait_for_function("() => !laidOut.has(document.querySelector('.block'))")
    assert first.evaluate("e => e.offsetHeight") == height
    assert page.locator(".block").first.evaluate("e => e.style.display") == ""
    page.evaluate("scrollTo(0, 0)")
    first.locator(".pane").first.wait_for()
    assert first.evaluate("e => e.offsetHeight") == height


def test_without_scripts_the_cases_can_be_read(browser, report):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    case = page.locator("article.case.failed").first
    case.locator("summary").first.click()
    assert "How it was measured" in case.inner_text()
    context.close()
