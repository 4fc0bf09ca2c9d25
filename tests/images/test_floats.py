"""Floats a hair outside [0, 1], as decoders of diffusion models give them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.load import load_image, read_image
from pytest_editmetrics.pipes.pixels import PixelPipe

SCENE = np.random.default_rng(2).random((20, 24, 3), dtype=np.float32)
SCENE[0, 0], SCENE[0, 1] = 0, 1
SETTINGS = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 1}}\n"


@pytest.mark.parametrize("beyond", [1e-9, 1e-6, 9e-4])
@pytest.mark.parametrize("side", ["low", "high", "both"])
@pytest.mark.parametrize("kind", ["array", "tensor"])
def test_within_a_thousandth_they_are_clipped_and_noted(
    beyond: float, side: str, kind: str
) -> None:
    values = SCENE.astype(np.float64)
    values[0, 0] -= beyond * (side != "high")
    values[0, 1] += beyond * (side != "low")
    source = values if kind == "array" else torch.from_numpy(values.transpose(2, 0, 1).copy())
    loaded = read_image(source)
    np.testing.assert_array_equal(loaded.pixels, load_image(SCENE))
    if beyond > 1e-7 or kind == "array":
        assert loaded.notes["clipped"] == pytest.approx([values.min(), values.max()], abs=1e-7)
    assert read_image(SCENE).notes == {}


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0, 1.002, r"looks like \[0, 1\] with values beyond it: pass x.clip\(0, 1\)"),
        (-0.002, 1, r"looks like \[0, 1\] with values beyond it"),
        (-0.2, 1.3, r"pass x.clip\(0, 1\); if it lies in \[-1, 1\]"),
        (-1, 1, r"looks like \[-1, 1\]: pass \(x \+ 1\) / 2$"),
        (-1.02, 1.01, r"looks like \[-1, 1\]: pass \(x \+ 1\) / 2, clipped"),
        (0, 255, r"looks like \[0, 255\]: pass x / 255$"),
        (0, 255.5, r"looks like \[0, 255\]: pass x / 255, clipped"),
        (3, 40, r"looks like \[0, 255\]"),
        (-120, 130, r"neither does it look like"),
        (0, 65535, r"neither does it look like"),
    ],
)
def test_further_out_the_error_says_what_it_looks_like(low: float, high: float, says: str) -> None:
    values = np.linspace(low, high, 480).reshape(20, 24)
    with pytest.raises(ImageError, match=rf"float values from {low:g} to {high:g}, .*{says}"):
        load_image(values)


def test_the_details_of_a_measurement_tell(suite) -> None:
    values = SCENE.copy()
    values[0, 1] = 1.000001
    measured = PixelPipe().measure(SCENE, values, metric="unedit_max_diff")
    assert measured.value == 0
    assert measured.details["read"] == {"edited": {"clipped": pytest.approx([0, 1.000001])}}
    assert "read" not in PixelPipe().measure(SCENE, SCENE, metric="unedit_max_diff").details
    suite.path.joinpath("editmetrics.yaml").write_text(SETTINGS)
    suite.makepyfile(
        """
        import numpy as np

        def test_it(edit_gate):
            image = np.linspace(-1e-8, 1, 64 * 64 * 3, dtype=np.float32).reshape(64, 64, 3)
            edit_gate.check(image, image.clip(0, 1))
        """
    )
    result = suite.runpytest_inprocess("-p", "no:cacheprovider", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=1)
    assert '"read": {"reference": {"clipped": [-' in suite.path.joinpath("r.jsonl").read_text()
