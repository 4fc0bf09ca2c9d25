"""A page of ``editmetrics review`` in a browser that is watched, and a run with several cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from reviewed import Served, failing, image_gate, served, write_run

OPEN = "#counted [data-stand=open]"


def settled(page: Page) -> None:
    """Wait until the next decision is taken."""
    page.locator("#deciding:not(.acting)").wait_for()


class Watched:
    """A page, and what went wrong in it."""

    def __init__(self, page: Page):
        self.page = page
        self.trouble: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: (self.trouble.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(message.text)

    def enter(self, one: Served) -> Page:
        self.page.goto(f"http://{one.host}/?token={one.first}")
        self.page.wait_for_url(f"http://{one.host}/")
        # what it decided a moment ago takes no second key: a test waits as a person would
        press = self.page.keyboard.press
        self.page.keyboard.press = lambda key: (settled(self.page), press(key))
        expect(self.page.locator("#counted")).not_to_be_empty()
        return self.page


def assert_accessible(page: Page, where: str) -> None:
    """No rule of axe-core is broken, and the page does not scroll sideways."""
    rules = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    found = Axe().run(page, options=rules).response["violations"]
    told = [(rule["id"], [node["target"] for node in rule["nodes"]][:3]) for rule in found]
    assert told == [], where
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), where


@contextmanager
def opened(watched: Watched, run: Path, **asked) -> Iterator[tuple[Served, Page]]:
    """Serve a run and open it; the page is left before the server ends."""
    with served(run, **asked) as one:
        yield one, watched.enter(one)
        watched.page.goto("about:blank")


def several(path: Path) -> Path:
    tests = {}
    for number in range(6):
        kind = "shift" if number % 2 else "spill"
        causes = [{"kind": kind, "share": 1.0, "text": f"a {kind}"}]
        test = f"test_{'ab'[number // 3]}[{number}]"
        tests[test] = [failing(test, value=0.2 + number / 10, details={"causes": causes})]
    tests["test_hand"] = [failing("test_hand", origin="argument", source="tests/test_x.py:7")]
    tests["test_image"] = [image_gate("test_image")]
    return write_run(path, tests)
