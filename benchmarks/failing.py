"""Rows of what a failing check costs beyond a passing one: its diagnosis and its picture.

    python benchmarks/failing.py

A pytest session runs in this process. Its checks look at one pair of 1024 px, whose background
moved by 2 px: held to bounds that it meets, to those of one metric that it misses, and to those of
five. Measuring is the same in all of them, and what it computes is known after the first, which is
not counted. What a check takes is the time of its test's call, the least of the repetitions.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_images import edit_at, references
from table import Row, markdown, seconds

SIZE = 1024
BOX = (300, 300, 600, 600)
REPETITIONS = 5
TARGET = 0.25
TOGETHER_TARGET = 1.5

METRICS = ("unedit_psnr", "unedit_max_diff", "unedit_ssim", "lpips", "drift_px")
MET = "thresholds: {lpips: 9, unedit_psnr: 1, unedit_max_diff: 254, unedit_ssim: 0, drift_px: 99}\n"
SUITE = """
import pytest


@pytest.mark.parametrize("number", range({repetitions} + 1))
@pytest.mark.parametrize("metrics", [["unedit_psnr"], {metrics}], ids=["one", "five"])
@pytest.mark.parametrize("missed", [False, True], ids=["met", "missed"])
def test_check(edit_gate, pair, metrics, missed, number, request):
    bounds = {{
        "lpips": 0.0001, "unedit_psnr": 90, "unedit_max_diff": 1, "unedit_ssim": 0.999,
        "drift_px": 0.1,
    }}
    if missed:
        request.applymarker(
            pytest.mark.editmetrics(thresholds={{name: bounds[name] for name in metrics}})
        )
    edit_gate.check(*pair, [{box}], metrics=metrics)
"""


class Clock:
    """A plugin of pytest that gives the tests their pair and times their calls."""

    def __init__(self) -> None:
        reference = references(1, SIZE)[0]
        edited = edit_at(reference, BOX, np.random.default_rng(1)).edited
        self._pair = reference, np.concatenate([edited[:, :1]] * 2 + [edited[:, :-2]], axis=1)
        self.times: dict[str, list[float]] = {}

    @pytest.fixture
    def pair(self) -> tuple[Any, Any]:
        """Return the images."""
        return self._pair

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Time a test's call; the first of its kind fills the caches."""
        name = item.name.partition("[")[2].rstrip("]")
        kind, _, number = name.rpartition("-")
        start = time.perf_counter()
        try:
            return (yield)
        finally:
            if int(number):
                self.times.setdefault(kind, []).append(time.perf_counter() - start)


def rows(repetitions: int = REPETITIONS) -> list[Row]:
    """Measure and return the rows."""
    clock, printed = Clock(), io.StringIO()
    with (
        tempfile.TemporaryDirectory() as name,
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(printed),
    ):
        folder = Path(name)
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        suite = SUITE.format(repetitions=repetitions, metrics=list(METRICS), box=BOX)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (folder / "test_suite.py").write_text(suite, encoding="utf-8")
        (folder / "editmetrics.yaml").write_text(MET, encoding="utf-8")
        arguments = [f"--rootdir={folder}", "-c", str(folder / "pytest.ini"), "--tb=no", "-q"]
        plugin = ["-p", "pytest_editmetrics.plugin", "--editmetrics-device=cpu"]
        cache = f"--editmetrics-cache-dir={folder / 'cache'}"
        pytest.main([*arguments, *plugin, cache, str(folder / "test_suite.py")], [clock])
    wanted = f"{2 * (repetitions + 1)} failed, {2 * (repetitions + 1)} passed"
    if wanted not in printed.getvalue():
        raise RuntimeError(f"the suite was to end with {wanted}:\n{printed.getvalue()}")
    least = {kind: min(times) for kind, times in clock.times.items()}
    one, five = (least[f"missed-{n}"] - least[f"met-{n}"] for n in ("one", "five"))
    return [
        Row(
            "a failing gate of 1 megapixel more than a passing one: picture and diagnosis",
            f"at most {seconds(TARGET)}",
            seconds(one),
            one <= TARGET,
        ),
        Row(
            "the same of a check with five failing metrics, against one",
            f"at most {TOGETHER_TARGET:g} times",
            f"{five / one:.2f} times ({seconds(five)} against {seconds(one)})",
            five <= TOGETHER_TARGET * one,
        ),
    ]


if __name__ == "__main__":
    found = rows()
    print(markdown(found))
    sys.exit(0 if all(row.holds for row in found) else 1)
