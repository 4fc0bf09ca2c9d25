"""Images of unlike sizes: the geometry of each mode, held to numpy, OpenCV and counting pixels."""

from __future__ import annotations

import io
import re

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.errors import ImageError, InputError, RegionError
from pytest_editmetrics.images.best_fit import brought_together, fits
from pytest_editmetrics.images.load import load_pair
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.images.resize_modes import RESIZES
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.images.sizes import Fit, fit_of, rounded_to

SIDES = st.integers(24, 300)
SIZES = st.tuples(SIDES, SIDES)
MULTIPLES = st.sampled_from([8, 16, 32, 64])
MODES = st.sampled_from(list(RESIZES))


def noise(width: int, height: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(width: int, height: int, seed: int = 0) -> np.ndarray:
    coarse = noise(max(3, width // 12), max(3, height // 12), seed)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def photo(name: str) -> np.ndarray:
    return np.asarray(Image.open(f"fixtures/demo/images/{name}.png").convert("RGB"))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    apart = one.astype(np.float64) - other
    return 10 * np.log10(255**2 / (apart**2).mean())


# --- what a model cut or padded without scaling is found to the bit ---


@given(SIZES, MULTIPLES)
def test_a_centre_cut_to_a_multiple_is_the_edited_image_to_the_bit(size, multiple):
    width, height = size
    wide, high = width // multiple * multiple, height // multiple * multiple
    assume(wide and high and (wide, high) != size)
    image = noise(*size)
    left, top = (width - wide) // 2, (height - high) // 2
    edited = image[top : top + high, left : left + wide]
    before, after = load_pair(image, edited, resize="crop-center")
    assert (before == edited).all()
    assert (after == edited).all()


@given(SIZES, MULTIPLES)
def test_a_top_left_cut_to_a_multiple_is_the_edited_image_to_the_bit(size, multiple):
    width, height = size
    wide, high = width // multiple * multiple, height // multiple * multiple
    assume(wide and high and (wide, high) != size)
    image = noise(*size)
    before, _ = load_pair(image, image[:high, :wide], resize="crop-top-left")
    assert (before == image[:high, :wide]).all()


@given(SIZES, MULTIPLES, st.sampled_from(["edge", "reflect", "constant"]))
def test_what_was_padded_to_a_multiple_is_the_reference_to_the_bit(size, multiple, how):
    width, height = size
    image = noise(*size)
    right, below = -width % multiple, -height % multiple
    assume((right or below) and right < width and below < height)
    edited = np.pad(image, ((0, below), (0, right), (0, 0)), mode=how)
    before, after = load_pair(image, edited, resize="pad")
    assert (before == image).all()
    assert (after == image).all()


@given(SIZES, st.integers(65, 200), st.booleans())
def test_a_letterbox_beside_one_side_is_the_reference_to_the_bit(size, more, upright):
    image = noise(*size)
    side = size[1] if upright else size[0]
    first = (side + more) // 2 - side // 2
    last = more - first
    bars = ((first, last), (0, 0)) if upright else ((0, 0), (first, last))
    edited = np.pad(image, (*bars, (0, 0)))
    before, after = load_pair(image, edited, resize="pad")
    assert (before == image).all()
    assert (after == image).all()


@given(SIZES, st.integers(1, 20), st.booleans(), st.sampled_from(["crop-center", "crop-top-left"]))
def test_a_cut_of_one_side_is_never_scaled(size, less, upright, mode):
    image = noise(*size)
    start = less // 2 if mode == "crop-center" else 0
    rows, columns = slice(None), slice(None)
    if upright:
        rows = slice(start, start + size[1] - less)
    else:
        columns = slice(start, start + size[0] - less)
    cut = image[rows, columns]
    before, _ = load_pair(image, Image.fromarray(cut), resize=mode)  # as an array 4 px may be RGBA
    assert (before == cut).all()


# --- what a model cut or padded and scaled, by OpenCV, lies at its place ---


def scaled(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(image, size, interpolation=how)


@pytest.mark.parametrize(("width", "height"), [(512, 512), (256, 256), (300, 200), (200, 300)])
def test_a_centre_crop_by_opencv_is_found(width, height):
    image = photo("coffee")  # 480x320
    ratio = min(480 / width, 320 / height)
    wide, high = round(width * ratio), round(height * ratio)
    left, top = (480 - wide) // 2, (320 - high) // 2
    edited = scaled(image[top : top + high, left : left + wide], (width, height))
    found = {mode: psnr(*load_pair(image, edited, mode, "any")) for mode in RESIZES}
    assert max(found, key=found.__getitem__) in (
        ("crop-center",) if (wide, high) != (480, 320) else ("edited", "crop-center", "pad")
    )
    assert found["crop-center"] > 31


@pytest.mark.parametrize("edge", [512, 320, 192])
def test_a_letterbox_by_opencv_is_found(edge):
    image = photo("coffee")
    high = round(320 * edge / 480)
    top = edge // 2 - high // 2
    edited = np.full((edge, edge, 3), 17, np.uint8)
    edited[top : top + high] = scaled(image, (edge, high))
    before, after = load_pair(image, edited, resize="pad")
    assert before.shape == after.shape == (high, edge, 3)
    assert psnr(before, after) > 32


@given(SIZES, SIZES, MODES)
def test_whatever_the_sizes_both_images_come_out_alike(reference, edited, mode):
    assume(reference != edited)
    fit = fit_of(mode, reference, edited)
    before, after = fit.pictures(smooth(*reference), smooth(*edited, 1))
    assert before.shape == after.shape == (*fit.size[::-1], 3)
    x1, y1, x2, y2 = fit.part
    assert 0 <= x1 < x2 <= reference[0]
    assert 0 <= y1 < y2 <= reference[1]
    a1, b1, a2, b2 = fit.edited_part
    assert 0 <= a1 < a2 <= edited[0]
    assert 0 <= b1 < b2 <= edited[1]
    if mode.startswith("crop"):  # whole in one direction, of the edited image's aspect or cut
        assert fit.size == edited
        cut = fit.kernel is None
        assert cut or abs((x2 - x1) * edited[1] - (y2 - y1) * edited[0]) < 1e-6 * edited[0] * 300
        assert cut or (x2 - x1 == reference[0]) or (y2 - y1 == reference[1])


# --- regions go along with the picture ---


def flags(inside: np.ndarray) -> np.ndarray:
    return np.where(inside[..., None], np.uint8(255), np.uint8(0)).repeat(3, 2)


@given(
    SIZES,
    SIZES,
    MODES,
    st.tuples(*[st.floats(0, 1)] * 4),
    st.sampled_from(["boxes", "mask", "polygons"]),
)
def test_a_region_covers_just_what_the_picture_shows_of_it(reference, edited, mode, at, kind):
    assume(reference != edited)
    width, height = reference
    x1, x2 = sorted(int(part * (width - 1)) for part in at[:2])
    y1, y2 = sorted(int(part * (height - 1)) for part in at[2:])
    box = (x1, y1, x2 + 1, y2 + 1)
    inside = region_mask([box], "inner", height, width)
    corners = [(x1, y1), (x2 + 1, y1), (x2 + 1, y2 + 1), (x1, y2 + 1)]
    given = {"boxes": [box], "mask": inside, "polygons": [corners]}[kind]
    fit = fit_of(mode, reference, edited)
    region = Region(**{kind: given})
    shown = Image.fromarray(flags(inside)).resize(fit.size, Image.Resampling.BOX, box=fit.part)
    if not np.asarray(shown).any() and not fit.mask(inside).any():
        with pytest.raises(RegionError, match="nothing of it can be seen"):
            fit.region(region)
        return
    moved = fit.region(region).inside(*fit.size[::-1])
    # by counting: a pixel of what is compared is inside if any of its area is
    rows, columns = (
        [
            (first + (last - first) * n / count, first + (last - first) * (n + 1) / count)
            for n in range(count)
        ]
        for first, last, count in (
            (fit.part[1], fit.part[3], fit.size[1]),
            (fit.part[0], fit.part[2], fit.size[0]),
        )
    )
    down = np.array([min(b, box[3]) - max(a, box[1]) > 2e-6 for a, b in rows])
    across = np.array([min(b, box[2]) - max(a, box[0]) > 2e-6 for a, b in columns])
    wanted = down[:, None] & across
    assert (moved >= wanted).all()
    grown = cv2.dilate(wanted.astype(np.uint8), np.ones((3, 3)))
    assert not (moved & (grown == 0)).any()
    assert (moved == wanted).mean() > 0.98 or moved.size < 4000


def test_boxes_are_scaled_outward_in_both_directions():
    fit = fit_of("edited", (20, 20), (30, 50))
    assert fit.boxes([(1, 2, 5, 7)]) == [(1, 5, 8, 18)]
    small = fit_of("edited", (20, 20), (10, 5))
    assert small.boxes([(3, 3, 4, 4)]) == [(1, 0, 2, 1)]


def test_a_box_of_one_pixel_stays_one_and_an_empty_one_stays_empty():
    fit = fit_of("edited", (1000, 800), (125, 100))
    assert fit.boxes([(401, 401, 402, 402), (401, 401, 401, 500)]) == [
        (50, 50, 51, 51),
        (50, 50, 50, 63),
    ]
    mask = np.zeros((800, 1000), bool)
    mask[401, 401] = True
    assert np.argwhere(fit.region(Region(mask=mask)).mask).tolist() == [[50, 50]]


def test_a_polygon_and_what_it_grew_by_are_scaled_alike():
    region = Region(polygons=[[(40, 40), (140, 60), (60, 160)]], dilate=6)
    fit = fit_of("edited", (200, 200), (100, 100))
    moved = fit.region(region).inside(100, 100)
    whole = region.inside(200, 200)
    assert (moved == whole.reshape(100, 2, 100, 2).any((1, 3))).all()


def test_a_suggested_mask_stays_one():
    mask = np.ones((20, 20), bool)
    assert fit_of("edited", (20, 20), (10, 10)).region(Region(mask=mask, suggested=True)).suggested


@pytest.mark.parametrize("shape", ["boxes", "mask", "polygons"])
def test_a_region_that_was_cut_away_is_an_error(shape):
    mask = np.zeros((64, 160), bool)
    mask[10:30, 2:30] = True
    corners = [(2, 10), (30, 10), (30, 30), (2, 30)]
    given = {"boxes": [(2, 10, 30, 30)], "mask": mask, "polygons": [corners]}[shape]
    fit = fit_of("crop-center", (160, 64), (64, 64))
    with pytest.raises(RegionError, match=r"lies outside \(48, 0, 112, 64\), .*crop-center"):
        fit.region(Region(**{shape: given}))
    assert fit_of("crop-top-left", (160, 64), (64, 64)).region(Region(**{shape: given}))


def test_a_box_in_the_edited_images_pixels_is_an_error():
    fit = fit_of("edited", (160, 64), (320, 128))
    with pytest.raises(RegionError, match="regions are in the reference's pixels"):
        fit.region(Region(boxes=[(0, 0, 9, 9), (200, 10, 300, 90)]))
    beyond = fit.region(Region(boxes=[(0, 0, 9, 9), (400, 10, 500, 90)]))  # in neither
    assert beyond.inside(128, 320).sum() == 18 * 18


def test_a_box_that_is_partly_cut_away_is_measured_where_it_is_seen():
    fit = fit_of("crop-center", (160, 64), (64, 64))
    region = fit.region(Region(boxes=[(2, 10, 30, 30), (40, 10, 60, 30)]))
    inside = region.inside(64, 64)
    assert np.argwhere(inside).min(0).tolist() == [10, 0]
    assert inside.sum() == 20 * 12


def test_an_object_that_was_cut_away_is_an_error_that_names_its_box():
    fit = fit_of("crop-center", (160, 64), (64, 64))
    with pytest.raises(RegionError, match=r"reference box 2 \(0, 0, 40, 40\)"):
        fit.objects([(60, 0, 90, 40), (0, 0, 40, 40)], [(10, 0, 40, 40)] * 2)
    padded = fit_of("pad", (160, 64), (160, 160))
    with pytest.raises(RegionError, match=r"edited box 1 \(0, 0, 40, 40\).*part of the edited"):
        padded.objects([(0, 0, 40, 40)], [(0, 0, 40, 40)])
    assert padded.objects([(0, 0, 40, 40)], [(0, 48, 40, 88)]) == ([(0, 0, 40, 40)],) * 2


@given(SIZES, SIZES, MODES, st.integers(0, 9))
def test_a_mask_comes_back_around_where_it_was(reference, edited, mode, seed):
    assume(reference != edited)
    fit = fit_of(mode, reference, edited)
    random = np.random.default_rng(seed)
    x1, y1 = (int(random.integers(0, side)) for side in reference)
    box = (x1, y1, min(reference[0], x1 + 40), min(reference[1], y1 + 40))
    inside = region_mask([box], "inner", *reference[::-1])
    back = fit.back(fit.mask(inside))
    kept = np.zeros_like(inside)
    a, b, c, d = fit.part
    kept[int(np.ceil(b)) : int(d), int(np.ceil(a)) : int(c)] = True
    assert (back >= (inside & kept)).all()
    reach = int(np.ceil(max(reference[0] / fit.size[0], reference[1] / fit.size[1]))) + 1
    near = cv2.dilate(inside.astype(np.uint8), np.ones((2 * reach + 1,) * 2))
    assert not (back & (near == 0)).any()


# --- a change of aspect ---


@given(
    st.integers(200, 3000),
    st.integers(200, 3000),
    st.floats(0.2, 2),
    MULTIPLES,
    st.sampled_from([np.floor, np.ceil, np.round]),
)
def test_rounding_to_a_multiple_is_explained(width, height, scale, multiple, rounding):
    sides = [int(rounding(side * scale / multiple)) * multiple for side in (width, height)]
    assume(all(sides))
    assume(
        all(
            abs(got - side * scale) < got / 4
            for got, side in zip(sides, (width, height), strict=True)
        )
    )
    assert rounded_to((width, height), tuple(sides)) is not None


@given(st.integers(64, 3000), st.integers(64, 3000), st.floats(0.3, 2))
def test_a_kept_aspect_is_no_change(width, height, scale):
    assume(min(width, height) * scale >= 8)
    assert rounded_to((width, height), (round(width * scale), round(height * scale))) == 1


@pytest.mark.parametrize(
    ("reference", "edited", "multiple"),
    [
        ((1000, 667), (1000, 664), 8),
        ((1000, 667), (992, 656), 8),
        ((599, 397), (600, 400), 8),
        ((1000, 667), (1024, 640), 64),
        ((1000, 667), (1024, 1024), None),
        ((1000, 667), (667, 1000), None),
        ((1000, 667), (1216, 832), 32),
        ((640, 480), (512, 512), None),
        ((4000, 3000), (1152, 896), 32),
        ((4000, 3000), (1024, 1024), None),
        ((900, 1081), (896, 1081), 8),
        ((64, 64), (20, 64), None),
        ((383, 251), (320, 192), 32),
    ],
)
def test_which_multiple_explains_a_size(reference, edited, multiple):
    assert rounded_to(reference, edited) == multiple


def test_a_stretch_that_rounding_does_not_explain_is_an_error_unless_it_is_allowed():
    before, after = smooth(300, 200), smooth(256, 256)
    for mode in ("reference", "edited"):
        with pytest.raises(ImageError, match=r"rounding a side to a multiple of up to 64 px"):
            brought_together(before, after, mode)
        with pytest.raises(ImageError, match="aspect='any'"):
            brought_together(before, after, mode, "rounded")
        assert isinstance(brought_together(before, after, mode, "any"), Fit)
    for mode in ("crop-center", "crop-top-left", "pad"):
        assert isinstance(brought_together(before, after, mode), Fit)


def test_images_of_one_size_are_left_alone_whatever_the_mode():
    image = noise(40, 30)
    for mode in (None, *RESIZES):
        assert brought_together(image, image.copy(), mode) is None


def test_a_misspelt_mode_names_the_nearest():
    with pytest.raises(InputError, match=r"'crop-centre'.*did you mean 'crop-center'"):
        brought_together(noise(9, 9), noise(9, 9), "crop-centre")
    with pytest.raises(InputError, match=r"'anny'.*did you mean 'any'"):
        brought_together(noise(9, 9), noise(9, 9), "edited", "anny")


# --- which mode fits best ---


def made(mode: str, image: np.ndarray) -> np.ndarray:
    """Return what a model makes of an image that treats sizes so, at 8 pixels or as a square."""
    height, width = image.shape[:2]
    if mode == "edited":
        return scaled(image, (width // 16 * 16, height // 16 * 16))
    if mode == "crop-center":
        left = (width - height) // 2
        return scaled(image[:, left : left + height], (256, 256))
    if mode == "crop-top-left":
        return scaled(image[:, :height], (256, 256))
    letterbox = np.zeros((256, 256, 3), np.uint8)
    high = round(256 * height / width)
    top = 128 - high // 2
    letterbox[top : top + high] = scaled(image, (256, high))
    return letterbox


@pytest.mark.parametrize("edit", ["none", "large", "relit"])
@pytest.mark.parametrize("mode", ["edited", "crop-center", "crop-top-left", "pad"])
def test_the_mode_that_the_model_used_is_named(mode, edit):
    image = photo("coffee")[:317, :477].copy()
    edited = image.copy()
    if edit == "large":  # 60 % of the frame is another picture, and nobody says where
        edited[50:286, 60:440] = photo("cat")[:236, :380]
    if edit == "relit":
        edited = np.clip(edited.astype(int) + 40, 0, 255).astype(np.uint8)
    with pytest.raises(ImageError, match=rf"resize='{mode}' fits best"):
        brought_together(image, made(mode, edited))


def test_another_picture_is_asked_after():
    for other in ("cat", "rocket"):
        with pytest.raises(ImageError, match=r"no mode fits well, is it the same picture\? If so"):
            brought_together(photo("coffee"), scaled(photo(other), (300, 260)))


def test_a_stretch_is_proposed_with_its_aspect():
    image = photo("coffee")
    with pytest.raises(ImageError, match=r"resize='edited', aspect='any' fits best \(in YAML"):
        brought_together(image, scaled(image, (256, 256)))


def test_the_way_back_is_not_proposed_for_a_smaller_output():
    image = photo("coffee")
    ranked = fits(image, scaled(image, (240, 160)))
    assert [one.fit.resize for one in ranked] == ["edited", "reference"]


@pytest.mark.parametrize(
    ("size", "mode"), [((600, 400), "reference"), ((768, 512), "reference"), ((488, 328), "edited")]
)
def test_photos_of_one_model_get_one_advice(size, mode):
    said = set()
    for name in ("coffee", "cat", "rocket", "astronaut"):
        image = np.asarray(Image.fromarray(photo(name)).resize((480, 320)))
        for quality in (30, 95):
            file = io.BytesIO()
            Image.fromarray(scaled(image, size)).save(file, "JPEG", quality=quality)
            with pytest.raises(ImageError) as raised:
                brought_together(image, np.asarray(Image.open(file)))
            text = str(raised.value)
            assert re.findall(r"resize='([a-z-]+)'", text) == [mode]
            psnr = dict(re.findall(r"([a-z]+) (\d+\.\d)", text.partition("dB: ")[2]))
            less = max(map(float, psnr.values())) > float(psnr[mode]) + 0.55
            assert less <= ("' suits these sizes (" in text)
            said.add("' suits these sizes (" in text)
    assert said == ({False} if mode == "edited" else {False, True})


def test_a_known_edit_area_is_no_background():
    image = photo("coffee")
    inside = np.zeros(image.shape[:2], bool)
    inside[:, 48:] = True  # nine tenths
    edited = photo("rocket")[:320, :480].copy()
    edited[:, :48] = image[:, :48]
    named = fits(image, edited[:312, :472], inside)[0].fit.resize
    assert named == "crop-top-left"
