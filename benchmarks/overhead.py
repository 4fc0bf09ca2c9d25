"""Row of what the plugin adds to the bare forward passes of a cold suite.

A pytest session runs in this process: 24 tests, each with ``emd`` and ``lpips`` outside a box on an
image whose every pixel was re-encoded, so that nothing but the reference can be reused. The bare
passes are those that nobody can avoid: CLIP and the LPIPS network once for each image, the linear
layers once for each pair, on tensors that are ready. Models are loaded before on both sides: the
session's by a first test that is not counted. Everything else of the session is, until pytest says
that it is over: hashing, preprocessing, optimal transport, writing the cache, judging, reporting.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import models
import numpy as np
import ours
import pytest
import torch
from agreement import Agreement
from made_images import Edit, re_encoded, references
from reference import Array, PlainEMD, PlainLPIPS, pixel_mask, signed
from table import Row
from timing import Times

from pytest_editmetrics.measurement import Measurement

SIZE = 512
REFERENCES = 6
EDITS = 4
REPETITIONS = 3
TARGET = 10.0

SUITE = """
def test_edit(edit_gate, edit, found):
    found.append(edit_gate.check(edit.reference, edit.edited, [edit.box]))
"""
CONFIG = """
metrics: [emd, lpips]
pipes_default:
  clip-pipe: {{model_path: {clip}}}
metric_configs:
  emd: {{scope: unedit_area}}
  lpips: {{scope: unedit_area}}
thresholds:
  emd: {{max: 1e9}}
  lpips: {{max: 1e9}}
"""


class Clock:
    """A plugin of pytest that gives the tests their images and times all but the first of them."""

    def __init__(self, edits: Sequence[Edit]):
        self._edits = edits
        self.measured: list[list[Measurement]] = []
        self.started = 0.0
        self.ended = 0.0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each edit."""
        metafunc.parametrize("edit", self._edits, ids=map(str, range(len(self._edits))))

    @pytest.fixture
    def found(self) -> list[list[Measurement]]:
        """Return where a test puts its measurements."""
        return self.measured

    def pytest_runtest_logfinish(self) -> None:
        """Start the clock when the first test is over."""
        self.started = self.started or time.perf_counter()

    def pytest_unconfigure(self) -> None:
        """Stop the clock."""
        self.ended = time.perf_counter()


def bare_passes(
    emd: PlainEMD, lpips: PlainLPIPS, groups: Sequence[Sequence[Edit]]
) -> Callable[[], None]:
    """Return the forward passes of the edits of each reference, on tensors made ready here."""
    from lpips import normalize_tensor

    def ready(for_clip: Array, for_lpips: Array) -> tuple[torch.Tensor, torch.Tensor]:
        return emd.vision.pixels(for_clip), lpips.model.scaling_layer(signed(for_lpips))

    def passes(for_clip: torch.Tensor, for_lpips: torch.Tensor) -> list[torch.Tensor]:
        emd.vision.model(pixel_values=for_clip)
        return [normalize_tensor(layer) for layer in lpips.model.net(for_lpips)]

    inputs = [
        (
            ready(group[0].reference, group[0].reference),
            [ready(edit.edited, composed(edit)) for edit in group],
        )
        for group in groups
    ]

    @torch.inference_mode()
    def run() -> None:
        for reference, edited in inputs:
            known = passes(*reference)
            for image in edited:
                layers = zip(lpips.model.lins, known, passes(*image), strict=True)
                for linear, one, other in layers:
                    linear((one - other) ** 2).mean()

    return run


def composed(edit: Edit) -> Array:
    """Return what LPIPS compares with the reference: the edited image but for its box."""
    outside = pixel_mask([edit.box], "outer", edit.reference.shape[0])
    return np.where(outside[..., None], edit.edited, edit.reference)


def session(folder: Path, edits: Sequence[Edit], cache: Path) -> tuple[float, list[Any]]:
    """Run pytest on the suite; return the seconds after the first test, and the measurements."""
    clock = Clock(edits)
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        arguments = [f"--rootdir={folder}", "-c", str(folder / "pytest.ini")]
        plugin = ["-p", "pytest_editmetrics.plugin", f"--editmetrics-cache-dir={cache}"]
        options = [*plugin, "--editmetrics-device=cpu"]
        code = pytest.main([*arguments, *options, str(folder / "test_overhead.py")], [clock])
    if code != 0:
        raise RuntimeError(f"the suite ended with {code}:\n{printed.getvalue()}")
    return clock.ended - clock.started, clock.measured[1:]


def rows(repetitions: int = REPETITIONS) -> list[Row]:
    """Measure and return the row."""
    random = np.random.default_rng(10)
    warm_up, *pictures = references(REFERENCES + 1, SIZE)
    groups = [re_encoded(picture, EDITS, random) for picture in pictures]
    suite = [edit for group in groups for edit in group]
    first = re_encoded(warm_up, 1, random)[0]
    emd, lpips = PlainEMD(models.clip_b32()), PlainLPIPS()
    bare = bare_passes(emd, lpips, groups)
    bare()
    times, agreement = Times(), Agreement()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        (folder / "test_overhead.py").write_text(SUITE, encoding="utf-8")
        (folder / "editmetrics.yaml").write_text(
            CONFIG.format(clip=models.clip_b32()), encoding="utf-8"
        )
        for number in range(repetitions):
            times.of("bare", bare)
            seconds_taken, measured = session(folder, [first, *suite], folder / f"cache{number}")
            times.add("session", seconds_taken)
    for edit, (found_emd, found_lpips) in zip(suite, measured, strict=True):
        case = edit.reference, edit.edited, [edit.box]
        agreement.add("emd", found_emd.value, emd(*case, "outer"))
        fraction = found_lpips.details["measured_fraction"]
        agreement.add("lpips", ours.unscaled(found_lpips), lpips(*case, "outer") * fraction)
    percent = 100 * (times["session"] / times["bare"] - 1)
    count = len(suite)
    return [
        Row(
            f"overhead over the bare forward passes, cold suite of {count} tests, {SIZE} px",
            f"at most {TARGET:g} %",
            f"{percent:.1f} % ({times['session']:.2f} s against {times['bare']:.2f} s)",
            agreement.holds and percent <= TARGET,
        ),
        agreement.row("the same"),
    ]
