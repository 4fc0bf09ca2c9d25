"""Where the original misleads, and what we do: one test or more for each row of the design."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_editmetrics.errors import ImageError, InputError, RegionError
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.sam import SAMPipe

CLIP = Path(__file__).parents[2] / "fixtures" / "parity" / "models" / "clip"
OBJECT = "sam_clip_cls_sim"
BOX = (40, 60, 150, 170)
METRICS = ("emd", "lpips", OBJECT)


@pytest.fixture(scope="module")
def measure(tiny_clip, alex):
    """Measure any metric by name; objects get the boxes of both images."""

    def call(metric, reference, edited, coords=(BOX,), mode="inner", **params):
        pipe = alex if metric == "lpips" else tiny_clip
        boxes = [*coords, *coords] if metric == OBJECT else coords
        return pipe.measure(reference, edited, boxes, mode, metric=metric, **params)

    return call


def noise(image: np.ndarray, box: tuple[int, int, int, int], seed: int = 0) -> np.ndarray:
    x1, y1, x2, y2 = box
    edited = image.copy()
    random = np.random.default_rng(seed)
    edited[y1:y2, x1:x2] = random.integers(0, 256, (y2 - y1, x2 - x1, 3), dtype=np.uint8)
    return edited


# --- image centre-cropped, mask stretched ---


@pytest.mark.parametrize("edit", [(0, 0, 60, 128), (200, 20, 256, 100)])
def test_an_edit_at_the_border_of_a_wide_image_is_seen(photo, edit):
    """Row: image centre-cropped, mask stretched."""
    wide = photo[64:192]
    edited = noise(wide, edit)
    stretch = CLIPPipe(CLIP, device="cpu")
    assert stretch(wide, edited) > 0.1
    for framing in ("center-crop", "autopipeline"):
        assert CLIPPipe(CLIP, device="cpu", framing=framing)(wide, edited) == 0


def test_mask_and_image_go_through_the_same_crop(photo):
    """Row: image centre-cropped, mask stretched; ``center-crop`` keeps them aligned."""
    wide = photo[64:192]
    edited = noise(wide, (0, 0, 40, 128))
    outside_the_crop = [(0, 0, 60, 128)]
    crop = CLIPPipe(CLIP, device="cpu", framing="center-crop")
    assert crop.measure(wide, edited, outside_the_crop, "inner").soft_failure is not None
    original = CLIPPipe(CLIP, device="cpu", framing="autopipeline")
    assert original(wide, edited, outside_the_crop, "inner") > 0


# --- all reference patches against the selected ones ---


def test_the_floor_of_an_identical_pair_is_its_score(measure, photo):
    """Row: all reference patches against the selected ones."""
    same = measure("emd", photo, photo)
    assert same.value > 1
    assert same.floor == same.value
    assert same.excess == 0
    assert measure("emd_excess", photo, photo).value == 0
    alike = measure("emd", photo, photo, reference_patches="selected")
    assert alike.value == alike.floor == pytest.approx(0, abs=1e-9)
    assert alike.details["reference_patches"] == "selected"


def test_an_edited_image_can_beat_the_identical_one_and_selected_patches_cannot(measure, photo):
    """Row: all reference patches against the selected ones; the order of scores."""
    box = (164, 31, 200, 67)
    edited = noise(photo, box)
    same, other = measure("emd", photo, photo, [box]), measure("emd", photo, edited, [box])
    assert other.value < same.value
    assert other.floor == same.value
    assert other.excess == other.value - other.floor < 0
    alike = measure("emd", photo, edited, [box], reference_patches="selected")
    assert alike.value > 1
    assert alike.excess == alike.value


# --- a patch counts when more than 10 % of it is unedited ---


def test_mixed_patches_are_counted_and_the_threshold_is_kept(measure, photo):
    """Row: a patch counts when more than 10 % of it is unedited."""
    edited = noise(photo, BOX)
    loose = measure("emd", photo, edited, mode="outer")
    strict = measure("emd", photo, edited, mode="outer", patch_mask_threshold=0.999)
    assert loose.details["mixed_patches"] > 0
    assert strict.details["mixed_patches"] == 0
    assert loose.details["patch_mask_threshold"] == 0.1
    assert loose.excess > strict.excess
    assert strict.details["n_selected"] < loose.details["n_selected"]


# --- area scaling ---


def test_small_boxes_score_higher_and_the_details_say_why(measure, photo):
    """Row: area scaling."""
    values = []
    for size in (4, 16, 64):
        box = (100, 100, 100 + size, 100 + size)
        edited = photo.copy()
        edited[100 : 100 + size, 100 : 100 + size] ^= 255
        found = measure("lpips", photo, edited, [box])
        fraction = size**2 / 256**2
        assert found.details["measured_fraction"] == fraction
        assert found.value == pytest.approx(found.details["unscaled"] / fraction)
        values.append(found.value)
    assert values == sorted(values, reverse=True)
    assert values[0] > 3 * values[-1]


# --- a cosine of 1.00000012 ---


def test_identical_crops_are_never_above_one(measure, photo):
    """Row: a cosine of 1.00000012."""
    for left in range(0, 100, 20):
        value = measure(OBJECT, photo, photo, [(left, 10, left + 90, 120)]).value
        assert value == pytest.approx(1, abs=1e-6)
        assert value <= 1


# --- SAM finds nothing: two white crops ---


def test_no_object_is_no_similarity(tiny_clip, photo, monkeypatch):
    """Row: SAM finds nothing: two white crops."""
    monkeypatch.setattr(
        "pytest_editmetrics.pipes.sam.SAMPipe._masks",
        lambda pipe, image, boxes: [np.zeros((y2 - y1, x2 - x1), bool) for x1, y1, x2, y2 in boxes],
    )
    measured = tiny_clip.measure(photo, photo, [BOX, BOX], "inner", metric=OBJECT)
    assert measured.value is None
    assert measured.soft_failure.reason == "empty-crop"


# --- lpips of an empty region: 0.0 ---


def test_nothing_compared_is_not_the_best_value(alex, photo):
    """Row: lpips of an empty region; ``calc_lpips`` is the original's own and keeps its 0.0."""
    over_all, inverted = [(0, 0, *photo.shape[1::-1])], 255 - photo
    assert alex(photo, inverted, over_all, "outer") is None
    assert alex.measure(photo, inverted, over_all, "outer").soft_failure.reason == "empty-region"
    assert alex.calc_lpips(photo, inverted, np.zeros(photo.shape[:2], bool)) == 0.0


# --- coords=[] for objects: NaN ---


@pytest.mark.parametrize("coords", [None, [], [BOX], [BOX] * 3])
def test_boxes_without_a_partner_are_no_number(coords, photo):
    """Row: ``coords=[]`` for objects."""
    sam = SAMPipe("smoke", device="cpu")
    pipe = CLIPPipe(CLIP, device="cpu", sam=sam)
    measured = pipe.measure(photo, photo, coords, "inner", metric=OBJECT)
    assert measured.value is None
    assert measured.soft_failure.reason == "unpaired-coords"
    assert not sam.loaded


# --- mask_mode misspelt ---


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("mode", ["iner", "OUTER", "", 1])
def test_a_misspelt_mask_mode_is_an_error(measure, photo, metric, mode):
    """Row: ``mask_mode`` misspelt."""
    with pytest.raises(InputError, match="unknown mask_mode"):
        measure(metric, photo, photo, mode=mode)


# --- patch size looked up by folder name ---


def test_the_folders_name_does_not_matter(tmp_path, photo):
    """Row: patch size looked up by folder name."""
    folder = tmp_path / "my-model-patch14-final"
    shutil.copytree(CLIP, folder)
    pipe = CLIPPipe(folder, device="cpu")
    assert (pipe.patch_size, pipe.img_input_size) == (32, 224)
    assert pipe(photo, photo) == 0


# --- boxes negative, outside, inverted, normalised floats ---


@pytest.mark.parametrize("metric", METRICS)
def test_a_box_reaching_outside_is_clipped(measure, photo, metric):
    """Row: boxes negative."""
    edited = noise(photo, (100, 100, 256, 256))
    reaching = measure(metric, photo, edited, [(-40, 90, 200, 999)])
    inside = measure(metric, photo, edited, [(0, 90, 200, 256)])
    assert reaching.value == inside.value is not None


@pytest.mark.parametrize(
    ("metric", "reason"),
    [("emd", "no-valid-patch"), ("lpips", "empty-region"), (OBJECT, "empty-crop")],
)
@pytest.mark.parametrize("box", [(300, 10, 400, 90), (-90, 10, -5, 90), (30, 30, 30, 90)])
def test_a_box_without_pixels_is_a_soft_failure(measure, photo, metric, reason, box):
    """Row: boxes outside."""
    assert measure(metric, photo, photo, [box]).soft_failure.reason == reason


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("box", "says"),
    [
        ((90, 10, 20, 50), "inverted"),
        ((0.1, 0.1, 0.5, 0.9), "fractions"),
        ((0, 0, 5), "four numbers"),
        ((0, 0, 5, float("nan")), "NaN"),
        (("a", 0, 5, 5), "four numbers"),
    ],
)
@pytest.mark.parametrize("mode", ["inner", "outer"])
def test_what_is_no_box_is_an_error(measure, photo, metric, box, says, mode):
    """Row: boxes inverted, normalised floats."""
    with pytest.raises(RegionError, match=f"box 2 .*{says}"):
        measure(metric, photo, photo, [BOX, box], mode)


# --- RGBA, grey, palette, EXIF-rotated, 16-bit ---


def rotated(path: Path, image: np.ndarray) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(image)).save(path, exif=exif)
    return path


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", ["rgba", "exif", "tensor", "batch", "float", "path"])
def test_the_same_scene_scores_the_same_in_every_form(measure, tmp_path, wide, metric, form):
    """Row: RGBA, EXIF-rotated."""
    edited = noise(wide, BOX)
    tensor = torch.from_numpy(edited.transpose(2, 0, 1).copy())
    Image.fromarray(edited).save(tmp_path / "edited.png")
    source = {
        "rgba": lambda: Image.fromarray(edited).convert("RGBA"),
        "exif": lambda: rotated(tmp_path / "rotated.png", edited),
        "tensor": lambda: tensor[None],
        "batch": lambda: [Image.fromarray(edited)],
        "float": lambda: edited / 255,
        "path": lambda: str(tmp_path / "edited.png"),
    }[form]()
    assert measure(metric, wide, source).value == measure(metric, wide, edited).value


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("form", ["L", "P", "LA", "I;16", "I"])
def test_grey_pictures_of_every_depth_score_the_same(measure, tmp_path, photo, metric, form):
    """Row: grey, palette, 16-bit."""
    grey = Image.fromarray(photo).convert("L")
    deep = np.asarray(grey).astype(np.uint16) * 257
    source = {"I;16": Image.fromarray(deep), "I": Image.fromarray(deep.astype(np.int32))}.get(form)
    source = grey.convert(form) if source is None else source
    expected = measure(metric, photo, np.asarray(grey)).value
    assert measure(metric, photo, source).value == expected


# --- other size of edited image ---


@pytest.mark.parametrize("metric", METRICS)
def test_another_size_is_an_error_naming_both(measure, photo, metric):
    """Row: other size of edited image."""
    with pytest.raises(ImageError, match="edited image is 200x256 pixels, the reference 256x256"):
        measure(metric, photo, photo[:, :200])
    resized = measure(metric, photo, photo[:, :200], resize="reference", aspect="any")
    assert resized.details["sizes"]["edited"] == [200, 256]
