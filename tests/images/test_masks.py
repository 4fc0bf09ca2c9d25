"""Masks in every form that tools write: soft ones, run lengths of COCO and of PIE-Bench."""

from __future__ import annotations

import io
import json
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from pytest_editmetrics import Region
from pytest_editmetrics.errors import RegionError
from pytest_editmetrics.images.runs import of_counts, of_runs

# made by pycocotools 2.0.11: its mask, by rows, and what encode() gave
PYCOCOTOOLS = [
    ("000000/000000/000000/000000", "h0"),
    ("111111/111111/111111/111111", "0h0"),
    ("010000/010000/000000/000000", "42b0"),
    ("100001/000000/000000/000001", "01c00_O0"),
    ("010101/101010/010101/101010", "11110O10O10O10O10O0"),
]


def rows(text: str) -> np.ndarray:
    return np.array([[digit == "1" for digit in row] for row in text.split("/")])


def counted(mask: np.ndarray) -> list[int]:
    """Run lengths, column by column, beginning outside: pixel by pixel."""
    counts, last = [0], False
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if bool(mask[y, x]) != last:
                counts.append(0)
                last = not last
            counts[-1] += 1
    return counts


def compressed(counts: list[int]) -> str:
    """As ``rleToString`` of COCO's maskApi writes them."""
    text = ""
    for place, count in enumerate(counts):
        number = count - counts[place - 2] if place > 2 else count
        while True:
            five, number = number & 31, number >> 5
            more = number != (-1 if five & 16 else 0)
            text += chr(48 + five + 32 * more)
            if not more:
                break
    return text


masks = st.tuples(
    st.integers(1, 12), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0, 1)
).map(lambda m: np.random.default_rng(m[2]).random(m[:2]) < m[3])


@given(masks)
def test_counts_are_the_mask_plain_and_compressed(mask):
    counts, size = counted(mask), list(mask.shape)
    for form in (counts, np.array(counts), tuple(counts), compressed(counts), compressed(counts).encode()):  # fmt: skip
        assert (of_counts(size, form, "mask") == mask).all()
        assert (Region.of({"size": size, "counts": form}).inside(*size) == mask).all()
    assert (Region(mask={"size": size, "counts": counts, "invert": True}).inside(*size) != mask).all()  # fmt: skip


def test_long_runs_take_several_characters():
    for counts in ([100_000, 1, 999_999, 200_000], [5, 70_000, 31, 32, 16, 33_000]):
        size = [1, sum(counts)]
        assert (of_counts(size, compressed(counts), "m") == of_counts(size, counts, "m")).all()


@pytest.mark.parametrize(("mask", "text"), PYCOCOTOOLS)
def test_what_pycocotools_wrote_is_read(mask, text):
    assert (of_counts([4, 6], text, "mask") == rows(mask)).all()
    assert compressed(counted(rows(mask))) == text


def test_an_ellipse_of_pycocotools_is_read():
    y, x = np.mgrid[:48, :64]
    ellipse = (x - 30) ** 2 / 400 + (y - 20) ** 2 / 144 < 1
    text = "Qa07W14M2N2O0O2N2O0O2O00000O2O0000000000000000000000000001N1000001N101N2N101N2N3Lad0"
    assert (of_counts([48, 64], text, "mask") == ellipse).all()


@given(masks)
def test_runs_are_rows(mask):
    padded = np.diff(np.pad(mask.ravel().astype(int), 1))
    starts, ends = np.flatnonzero(padded == 1), np.flatnonzero(padded == -1)
    pairs = [[int(a), int(b - a)] for a, b in zip(starts, ends, strict=True)]
    flat = [number for pair in pairs for number in pair]
    for form in (pairs, flat, np.array(flat), " ".join(map(str, flat))):
        assert (of_runs(list(mask.shape), form, "mask") == mask).all()


def test_a_run_beyond_the_last_pixel_ends_there():
    assert of_runs([2, 2], [3, 900], "mask").tolist() == [[False, False], [False, True]]


SOFT = np.array([[0, 127, 128, 255], [0, 0, 255, 255]], np.uint8)
CUT = [[False, False, True, True]] * 2


def file(tmp_path, levels, name="m.png", **more):
    Image.fromarray(levels).save(tmp_path / name, **more)
    return tmp_path / name


@pytest.mark.parametrize(
    "make",
    [
        lambda path: Region(mask=path, threshold=128),
        lambda path: Region(mask=str(path), threshold=128),
        lambda path: Region.of({"mask": {"path": str(path), "threshold": 128}}),
        lambda path: Region(mask={"path": path, "threshold": 128}),
        lambda path: Region(mask=SOFT, threshold=128),
        lambda path: Region(mask=SOFT.astype(np.uint16) * 257, threshold=128),
        lambda path: Region(mask=SOFT.astype(np.int32) * 257, threshold=128),
        lambda path: Region(mask=SOFT / 255, threshold=128),
        lambda path: Region(mask=(SOFT / 255).astype(np.float16), threshold=128),
        lambda path: Region(mask=(SOFT / 255 + 1e-6)[None, ..., None], threshold=128),
        lambda path: Region(mask=np.dstack([SOFT] * 3), threshold=128),
        lambda path: Region(mask=np.dstack([SOFT / 255] * 3), threshold=128),
        lambda path: Region(mask=Image.fromarray(SOFT), threshold=128),
        lambda path: Region(mask=Image.fromarray(SOFT).convert("RGB"), threshold=128),
        lambda path: Region(mask=255 - SOFT, threshold=128, invert=True),
        lambda path: Region(mask=path, threshold=np.int64(128)),
    ],
)
def test_a_soft_mask_is_cut_at_its_threshold(tmp_path, make):
    region = make(file(tmp_path, SOFT))
    assert region.inside(2, 4).tolist() == CUT
    again = Region.of(json.loads(json.dumps(region.to_json())))
    assert again.inside(2, 4).tolist() == CUT


def test_tensors_are_soft_masks_too():
    import torch

    soft = torch.from_numpy(SOFT / 255)
    for tensor in (soft, soft[None], soft[None, None], soft.to(torch.bfloat16)):
        assert Region(mask=tensor, threshold=128).inside(2, 4).tolist() == CUT


@pytest.mark.parametrize("threshold", [1, 127, 128, 129, 255])
@pytest.mark.parametrize("invert", [False, True])
def test_threshold_and_invert_tell_regions_apart(tmp_path, threshold, invert):
    path = file(tmp_path, SOFT)
    meant = (threshold <= SOFT) != invert
    region = Region(mask=path, threshold=threshold, invert=invert)
    assert (region.inside(2, 4) == meant).all()
    assert region == Region(mask=meant)
    other = Region(mask=path, threshold=200, invert=not invert)
    assert (region == other) is False


def test_a_mask_of_ones_may_say_so():
    assert Region(mask=SOFT // 255, threshold=1) == Region(mask=SOFT // 255)


def test_black_is_where_to_edit(tmp_path):
    hard = np.array([[0, 255, 0, 0]], np.uint8)
    for region in (
        Region(mask=file(tmp_path, hard), invert=True),
        Region(mask=hard, invert=True),
        Region(mask=hard > 0, invert=True),
        Region.of({"mask": {"path": str(tmp_path / "m.png"), "invert": True}}),
    ):
        assert region.inside(1, 4).tolist() == [[True, False, True, True]]


def test_what_a_region_says_of_its_mask(tmp_path):
    region = Region(mask="masks/m.png", threshold=128, invert=True, dilate=3)
    assert region.text == "the mask masks/m.png (from level 128, inverted) grown by 3 px"
    assert Region(mask="m.png", invert=True).text == "the mask m.png (inverted)"
    assert Region(mask="m.png", threshold=1).text == "the mask m.png (from level 1)"


def test_a_suggested_mask_stays_suggested_however_it_is_cut(tmp_path):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("editmetrics", "suggested")
    path = file(tmp_path, np.array([[0, 255]], np.uint8), pnginfo=info)
    for region in (Region(mask=path, invert=True), Region(mask=path, threshold=9)):
        assert region.read().suggested
        assert "SUGGESTED" in region.read().text


def test_a_mask_is_numbers_whatever_its_profile_and_depth(tmp_path):
    levels = np.full((4, 4), 100, np.uint8)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    path = file(tmp_path, levels, icc_profile=profile)
    assert not Region(mask=path, threshold=101).inside(4, 4).any()
    assert Region(mask=path, threshold=100).inside(4, 4).all()
    deep = levels.astype(np.uint16) * 257
    assert Region(mask=file(tmp_path, deep, "d.png"), threshold=100).inside(4, 4).all()
    with Image.open(tmp_path / "d.png") as lazy:
        assert not Region(mask=lazy, threshold=101).inside(4, 4).any()


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("top", [1, 255])
@pytest.mark.parametrize("invert", [False, True])
def test_a_deep_mask_that_holds_levels_of_8_bits_is_no_empty_one(tmp_path, form, top, invert):
    deep = np.zeros((4, 4), np.uint16)
    deep[1:3] = top
    Image.fromarray(deep).save(tmp_path / "m", form)
    says = f"has 16 bits and values up to {top}, which may be of 8 bits .*; give it with 8 bits"
    with Image.open(tmp_path / "m") as lazy:
        for mask in (tmp_path / "m", lazy, Image.fromarray(deep)):
            with pytest.raises(RegionError, match=says):
                Region(mask=mask, invert=invert).inside(4, 4)


def test_a_white_is_zero_mask_is_no_negative(tmp_path):
    import tifffile

    stored = np.array([[0, 65535, 65535, 65535]], np.uint16)
    tifffile.imwrite(tmp_path / "m.tif", stored, photometric="miniswhite")
    region = Region(mask=tmp_path / "m.tif", threshold=128)
    assert region.inside(1, 4).tolist() == [[True, False, False, False]]


def test_a_mask_lies_as_its_image_does(tmp_path):
    """A camera's orientation turns both."""
    exif = Image.Exif()
    exif[0x0112] = 6
    path = file(tmp_path, np.array([[0, 255, 255]], np.uint8), "m.tif", exif=exif)
    assert Region(mask=path).inside(3, 1).ravel().tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Region(mask=SOFT), r"uint8 with the values 0, 127, 128, 255; a mask is .*threshold=128\), in YAML {mask: {path"),
        (lambda: Region(mask=SOFT, threshold=0), "threshold is 0; give a whole number from 1 to 255"),
        (lambda: Region(mask=SOFT, threshold=256), "threshold is 256; give"),
        (lambda: Region(mask=SOFT, threshold=-1), "threshold is -1; give"),
        (lambda: Region(mask=SOFT, threshold=0.5), "threshold is 0.5; give"),
        (lambda: Region(mask=SOFT, threshold=True), "threshold is True; give"),
        (lambda: Region(mask=SOFT, threshold="128"), "threshold is '128'; give"),
        (lambda: Region(mask=SOFT // 255, threshold=128), "holds 0 and 1, so a threshold of 128 takes nothing"),
        (lambda: Region(mask=SOFT, invert=1), "invert is 1; give true or false"),
        (lambda: Region(mask=SOFT, invert="yes"), "invert is 'yes'; give true or false"),
        (lambda: Region(mask=SOFT > 9, threshold=128), "is boolean: a threshold needs levels"),
        (lambda: Region(boxes=[(0, 0, 1, 1)], threshold=128), "threshold without a mask"),
        (lambda: Region(boxes=[(0, 0, 1, 1)], invert=True), "invert without a mask"),
        (lambda: Region(mask={"path": "m.png", "threshold": 9}, threshold=9), "stand in it and beside it"),
        (lambda: Region.of({"mask": SOFT, "threshold": 128}), r"threshold of a mask stands in the mask: {mask: {path: ..., threshold"),
        (lambda: Region.of({"mask": SOFT, "invert": True}), "invert of a mask stands in the mask"),
        (lambda: Region(mask={"path": "m.png", "treshold": 9}), r"a mask has no 'treshold' \(did you mean 'threshold'\?\)"),
        (lambda: Region(mask={}), "neither path nor counts nor runs"),
        (lambda: Region(mask={"size": [1, 4]}), "neither path nor counts nor runs"),
        (lambda: Region(mask={"threshold": 9}), "neither path nor counts nor runs"),
        (lambda: Region(mask={"path": "m.png", "counts": [4]}), "path and counts; a mask is one of"),
        (lambda: Region(mask={"path": "m.png", "size": [1, 4]}), "a size beside a path"),
        (lambda: Region(mask={"size": [1, 4], "counts": [4], "threshold": 9}), "a threshold beside counts"),
        (lambda: Region(mask=SOFT - 127.5, threshold=9), "float values from -127.5 to 127.5, not in"),
        (lambda: Region(mask=SOFT.astype(float), threshold=9), r"it looks like \[0, 255\]: pass x / 255"),
        (lambda: Region(mask=SOFT * np.float32("nan"), threshold=9), "NaN or infinity"),
        (lambda: Region(mask=SOFT.astype(int), threshold=9), r"has 16 bits and values up to 255, which may be of 8 bits.*: mask\.astype\('uint8'\)"),
        (lambda: Region(mask=SOFT.astype(int) - 9, threshold=9), "int64 with values from -9 to 246"),
        (lambda: Region(mask=SOFT.astype(np.int32) * 999, threshold=9), "int32 with values from 0 to 254745"),
        (lambda: Region(mask=SOFT.astype(complex), threshold=9), "complex128 is no type of levels"),
        (lambda: of_counts([4, 6], [3, 4], "mask"), r"mask: the counts add up to 7 pixels, and a size of \[4, 6\] \(height, width\) has 24"),
        (lambda: of_counts([4, 6], [], "mask"), "add up to 0 pixels"),
        (lambda: of_counts([4, 6], "42b01", "mask"), "add up to 27 pixels"),
        (lambda: of_counts([4, 6], [-1, 25], "mask"), "counts hold -1; give whole numbers"),
        (lambda: of_counts([4, 6], [12.0, 12], "mask"), "counts hold 12.0"),
        (lambda: of_counts([4, 6], [True, 23], "mask"), "counts hold True"),
        (lambda: of_counts([4, 6], [10**400, 23], "mask"), r"counts hold 1000\d+\.\.\.\d+; give whole numbers"),
        (lambda: of_counts([4, 6], 24, "mask"), "counts are 24, not a list"),
        (lambda: of_counts([4, 6], {"a": 1}, "mask"), "not a list of whole numbers"),
        (lambda: of_counts([4, 6], "42 b0", "mask"), r"counts '42 b0' is no text of pycocotools \(character 3\)"),
        (lambda: of_counts([4, 6], "42bü", "mask"), "is no text of pycocotools"),
        (lambda: of_counts([4, 6], b"\xff42b0", "mask"), "no text of pycocotools .character 1"),
        (lambda: of_counts([4, 6], "P", "mask"), "counts 'P' end in the middle of a number"),
        (lambda: of_counts([4, 6], "o" * 500, "mask"), r"is no text of pycocotools \(character 14\)"),
        (lambda: of_counts([4, 6], "4O0", "mask"), "hold a length below 0"),
        (lambda: of_counts([4], [4], "mask"), r"size \[4\] is not \[height, width\]"),
        (lambda: of_counts(None, [4], "mask"), r"size None is not \[height, width\]"),
        (lambda: of_counts("46", [24], "mask"), r"size '46' is not \[height, width\]"),
        (lambda: of_counts([0, 6], [0], "mask"), "has 0 pixels; give 1 to 200,000,000"),
        (lambda: of_counts([10**6, 10**6], [10**12], "mask"), "has 1000000000000 pixels; give"),
        (lambda: of_counts([4.0, 6], [24], "mask"), "size hold 4.0"),
        (lambda: of_runs(None, [0, 4], "mask"), r"runs without a `size`, .*\[512, 512\] in PIE-Bench"),
        (lambda: of_runs([4, 6], [0, 4, 9], "mask"), "3 numbers in runs, an odd count"),
        (lambda: of_runs([4, 6], [24, 1], "mask"), r"a run starts at 24, and a size of \[4, 6\] \(height, width\) has 24 pixels"),
        (lambda: of_runs([4, 6], [[0, 1], [4]], "mask"), r"run 2, \[4\], is no \(start, length\)"),
        (lambda: of_runs([4, 6], "0 4 x", "mask"), "runs '0 4 x' is no text of whole numbers"),
        (lambda: of_runs([4, 6], [0, -4], "mask"), "runs hold -4"),
        (lambda: Region(mask={"size": [6, 4], "counts": [0, 24]}).inside(4, 6), r"the mask is 4x6 px, the image 6x4: .*; a size of counts or runs is \[height, width\]"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said(make, says):
    with pytest.raises(RegionError, match=says):
        make()


def test_a_file_s_own_error_is_the_region_s(tmp_path):
    (tmp_path / "m.png").write_bytes(b"no image")
    with pytest.raises(RegionError, match=r"m\.png: is no image"):
        Region(mask=tmp_path / "m.png", threshold=9).inside(1, 1)
    data = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(data, "PNG")
    (tmp_path / "m.png").write_bytes(data.getvalue()[:-300])
    with pytest.raises(RegionError, match=r"m\.png: is truncated"):
        Region(mask=tmp_path / "m.png", threshold=9).inside(64, 64)


KEPT = np.eye(8, 9, dtype=bool)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.ma.masked_array(KEPT, mask=~KEPT), "mask: a masked array; pass .filled(...)"),
        (np.ma.masked_array(KEPT), "mask: a masked array; pass .filled(...)"),
        (np.ma.masked_array(KEPT * np.uint8(255), mask=KEPT), "mask: a masked array"),
        (np.ma.masked_array(KEPT * 0.7, mask=KEPT), "mask: a masked array"),
        (
            KEPT.view(np.matrix),
            "mask: an np.matrix, which no function takes as an image; pass np.as",
        ),
    ],
)
def test_an_array_that_means_more_than_its_values_is_no_mask(mask, said):
    """What a masked array hides, its values still hold: whether that is meant, nobody can tell."""
    for cut in ({}, {"threshold": 128}):
        if cut and mask.dtype == bool:
            continue
        for region in (
            lambda mask=mask, cut=cut: Region(mask=mask, **cut),
            lambda mask=mask: Region.of(mask),
            lambda mask=mask: Region.of([[0, 0, 4, 4], {"mask": mask}]),
        ):
            with pytest.raises(RegionError) as raised:
                region()
            assert str(raised.value).startswith(said)


@pytest.mark.parametrize("top", [1, 255])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64, np.uint8])
def test_numbers_of_two_levels_are_a_mask_of_whatever_type(kind, top):
    hard = (SOFT > 127).astype(kind) * kind(top)
    for mask in (hard, torch.from_numpy(hard), torch.from_numpy(hard)[None], np.dstack([hard] * 3)):
        assert Region(mask=mask).inside(2, 4).tolist() == CUT
        assert Region(mask=mask, invert=True).inside(2, 4).tolist() == np.logical_not(CUT).tolist()


@pytest.mark.parametrize(("mode", "colour"), [("RGBA", False), ("RGBA", True), ("LA", False)])
@pytest.mark.parametrize("form", ["file", "image", "array"])
def test_of_a_mask_with_an_alpha_channel_the_code_that_takes_it_is_told(
    tmp_path, mode, form, colour
):
    """What the message proposes runs, and gives the alpha, or the grey levels."""
    alpha, grey = np.zeros((8, 6), bool), np.zeros((8, 6), bool)
    alpha[:3], grey[:, :2] = True, True
    levels = np.dstack([255 * grey] * 3 + [255 * alpha]).astype(np.uint8)
    if colour:
        levels[0, 0] = 200, 20, 20, 255
    image = Image.fromarray(levels)
    if mode == "LA":
        image = image.convert("LA")
    path = tmp_path / "mask.png"
    image.save(path)
    mask = np.asarray(image.convert("RGBA"))
    source = {"file": str(path), "image": image, "array": mask}[form]
    with pytest.raises(RegionError) as raised:
        Region(mask=source).inside(8, 6)
    said = str(raised.value)
    assert said.partition(": ")[2].startswith("is in colour and is" if colour else "is transparent")
    names = {"Region": Region, "Image": Image, "image": image, "mask": mask}
    proposed = re.findall(r"Region\(mask=(.*?)\)(?= is its alpha| its grey|;)", said)
    found = [eval(f"Region(mask={code})", names).inside(8, 6) for code in proposed]
    assert len(found) == (1 if colour else 2)
    for one, wanted in zip(found, (alpha, grey), strict=False):
        assert (one == wanted).all()
    assert ("alpha.png" in said) == (form != "array")


def test_a_mask_in_one_colour_without_transparency_is_not_told_of_an_alpha():
    opaque = np.full((4, 4, 4), 255, np.uint8)
    opaque[0, 0, 0] = 0
    with pytest.raises(RegionError, match="a mask in colour; give one channel") as raised:
        Region(mask=opaque)
    assert "alpha" not in str(raised.value)
