"""The report without scripts, under a policy that refuses them, on paper, in forced colours."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page
from pypdf import PdfReader

JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
CUP = "[data-test$='test_untouched[blue-cup]']"


class _UnderPolicy(SimpleHTTPRequestHandler):
    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", JENKINS)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def jenkins(folder) -> Iterator[str]:
    """The folder as Jenkins serves it; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_UnderPolicy, directory=folder))
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()
    thread.join()
    server.server_close()


def levels(page: Page, selector: str) -> np.ndarray:
    shot = page.locator(selector).first.screenshot()
    return np.asarray(Image.open(BytesIO(shot)).convert("RGB"))


def assert_pictures(page: Page) -> None:
    """The row's small pictures, and the case's own when it is opened, are there and styled."""
    assert len(np.unique(levels(page, f"{CUP} .thumbs:visible"))) > 40
    page.locator(f"{CUP} summary").first.click()
    figures = page.locator(f"{CUP} .stills figure")
    said = figures.locator("figcaption").all_inner_texts()
    assert said[:3] == ["reference", "edited", "difference × 8, black where not measured"]
    before, after = (levels(page, f"{CUP} figure:nth-of-type({n}) .framed") for n in (1, 2))
    assert len(np.unique(before)) > 100
    assert not np.array_equal(before, after)
    assert levels(page, f"{CUP} .framed.difference").max() == 255
    bar = page.locator(f"{CUP} .bar.failed .distance").first.bounding_box()
    assert bar["width"] > 50
    gap = page.locator(CUP).evaluate(
        "e => e.querySelector('.body').getBoundingClientRect().top - e.querySelector('summary').getBoundingClientRect().bottom"
    )
    assert gap < 5


@pytest.mark.parametrize("form", ["report", "folder"])
def test_without_scripts_pictures_show(browser: Browser, request, form):
    path = request.getfixturevalue(form)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((path if form == "report" else path / "index.html").as_uri())
    assert not page.locator("#filters").is_visible()
    assert_pictures(page)
    context.close()


def test_under_jenkins_own_policy_the_folder_shows_all(browser: Browser, jenkins):
    page = browser.new_page(viewport={"width": 1300, "height": 900})
    blocked: list[str] = []
    page.on("requestfailed", lambda request: blocked.append(request.url))
    page.goto(jenkins)
    assert_pictures(page)
    assert [url for url in blocked if not url.endswith(".js")] == []
    page.close()


def test_nothing_in_a_page_is_styled_by_an_attribute(report, folder):
    """A policy with nonces or of files refuses such styles, and handlers in attributes."""
    import re

    for page in (report, folder / "index.html"):
        text = re.sub(r"<script.*?</script>", "", page.read_text("utf-8"), flags=re.DOTALL)
        assert re.findall(r"<[^>]*\sstyle=", text) == []
        assert re.findall(r"<[a-z][^>]*\son[a-z]+=", text) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_every_case_prints_with_its_pictures(browser: Browser, report, tmp_path, scripts):
    context = browser.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(report.as_uri())
    cases = page.locator("article.case").count()
    pictures = page.locator("article.case .thumbs[data-images]").count()
    page.pdf(path=tmp_path / "report.pdf", print_background=True)
    sheets = PdfReader(tmp_path / "report.pdf").pages
    text = "\n".join(sheet.extract_text() for sheet in sheets)
    assert text.count("pytest: ") == cases
    assert text.count("How it was measured") >= cases
    assert text.count("× 8") == pictures
    assert sum(len(sheet.images) for sheet in sheets) >= 2 * pictures
    context.close()


def test_after_printing_the_page_is_as_before(watched, report):
    page = watched.page
    page.goto(report.as_uri())
    page.locator(f"{CUP} summary").first.click()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article.case > details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("article.case > details[open]").count() == 1
    page.locator(f"{CUP} .viewer .pane").first.wait_for()
    assert page.locator(f"{CUP} .stills").count() == 0


def test_forced_colours_keep_bar_and_pressed_state(browser: Browser, report):
    page = browser.new_page(forced_colors="active")
    page.goto(report.as_uri())
    button = page.locator(".statuses [data-status=failed]")
    colour = "e => getComputedStyle(e).backgroundColor"
    before = button.evaluate(colour)
    button.click()
    assert button.evaluate(colour) != before
    page.locator(f"{CUP} summary").first.click()
    fill = "e => getComputedStyle(e).fill"
    parts = {
        name: page.locator(f"{CUP} .bar .{name}").first.evaluate(fill)
        for name in ("track", "bound", "value")
    }
    assert parts["track"] != parts["bound"]
    assert parts["track"] != parts["value"]
    pressed = page.locator(f"{CUP} .views [aria-pressed=true]").evaluate(colour)
    assert pressed != page.locator(f"{CUP} .views [aria-pressed=false]").first.evaluate(colour)
    page.close()
