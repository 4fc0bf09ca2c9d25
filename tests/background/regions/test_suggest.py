"""A proposed region is what was edited, whatever the model does to the rest."""

from __future__ import annotations

import io
from functools import cache

import numpy as np
import pytest
from altered import as_jpeg, blurred, eight_bit
from PIL import Image
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.own_noise import changed
from pytest_editmetrics.background.suggest import suggest_region
from pytest_editmetrics.errors import EditMetricsError

HEIGHT, WIDTH = 240, 320


@cache
def picture(seed=0):
    """Soft hills, hard edges and grain."""
    random = np.random.default_rng(seed)
    hills = gaussian_filter(random.normal(0, 1, (HEIGHT, WIDTH, 3)), (18, 18, 0))
    made = 120 + 45 * hills / hills.std()
    for _ in range(14):
        y, x = random.integers(0, HEIGHT - 30), random.integers(0, WIDTH - 30)
        made[y : y + random.integers(10, 60), x : x + random.integers(10, 60)] += random.uniform(
            -60, 60, 3
        )
    made = eight_bit(made + random.normal(0, 2, made.shape))
    made.setflags(write=False)
    return made


def composited(image):
    return image


def reencoded(image):
    soft = gaussian_filter(image.astype(float), (0.6, 0.6, 0))
    file = io.BytesIO()
    Image.fromarray(eight_bit(soft * 1.01 + 2)).save(file, "JPEG", quality=92)
    return np.asarray(Image.open(file))


def generative(image):
    random = np.random.default_rng(1)
    grain = gaussian_filter(random.normal(0, 1, image.shape[:2]), 0.8)
    soft = gaussian_filter(image.astype(float), (0.8, 0.8, 0))
    return eight_bit(soft * 1.02 - 4 + (3 * grain / grain.std())[..., None])


def in_a_disk(share):
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    away = ((y - HEIGHT / 2) / HEIGHT) ** 2 + ((x - WIDTH / 2) / WIDTH) ** 2
    return away <= np.quantile(away, share)


def edited(reference, mask, how="replaced"):
    if how == "recoloured":
        other = eight_bit(reference[..., [2, 0, 1]] * 0.6 + np.array([90, 0, 20]))
    elif how == "erased":
        other = eight_bit(np.full(reference.shape, (30, 60, 90)))
    else:
        other = 255 - picture(7)
    return np.where(mask[..., None], other, reference)


def iou(one, other):
    return (one & other).sum() / (one | other).sum()


@pytest.mark.quick(4)
@pytest.mark.parametrize("how", ["replaced", "recoloured", "erased"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.8])
@pytest.mark.parametrize("model", [composited, reencoded, generative])
def test_the_mask_is_what_was_edited(model, share, how):
    reference, mask = picture(), in_a_disk(share)
    found = suggest_region(reference, model(edited(reference, mask, how)))
    assert iou(found.mask, mask) >= 0.8
    y, x = np.nonzero(mask)
    assert np.allclose(found.boxes[0], (x.min(), y.min(), x.max() + 1, y.max() + 1), atol=4)


@pytest.mark.slow
@pytest.mark.parametrize("model", [composited, reencoded])
def test_an_edit_around_a_background_leaves_it_out(model):
    reference, mask = picture(), ~in_a_disk(0.15)
    found = suggest_region(reference, model(edited(reference, mask)))
    assert iou(found.mask, mask) >= 0.8


@pytest.mark.parametrize("model", [reencoded, generative])
def test_what_a_model_does_everywhere_is_no_edit(model):
    reference = picture()
    with pytest.raises(EditMetricsError, match="no part stands out from the rest"):
        suggest_region(reference, model(reference))


def test_of_another_picture_nothing_can_be_said():
    with pytest.raises(EditMetricsError, match="none of the frame stayed what it was"):
        suggest_region(picture(), 255 - picture(7))


def test_equal_images_show_no_edit():
    with pytest.raises(EditMetricsError, match="the images are equal"):
        suggest_region(picture(), picture())


def test_faint_edits_are_seen_where_the_rest_is_identical():
    reference, mask = picture(), in_a_disk(0.4)
    faint = np.where(mask[..., None], reference + np.uint8(6), reference)
    found = suggest_region(reference, faint)
    assert iou(found.mask, mask) >= 0.9


def test_white_and_black_that_stay_are_no_proof():
    page = np.where(in_a_disk(0.5)[..., None], picture(), np.uint8(255))
    assert changed(page, edited(page, in_a_disk(0.1))).proof
    assert not changed(page, reencoded(page)).proof


def test_several_parts_come_largest_first_and_grow():
    reference = picture()
    made = reference.copy()
    made[20:60, 20:60] ^= 128
    made[100:200, 200:300] ^= 128
    found = suggest_region(reference, made, dilate=5)
    assert found.boxes == ((195, 95, 305, 205), (15, 15, 65, 65))
    assert found.mask[105:195, 195:305].all()


EVERYWHERE = {
    "exposure": lambda image: eight_bit(image * 1.2),
    "colour": lambda image: eight_bit(image * np.array([1.15, 1, 0.85])),
    "shift": lambda image: np.concatenate([image[:, :3], image[:, :-3]], axis=1),
}


def plain():
    """Three things on a plain wall, as in a studio."""
    made = np.full((HEIGHT, WIDTH, 3), 205.0)
    made[40:120, 40:110] = (150, 60, 50)
    made[150:220, 60:130] = (60, 70, 120)
    made[90:180, 200:280] = (40, 110, 70)
    return eight_bit(gaussian_filter(made, (1, 1, 0)))


def drawn():
    """Black lines on white paper."""
    made = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    random = np.random.default_rng(3)
    for _ in range(12):
        y, x = random.integers(0, HEIGHT - 60), random.integers(0, WIDTH - 60)
        made[y : y + random.integers(20, 60), x : x + 3] = 0
        made[y : y + 3, x : x + random.integers(20, 60)] = 0
    return made


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("exposure", r"everywhere: exposure \+"),
        ("colour", r"everywhere: colours shifted \(red \+"),
        ("shift", r"everywhere: background moved 3\.0\d px right"),
    ],
)
@pytest.mark.parametrize("of", [picture, plain, drawn])
def test_what_changed_everywhere_is_said_and_no_region_proposed(of, how, said):
    reference = of()
    with pytest.raises(EditMetricsError, match=f"{said}|images are equal|no part stands out"):
        suggest_region(reference, EVERYWHERE[how](reference))


@pytest.mark.parametrize("how", EVERYWHERE)
def test_an_edit_beside_what_changed_everywhere_is_proposed(how):
    reference, mask = picture(), in_a_disk(0.1)
    found = suggest_region(reference, EVERYWHERE[how](edited(reference, mask)))
    assert (found.mask & mask).sum() >= 0.8 * mask.sum()


@pytest.mark.parametrize("model", [composited, reencoded, generative])
def test_a_part_whose_colours_changed_less_belongs_to_the_edit(model):
    """Its squared difference is a twentieth of the larger part's at most."""
    reference = picture()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:160, 40:140] = mask[70:150, 190:270] = True
    made = reference.astype(float)
    made[60:160, 40:140] = 255 - made[60:160, 40:140] // 4
    made[70:150, 190:270] += 24
    found = suggest_region(reference, model(eight_bit(made)))
    assert iou(found.mask, mask) >= 0.8


def shuffled(image):
    """Take each patch of 8 px from somewhere near."""
    random, made = np.random.default_rng(0), image.copy()
    for y in range(0, HEIGHT - 7, 8):
        for x in range(0, WIDTH - 7, 8):
            top = min(max(0, y + random.integers(-6, 7)), HEIGHT - 8)
            left = min(max(0, x + random.integers(-6, 7)), WIDTH - 8)
            made[y : y + 8, x : x + 8] = image[top : top + 8, left : left + 8]
    return blurred(made, 0.7)


DRAWN_ANEW = {
    "blurred": lambda image: blurred(image, 4),
    "jpeg": lambda image: as_jpeg(image, 10),
    "shuffled": shuffled,
    "channels exchanged": lambda image: image[..., [1, 2, 0]],
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("how", DRAWN_ANEW)
@pytest.mark.parametrize("of", [picture, drawn])
def test_what_was_drawn_anew_all_over_shows_no_edit(of, how):
    reference = of()
    said = "by what changed everywhere|images are equal|no part stands out|none of the frame"
    with pytest.raises(EditMetricsError, match=said):
        suggest_region(reference, DRAWN_ANEW[how](reference))


def test_the_one_thing_of_colour_is_an_edit_though_a_change_of_all_colours_would_do_the_same():
    reference = np.full((HEIGHT, WIDTH, 3), 205, np.uint8)
    reference[90:180, 120:220] = (150, 60, 50)
    reference[60:70, 20:300] = reference[200:210, 20:300] = 90
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[90:180, 120:220] = True
    found = suggest_region(reference, reencoded(reference[..., [2, 1, 0]]))
    assert iou(found.mask, mask) >= 0.8


def test_a_thing_that_vanishes_from_a_plain_picture_is_an_edit():
    reference = np.zeros((100, 100, 3), np.uint8)
    reference[20:40, 20:40] = 200
    (box,) = suggest_region(reference, np.zeros_like(reference)).boxes
    assert np.allclose(box, (20, 20, 40, 40), atol=2)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2)])
def test_of_a_line_of_pixels_nothing_can_be_said(size):
    reference = np.zeros((*size, 3), np.uint8)
    with pytest.raises(EditMetricsError, match="px, and a region is told from 8 px on"):
        suggest_region(reference, reference + np.uint8(90))


@pytest.mark.quick(1)
@pytest.mark.parametrize("model", [reencoded, generative])
def test_a_background_that_is_a_fifth_is_one_though_the_edit_changed_all_its_pixels_alike(model):
    reference = eight_bit(picture() * 0.2 + 100)
    mask = in_a_disk(0.85)
    made = np.where(mask[..., None], reference + np.array([90.0, -40, 60]), reference)
    assert iou(suggest_region(reference, model(eight_bit(made))).mask, mask) >= 0.8


@pytest.mark.slow
@pytest.mark.parametrize("model", [reencoded, generative])
def test_a_ring_of_a_large_edit_that_changed_little_is_part_of_it(model):
    """What was erased with one colour had nearly that colour in a ring."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    away = np.hypot(y - HEIGHT / 2, x - WIDTH / 2)
    reference = eight_bit(picture() * 0.1 + (90 + 0.4 * away)[..., None])
    mask = in_a_disk(0.7)
    made = np.where(mask[..., None], reference[120, 230], reference)
    assert iou(suggest_region(reference, model(eight_bit(made))).mask, mask) >= 0.8


@pytest.mark.parametrize("model", [reencoded, generative])
def test_small_parts_that_changed_less_belong_to_an_edit_beside_which_nothing_changed(model):
    reference = picture()
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[60:190, 80:240] = mask[10:40, 10:60] = mask[205:235, 250:300] = True
    made = reference.astype(float)
    made[60:190, 80:240] = 255 - made[60:190, 80:240] // 4
    made[10:40, 10:60] += 90
    made[205:235, 250:300] -= 90
    found = suggest_region(reference, model(eight_bit(made)))
    assert len(found.boxes) == 3
    assert iou(found.mask, mask) >= 0.8
