"""Rows of what a failing check costs beyond a passing one: its diagnosis and its picture.

    python benchmarks/failing.py

A pytest session runs in this process. Its checks look at pairs of 1024 px: held to bounds that
they meet, to those of one metric that they miss, and to those of five. The rows with a target are
of a background that moved by 2 px; the last, without one, is of other faults, two of which are
looked for at every angle and zoom. Measuring is the same in all of them, and what it computes is
known after the first, which is not counted. What a check takes is the time of its test's call, the
least of the repetitions.
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
from PIL import Image
from table import Row, markdown, seconds

SIZE = 1024
BOX = (300, 300, 600, 600)
REPETITIONS = 5
TARGET = 0.25
TOGETHER_TARGET = 1.5

FAULTS = ("moved", "moved, five metrics", "JPEG 60", "mirrored", "another picture")
METRICS = ("unedit_psnr", "unedit_max_diff", "unedit_ssim", "lpips", "drift_px")
MET = "thresholds: {lpips: 9, unedit_psnr: 1, unedit_max_diff: 254, unedit_ssim: 0, drift_px: 99}\n"
SUITE = """
import pytest

FIVE = "moved, five metrics"


@pytest.mark.parametrize("number", range({repetitions} + 1))
@pytest.mark.parametrize("missed", [False, True], ids=["met", "missed"])
@pytest.mark.parametrize("fault", {faults})
def test_check(edit_gate, pairs, fault, missed, number, request):
    metrics = {metrics} if fault == FIVE else ["unedit_psnr"]
    bounds = {{
        "lpips": 0.0001, "unedit_psnr": 90, "unedit_max_diff": 1, "unedit_ssim": 0.999,
        "drift_px": 0.1,
    }}
    if missed:
        request.applymarker(
            pytest.mark.editmetrics(thresholds={{name: bounds[name] for name in metrics}})
        )
    edit_gate.check(*pairs[fault], [{box}], metrics=metrics)
"""


def as_jpeg(image: Any, quality: int) -> Any:
    """Return what a JPEG file keeps of an image."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


class Clock:
    """A plugin of pytest that gives the tests their pair and times their calls."""

    def __init__(self) -> None:
        reference, other = references(2, SIZE)
        edited = edit_at(reference, BOX, np.random.default_rng(1)).edited
        moved = np.concatenate([edited[:, :1]] * 2 + [edited[:, :-2]], axis=1)
        faults = [moved, moved, as_jpeg(edited, 60), np.ascontiguousarray(edited[:, ::-1]), other]
        self._pairs = {name: (reference, made) for name, made in zip(FAULTS, faults, strict=True)}
        self.times: dict[str, list[float]] = {}

    @pytest.fixture
    def pairs(self) -> dict[str, tuple[Any, Any]]:
        """Return the images of each fault."""
        return self._pairs

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
        suite = SUITE.format(
            repetitions=repetitions, metrics=list(METRICS), box=BOX, faults=list(FAULTS)
        )
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (folder / "test_failing.py").write_text(suite, encoding="utf-8")
        (folder / "editmetrics.yaml").write_text(MET, encoding="utf-8")
        arguments = [f"--rootdir={folder}", "-c", str(folder / "pytest.ini"), "--tb=no", "-q"]
        plugin = ["-p", "pytest_editmetrics.plugin", "--editmetrics-device=cpu"]
        cache = f"--editmetrics-cache-dir={folder / 'cache'}"
        pytest.main([*arguments, *plugin, cache, str(folder / "test_failing.py")], [clock])
    each = len(FAULTS) * (repetitions + 1)
    wanted = f"{each} failed, {each} passed"
    if wanted not in printed.getvalue():
        raise RuntimeError(f"the suite was to end with {wanted}:\n{printed.getvalue()}")
    least = {kind: min(times) for kind, times in clock.times.items()}

    one, five, *others = (least[f"{fault}-missed"] - least[f"{fault}-met"] for fault in FAULTS)
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
        Row(
            "the same of one metric, by what happened to the edited image",
            "",
            ", ".join(
                f"{fault}: {seconds(other)}"
                for fault, other in zip(FAULTS[2:], others, strict=True)
            ),
            None,
        ),
    ]


if __name__ == "__main__":
    found = rows()
    print(markdown(found))
    sys.exit(0 if all(row.holds is not False for row in found) else 1)
