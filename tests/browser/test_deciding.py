"""Deciding with a thumb or with keys: each key decides what was seen, and can be taken back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from review_page import OPEN, Watched, opened, settled, several
from reviewed import served

ACCEPTED = ".case[data-decision=accepted]"
REFUSED = ".case[data-decision=refused]"
PAUSE = 700


def current(page: Page) -> str:
    """Return the anchor of the case that the next key decides."""
    anchor = page.locator(".case.current").get_attribute("id")
    assert anchor is not None
    return anchor


def refuse(page: Page, note: str) -> None:
    """Refuse the current case with a note."""
    page.keyboard.press("r")
    page.keyboard.type(note)
    page.keyboard.press("Enter")


# --- the bar


@pytest.mark.parametrize("width", [320, 344, 360, 375, 390, 430])
def test_the_bar_leaves_the_page_to_be_seen(project, browser: Browser, tmp_path, width):
    """Counts of thousands, and a long name: the name is one line, and no word is broken."""
    context = browser.new_context(viewport={"width": width, "height": 740}, has_touch=True)
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (_, page):
        page.locator(".case summary").first.tap()
        page.evaluate(
            """() => {
                about.textContent = "test_portrait[a_name_that_goes_on_and_on-and-on] · accepted";
                for (const button of decisionButtons.values()) button.dataset.number = 5000;
                showDecisions();
            }"""
        )
        bar = page.locator("#deciding").bounding_box()
        assert bar is not None
        assert bar["height"] <= 200
        assert page.evaluate("about.getClientRects().length === 1 && about.offsetHeight <= 24")
        lines = page.locator("#counted button").evaluate_all(
            "all => all.map((e) => e.offsetHeight)"
        )
        assert len(lines) == 4
        assert max(lines) <= 32, "a count is broken"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
    assert seen.trouble == []


# --- a second activation is meant for the case that was there before


def taps(page: Page, name: str) -> None:
    box = page.locator(f"#{name}").bounding_box()
    assert box is not None
    for _ in range(2):
        page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_timeout(250)


def clicks(page: Page, name: str) -> None:
    page.locator(f"#{name}").dblclick()


def keys(page: Page, name: str) -> None:
    key = page.locator(f"#{name}").get_attribute("aria-keyshortcuts")
    for _ in range(2):
        page.evaluate(
            "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true}))",
            key,
        )
        page.wait_for_timeout(150)


def held(page: Page, name: str) -> None:
    """Enter on the focused button, held down: the browser repeats the key, then the click."""
    page.locator(f"#{name}").focus()
    for _ in range(12):
        page.keyboard.down("Enter")
        page.wait_for_timeout(90)
    page.keyboard.up("Enter")


@pytest.mark.parametrize("way", [taps, clicks, keys, held])
@pytest.mark.parametrize("name", ["accept", "put-off"])
def test_a_second_activation_decides_no_other_case(project, browser, tmp_path, name, way):
    context = browser.new_context(viewport={"width": 420, "height": 900}, has_touch=True)
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (_, page):
        page.locator(".case summary").first.tap()
        first = current(page)
        way(page, name)
        page.wait_for_timeout(PAUSE)
        expect(page.locator(".case[data-decision]")).to_have_count(1)
        expect(page.locator(f"#{first}[data-decision]")).to_have_count(1)
        expect(page.locator(".case.current > details")).to_have_attribute("open", "")
        page.locator(f"#{name}").tap()
        expect(page.locator(".case[data-decision]")).to_have_count(2)
    context.close()
    assert seen.trouble == []


def test_a_second_undo_takes_back_no_other_decision(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.keyboard.press("n")
        for number in (1, 2):
            page.keyboard.press("a")
            expect(page.locator(ACCEPTED)).to_have_count(number)
        settled(page)
        page.locator("#undo").dblclick()
        page.wait_for_timeout(PAUSE)
        expect(page.locator(ACCEPTED)).to_have_count(1)
        page.keyboard.press("u")
        expect(page.locator(ACCEPTED)).to_have_count(0)


@pytest.mark.parametrize("name", ["write", "all", "refuse"])
def test_a_second_tap_answers_no_dialog_that_the_first_opened(project, browser, tmp_path, name):
    """Wherever its buttons come to lie: they are put below the finger here."""
    context = browser.new_context(viewport={"width": 390, "height": 740}, has_touch=True)
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (_, page):
        page.keyboard.press("n")
        page.keyboard.press("a")
        expect(page.locator(ACCEPTED)).to_have_count(1)
        settled(page)
        box = page.locator(f"#{name}").bounding_box()
        assert box is not None
        page.evaluate(
            """([x, y, w, h]) => {
                const place = (one) => Object.assign(one.style, {
                    position: "fixed", left: `${x}px`, top: `${y}px`, width: `${w}px`,
                    height: `${h}px`, zIndex: 9,
                });
                new MutationObserver(() => {
                    const answers = "dialog[open] :is(#write-now, [data-kind=metric], [value=keep])";
                    for (const one of document.querySelectorAll(answers)) place(one);
                }).observe(document.body, {subtree: true, attributes: true, attributeFilter: ["open"]});
            }""",
            [box["x"], box["y"], box["width"], box["height"]],
        )
        taps(page, name)
        page.wait_for_timeout(PAUSE)
        expect(page.locator(".case[data-decision]")).to_have_count(1)
        expect(page.locator(".decided", has_text="golden written")).to_have_count(0)
        expect(page.locator("dialog[open]")).to_have_count(1)
    context.close()
    assert seen.trouble == []


# --- taking back


def test_a_decision_is_taken_back_after_a_restart(project, reviewing, tmp_path):
    run = several(tmp_path / "run")
    with served(run) as one:
        one.decide("refused", "test_a[0]", note="halo")
    with opened(reviewing, run) as (_, page):
        expect(page.locator(REFUSED)).to_have_count(1)
        expect(page.locator("#undo")).to_be_disabled()
        page.locator(f"{REFUSED} summary").click()
        expect(page.locator("#undo")).to_be_enabled()
        page.keyboard.press("u")
        expect(page.locator(REFUSED)).to_have_count(0)
        expect(page.locator("#said")).to_contain_text("Undone: test_a[0]")
        expect(page.locator("#about")).to_have_text("test_a[0]")
        page.keyboard.press("u")
        expect(page.locator(f"{REFUSED} q")).to_have_text("halo")


def test_a_decision_is_taken_back_after_a_write(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.keyboard.press("n")
        first = current(page)
        page.keyboard.press("a")
        expect(page.locator(ACCEPTED)).to_have_count(1)
        refuse(page, "halo")
        expect(page.locator(REFUSED)).to_have_count(1)
        page.keyboard.press("w")
        page.locator("#write-now").click()
        expect(page.locator("#diff-title")).to_contain_text("written")
        page.keyboard.press("Escape")
        for anchor, said in ((first, "git's to take back"), (None, "Undone")):
            case = page.locator(f"#{anchor}" if anchor else REFUSED)
            case.locator("summary").first.click()
            page.keyboard.press("u")
            expect(page.locator("#said")).to_contain_text(said)
        expect(page.locator(".case[data-decision]")).to_have_count(0)


# --- what is open and alone is chosen


def test_what_is_open_and_alone_is_chosen(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.locator(".case summary").first.click()
        first = current(page)
        page.go_back()
        expect(page.locator(f"#{first} > details")).to_have_attribute("open", "")
        assert current(page) == first
        expect(page.locator("#accept")).to_be_enabled()
        page.locator(f"#{first} summary").first.click()
        expect(page.locator("#about")).to_contain_text("No case is chosen")
        page.locator("#expand").click()
        expect(page.locator("#about")).to_contain_text("Several are open")
        expect(page.locator("#accept")).to_be_disabled()
        other = page.locator("article.case:has(.stage)").nth(1)
        other.locator(".gate h4").first.click()
        assert current(page) == other.get_attribute("id")
        page.locator("#expand").click()
        page.locator("#search").fill("test_image")
        assert_listed(page, 1)
        page.locator("article.case:visible summary").first.click()
        expect(page.locator("#about")).to_have_text("test_image")


# --- finding decisions again


def assert_listed(page: Page, count: int) -> None:
    expect(page.locator("article.case:visible")).to_have_count(count)


def test_decisions_are_counted_filtered_and_in_the_address(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (one, page):
        one.decide("refused", "test_a[0]", "test_b[3]", note="halo")
        one.decide("put-off", "test_a[1]")
        expect(page.locator("#counted")).to_have_text(
            "5 to decide 2 refused 1 put off", timeout=15_000
        )
        page.locator("[data-stand=refused]").click()
        assert_listed(page, 2)
        assert "decision=refused" in page.url
        page.locator("[data-stand=put-off]").click()
        assert_listed(page, 3)
        page.reload()
        expect(page.locator("[data-stand=refused]")).to_have_attribute("aria-pressed", "true")
        assert_listed(page, 3)
        page.locator("#filters .clear").click()
        assert_listed(page, 8)
        assert "decision" not in page.url
        page.locator("#search").blur()
        page.keyboard.press("o")
        assert_listed(page, 5)
        assert "decision=open" in page.url
        page.keyboard.press("o")
        page.locator("#search").fill("halo")
        assert_listed(page, 2)
        page.locator("#search").fill("refused")
        assert_listed(page, 2)


def test_the_report_filters_what_was_decided_too(project, reviewing, tmp_path, monkeypatch):
    from pytest_editmetrics.report.html import write_html
    from pytest_editmetrics.runs.folder import read_run

    run = several(tmp_path / "run")
    with served(run) as one:
        one.decide("refused", "test_a[0]", note="halo")
    write_html(read_run(run), tmp_path / "report.html")
    page = reviewing.page
    page.goto((tmp_path / "report.html").as_uri())
    expect(page.locator("#counted")).to_have_text("7 to decide 1 refused")
    page.locator("[data-stand=refused]").click()
    assert_listed(page, 1)
    expect(page.locator("article.case:visible summary .decided")).to_contain_text("halo")
    page.locator("article.case:visible summary").click()
    expect(page.locator("article.case:visible .accept")).to_be_hidden()
    reviewing.asked.clear()


def test_the_case_that_is_read_stays_where_it_is(project, reviewing, tmp_path):
    reviewing.page.set_viewport_size({"width": 390, "height": 740})
    with opened(reviewing, several(tmp_path / "run")) as (one, page):
        one.decide("put-off", "test_a[0]", "test_a[1]", "test_a[2]", "test_b[4]")
        expect(page.locator(".decided")).to_have_count(4, timeout=15_000)
        last = page.locator("article.case:not([data-decision]) summary").last
        last.click()
        page.wait_for_timeout(1000)
        page.mouse.wheel(0, 120)
        page.wait_for_timeout(300)
        top = "() => Math.round(current.element.getBoundingClientRect().top)"
        before = page.evaluate(top)
        assert before < 0
        for _ in range(2):
            page.locator(OPEN).click()
            page.wait_for_timeout(200)
            assert page.evaluate(top) == pytest.approx(before, abs=2)


# --- links


def test_a_link_behind_the_token_shows_its_case(project, reviewing, tmp_path):
    with served(several(tmp_path / "run")) as one:
        anchor = one.anchor("test_b[4]")
        page = reviewing.page
        page.goto(f"http://{one.host}/?token={one.first}#case={anchor}&view=pair")
        page.wait_for_url(f"http://{one.host}/#case={anchor}&view=pair")
        expect(page.locator(f"#{anchor} > details")).to_have_attribute("open", "")
        assert current(page) == anchor
        page.goto("about:blank")


# --- the case's head, and what is said


def test_the_decision_stands_in_the_head_of_its_case(project, browser, tmp_path):
    context = browser.new_context(viewport={"width": 390, "height": 740})
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (one, page):
        one.decide("refused", "test_a[0]", note="halo")
        case = page.locator(REFUSED)
        expect(case.locator("summary .decided q")).to_have_text("halo", timeout=15_000)
        case.locator("summary").first.click()
        head = bottom(case.locator("summary .decided"))
        assert head < bottom(case.locator(".stage"))
        link = case.locator("[data-link]").bounding_box()
        assert link is not None
        assert link["y"] < head + 80
        assert case.locator("details.more[open]").count() == 0
        expect(case.locator(".accept")).to_be_hidden()
    context.close()
    assert seen.trouble == []


def bottom(of: Locator) -> float:
    box = of.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


def test_accept_all_names_the_cases_and_what_was_said_goes(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.locator('.case[data-cause="shift"] summary').first.click()
        page.keyboard.press("A")
        metric = page.locator("#together [data-kind=metric]")
        expect(metric).to_contain_text("whose worst gate is lpips")
        page.locator("#together details summary").first.click()
        expect(page.locator("#together li").first).to_have_text("test_b[5]")
        page.locator("#together [data-kind=cause]").click()
        expect(page.locator("#said")).to_have_text("3 cases accepted")
        settled(page)
        page.locator('.case[data-cause="spill"] summary').first.click()
        expect(page.locator("#said")).to_be_empty()


def test_a_phone_has_a_button_for_the_next(project, reviewing, tmp_path):
    with opened(reviewing, several(tmp_path / "run")) as (_, page):
        page.locator("#next").click()
        first = current(page)
        page.locator("#next").click()
        assert current(page) != first


def test_a_phone_on_its_side_shows_the_picture(project, browser: Browser, tmp_path):
    context = browser.new_context(viewport={"width": 740, "height": 360}, has_touch=True)
    seen = Watched(context.new_page())
    with opened(seen, several(tmp_path / "run")) as (_, page):
        page.locator(".case summary").first.tap()
        stage = page.locator(".stage .pane").first
        stage.wait_for()
        page.wait_for_timeout(1000)
        box, bar = stage.bounding_box(), page.locator("#deciding").bounding_box()
        assert box is not None
        assert bar is not None
        assert bar["height"] <= 80
        assert min(box["y"] + box["height"], bar["y"]) - max(box["y"], 0) >= 120
    context.close()
    assert seen.trouble == []
