"""``mask_iou``: the overlap of what SAM finds before and after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.pipes.explain import Evidence
from pytest_editmetrics.pipes.objects import overlap
from pytest_editmetrics.pipes.sam import SAMPipe

BOX = (40, 60, 150, 170)
OTHER = (20, 20, 90, 120)


def in_image(sam, image, box):
    """SAM's best mask by the package's own predictor, as far as it lies in the box."""
    from segment_anything import SamPredictor

    predictor = SamPredictor(sam.load().model)
    predictor.set_image(image)
    masks, scores, _ = predictor.predict(box=np.array(box), multimask_output=True)
    x1, y1, x2, y2 = box
    inside = np.zeros(image.shape[:2], bool)
    inside[y1:y2, x1:x2] = masks[scores.argmax()][y1:y2, x1:x2]
    return inside


def test_it_is_intersection_over_union_in_the_image(tiny_sam, photo):
    edited = np.roll(photo, (7, -5), axis=(0, 1))
    moved = (35, 67, 145, 177)
    before = [in_image(tiny_sam, photo, box) for box in (BOX, OTHER)]
    after = [in_image(tiny_sam, edited, box) for box in (moved, OTHER)]
    ious = [(a & b).sum() / (a | b).sum() for a, b in zip(before, after, strict=True)]
    measured = tiny_sam.measure(photo, edited, [BOX, OTHER, moved, OTHER])
    assert 0 < measured.value < 1
    assert measured.value == pytest.approx(np.mean(ious), abs=1e-12)
    assert measured.details["ious"] == pytest.approx(ious, abs=1e-12)
    assert measured.details["edited_boxes"] == [list(moved), list(OTHER)]
    assert (measured.metric, measured.scope) == ("mask_iou", "edit_area")


def test_an_unedited_object_scores_one(tiny_sam, photo):
    assert tiny_sam(photo, photo.copy(), [BOX, BOX]) == 1.0
    assert tiny_sam.calc_iou(photo, photo.copy(), [BOX, OTHER]) == 1.0


def test_an_object_elsewhere_scores_zero(tiny_sam, photo):
    assert tiny_sam(photo, photo, [(0, 0, 60, 60), (150, 150, 250, 250)]) == 0.0


def test_isolating_before_leaves_nothing_to_encode(photo, monkeypatch, tiny_sam):
    from pytest_editmetrics.pipes.sam import model as sam_model

    edited = np.roll(photo, 9, axis=1)
    pipe = SAMPipe(device="cpu", model_path=tiny_sam.model_path, model_cfg=tiny_sam.model_cfg)
    pipe.isolate(photo, BOX)
    pipe.isolate(edited, BOX)
    expected = [tiny_sam(photo, edited, [box, box]) for box in (BOX, OTHER)]
    monkeypatch.setattr(sam_model, "encode", None)
    assert [pipe(photo, edited, [box, box]) for box in (BOX, OTHER)] == expected


@pytest.mark.parametrize("coords", [None, [], [BOX], [BOX, OTHER, BOX]])
def test_boxes_that_do_not_pair(tiny_sam, photo, coords):
    measured = tiny_sam.measure(photo, photo, coords)
    assert (measured.value, measured.soft_failure.reason) == (None, "unpaired-coords")


@pytest.mark.parametrize(
    ("coords", "which"),
    [([(300, 0, 310, 9), BOX], "reference"), ([BOX, (9, 9, 9, 60)], "edited")],
)
def test_a_box_with_nothing_in_it(tiny_sam, photo, coords, which):
    measured = tiny_sam.measure(photo, photo, coords)
    assert measured.soft_failure.reason == "empty-crop"
    assert f"box 1 of 1 of the {which} image" in measured.soft_failure.message


def test_two_empty_masks_are_not_alike(tiny_sam, photo, monkeypatch):
    monkeypatch.setattr(
        SAMPipe,
        "_masks",
        lambda self, image, boxes: tuple(np.zeros((110, 110), bool) for _ in boxes),
    )
    assert tiny_sam.measure(photo, photo, [BOX, BOX]).soft_failure.reason == "empty-crop"


def test_an_edited_image_of_another_size(tiny_sam, photo):
    half = photo[::2, ::2].copy()
    boxes = [BOX, (20, 30, 75, 85)]
    with pytest.raises(ImageError, match="128x128 pixels, the reference 256x256"):
        tiny_sam(photo, half, boxes)
    measured = tiny_sam.measure(photo, half, boxes, resize="reference")
    assert measured.details["edited_boxes"] == [list(BOX)]
    assert measured.value > 0.5


def test_the_crops_explain_it(tiny_sam, photo):
    evidence = Evidence()
    tiny_sam.measure(photo, photo, [BOX, BOX], evidence=evidence)
    ((crop, edited_crop),) = evidence.crops
    np.testing.assert_array_equal(crop, tiny_sam.isolate(photo, BOX))
    np.testing.assert_array_equal(crop, edited_crop)


boxes = st.tuples(*[st.integers(0, 9)] * 2, *[st.integers(1, 6)] * 2).map(
    lambda v: (v[0], v[1], v[0] + v[2], v[1] + v[3])
)


@given(boxes, boxes, st.integers(0, 99))
def test_overlap_is_that_of_masks_of_the_whole_image(one, other, seed):
    random = np.random.default_rng(seed)
    whole, masks = [], []
    for x1, y1, x2, y2 in (one, other):
        mask = random.random((y2 - y1, x2 - x1)) < 0.7
        mask[0, 0] = True
        image = np.zeros((16, 16), bool)
        image[y1:y2, x1:x2] = mask
        masks.append(mask)
        whole.append(image)
    expected = (whole[0] & whole[1]).sum() / (whole[0] | whole[1]).sum()
    assert overlap(masks[0], one, masks[1], other) == expected
    assert overlap(masks[1], other, masks[0], one) == expected
