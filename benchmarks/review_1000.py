"""How a review does with 1,000 cases: opening, deciding, the diff, writing.

    python benchmarks/review_1000.py [RUN_DIRECTORY] [--cases 750]

The page of a run is served and opened in Chromium: of the run directory that is given, else of one
that is made first, which is not measured (750 tests are 1,000 cases). Then 1,000 cases, every
fourth of them a golden image of 480 x 320 pixels, are accepted together in a project of their own,
their diff is asked for, twice, and written. What is timed is the answer of the server to the
request that the page sends; its page is in Chromium only while it is opened. Exit status 1 if a
bound is exceeded.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from chromium_pipe import Chromium
from report_1000 import CASES_SHOWN, Bounds, open_report

from pytest_editmetrics.cli.starter.look import inside
from pytest_editmetrics.runs.writing import RunDir, RunResults

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "support"))
from reviewed import STARTED, Served, failing, image_gate, served
from synthetic_run import make_large_run

TESTS = 750
ACCEPTED = 1000
SERVE_SECONDS = 10.0
DECIDE_SECONDS = 5.0
DIFF_SECONDS = 10.0
WRITE_SECONDS = 10.0
_READY = "/\\d+ to decide/.test(document.getElementById('counted')?.textContent)"


@contextmanager
def in_project(folder: Path) -> Iterator[None]:
    """Be in an empty project."""
    (folder / "tests").mkdir(parents=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "tests" / "test_x.py").write_text("")
    with inside(folder):
        yield


def accepted_run(path: Path, cases: int) -> Path:
    """Write a run in which every case can be accepted; every fourth is a golden image."""
    run_dir = RunDir(path)
    random = np.random.default_rng(7)
    photo = random.integers(0, 256, (20, 30, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    with RunResults(run_dir, {}, STARTED) as results:
        for number in range(cases):
            test = f"test_edit[{number}]"
            gate = failing(test) if number % 4 else image_gate(test)
            if gate.snapshot:
                image = photo.copy()
                image[number % 320, : number + 1] ^= 1
                gate.images["edited"] = run_dir.save_image(image)
            results.gate(f"tests/test_x.py::{test}", 1, True, "failed", gate)
        results.close({})
    return path


@contextmanager
def timed(bounds: Bounds, what: str, bound: float) -> Iterator[None]:
    """Time a block, and print for how long this process computed in it, besides."""
    start, busy = time.perf_counter(), time.process_time()
    yield
    bounds.check(what, time.perf_counter() - start, bound, "s")
    print(f"  of which it computed for {time.process_time() - busy:.2f} s")


def open_page(run: Path, bounds: Bounds) -> None:
    """Serve a run and open its page: it is open when a picture is drawn and it answers a key."""
    with ExitStack() as stack:
        # first, since its shell takes no file descriptor above 9
        chromium = stack.enter_context(Chromium())
        with timed(bounds, "read and served", SERVE_SECONDS):
            one = stack.enter_context(served(run, enter=False))
        open_report(chromium, f"http://{one.host}/?token={one.first}", bounds, _READY)
        print(f"  {chromium.evaluate(CASES_SHOWN)} cases")


def decide_and_write(one: Served, bounds: Bounds) -> None:
    """Accept all, look at the diff, write."""
    asked = {anchor: {"verb": "accepted", "seen": None} for anchor in one.cases}
    with timed(bounds, "accepted together", DECIDE_SECONDS):
        reply = one.ask("POST", "/decide", body={"cases": asked, "bulk": True})
    assert reply.status == 200, reply.text
    for what in ("the diff", "the diff again"):
        with timed(bounds, what, DIFF_SECONDS):
            plan = one.plan()
    with timed(bounds, "written", WRITE_SECONDS):
        reply = one.write(plan)
    assert reply.status == 200, reply.text
    print(f"  {len(reply.json['cases'])} cases, {len(reply.json['written'])} golden files")


def main() -> int:
    """Open a run; accept and write another."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("run", nargs="?", type=Path, help="a run directory")
    parser.add_argument("--cases", type=int, default=TESTS, help="tests of a run that is made")
    args = parser.parse_args()
    bounds = Bounds()
    with tempfile.TemporaryDirectory() as folder:
        run = args.run.resolve() if args.run else make_large_run(Path(folder) / "run", args.cases)
        with in_project(Path(folder) / "project"):
            print("opening")
            open_page(run, bounds)
            print(f"writing {ACCEPTED} cases")
            with served(accepted_run(Path(folder) / "accepted", ACCEPTED)) as one:
                decide_and_write(one, bounds)
    return 0 if bounds.held else 1


if __name__ == "__main__":
    sys.exit(main())
