from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from altered import Picture, as_jpeg, blurred, each_photo, eight_bit, square_photo
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter1d

from pytest_editmetrics.background.diagnosis import Cause, diagnose
from pytest_editmetrics.background.tone import fit_tone

BOX = (90, 80, 190, 170)


def photo(name: str) -> Picture:
    return square_photo(name, 288)


def chw(image: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.moveaxis(image, 2, 0))


def outside() -> NDArray[np.bool_]:
    mask = np.ones((288, 288), bool)
    x1, y1, x2, y2 = BOX
    mask[y1:y2, x1:x2] = False
    return mask


def jpeg(image: Picture) -> Picture:
    return as_jpeg(image, 40)


def softened(image: Picture) -> Picture:
    return blurred(image, 1.2)


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


def stretched(image: Picture) -> Picture:
    picture = Image.fromarray(image)
    box = (0, 2.88, 288, 285.12)
    return np.asarray(picture.resize((288, 288), Image.Resampling.BICUBIC, box=box))


def smoothed_as_by_a_vae(image: Picture) -> Picture:
    coarse = gaussian_filter(image.astype(float), (1.5, 1.5, 0))
    fine = image - coarse
    strong = np.clip(np.abs(gaussian_filter(fine, (1, 1, 0))) / 6, 0, 1)
    grain = gaussian_filter(np.random.default_rng(0).normal(0, 6, image.shape), (1, 1, 0))
    return eight_bit(coarse + fine * strong + grain)


def seen_from_elsewhere(image: Picture) -> Picture:
    middle, tilt = 144, 0.0006
    near = 1 - tilt * middle
    nearer = [
        part / near
        for part in (
            *(1 + tilt * middle, 0, -(middle**2) * tilt),
            *(tilt * middle, 1, -(middle**2) * tilt),
            *(tilt, 0),
        )
    ]
    bicubic = Image.Resampling.BICUBIC
    made = Image.fromarray(image).transform(
        (288, 288), Image.Transform.PERSPECTIVE, nearer, bicubic
    )
    return np.asarray(made)


def redrawn(image: Picture) -> Picture:
    """Take each patch of 8 px from somewhere near."""
    random = np.random.default_rng(0)
    made = image.copy()
    for y in range(0, 281, 8):
        for x in range(0, 281, 8):
            v, u = np.clip(random.integers(-6, 7, 2) + np.array([y, x]), 0, 280)
            made[y : y + 8, x : x + 8] = image[v : v + 8, u : u + 8]
    return eight_bit(gaussian_filter(made.astype(float), (0.7, 0.7, 0)))


def with_a_part_moved(image: Picture) -> Picture:
    made = image.copy()
    made[190:, :] = np.roll(image, 6, axis=1)[190:, :]
    return made


FAULTS: dict[str, tuple[str, Callable[[Picture], Picture]]] = {
    "shift": ("shift", lambda image: np.roll(image, 2, axis=1)),
    "crop": ("zoom", cropped),
    "turn": ("rotation", turned),
    "stretch": ("stretch", stretched),
    "perspective": ("perspective", seen_from_elsewhere),
    "mirror": ("mirrored", lambda image: image[:, ::-1]),
    "far shift": ("shift", lambda image: np.roll(image, 90, axis=1)),
    "inverted": ("inverted-tone", lambda image: 255 - image),
    "VAE": ("re-encoding", smoothed_as_by_a_vae),
    "strong blur": (
        "blur",
        lambda image: eight_bit(gaussian_filter(image.astype(float), (4, 4, 0))),
    ),
    "redrawn": ("redrawn", redrawn),
    "brighter": ("exposure", lambda image: eight_bit(image * 1.04)),
    "tint": ("colour", lambda image: eight_bit(image * [1.03, 1.0, 0.97])),
    "jpeg": ("jpeg", jpeg),
    "noise": ("noise", noisy),
    "blur": ("blur", softened),
    "spill": ("spill", spilled),
    "seam": ("seam", seamed),
}


def first(reference: Picture, edited: Picture) -> Cause:
    return diagnose(reference, edited, outside()).causes[0]


@cache
def first_of(fault: str, name: str) -> Cause:
    return first(photo(name), FAULTS[fault][1](photo(name)))


@pytest.mark.quick(2)
@pytest.mark.parametrize("name", each_photo(["coffee", "rocket"]))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(fault: str, name: str) -> None:
    cause = first_of(fault, name)
    assert cause.kind == FAULTS[fault][0], cause
    assert cause.share > 0.4


@pytest.mark.parametrize("name", each_photo(["astronaut", "rocket"]))
def test_shares_add_up_to_one(name: str) -> None:
    image = photo(name)
    made = spilled(jpeg(eight_bit(np.roll(image, 1, axis=0) * 1.03)))
    causes = diagnose(image, made, outside()).causes
    assert {"shift", "spill"} <= {cause.kind for cause in causes}
    assert 0.8 <= sum(cause.share for cause in causes) <= 1 + 1e-9
    assert [cause.share for cause in causes] == sorted((c.share for c in causes), reverse=True)


def toned(image: Picture, random: np.random.Generator) -> Picture:
    gain = 1 + random.uniform(-0.2, 0.2) + random.uniform(-0.3, 0.3, 3) * random.integers(2)
    return eight_bit(image * gain + random.uniform(-20, 20))


def several_at_once(image: Picture, random: np.random.Generator) -> Picture:
    """Change the tone, not of a square of the picture; move the whole, or a part, or both."""
    size = len(image)
    made = toned(image, random)
    edge = int(random.integers(size // 12, size // 2))
    y, x = random.integers(0, size - edge, 2)
    square = np.s_[y : y + edge, x : x + edge]
    left = (image[square], toned(made[square], random), made[square].mean((0, 1)))
    made[square] = left[random.integers(3)]
    moved = random.integers(3)
    if moved:
        made = np.roll(made, random.integers(-20, 20, 2), (0, 1))
    if moved != 1:
        edge = int(random.integers(size // 4, size // 2))
        y, x = random.integers(0, size - edge, 2)
        square = np.s_[y : y + edge, x : x + edge]
        made[square] = np.roll(made[square], random.integers(2, 18), 1)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("name", each_photo(["astronaut", "cat", "coffee", "rocket"]))
def test_shares_never_add_up_to_more_than_one(name: str) -> None:
    image = square_photo(name, 144)
    mask = np.ones((144, 144), bool)
    mask[18:48, 15:45] = False
    random = np.random.default_rng(0)
    for number in range(30):
        found = diagnose(image, several_at_once(image, random), mask)
        assert sum(cause.share for cause in found.causes) <= 1 + 1e-9, (number, found.text)


def test_a_square_that_stayed_as_it_was_has_its_part_of_the_sum() -> None:
    image = photo("astronaut")
    made = eight_bit(image * 0.91 + 14.0)
    made[200:270, 120:200] = image[200:270, 120:200]
    causes = diagnose(image, made, outside()).causes
    assert [cause.kind for cause in causes] == ["contrast", "spill"]
    assert sum(cause.share for cause in causes) == pytest.approx(1, abs=0.03)


def test_what_the_whole_moved_out_of_the_frame_is_not_counted_twice() -> None:
    """A part that moved otherwise takes all of its pixels, at the border, too."""
    image = photo("coffee")
    made = np.roll(image, 14, 1)
    made[144:, 144:] = np.roll(image, -6, 1)[144:, 144:]
    found = diagnose(image, made, outside())
    causes = {cause.kind: cause.share for cause in found.causes}
    squares = ((image.astype(float) - made) ** 2).sum(axis=2) * outside()
    part = np.zeros(outside().shape, bool)
    for tile in found.drift.part:
        x1, y1, x2, y2 = tile.box
        around = (x2 - x1) // 2
        part[max(0, y1 - around) : y2 + around, max(0, x1 - around) : x2 + around] = True
    others = squares[~part].sum() / squares[part].sum()
    assert causes["shift"] / causes["moved-part"] <= others


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
    assert cause.text == "background moved 2.00 px right and 3.00 px up"
    assert cause.facts["dx"] == pytest.approx(2, abs=0.02)


def test_an_exposure_has_its_gain_and_offset() -> None:
    image = (photo("astronaut") * 0.8).astype(np.uint8)
    cause = first(image, eight_bit(image * 1.04 + 5))
    assert cause.facts["gain"] == pytest.approx([1.04] * 3, abs=0.003)
    assert cause.facts["offset"] == pytest.approx([5] * 3, abs=0.4)


@pytest.mark.parametrize("far", [60, 80])
@pytest.mark.parametrize("name", each_photo(["coffee", "cat", "rocket"]))
def test_a_spill_over_most_of_the_background_is_no_drawing(name: str, far: int) -> None:
    image = photo(name)
    x1, y1, x2, y2 = BOX
    around = (x1 - far, y1 - far, x2 + far, y2 + far)
    made = image.copy()
    spread = np.s_[around[1] : around[3], around[0] : around[2]]
    made[spread] = made[spread] // 2 + np.array([90, 20, 40], np.uint8)
    cause = first(image, made)
    assert cause.kind == "spill", cause
    assert cause.facts["boxes"][0] == pytest.approx(around, abs=8)


def test_the_corner_that_moved_farthest_is_said() -> None:
    cause = first_of("perspective", "coffee")
    assert re.match(
        r"background seen in another perspective \(its [a-z ]+ corner moved", cause.text
    )
    assert len(cause.facts["corners"]) == 4


def test_a_spill_has_its_box() -> None:
    cause = first(photo("astronaut"), spilled(photo("astronaut")))
    x1, y1, x2, y2 = cause.facts["boxes"][0]
    assert (x1, y1, x2, y2) == pytest.approx((200, 200, 240, 232), abs=2)
    assert cause.text.startswith("a local change in (")


def test_jpeg_has_the_share_that_it_would_make() -> None:
    image = photo("astronaut")
    plain = diagnose(image, jpeg(image), outside()).causes
    assert [cause.kind for cause in plain] == ["jpeg"]
    assert plain[0].facts["quality"] in (30, 40, 50)
    made = jpeg(eight_bit(gaussian_filter(image.astype(float), (2, 2, 0))))
    causes = {cause.kind: cause.share for cause in diagnose(image, made, outside()).causes}
    assert causes["jpeg"] < causes["blur"]


@pytest.mark.parametrize("name", each_photo(["coffee", "astronaut"]))
def test_a_part_that_moved_is_named_with_its_shift(name: str) -> None:
    cause = first(photo(name), with_a_part_moved(photo(name)))
    assert cause.kind == "moved-part", cause
    assert (cause.facts["dx"], cause.facts["dy"]) == pytest.approx((6, 0), abs=0.1)
    assert cause.text.endswith(" px right")


def test_almost_nothing_is_said_with_its_numbers() -> None:
    image = photo("coffee").copy()
    image[0, 0] = 100
    made = image.copy()
    made[0:3, 0:5] += 2
    (cause,) = diagnose(image, made, outside()).causes
    assert cause.kind == "almost-nothing"
    assert cause.text == "almost nothing: 15 pixels, by at most 2 levels"


def test_a_plain_wall_has_no_gain() -> None:
    random = np.random.default_rng(0)
    wall = eight_bit(128 + random.normal(0, 3, (288, 288, 3)))
    made = eight_bit(wall * 0.3 + 82 + random.normal(0, 3, (288, 288, 3)))
    cause = first(wall, made)
    tone = fit_tone(chw(wall.astype(np.float32)), chw(made.astype(np.float32)), outside())
    assert tone.gain == (1.0, 1.0, 1.0)
    assert tone.offset == pytest.approx((-7.6,) * 3, abs=0.3)
    assert cause.kind == "exposure"


def test_a_background_that_is_hardly_there_is_said() -> None:
    image = photo("cat")
    mask = np.zeros((288, 288), bool)
    mask[:50, :50] = True
    found = diagnose(image, eight_bit(image * 1.1), mask)
    assert found.text.endswith(", of the 3.0 % of the image that is background")
    assert found.to_dict()[-1]["text"].endswith("that is background")


def test_causes_are_short_and_the_largest_share_comes_first() -> None:
    image = photo("astronaut")
    found = diagnose(image, jpeg(np.roll(image, 1, axis=1)), outside())
    assert re.fullmatch(r"background moved 1.00 px right \(\d+ %\), JPEG \(\d+ %\)", found.text)
    assert "quality about" in found.to_dict()[1]["long"]


@pytest.mark.long
def test_another_picture_is_drawn_anew() -> None:
    assert first(photo("astronaut"), photo("coffee")).kind == "redrawn"


def test_channels_that_have_nothing_to_do_with_those_before_are_drawn_anew() -> None:
    random = np.random.default_rng(0)
    image, made = (
        np.asarray(Image.fromarray(coarse).resize((288, 288), Image.Resampling.BICUBIC))
        for coarse in random.integers(30, 220, (2, 24, 24, 3), dtype=np.uint8)
    )
    assert first(image, made).kind == "redrawn"


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
    tone = fit_tone(chw(image), chw(toned), np.ones((288, 288), bool))
    assert tone.gain == pytest.approx((0.9, 1.0, 1.05), abs=0.002)
    assert tone.offset == pytest.approx((4, 0, -3), abs=0.3)


def test_what_is_told_is_json() -> None:
    import json

    found = diagnose(photo("cat"), jpeg(photo("cat")), outside())
    assert json.loads(json.dumps(found.to_dict()))[0]["kind"] == "jpeg"


@pytest.mark.parametrize("levels", [3, 6, -4])
@pytest.mark.parametrize("name", each_photo(["astronaut", "coffee", "rocket"]))
def test_a_weak_change_of_a_part_is_local_where_all_else_stayed_bit_for_bit(name, levels):
    before = photo(name)
    after = before.astype(int)
    after[20:60, 90:140] += levels
    found = diagnose(before, after.clip(0, 255).astype(np.uint8), np.ones((288, 288), bool))
    assert [(cause.kind, cause.facts.get("boxes")) for cause in found.causes] == [
        ("spill", [[90, 20, 140, 60]])
    ]


def test_a_blur_that_turns_fine_stripes_over_is_a_blur() -> None:
    stripes = 18 * np.cos(2 * np.pi * np.arange(288) / 3.4)
    striped = eight_bit(0.5 * photo("coffee") + 64 + stripes[None, :, None])
    edited = eight_bit(uniform_filter1d(striped.astype(np.float64), 5, axis=1))
    cause = diagnose(striped, edited, outside()).causes[0]
    assert cause.kind == "blur"
    assert ", 0 % of the fine detail left" in cause.long
