"""A report in which many cases are sorted, grouped, filtered and linked."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page
from reviewed import failing, write_run

from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.runs.folder import read_run

STATUSES = ["failed", "error", "unmeasured", "review", "expected", "recorded", "passed"]


def order(page: Page, name: str) -> list[str]:
    """Return a data attribute of the listed cases as they stand on the page."""
    listed = page.locator("article.case:not([hidden])")
    return listed.evaluate_all("(all, name) => all.map((e) => e.dataset[name])", name)


def headings(page: Page) -> list[str]:
    return [text.strip() for text in page.locator(".group:visible").all_inner_texts()]


def test_rows_are_closed_and_say_cause_and_margin(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    row = page.locator("[data-test$='test_untouched[blue-cup]'] summary")
    assert "280 % beyond" in row.inner_text()
    thumbs = row.locator(".thumbs canvas")
    thumbs.first.wait_for()
    assert thumbs.count() == 2
    error = page.locator("article.error summary")
    assert "no weights of clip-pipe" in error.text_content()


def test_sorted_by_the_worst_margin_then_as_asked(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    ranks = [STATUSES.index(status) for status in order(page, "status")]
    assert ranks == sorted(ranks)
    margins = [float(text) for text in order(page, "margin")]
    failed = [margin for margin, rank in zip(margins, ranks, strict=True) if rank == 0]
    assert failed == sorted(failed, reverse=True)
    assert failed[0] > 1
    page.locator("#group").select_option("none")
    assert headings(page) == []
    page.locator("#sort").select_option("name")
    assert order(page, "test") == sorted(order(page, "test"))
    page.locator("#sort").select_option("metric")
    assert order(page, "metric") == sorted(order(page, "metric"))
    page.locator("#sort").select_option("run")
    assert [int(number) for number in order(page, "case")] == list(range(len(margins)))


def test_grouped_by_cause_test_and_metric(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    words = {"expected": "failed as expected"}
    assert [text.partition(" ")[2].rpartition(" ")[0].lower() for text in headings(page)] == [
        words.get(status, status) for status in STATUSES if status in order(page, "status")
    ]
    for group, name in (("cause", "cause"), ("metric", "metric")):
        page.locator("#group").select_option(group)
        found = order(page, name)
        assert len(headings(page)) == len(set(found))
        changes = sum(one != other for one, other in pairwise(found))
        assert changes == len(set(found)) - 1
    page.locator("#group").select_option("test")
    assert "tests/test_edits.py::test_untouched 2" in headings(page)
    page.locator(".statuses [data-status=failed]").click()
    assert "tests/test_edits.py::test_untouched 1" in headings(page)


def test_expand_all_leaves_closed_what_was_closed_on_purpose(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    first = page.locator("article.case summary").first
    first.click()
    first.click()
    page.locator(".statuses [data-status=failed]").click()
    page.locator("#expand").click()
    opened = page.locator("article.case > details[open]").count()
    assert opened == order(page, "status").count("failed") - 1
    page.locator("#expand").click()
    assert page.locator("article.case > details[open]").count() == 0


def test_the_address_holds_filter_sort_view_and_case(browser, watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.locator(".statuses [data-status=failed]").click()
    page.locator("#sort").select_option("name")
    page.locator("#group").select_option("metric")
    case = page.locator("[data-test$='test_untouched[blue-cup]']")
    case.locator("summary").first.click()
    case.locator(".views [data-view=heat]").click()
    address, listed = page.url, order(page, "case")
    for part in ("status=failed", "sort=name", "group=metric", "view=heat", "case=c-"):
        assert part in address
    other = browser.new_page()
    other.goto(address)
    viewer = other.locator("[data-test$='test_untouched[blue-cup]'] .viewer")
    viewer.wait_for()
    assert viewer.get_attribute("data-view") == "heat"
    assert order(other, "case") == listed
    other.close()
    page.go_back()
    assert "view=heat" not in page.url
    page.go_back()
    assert "case=" not in page.url
    assert page.locator("#group").input_value() == "metric"
    page.go_back()
    assert page.locator("#group").input_value() == "outcome"
    page.go_forward()
    assert page.locator("#group").input_value() == "metric"
    assert len(headings(page)) == len(set(order(page, "metric")))


def test_a_link_into_a_filtered_list_shows_its_case(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    case = page.locator("article.case.passed").first
    anchor = case.get_attribute("id")
    page.goto(f"{report.as_uri()}#case={anchor}&status=failed")
    page.reload()
    assert page.locator(f"#{anchor} > details[open]").count() == 1
    assert set(order(page, "status")) == {"failed", "passed"}
    page.goto(f"{report.as_uri()}#{anchor}")
    page.reload()
    assert page.locator(f"#{anchor} > details[open]").count() == 1
    page.goto(f"{report.as_uri()}#case=c-000000000000")
    page.reload()
    assert page.locator("#unknown").is_visible()


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)])
def test_a_link_brings_its_case_to_the_top(browser, watched, report, size):
    """Also where the page is not as long yet as the case will make it."""
    page = watched.page
    page.goto(report.as_uri())
    anchors = page.locator("article.case").evaluate_all(
        "all => all.filter(e => e.querySelector('.thumbs')).map(e => e.id)"
    )
    for anchor in (anchors[0], anchors[len(anchors) // 2]):
        other = browser.new_page(viewport={"width": size[0], "height": size[1]})
        other.goto(f"{report.as_uri()}#case={anchor}")
        other.locator(f"#{anchor} .viewer canvas").first.wait_for()
        other.wait_for_timeout(300)
        padding = other.evaluate(
            "parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop)"
        )
        top = "e => e.getBoundingClientRect().top"
        assert abs(other.locator(f"#{anchor}").evaluate(top) - padding) < 2
        other.mouse.wheel(0, 240)
        other.wait_for_timeout(300)
        other.reload()
        other.locator(f"#{anchor} .viewer canvas").first.wait_for()
        other.wait_for_timeout(900)
        assert abs(other.locator(f"#{anchor}").evaluate(top) - padding) < 2, "after a reload"
        other.close()


def test_what_was_typed_is_kept_by_a_filter_that_follows_at_once(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.evaluate(
        """() => {
            search.value = "astronaut";
            search.dispatchEvent(new Event("input"));
            document.querySelector(".statuses [data-status=failed]").click();
        }"""
    )
    assert page.locator("#search").input_value() == "astronaut"
    assert "q=astronaut" in page.url
    assert "status=failed" in page.url


def test_the_metrics_link_to_their_worst_case_below_the_toolbar(watched, report):
    page = watched.page
    page.set_viewport_size({"width": 1000, "height": 700})
    page.goto(report.as_uri())
    link = page.locator("td.text a").last
    target = link.get_attribute("href")
    link.click()
    page.wait_for_function("() => current !== null")
    top = page.locator(target).evaluate("e => e.getBoundingClientRect().top")
    bottom = page.locator("#filters").evaluate("e => e.getBoundingClientRect().bottom")
    assert bottom <= top < bottom + 40


def test_copy_link_copies_the_case(browser, report):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(report.as_uri())
    case = page.locator("article.case.failed").first
    case.locator("summary").first.click()
    case.locator("[data-link]").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert re.search(rf"#.*case={case.get_attribute('id')}", copied)
    context.close()


def test_a_phone_has_each_failing_metric_and_cause_on_its_first_screen(browser, report):
    """A metric is two lines: its failures, and its worst value whole."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto(f"{report.as_uri()}#group=none")
    rows = page.locator("tbody tr:not(.fine)")
    assert rows.count() >= 3
    worst = []
    for row in rows.all():
        box = row.bounding_box()
        assert box["height"] < 60
        assert box["y"] + box["height"] < 844
        link = row.locator("a")
        if link.count():
            worst.append(link.evaluate("e => e.firstChild.textContent"))
            assert link.evaluate("e => e.lastElementChild.offsetLeft + 8 < e.offsetWidth"), "cut"
    assert worst[0] == "nan is not a number (max 0.005) "
    assert len(worst) > 1
    assert all("beyond" in text for text in worst[1:])
    causes = page.locator(".causes button")
    box = causes.last.bounding_box()
    assert box["y"] + box["height"] < 300
    assert not page.locator("#sort").is_visible()
    page.locator("#more").click()
    page.locator("#sort").select_option("name")
    assert order(page, "test") == sorted(order(page, "test"))
    page.close()


def test_a_cause_with_its_count_lists_its_cases_and_says_what_it_is(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    button = page.locator(".causes [data-of-cause='no golden']")
    count = int(button.locator(".number").inner_text())
    button.click()
    assert page.locator("article.case:visible").count() == count > 0
    assert page.locator("#cause").input_value() == "no golden"
    assert button.get_attribute("aria-pressed") == "true"
    assert page.locator("#cause-words").inner_text() == "no golden: nothing was approved yet"
    button.click()
    assert page.locator("article.case:visible").count() > count
    page.locator("#group").select_option("cause")
    assert "nothing was approved yet" in " ".join(page.locator("h2.group").all_inner_texts())


def listed(page) -> int:
    return page.locator("article.case:visible").count()


def test_escape_empties_the_search_and_its_filter(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    everything = listed(page)
    for leave in ("Escape", "cleared"):
        page.keyboard.press("/")
        page.keyboard.type("test_golden")
        page.wait_for_function("() => location.hash.includes('test_golden')")
        assert listed(page) == 1
        if leave == "Escape":
            page.keyboard.press("Escape")
        else:
            # as a browser's own cross does it
            page.locator("#search").evaluate(
                "e => { e.value = ''; e.dispatchEvent(new Event('search')); }"
            )
            page.locator("#search").blur()
        assert page.locator("#search").input_value() == ""
        assert page.evaluate("location.hash") == ""
        assert listed(page) == everything
        assert page.locator("#search:focus").count() == 0


def test_enter_leaves_the_search_with_what_it_found(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.keyboard.press("/")
    page.keyboard.type("test_golden")
    page.keyboard.press("Enter")
    assert listed(page) == 1
    page.keyboard.press("j")
    assert page.locator(".case.current").get_attribute("data-test").endswith("test_golden")


def test_by_name_a_parameter_stands_before_what_it_begins(watched, tmp_path):
    tests = {
        f"test_x[{name}]": [failing(f"test_x[{name}]")] for name in ("cup_left", "cup-2", "cup")
    }
    write_html(read_run(write_run(tmp_path / "run", tests)), tmp_path / "report.html")
    page = watched.page
    page.goto((tmp_path / "report.html").as_uri() + "#sort=name")
    assert order(page, "test")[0].endswith("[cup]")
