"""Chromium, a report with every verdict, and a page whose every complaint fails its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import review_page
from chromium import ARGUMENTS, chromium_path
from playwright.sync_api import Browser, Page, sync_playwright
from synthetic_run import make_run

from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.runs.folder import read_run


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium_path(),
            args=[*ARGUMENTS, "--host-resolver-rules=MAP evil.example 127.0.0.1"],
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory in which every verdict occurs."""
    return make_run(tmp_path_factory.mktemp("run") / "run")


@pytest.fixture(scope="session")
def report(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one-file report of that run."""
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_html(read_run(run_path), path)
    return path


@pytest.fixture(scope="session")
def folder(run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of that run as a folder."""
    path = tmp_path_factory.mktemp("folder") / "report"
    write_html(read_run(run_path), path)
    return path


class Watched:
    """A page, with everything it asked for, said and did besides showing itself."""

    def __init__(self, page: Page):
        self.page = page
        self.requests: list[str] = []
        self.trouble: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", lambda message: self._console(message.type, message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: (self.trouble.append(dialog.message), dialog.dismiss()))

    def _console(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.trouble.append(text)

    def assert_untroubled(self) -> None:
        """Nothing was complained of, and nothing was asked for outside the report."""
        assert self.trouble == []
        inside = ("file://", "blob:", "data:")
        assert [url for url in self.requests if not url.startswith(inside)] == []


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    seen = Watched(page)
    yield seen
    page.close()
    seen.assert_untroubled()


@pytest.fixture
def reviewing(browser: Browser) -> Iterator[review_page.Watched]:
    """A page of a review; nothing is complained of, and nothing asked for elsewhere."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    seen = review_page.Watched(context.new_page())
    yield seen
    context.close()
    assert seen.trouble == []
    outside = {
        url for url in seen.asked if not url.startswith(("http://127.0.0.1:", "blob:", "about:"))
    }
    assert outside == set()
