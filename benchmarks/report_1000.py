"""How the HTML report does with 1,000 cases: writing, opening, sorting, scrolling, memory.

    python benchmarks/report_1000.py [RUN_DIRECTORY] [--cases 3750] [--folder]

Without a run directory one is made first, which is not measured: 1,000 tests (or as many as are
said) on the demo's photos, each with an edited image, a heat map and patch costs of its own, every
third with a golden image, which is a case of its own. Both forms of the report are written and
opened. It is sorted and grouped in every way, each until the page is laid out; it is scrolled for
seconds while its frames are counted. Memory is that of the page's process, without what it shares
with other processes, after garbage collection; the report is scrolled from top to bottom as it
opens, which has a bound, then with every case expanded, which is printed to be known. Exit status 1
if a bound is exceeded. Linux only (it reads ``/proc``).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from chromium_pipe import Chromium

from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.runs.folder import read_run

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from synthetic_run import make_large_run

CASES = 1000
WRITE_SECONDS = 30.0
OPEN_SECONDS = 3.0
SORT_SECONDS = 0.3
FRAMES = 50.0
GROWTH_MB = 60.0
_DRAWN = "[...document.querySelectorAll('.thumbs canvas')].some((canvas) => canvas.width !== 300)"
CASES_SHOWN = "document.querySelectorAll('.case').length"
_AT_END = "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"


class Bounds:
    """Prints what was measured and remembers whether all of it held."""

    def __init__(self) -> None:
        self.held = True

    def check(
        self, what: str, value: float, bound: float, unit: str, *, least: bool = False
    ) -> None:
        """Print one figure and hold it to its bound, the most or the ``least`` that it may be."""
        holds = value >= bound if least else value <= bound
        self.held = self.held and holds
        verdict = "ok" if holds else "TOO MUCH"
        print(f"  {what:<38} {value:7.2f} {unit:<3} (bound {bound:g} {unit}) {verdict}", flush=True)


def open_report(chromium: Chromium, url: str, bounds: Bounds, ready: str = "true") -> None:
    """Open a page of cases: it is open when it is ``ready``, shows a picture and answers a key."""
    # of its main thread, so that other work of the machine does not count
    chromium.on_page("Performance.enable", {"timeDomain": "threadTicks"})
    start, busy = time.perf_counter(), cpu(chromium)
    chromium.on_page("Page.navigate", {"url": url})
    chromium.wait_for(f"{ready} && {_DRAWN}")
    key = {"key": "j", "text": "j", "windowsVirtualKeyCode": 74}
    chromium.on_page("Input.dispatchKeyEvent", {"type": "keyDown", **key})
    chromium.wait_for("document.querySelector('.case.current') !== null")
    bounds.check("opened", time.perf_counter() - start, OPEN_SECONDS, "s")
    print(f"  of which its main thread was busy for {cpu(chromium) - busy:.2f} s")
    chromium.wait_for("document.readyState === 'complete'")
    print(f"  loaded to its end after {time.perf_counter() - start:.2f} s")


def cpu(chromium: Chromium) -> float:
    """Return for how many seconds the page's main thread was busy."""
    metrics = chromium.on_page("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "TaskDuration"))


def sort_and_group(chromium: Chromium, bounds: Bounds) -> None:
    """Sort and group in every way; the slowest counts, until the page is laid out again."""
    worst, name, longest = 0.0, "", 0.0
    for group in ("none", "cause", "test", "metric", "outcome"):
        for sort in ("name", "metric", "cause", "run", "margin"):
            busy = cpu(chromium)
            seconds = chromium.evaluate(
                f"""(() => {{
                    const start = performance.now();
                    askFor({{ sort: "{sort}", group: "{group}" }});
                    document.body.getBoundingClientRect();
                    return (performance.now() - start) / 1000;
                }})()"""
            )
            longest = max(longest, cpu(chromium) - busy)
            worst, name = max((worst, name), (seconds, f"{sort}, by {group}"))
    bounds.check(f"sorted ({name})", worst, SORT_SECONDS, "s")
    print(f"  its main thread was busy for {longest:.2f} s at most")


def frames(chromium: Chromium, bounds: Bounds) -> None:
    """Scroll by 60 px a frame for four seconds and count the frames."""
    chromium.evaluate("scrollTo(0, 0)")
    chromium.evaluate(
        """(() => {
            window.frames_ = 0;
            window.over_ = 0;
            const start = performance.now();
            const next = () => {
                scrollBy(0, 60);
                window.frames_ += 1;
                if (performance.now() - start < 4000) requestAnimationFrame(next);
                else window.over_ = performance.now() - start;
            };
            requestAnimationFrame(next);
        })()"""
    )
    busy = cpu(chromium)
    chromium.wait_for("window.over_ > 0")
    shown = chromium.evaluate("window.frames_ / window.over_ * 1000")
    bounds.check("scrolled, frames a second", shown, FRAMES, "", least=True)
    each = 1000 * (cpu(chromium) - busy) / chromium.evaluate("window.frames_")
    print(f"  its main thread was busy for {each:.1f} ms a frame")


def scroll_through(chromium: Chromium, what: str) -> tuple[float, float]:
    """Scroll to the end in steps; return by how many MB the page and its heap grew."""
    chromium.evaluate("scrollTo(0, 0)")
    time.sleep(1.5)
    chromium.collect_garbage()
    before, heap = chromium.page_mb(), chromium.heap_mb()
    most, steps = before, 0
    while not chromium.evaluate(_AT_END):
        chromium.evaluate("scrollBy(0, 700)")
        time.sleep(0.016)
        steps += 1
        if steps % 20 == 0:
            most = max(most, chromium.page_mb())
    time.sleep(1.5)
    chromium.collect_garbage()
    after = chromium.page_mb()
    print(f"  {what}, {steps} steps: {before:.0f} MB, at most {most:.0f}, at the end {after:.0f}")
    return after - before, chromium.heap_mb() - heap


def measure(page: Path, bounds: Bounds) -> None:
    """Open one form of the report, scroll through it, and scroll again with all cases open."""
    with Chromium() as chromium:
        open_report(chromium, page.as_uri(), bounds)
        print(f"  {chromium.evaluate(CASES_SHOWN)} cases")
        sort_and_group(chromium, bounds)
        frames(chromium, bounds)
        grown, heap = scroll_through(chromium, "scrolled as it opens")
        bounds.check("scrolled as it opens, growth", grown, GROWTH_MB, "MB")
        bounds.check("scrolled as it opens, growth of the heap", heap, GROWTH_MB, "MB")
        chromium.evaluate("document.getElementById('expand').click()")
        grown, heap = scroll_through(chromium, "scrolled, all expanded")
        print(f"  scrolled, all expanded: growth {grown:.2f} MB, of the heap {heap:.2f} MB")


def main() -> int:
    """Measure both forms of the report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run directory")
    parser.add_argument("--cases", type=int, default=CASES, help="tests of a run that is made")
    parser.add_argument("--folder", action="store_true", help="only the folder, not the one file")
    args = parser.parse_args()
    bounds = Bounds()
    with tempfile.TemporaryDirectory() as folder:
        run_path = args.run or make_large_run(Path(folder) / "run", args.cases)
        forms = ["report"] if args.folder else ["report", "report.html"]
        for output in (Path(folder) / form for form in forms):
            start = time.perf_counter()
            write_html(read_run(run_path), output)
            seconds = time.perf_counter() - start
            page = output if output.is_file() else output / "index.html"
            form = "one file" if output.is_file() else "folder"
            print(f"{form}: {page.name} has {page.stat().st_size / 1e6:.1f} MB")
            bounds.check("written", seconds, WRITE_SECONDS, "s")
            measure(page, bounds)
    return 0 if bounds.held else 1


if __name__ == "__main__":
    sys.exit(main())
