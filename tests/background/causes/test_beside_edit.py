"""What changed beside the edit area alone, while all else is equal bit for bit, lies there."""

from __future__ import annotations

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from parameters import first_of
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.diagnosis import diagnose

PHOTOS = ["astronaut", "cat", "coffee", "rocket"]
BOX = np.s_[80:150, 60:160]
MASK = np.ones((256, 256), bool)
MASK[BOX] = False


def pasted(picture: Picture, sigma: float) -> Picture:
    """Return another tone of the picture, pasted back through a mask with soft edges."""
    share = gaussian_filter((~MASK).astype(float), sigma)[..., None]
    return eight_bit(picture * (1 - share) + (255 - picture) * 0.8 * share)


@pytest.mark.parametrize("sigma", first_of(1, [1.0, 2.0, 4.0]))
@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_a_mask_with_soft_edges_leaves_a_seam_of_its_width(name, sigma):
    picture = square_photo(name, 256)
    (cause,) = diagnose(picture, pasted(picture, sigma), MASK).causes
    assert cause.kind == "seam"
    assert 1.5 * sigma <= cause.facts["width"] <= 3 * sigma + 2
    assert f"{cause.facts['width']} px wide" in cause.text


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_lies_on_one_side_is_a_spill_with_its_box(name):
    picture = square_photo(name, 256)
    made = picture.copy()
    made[BOX] = 255 - picture[BOX]
    made[90:140, 160:164] = 255 - picture[90:140, 160:164]
    (cause,) = diagnose(picture, made, MASK).causes
    assert (cause.kind, cause.facts["width"]) == ("spill", 4)
    assert cause.facts["boxes"] == [[160, 90, 164, 140]]


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_else_changed_is_told(name):
    picture = square_photo(name, 256)
    made = pasted(picture, 1.0)
    made[200:230, 20:50] = blurred(255 - picture, 2)[200:230, 20:50]
    assert "spill" in {cause.kind for cause in diagnose(picture, made, MASK).causes}


@pytest.mark.parametrize("name", each_photo(PHOTOS))
def test_what_a_file_or_a_blur_makes_of_an_object_before_white_is_no_seam(name):
    """All that could have changed lies beside the edit area."""
    picture = np.full((256, 256, 3), 255, np.uint8)
    picture[75:155, 55:165] = square_photo(name, 256)[75:155, 55:165]
    for made in (as_jpeg(picture, 80), blurred(picture, 1)):
        kinds = {cause.kind for cause in diagnose(picture, made, MASK).causes}
        assert kinds & {"jpeg", "blur", "re-encoding"}
