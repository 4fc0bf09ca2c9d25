"""What happens in the outermost 5 pixels, which SSIM's window leaves out, and which gate sees it."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.config.expect import EXPECTATIONS
from pytest_editmetrics.images.ssim import ssim_map
from pytest_editmetrics.pipes.pixels import PixelPipe


def framed(lines: int):
    """Return a picture, and the same with its outermost lines inverted."""
    coarse = np.random.default_rng(0).integers(30, 226, (24, 24, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(coarse).resize((448, 448), Image.Resampling.BICUBIC))
    inner = np.zeros((448, 448, 1), bool)
    inner[lines:-lines, lines:-lines] = True
    return picture, np.where(inner, picture, 255 - picture)


def test_ssim_hardly_sees_the_outermost_line_and_others_do():
    picture, faulty = framed(1)
    pipe = PixelPipe()
    assert pipe(picture, faulty, metric="unedit_ssim") > 0.995
    assert pipe(picture, faulty, metric="unedit_max_diff") > 100
    assert pipe(picture, faulty, metric="unedit_psnr") < 28


def test_it_sees_five_lines_by_the_windows_further_in():
    picture, faulty = framed(5)
    assert PixelPipe()(picture, faulty, metric="unedit_ssim") < 0.98


@pytest.mark.quick(1)
@pytest.mark.parametrize("expect", ["composited", "reencoded"])
def test_what_expect_chooses_sees_the_border(expect, suite):
    assert "unedit_ssim" not in EXPECTATIONS[expect].metrics
    picture, faulty = framed(1)
    Image.fromarray(picture).save(suite.path / "a.png")
    Image.fromarray(faulty).save(suite.path / "b.png")
    suite.makepyfile(
        "def test_it(edit_gate):\n"
        f"    edit_gate.check('a.png', 'b.png', [(200, 200, 250, 250)], expect={expect!r})\n"
    )
    suite.runpytest().assert_outcomes(failed=1)


@pytest.mark.parametrize("height", [255, 256, 511, 512, 700])
def test_a_picture_looked_at_in_bands_has_the_values_of_the_whole(height):
    from skimage.metrics import structural_similarity

    random = np.random.default_rng(height)
    reference = random.integers(0, 256, (height, 24, 3), dtype=np.uint8)
    edited = np.roll(reference, 1, axis=0)
    _, whole = structural_similarity(
        reference, edited, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5,
        use_sample_covariance=False, full=True,
    )  # fmt: skip
    assert (ssim_map(reference, edited, 255) == whole.mean(axis=2)).all()
