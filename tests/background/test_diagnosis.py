from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.diagnosis import Cause, diagnose
from pytest_editmetrics.background.tone import fit_tone

PHOTOS = Path(__file__).parents[2] / "fixtures" / "demo" / "images"
BOX = (90, 80, 190, 170)
Picture = NDArray[np.uint8]


def photo(name: str) -> Picture:
    picture = Image.open(PHOTOS / f"{name}.png").convert("RGB")
    edge = min(picture.size)
    return np.asarray(picture.crop((0, 0, edge, edge)).resize((288, 288)))


def outside() -> NDArray[np.bool_]:
    mask = np.ones((288, 288), bool)
    x1, y1, x2, y2 = BOX
    mask[y1:y2, x1:x2] = False
    return mask


def eight_bit(values: NDArray[np.float64]) -> Picture:
    return values.clip(0, 255).round().astype(np.uint8)


def jpeg(image: Picture) -> Picture:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def blurred(image: Picture) -> Picture:
    return eight_bit(gaussian_filter(image.astype(float), (1.2, 1.2, 0)))


def spilled(image: Picture) -> Picture:
    made = image.copy()
    made[200:232, 200:240] = 255 - made[200:232, 200:240]
    return made


def seamed(image: Picture) -> Picture:
    x1, y1, x2, y2 = BOX
    made = image.copy()
    inside = made[y1:y2, x1:x2].copy()
    made[y1 - 3 : y2 + 3, x1 - 3 : x2 + 3] = 255 - made[y1 - 3 : y2 + 3, x1 - 3 : x2 + 3]
    made[y1:y2, x1:x2] = inside
    return made


def cropped(image: Picture) -> Picture:
    picture = Image.fromarray(image)
    box = (2.88, 2.88, 285.12, 285.12)
    return np.asarray(picture.resize((288, 288), Image.Resampling.BICUBIC, box=box))


def turned(image: Picture) -> Picture:
    return np.asarray(Image.fromarray(image).rotate(-0.8, Image.Resampling.BICUBIC))


def noisy(image: Picture) -> Picture:
    return eight_bit(image + np.random.default_rng(1).normal(0, 4, image.shape))


FAULTS: dict[str, tuple[str, Callable[[Picture], Picture]]] = {
    "shift": ("shift", lambda image: np.roll(image, 2, axis=1)),
    "crop": ("zoom", cropped),
    "turn": ("rotation", turned),
    "brighter": ("exposure", lambda image: eight_bit(image * 1.04)),
    "tint": ("colour", lambda image: eight_bit(image * [1.03, 1.0, 0.97])),
    "jpeg": ("re-encoding", jpeg),
    "noise": ("re-encoding", noisy),
    "blur": ("blur", blurred),
    "spill": ("spill", spilled),
    "seam": ("seam", seamed),
}


def first(reference: Picture, edited: Picture) -> Cause:
    return diagnose(reference, edited, outside()).causes[0]


@pytest.mark.parametrize("name", ["coffee", "rocket"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str, name: str) -> None:
    kind, make = FAULTS[fault]
    cause = first(photo(name), make(photo(name)))
    assert cause.kind == kind, cause
    assert cause.share > 0.4


@pytest.mark.parametrize("name", ["astronaut", "rocket"])
def test_shares_add_up_to_one(name: str) -> None:
    image = photo(name)
    made = spilled(jpeg(eight_bit(np.roll(image, 1, axis=0) * 1.03)))
    causes = diagnose(image, made, outside()).causes
    assert {"shift", "spill"} <= {cause.kind for cause in causes}
    assert 0.8 <= sum(cause.share for cause in causes) <= 1 + 1e-9
    assert [cause.share for cause in causes] == sorted((c.share for c in causes), reverse=True)


def test_the_edit_itself_is_not_looked_at() -> None:
    image = photo("cat")
    x1, y1, x2, y2 = BOX
    made = image.copy()
    made[y1:y2, x1:x2] = 255 - made[y1:y2, x1:x2]
    found = diagnose(image, made, outside())
    assert found.causes == ()
    assert found.text == "no pixel of the background differs"


def test_a_shift_has_its_direction_and_length() -> None:
    image = photo("coffee")
    cause = first(image, np.roll(image, (-3, 2), axis=(0, 1)))
    assert cause.text == "the background moved 2.00 px right and 3.00 px up"
    assert cause.facts["dx"] == pytest.approx(2, abs=0.02)


def test_an_exposure_has_its_gain_and_offset() -> None:
    image = (photo("astronaut") * 0.8).astype(np.uint8)
    cause = first(image, eight_bit(image * 1.04 + 5))
    assert cause.facts["gain"] == pytest.approx([1.04] * 3, abs=0.003)
    assert cause.facts["offset"] == pytest.approx([5] * 3, abs=0.4)


def test_a_spill_has_its_box() -> None:
    cause = first(photo("astronaut"), spilled(photo("astronaut")))
    x1, y1, x2, y2 = cause.facts["boxes"][0]
    assert (x1, y1, x2, y2) == pytest.approx((200, 200, 240, 232), abs=2)
    assert cause.text.startswith("a local change in (")


def test_another_picture_is_drawn_anew() -> None:
    assert first(photo("astronaut"), photo("coffee")).kind == "redrawn"


def test_channels_that_have_nothing_to_do_with_those_before_are_drawn_anew() -> None:
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(30, 220, (24, 24, 3), dtype=np.uint8))
    image = np.asarray(coarse.resize((288, 288), Image.Resampling.BICUBIC))
    assert first(image, image[..., [2, 0, 1]]).kind == "redrawn"


def test_a_flat_picture_is_diagnosed_too() -> None:
    flat = np.full((64, 64, 3), 100, np.uint8)
    mask = np.ones((64, 64), bool)
    found = diagnose(flat, flat + 7, mask)
    assert found.causes[0].kind == "exposure"
    assert found.drift.motion is None


def test_a_tone_is_fitted_under_outliers() -> None:
    image = photo("cat").astype(np.float32)
    toned = image * np.float32([0.9, 1.0, 1.05]) + np.float32([4, 0, -3])
    toned[40:90, 40:90] = 0
    tone = fit_tone(image, toned, np.ones((288, 288), bool))
    assert tone.gain == pytest.approx((0.9, 1.0, 1.05), abs=0.002)
    assert tone.offset == pytest.approx((4, 0, -3), abs=0.3)


def test_what_is_told_is_json() -> None:
    import json

    found = diagnose(photo("cat"), jpeg(photo("cat")), outside())
    assert json.loads(json.dumps(found.to_dict()))[0]["kind"] == "re-encoding"
