from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from pytest_editmetrics import Region
from pytest_editmetrics.errors import RegionError
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.pipes.pixels import PixelPipe

HEIGHT, WIDTH = 24, 32
coordinates = st.integers(-6, 40)
box_lists = st.lists(
    st.tuples(coordinates, coordinates, st.integers(0, 20), st.integers(0, 20)).map(
        lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
    ),
    max_size=4,
)
masks = st.integers(0, 2**32 - 1).map(
    lambda seed: np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.1
)


def inside(region: object) -> np.ndarray:
    return Region.of(region).inside(HEIGHT, WIDTH)


@given(box_lists)
def test_boxes_are_what_they_were(boxes):
    assert (inside(boxes) == region_mask(boxes, "inner", HEIGHT, WIDTH)).all()
    assert (inside({"boxes": boxes}) == inside(boxes)).all()
    assert Region.of(boxes).plain


@given(box_lists, masks, st.integers(0, 5), st.integers(0, 5))
def test_a_union_is_the_union_whatever_its_order(boxes, mask, one, other):
    a, b = Region(boxes=boxes, dilate=one), Region(mask=mask, dilate=other)
    assert (inside(a | b) == (inside(a) | inside(b))).all()
    assert (inside(a | b) == inside(b | a)).all()
    assert (inside([*boxes, {"mask": mask, "dilate": other}]) == (inside(boxes) | inside(b))).all()


@given(box_lists, st.integers(0, 6), st.integers(0, 6))
def test_dilation_only_grows(boxes, less, more):
    less, more = sorted((less, more))
    small, large = Region(boxes=boxes, dilate=less), Region(boxes=boxes, dilate=more)
    assert not (inside(small) & ~inside(large)).any()


@given(masks, st.integers(1, 6))
def test_dilation_is_a_disk(mask, by):
    grown = inside(Region(mask=mask, dilate=by))
    wanted = distance_transform_edt(~mask) <= by if mask.any() else mask
    assert (grown == wanted).all()


def test_a_box_beyond_the_border_grows_into_the_image():
    assert inside(Region(boxes=[(-5, 3, -2, 9)], dilate=3))[5, :3].tolist() == [True, False, False]


@given(st.integers(0, 20), st.integers(0, 12), st.integers(1, 12), st.integers(1, 12))
def test_a_polygon_along_a_box_is_the_box(x, y, width, height):
    corners = [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]
    boxes = [(x, y, x + width, y + height)]
    assert (inside({"polygons": [corners]}) == inside(boxes)).all()
    assert (inside({"polygons": [corners[::-1]]}) == inside(boxes)).all()


def test_a_polygon_holds_the_pixels_whose_centre_it_holds():
    triangle = Region(polygons=[[(0, 0), (20, 0), (0, 20)]])
    y, x = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    sure = np.abs(x + y - 20) > 1e-9
    assert (inside(triangle) == ((x + y) < 20))[sure].all()


@given(box_lists, masks, st.integers(0, 4))
def test_what_results_hold_is_the_same_region(boxes, mask, dilate):
    triangle = [[(1, 1), (9, 2.5), (4, 11)]]
    region = Region(boxes=boxes, polygons=triangle, dilate=dilate) | Region(mask=mask)
    again = Region.of(json.loads(json.dumps(region.to_json())))
    assert again == region
    assert (inside(again) == inside(region)).all()


def test_regions_are_equal_if_they_hold_the_same():
    region = Region(boxes=[(0, 0, 1, 1)], dilate=1)
    assert region == Region(boxes=[(0, 0, 1, 1)], dilate=1)
    assert region != Region(boxes=[(0, 0, 1, 1)])
    assert region != [(0, 0, 1, 1)]


def test_no_shape_is_no_region():
    assert not Region()
    assert not (Region() | Region(dilate=3))
    assert not Region.of(None)
    assert Region(mask=np.zeros((4, 4), bool))


@pytest.mark.parametrize(
    "mask",
    [
        np.eye(8, dtype=bool),
        np.eye(8, dtype=np.uint8),
        np.eye(8, dtype=np.uint8) * 255,
        Image.fromarray(np.eye(8, dtype=np.uint8) * 255),
        Image.fromarray(np.eye(8, dtype=bool)),
        np.eye(8, dtype=bool)[None],
        np.repeat(np.eye(8, dtype=np.uint8)[..., None] * 255, 3, axis=2),
    ],
    ids=["bool", "0-1", "0-255", "PIL", "PIL of one bit", "batch of one", "three channels"],
)
def test_a_mask_may_come_in_many_forms(mask):
    assert (Region(mask=mask).inside(8, 8) == np.eye(8, dtype=bool)).all()


def test_a_tensor_is_a_mask_too():
    import torch

    assert Region.of(torch.eye(8, dtype=torch.bool)).inside(8, 8).sum() == 8


def test_a_file_is_read_when_it_is_needed(tmp_path):
    region = Region(mask=tmp_path / "mask.png")
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    assert region.inside(8, 8).sum() == 8
    assert "mask.png" in region.text


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Region(dilate=-1), "dilate is -1; give 0 to"),
        (lambda: Region(dilate=1.5), "dilate is 1.5, not a whole number"),
        (lambda: Region(dilate=True), "dilate is True, not a whole number"),
        (lambda: Region(polygons=[[(0, 0), (1, 1)]]), "polygon 1 has 2 points"),
        (lambda: Region(polygons=[[(0, 0), (1, 1), (2, float("nan"))]]), r"polygon 1: \(2, nan\)"),
        (lambda: Region(polygons=[[1, 2, 9, 2, 9, 8, 4]]), "polygon 1 is 7 numbers: each x takes"),
        (lambda: Region(polygons=[[1, 2, 9, 2]]), "polygon 1 has 2 points"),
        (lambda: Region(polygons=[1, 2, 9, 2, 9, 8]), "polygon 1: 1 is no polygon; write a list"),
        (lambda: Region(polygons=[(1, 2), (9, 2), (9, 8)]), r"polygon 1: \(1, 2\) is no polygon"),
        (lambda: Region(polygons=[[0.1, 0, 0.9, 0.2, 0.5, 1]]), "looks like fractions"),
        (lambda: Region.of([[1, 2, 9, 2, 9, 8, float("nan"), 1]]), "polygon 1: .*nan"),
        (lambda: Region.of([1, 2, 9, 2, 9, 8]), r"is one list of numbers; .* or of polygons"),
        (lambda: Region.of([[10, 20, 90, 80, 0.9, 2]]), "may be a box with a score and a class"),
        (lambda: Region.of([[10, 20, 90, 80, 0.9]]), "box 1 .* is not four numbers"),
        (
            lambda: Region.of({"bbox": [3, 4, 20, 30]}),
            r"\[x, y, width, height\].*\[\[3, 4, 23, 34\]\]",
        ),
        (lambda: Region.of({"bbox": "x"}), r"boxes: \[\[x, y, x \+ width, y \+ height\]\]"),
        (lambda: Region.of({"segmentation": [], "bbox": []}), "no 'segmentation': give what it"),
        (lambda: Region(polygons="abc"), "is not a list of polygons"),
        (lambda: Region(polygons=[[(0, 0), (1, 1), (2,)]]), r"polygon 1: \(2,\) is no point"),
        (lambda: Region(polygons=[[(0, 0), (1, 1), (2, 2, 2)]]), r"\(2, 2, 2\) is no point"),
        (lambda: Region(dilate=10**6), "dilate is 1000000"),
        (lambda: Region(boxes=[(5, 5, 1, 9)]), "boxes: box 1 .* is inverted"),
        (lambda: Region.of({"box": [[0, 0, 1, 1]]}), "a region has no 'box'.*boxes"),
        (
            lambda: Region.of({"x": 1, "y": 2}),
            r"a region has no 'x': a box is a list, \[x1, y1, x2",
        ),
        (lambda: Region(mask=np.arange(16).reshape(4, 4)), "the values 0, 1, 2, 3, 4, ...; a mask"),
        (lambda: Region(mask=np.eye(4) / 2), "float64 with the values 0, 0.5; a mask is boolean"),
        (lambda: Region(mask=np.eye(4) * np.nan), "float64 with the values nan; a mask is boolean"),
        (lambda: Region(mask=-np.eye(4)), "float64 with the values -1, "),
        (lambda: Region(mask=np.array([[0, 1, 255]], np.uint8)), "the values 0, 1, 255"),
        (lambda: Region(mask=np.zeros((2, 4, 4), bool)), "two dimensions"),
        (lambda: Region(mask=np.zeros((0, 4), bool)), "two dimensions"),
        (
            lambda: Region(mask=np.eye(8, dtype=bool)).inside(8, 9),
            "the mask is 8x8 px, the image 9x8: make the mask of the image's size",
        ),
        (lambda: Region.of({"mask": {"size": [8, 8], "packed": "!!"}}), "damaged"),
        (lambda: Region.of({"mask": {"size": [10**9, 8], "packed": ""}}), "damaged"),
        (
            lambda: Region.of("nowhere.png").inside(4, 4),
            "nowhere.png: there is no such file",
        ),
    ],
)
def test_what_makes_no_sense_is_said(make, says):
    with pytest.raises(RegionError, match=says):
        make()


def test_a_file_that_is_no_mask_is_said(tmp_path):
    (tmp_path / "lfs.png").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid x\n")
    with pytest.raises(RegionError, match=r"lfs.png: is a Git LFS pointer.*git lfs pull"):
        Region(mask=tmp_path / "lfs.png").inside(4, 4)
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(RegionError, match=r"mask .*text.png: is no image"):
        Region(mask=tmp_path / "text.png").inside(4, 4)
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "red.png")
    with pytest.raises(RegionError, match="a mask in colour"):
        Region(mask=tmp_path / "red.png").inside(4, 4)
    Image.new("RGBA", (4, 4), (255, 255, 255, 90)).save(tmp_path / "clear.png")
    with pytest.raises(RegionError, match="is transparent in places"):
        Region(mask=tmp_path / "clear.png").inside(4, 4)


def test_a_packed_bomb_is_refused():
    import base64
    import zlib

    bomb = base64.b64encode(zlib.compress(bytes(10**7))).decode()
    with pytest.raises(RegionError, match="damaged"):
        Region.of({"mask": {"size": [8, 8], "packed": bomb}})


@pytest.mark.parametrize("mode", ["inner", "outer"])
def test_a_pipe_measures_a_region_of_any_shape(mode):
    random = np.random.default_rng(0)
    reference = random.integers(0, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    edited = reference.copy()
    picture = Image.new("L", (WIDTH, HEIGHT))
    ImageDraw.Draw(picture).ellipse((4, 4, 20, 18), fill=255)
    disk = np.asarray(picture) > 0
    edited[disk] += 40
    value = PixelPipe()(reference, edited, picture, mode, metric="unedit_max_diff")
    assert value == (40 if mode == "inner" else 0)
    measurement = PixelPipe().measure(
        reference, edited, Region(mask=disk), mode, metric="unedit_psnr"
    )
    assert measurement.details["measured_fraction"] == pytest.approx(
        disk.mean() if mode == "inner" else 1 - disk.mean()
    )


def test_objects_take_boxes_only():
    from pytest_editmetrics.pipes.clip import CLIPPipe

    pipe = CLIPPipe("smoke", sam={"model_type": "smoke"})
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    with pytest.raises(RegionError, match="compares objects: coords must be boxes, not a mask of"):
        pipe.measure(image, image, np.eye(8, dtype=bool), metric="sam_clip_cls_sim")


def test_a_union_takes_whatever_coords_take():
    mask = np.eye(8, dtype=bool)
    for union in (Region(mask=mask) | [(0, 0, 4, 4)], [(0, 0, 4, 4)] | Region(mask=mask)):
        assert union.inside(8, 8).sum() == 20
    assert (Region(mask=mask) | None).inside(8, 8).sum() == 8
    with pytest.raises(RegionError, match="5 is not a list of boxes"):
        Region(mask=mask) | 5


@pytest.mark.parametrize(
    "region",
    [
        Region(mask=np.zeros((24, 32), bool)),
        Region(polygons=[[(100, 100), (120, 100), (110, 120)]]),
        Region(polygons=[[(0, 0), (10, 0), (20, 0)]]),
    ],
)
def test_a_region_that_holds_nothing_is_an_error(region):
    for mode in ("inner", "outer"):
        with pytest.raises(RegionError, match="holds no pixel of the 32x24 image"):
            region_mask(region, mode, HEIGHT, WIDTH)


@pytest.mark.parametrize("kind", [int, np.float32])
def test_a_mask_of_another_type_is_told_as_a_mask(kind):
    with pytest.raises(RegionError, match="a mask is boolean, or of 0 and 255"):
        Region.of((np.arange(768).reshape(24, 32) % 3).astype(kind))


def test_a_region_in_words():
    boxes = [(0, 0, 1, 1)] * 8
    assert Region(boxes=boxes[:6]).text == ", ".join(["(0, 0, 1, 1)"] * 6)
    assert Region(boxes=boxes * 2).text.endswith(" and 10 more boxes")
    assert Region(boxes=boxes).text == f"{Region(boxes=boxes[:6]).text} and 2 more boxes"
    triangle = [(0, 0), (5, 0), (0, 5)]
    assert Region(polygons=[triangle]).text == "1 polygon"
    both = Region(polygons=[triangle] * 2, mask=np.ones((3, 5), bool), dilate=4)
    assert both.text == "2 polygons and a mask of 5x3 px grown by 4 px"
    assert Region(mask="m.png").text == "the mask m.png"
    suggested = Region(mask="m.png", suggested=True) | Region(boxes=boxes[:1])
    words = "the mask m.png (SUGGESTED from a result, untrusted)"
    assert sorted(suggested.text.split(" and ")) == ["(0, 0, 1, 1)", words]


def test_a_union_is_read_once(tmp_path):
    Image.fromarray(np.eye(8, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    region = Region(mask=tmp_path / "mask.png", dilate=1) | Region(boxes=[(0, 0, 1, 1)], dilate=2)
    read = region.read()
    assert read is not region
    assert read.read() is read
    (tmp_path / "mask.png").unlink()
    arrays = Region(mask=np.eye(8, dtype=bool), dilate=1) | Region(boxes=[(0, 0, 1, 1)], dilate=2)
    assert arrays.read() is arrays
    assert read == arrays


@pytest.mark.parametrize(("height", "width"), [(15, 18), (18, 15), (7, 33), (1, 1)])
@pytest.mark.parametrize("dilate", [1, 2, 5])
def test_a_region_is_read_in_images_of_every_size(height, width, dilate):
    mask = np.zeros((height, width), bool)
    mask[-1, -1] = True
    wanted = distance_transform_edt(~mask) <= dilate
    for region in (
        {"mask": mask},
        {"boxes": [(width - 1, height - 1, width, height)]},
        {"polygons": [[(width - 1, height - 1), (width, height - 1), (width, height),
                       (width - 1, height)]]},
    ):  # fmt: skip
        assert (Region(**region, dilate=dilate).inside(height, width) == wanted).all()


def test_a_union_of_many_parts_is_no_deeper_than_one_of_two():
    area = Region(boxes=[(0, 0, 1, 1)])
    for number in range(1, 1500):
        area |= Region(boxes=[(number % 60, number // 60, number % 60 + 1, number // 60 + 1)])
    assert area.inside(25, 60).all()
    nested = Region(united=(Region(boxes=[(0, 0, 1, 1)], united=(Region(dilate=2), area)), area))
    assert len(nested.united) == 1 + 1 + 2 * 1500
    assert len(area.to_json()["united"]) == 1500


def test_what_grows_is_the_same_wherever_it_lies():
    """Only what lies around it is looked at."""
    from scipy.ndimage import binary_dilation

    disk = np.hypot(*np.mgrid[-5:6, -5:6]) <= 5
    for x, y in ((0, 0), (70, 40), (-3, 20), (96, 60)):
        region = Region(boxes=[(x, y, x + 4, y + 6)], polygons=[[(x, 30), (x + 9, 30), (x, 41)]])
        grown = np.zeros((84, 120), bool)
        grown[:, :] = Region(
            boxes=[(x + 10, y + 10, x + 14, y + 16)],
            polygons=[[(x + 10, 40), (x + 19, 40), (x + 10, 51)]],
        ).inside(84, 120)
        wanted = binary_dilation(grown, disk)[10:-10, 10:-10]
        assert (Region(region.boxes, region.polygons, dilate=5).inside(64, 100) == wanted).all()


def test_polygons_as_coco_has_them_are_those_of_points():
    flat = [[1, 1, 9, 1, 9, 6.5], (2, 8, 8, 8, 8, 12, 2, 12)]
    points = Region(polygons=[[(1, 1), (9, 1), (9, 6.5)], [(2, 8), (8, 8), (8, 12), (2, 12)]])
    for region in (
        Region(polygons=flat),
        Region(polygons=[np.array(one) for one in flat]),
        Region.of(flat),
        Region.of([np.array(one) for one in flat]),
        Region.of({"polygons": flat}),
    ):
        assert region == points
    assert Region(polygons=np.array([[2, 8, 8, 8, 8, 12, 2, 12]])) == Region(polygons=flat[1:])


def test_polygons_of_coco_stand_beside_boxes_and_regions():
    flat, box = [2, 8, 8, 8, 8, 12, 2, 12], (0, 0, 3, 3)
    assert Region.of([box, flat]) == Region(boxes=[box], polygons=[flat])
    mixed = Region.of([flat, {"boxes": [(20, 20, 25, 25)], "dilate": 1}, box])
    wanted = Region(boxes=[box], polygons=[flat]) | Region(boxes=[(20, 20, 25, 25)], dilate=1)
    assert (mixed.inside(32, 32) == wanted.inside(32, 32)).all()
    # a triangle, whose first two points may be a box's corners, and which has no score
    assert Region.of([[1, 1, 9, 8, 4, 12]]) == Region(polygons=[[1, 1, 9, 8, 4, 12]])
    assert not Region.of([])
