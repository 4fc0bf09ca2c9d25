"""How the HTML report does with 1,000 cases: writing, opening in Chromium, memory while scrolling.

    python benchmarks/report_1000.py [RUN_DIRECTORY]

Without a run directory one is made first: 1,000 cases of the demo's photos, each with an edited
image, a heat map and patch costs of its own, every third with a golden image. Making it is not
measured. Both forms of the report are written and opened; memory is that of Chromium's renderer
process, sampled while the page is scrolled from top to bottom, first as it opens and then with
every case expanded. Exit status 1 if a bound is exceeded. Linux only (it reads ``/proc``).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.rundir import read_run

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from chromium import ARGUMENTS, chromium_path
from synthetic_run import make_large_run

CASES = 1000
WRITE_SECONDS = 30.0
OPEN_SECONDS = 3.0
GROWTH_MB = 60.0


class Bounds:
    """Prints what was measured and remembers whether all of it held."""

    def __init__(self) -> None:
        self.held = True

    def check(self, what: str, value: float, bound: float, unit: str) -> None:
        """Print one figure and hold it to its bound."""
        holds = value <= bound
        self.held = self.held and holds
        verdict = "ok" if holds else "TOO MUCH"
        print(f"  {what:<44} {value:8.2f} {unit:<3} (bound {bound:g} {unit}) {verdict}", flush=True)


def renderer_mb(browser_session: CDPSession) -> float:
    """Return the resident memory of all renderer processes in MB."""
    processes = browser_session.send("SystemInfo.getProcessInfo")["processInfo"]
    kilobytes = 0
    for process in processes:
        if process["type"] != "renderer":
            continue
        status = Path(f"/proc/{process['id']}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        kilobytes += int(line.split()[1])
    return kilobytes / 1024


def open_report(browser: Browser, page_path: Path, bounds: Bounds) -> Page:
    """Open the report and wait until its first picture is drawn."""
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    start = time.perf_counter()
    page.goto(page_path.as_uri(), wait_until="commit")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.layer canvas')].some((canvas) => canvas.width)"
    )
    drawn = time.perf_counter() - start
    page.wait_for_load_state("load")
    loaded = time.perf_counter() - start
    bounds.check("first picture drawn", drawn, OPEN_SECONDS, "s")
    print(f"  loaded to the end after {loaded:.2f} s")
    return page


def scroll_through(page: Page, session: CDPSession) -> tuple[float, float, float]:
    """Scroll to the bottom in steps; return memory in MB before, at most, and after."""
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1500)
    page.request_gc()
    before = most = renderer_mb(session)
    steps = 0
    while not page.evaluate("scrollY + innerHeight >= document.documentElement.scrollHeight - 2"):
        page.evaluate("scrollBy(0, 700)")
        page.wait_for_timeout(16)
        steps += 1
        if steps % 10 == 0:
            most = max(most, renderer_mb(session))
    page.wait_for_timeout(1500)
    page.request_gc()
    return before, most, renderer_mb(session)


def heap_mb(page: Page) -> float:
    """Return the JavaScript heap in use, in MB."""
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable")
    metrics: list[dict[str, Any]] = client.send("Performance.getMetrics")["metrics"]
    client.detach()
    return next(m["value"] for m in metrics if m["name"] == "JSHeapUsedSize") / 2**20


def measure_scrolling(page: Page, session: CDPSession, what: str, bounds: Bounds) -> None:
    """Scroll through and hold the growth of memory to its bound."""
    heap = heap_mb(page)
    before, most, after = scroll_through(page, session)
    print(f"  {what}: {before:.0f} MB before, {most:.0f} MB at most, {after:.0f} MB after")
    bounds.check(f"{what}, JavaScript heap", heap_mb(page) - heap, GROWTH_MB, "MB")
    bounds.check(f"{what}, growth", after - before, GROWTH_MB, "MB")


def measure(browser: Browser, page_path: Path, bounds: Bounds) -> None:
    """Open one form of the report, scroll through it, and scroll again with all cases open."""
    session = browser.new_browser_cdp_session()
    page = open_report(browser, page_path, bounds)
    nodes = page.evaluate("document.querySelectorAll('*').length")
    print(f"  {nodes} elements, {page.locator('.case').count()} cases")
    measure_scrolling(page, session, "scrolling as it opens", bounds)
    page.get_by_role("button", name="Expand all").click()
    measure_scrolling(page, session, "scrolling, all expanded", bounds)
    page.close()


def main() -> int:
    """Measure both forms of the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run directory")
    args = parser.parse_args()
    bounds = Bounds()
    with tempfile.TemporaryDirectory() as folder:
        run_path = args.run or make_large_run(Path(folder) / "run", CASES)
        for output in (Path(folder) / "report.html", Path(folder) / "report"):
            start = time.perf_counter()
            write_html(read_run(run_path), output)
            seconds = time.perf_counter() - start
            page_path = output if output.is_file() else output / "index.html"
            size = page_path.stat().st_size / 1e6
            print(f"{output.name}: the page has {size:.1f} MB")
            bounds.check("written", seconds, WRITE_SECONDS, "s")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium_path(), args=list(ARGUMENTS)
                )
                measure(browser, page_path, bounds)
                browser.close()
            if output.is_dir():
                shutil.rmtree(output)
    return 0 if bounds.held else 1


if __name__ == "__main__":
    sys.exit(main())
