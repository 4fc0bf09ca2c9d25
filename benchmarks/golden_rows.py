"""Rows of golden images that are as they were approved, comparator ``exact``.

    python benchmarks/golden_rows.py [--tests 1000]

Whole pytest processes on one test file; beside them stand as many tests that ask for nothing, and
what decoding the PNG takes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from growth import IMAGES, SETTLED, project_in, run_pytest
from made_images import references
from PIL import Image
from table import Row, markdown, seconds
from timing import Times

from pytest_editmetrics.images.load import load_image

TESTS, SECONDS = 1_000, 6.0
LARGE_TESTS, DECODINGS = 60, 2.5
REPETITIONS = 3
EMPTY = """\
import pytest


@pytest.mark.parametrize("number", range({count}))
def test_nothing(number):
    pass
"""


def suite(folder: Path, tests: int, edge: int) -> Path:
    """Write a suite of so many golden images and record them."""
    project = project_in(folder)
    Image.fromarray(references(1, edge)[0]).save(project / "picture.png")
    (project / "test_image.py").write_text(IMAGES.format(count=tests), encoding="utf-8")
    run_pytest(project, "--editmetrics-update=missing")
    return project


def rows(tests: int = TESTS) -> Sequence[Row]:
    """Measure and return the rows."""
    times = Times()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        small, large = suite(folder / "64", tests, 64), suite(folder / "512", LARGE_TESTS, 512)
        empty = project_in(folder / "empty")
        (empty / "test_empty.py").write_text(EMPTY.format(count=tests), encoding="utf-8")
        time.sleep(SETTLED)
        for _ in range(REPETITIONS):
            times.of("small", lambda: run_pytest(small))
            times.of("empty", lambda: run_pytest(empty))
            times.of("large", lambda: run_pytest(large))
            times.of("decoding", lambda: load_image(large / "picture.png"))
    each = 1000 * times["large"] / LARGE_TESTS
    ratio = each / (1000 * times["decoding"])
    bound = SECONDS * tests / TESTS
    return [
        Row(
            f"`golden_image.check`, `exact`, 64 px, one file of {tests:,} tests",
            f"at most {bound:g} s",
            f"{seconds(times['small'])}, {times['small'] / times['empty']:.1f} times as many empty"
            f" tests ({seconds(times['empty'])})",
            times["small"] <= bound,
        ),
        Row(
            f"the same at 512 px, {LARGE_TESTS} tests: each, the process included",
            f"at most {DECODINGS:g} times decoding it",
            f"{ratio:.2f} times ({each:.1f} ms against {seconds(times['decoding'])})",
            ratio <= DECODINGS,
        ),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tests", type=int, default=TESTS, help="how many of 64 px")
    found = rows(parser.parse_args().tests)
    print(markdown(found))
    sys.exit(0 if all(row.holds for row in found) else 1)
