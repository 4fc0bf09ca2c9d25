from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from pytest_editmetrics.errors import (
    EditMetricsError,
    ImageError,
    InputError,
    MissingResourceError,
    RegionError,
    WeightsError,
)
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.sam.model import PUBLISHED, _sam_model
from pytest_editmetrics.pipes.sam.pipe import SAMPipe, check_colour
from pytest_editmetrics.pipes.square import area_weights, cubic_weights, pad_to_square

MODELS = Path(__file__).parents[2] / "fixtures" / "parity" / "models"
MODEL = {"model_path": MODELS / "sam.safetensors", "model_cfg": MODELS / "sam.json"}
BOX = (40, 60, 150, 170)
OTHER = (20, 20, 90, 120)
NAME = "sam_clip_cls_sim"


@pytest.fixture
def copied(tmp_path: Path) -> dict[str, Path]:
    """The tiny model's files, free to change."""
    shutil.copy(MODELS / "sam.safetensors", tmp_path / "my.safetensors")
    shutil.copy(MODELS / "sam.json", tmp_path / "my.json")
    return {"model_path": tmp_path / "my.safetensors", "model_cfg": tmp_path / "my.json"}


# --- isolating ---


def test_isolate_crops_to_the_box_and_paints_the_rest(tiny_sam, photo):
    crop = tiny_sam.isolate(photo, BOX, (1, 2, 3))
    assert crop.shape == (110, 110, 3)
    assert crop.dtype == np.uint8
    original = photo[60:170, 40:150]
    kept = (crop == original).all(axis=2)
    painted = (crop == (1, 2, 3)).all(axis=2)
    assert (kept | painted).all()
    assert kept.any()
    assert painted.any()


def test_isolate_is_what_the_package_gives(tiny_sam, photo):
    from segment_anything import SamPredictor

    predictor = SamPredictor(tiny_sam.load().model)
    predictor.set_image(photo)
    masks, scores, _ = predictor.predict(box=np.array(BOX), multimask_output=True)
    mask = masks[scores.argmax()][60:170, 40:150]
    expected = np.where(mask[..., None], photo[60:170, 40:150], 255)
    np.testing.assert_array_equal(tiny_sam.isolate(photo, BOX), expected)


@pytest.fixture
def encoded(monkeypatch) -> list[str]:
    """What SAM's encoder is called for from now on."""
    import pytest_editmetrics.pipes.sam.model as module

    calls: list[str] = []
    original = module.encode
    monkeypatch.setattr(
        module,
        "encode",
        lambda model, image, dtype: calls.append(str(image.shape)) or original(model, image, dtype),
    )
    return calls


def test_isolate_all_encodes_once_and_equals_isolate(photo, encoded):
    pipe = SAMPipe(device="cpu", **MODEL)
    crops = pipe.isolate_all(photo, [BOX, OTHER, (300, 0, 310, 9)], (255, 255, 255))
    assert len(encoded) == 1
    assert crops[2] is None
    for crop, box in zip(crops, (BOX, OTHER), strict=False):
        alone = SAMPipe(device="cpu", **MODEL).isolate(photo, box)
        np.testing.assert_array_equal(crop, alone)
    assert len(encoded) == 3


def test_other_boxes_of_a_known_image_are_decoded_without_encoding(photo, encoded):
    pipe = SAMPipe(device="cpu", **MODEL)
    pipe.isolate(photo, BOX)
    pipe.isolate(photo, OTHER)
    pipe.isolate(photo[:200].copy(), OTHER)
    assert encoded == ["(256, 256, 3)", "(200, 256, 3)"]


def test_more_boxes_than_are_decoded_together(photo):
    pipe = SAMPipe(device="cpu", **MODEL)
    boxes = [(4 * n, 3 * n, 4 * n + 100, 3 * n + 90) for n in range(20)]
    crops = pipe.isolate_all(photo, boxes, (255, 255, 255))
    for crop, box in zip(crops, boxes, strict=True):
        np.testing.assert_array_equal(crop, pipe.isolate(photo, box))


def test_a_box_is_clipped_to_the_image(tiny_sam, photo):
    crop = tiny_sam.isolate(photo, (-30, 100, 60, 400))
    assert crop.shape == (156, 60, 3)
    np.testing.assert_array_equal(crop, tiny_sam.isolate(photo, (0, 100, 60, 256)))


def test_nothing_to_isolate_loads_nothing(photo):
    pipe = SAMPipe("smoke", device="cpu")
    assert pipe.isolate(photo, (5, 5, 5, 90)) is None
    assert pipe.isolate(photo, (256, 0, 300, 90)) is None
    assert not pipe.loaded


def test_an_empty_mask_is_none(copied, photo):
    state = load_file(copied["model_path"])
    # The upscaling's last bias drives every mask logit: make all of them negative.
    for name in list(state):
        if "output_hypernetworks_mlps" in name and "layers.2" in name:
            state[name].zero_()
    save_file(state, copied["model_path"])
    assert SAMPipe(device="cpu", **copied).isolate(photo, BOX) is None


def test_broken_weights_are_no_soft_failure(copied, photo):
    state = load_file(copied["model_path"])
    state["image_encoder.pos_embed"][:] = torch.nan
    save_file(state, copied["model_path"])
    with pytest.raises(EditMetricsError, match="NaN or infinite"):
        SAMPipe(device="cpu", **copied).isolate(photo, BOX)


def test_wrong_arguments(tiny_sam, photo):
    with pytest.raises(RegionError, match=r"^box: box 1 .*inverted"):
        tiny_sam.isolate(photo, (9, 9, 1, 1))
    with pytest.raises(ImageError, match="no such file"):
        tiny_sam.isolate("none.png", BOX)
    with pytest.raises(InputError, match="bg_color"):
        tiny_sam.isolate(photo, BOX, (300, 0, 0))
    with pytest.raises(InputError, match="unknown model_type 'vit_m'"):
        SAMPipe("vit_m")
    with pytest.raises(InputError, match="Unsupported metric: iuo"):
        tiny_sam(photo, photo, metric="iuo")


@pytest.mark.parametrize(
    "colour", [(0, 0), (0, 0, 256), (-1, 0, 0), (0.5, 0, 0), "white", None, (True, 0, 0), 7]
)
def test_what_is_no_colour(colour):
    with pytest.raises(InputError, match="three integers from 0 to 255"):
        check_colour(colour)


def test_colours_of_every_kind():
    for colour in ([1, 2, 3], (1, 2, 3), np.array([1, 2, 3], np.uint8)):
        assert check_colour(colour) == (1, 2, 3)


def test_out_of_memory(monkeypatch, photo):
    def fail(*args):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(SAMPipe, "isolate_all", fail)
    with pytest.raises(EditMetricsError, match="out of memory: isolating an object"):
        SAMPipe("smoke", device="cpu").isolate(photo, BOX)
    clip = CLIPPipe("smoke", device="cpu", sam={"model_type": "smoke"})
    with pytest.raises(
        EditMetricsError, match="memory: sam_clip_cls_sim of a 256x256 image with clip:smoke on cpu"
    ):
        clip(photo, photo, [BOX, BOX], metric=NAME)


# --- weights ---


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_sizes_are_those_of_the_package(name):
    from segment_anything import sam_model_registry

    with torch.device("meta"):
        ours = _sam_model(PUBLISHED[name], name).state_dict()
        theirs = sam_model_registry[name]().state_dict()
    assert {k: v.shape for k, v in ours.items()} == {k: v.shape for k, v in theirs.items()}


def test_a_pth_checkpoint(tmp_path, copied, tiny_sam, photo):
    path = tmp_path / "sam.pth"
    torch.save(load_file(copied["model_path"]), path)
    pipe = SAMPipe(device="cpu", model_path=path, model_cfg=copied["model_cfg"])
    np.testing.assert_array_equal(pipe.isolate(photo, BOX), tiny_sam.isolate(photo, BOX))


def test_missing_weights_pass_through(tmp_path, photo, monkeypatch):
    for variable in ("XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path))
    clip = CLIPPipe("smoke", device="cpu", sam={"model_path": tmp_path / "none.pth"})
    with pytest.raises(MissingResourceError) as caught:
        clip(photo, photo, [BOX, BOX], metric=NAME)
    assert caught.value.pipe == "sam-pipe"


def test_weights_of_another_size(copied, photo):
    config = json.loads(copied["model_cfg"].read_text())
    copied["model_cfg"].write_text(json.dumps({**config, "depth": 3}))
    with pytest.raises(WeightsError, match=r"my\.safetensors does not fit .*no image_encoder\.bl"):
        SAMPipe(device="cpu", **copied).load()
    copied["model_cfg"].write_text(json.dumps({**config, "depth": 1}))
    with pytest.raises(WeightsError, match=r"image_encoder\.blocks\.1\..* is unknown"):
        SAMPipe(device="cpu", **copied).load()
    with pytest.raises(
        WeightsError, match=r"does not fit a SAM of the dimensions of vit_b: no .*and"
    ):
        SAMPipe(device="cpu", model_path=copied["model_path"]).load()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"image_size": "256"}, "whole numbers above zero"),
        ({"depth": 0}, "whole numbers above zero"),
        ({"global_attn_indexes": 1}, "whole numbers above zero"),
        ({"decoder_heads": 3}, "no SAM can have these dimensions"),
        ({"imagesize": 256}, "unknown dimension 'imagesize'.*'image_size'"),
        ({"embed_dim": None}, "'embed_dim' is missing"),
    ],
)
def test_dimensions_that_make_no_sam(copied, changes, says):
    config = json.loads(copied["model_cfg"].read_text()) | changes
    kept = {name: value for name, value in config.items() if value is not None}
    copied["model_cfg"].write_text(json.dumps(kept))
    with pytest.raises(WeightsError, match=rf"my\.json: .*{says}"):
        SAMPipe(device="cpu", **copied).load()


# --- padding and resizing, as OpenCV does ---


@pytest.mark.parametrize("shape", [(30, 20), (224, 100), (225, 9), (448, 448), (517, 300), (1, 1)])
def test_padding_and_resizing_are_opencvs(shape):
    import cv2

    crop = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    edge = max(shape)
    square = np.full((edge, edge, 3), (10, 20, 30), np.uint8)
    top, left = (edge - shape[0]) // 2, (edge - shape[1]) // 2
    square[top : top + shape[0], left : left + shape[1]] = crop
    how = cv2.INTER_AREA if edge > 224 else cv2.INTER_CUBIC
    expected = cv2.resize(square, (224, 224), interpolation=how)
    ours = pad_to_square(crop, (10, 20, 30), 224)
    assert np.abs(ours.astype(int) - expected).max() <= 1
    # At exactly half the size OpenCV rounds .5 up, elsewhere to even.
    assert (ours != expected).mean() < (0.15 if edge == 448 else 0.01)


@given(st.integers(1, 90), st.integers(1, 60))
def test_weights_average_and_never_lose_brightness(source, target):
    assert cubic_weights(source, target).sum(axis=1) == pytest.approx(1)
    if source >= target:
        weights = area_weights(source, target)
        assert weights.sum(axis=1) == pytest.approx(1)
        assert weights.sum(axis=0) == pytest.approx(target / source)
        assert (weights >= 0).all()


# --- the metric ---


def test_measurement_says_how_it_was_obtained(tiny_clip, photo):
    flipped = photo[:, ::-1]
    measured = tiny_clip.measure(photo, flipped, [BOX, OTHER, OTHER, BOX], metric=NAME)
    assert measured.scope == "edit_area"
    assert [used.name for used in measured.weights] == [
        "clip:clip",
        "clip:clip configuration",
        "sam:sam.safetensors",
        "sam:sam.safetensors configuration",
    ]
    assert measured.details["reference_boxes"] == [list(BOX), list(OTHER)]
    assert measured.details["edited_boxes"] == [list(OTHER), list(BOX)]
    assert measured.details["bg_color"] == [255, 255, 255]
    similarities = measured.details["similarities"]
    assert measured.value == pytest.approx(np.mean(similarities))
    assert similarities[0] != similarities[1]
    json.dumps(measured.to_dict(), allow_nan=False)


def test_pairs_are_first_half_and_second_half(tiny_clip, photo):
    both = tiny_clip.measure(photo, photo, [BOX, OTHER, OTHER, BOX], metric=NAME)
    one = tiny_clip(photo, photo, [BOX, OTHER], metric=NAME)
    other = tiny_clip(photo, photo, [OTHER, BOX], metric=NAME)
    assert both.details["similarities"] == [one, other]
    straight = tiny_clip(photo, photo, [BOX, OTHER, BOX, OTHER], metric=NAME)
    assert straight == pytest.approx(1)
    assert both.value < 0.999


@pytest.mark.parametrize("mode", [None, "inner", "outer"])
def test_the_mask_mode_does_not_matter(tiny_clip, photo, mode):
    value = tiny_clip(photo, photo[::-1], [BOX, OTHER], mode, metric=NAME)
    assert value == tiny_clip(photo, photo[::-1], [BOX, OTHER], metric=NAME)


def test_an_empty_crop_names_its_pair(tiny_clip, photo):
    coords = [BOX, BOX, BOX, (300, 300, 310, 310)]
    measured = tiny_clip.measure(photo, photo, coords, metric=NAME)
    assert measured.value is None
    assert measured.soft_failure.reason == "empty-crop"
    assert "box 2 of 2 of the edited image" in measured.soft_failure.message
    assert len(measured.weights) == 4


def test_without_sam_the_error_names_the_key_and_where_to_write_it(photo):
    pipe = CLIPPipe("smoke", device="cpu")
    with pytest.raises(EditMetricsError, match=r"`sam`.*YAML.*\$\{pipes_default\.sam-pipe\}"):
        pipe(photo, photo, [BOX, BOX], metric=NAME)
    assert not pipe.loaded


def test_a_resize_moves_the_edited_boxes_with_the_image(tiny_clip, photo):
    half = photo[::2, ::2]
    boxes = [BOX, tuple(value // 2 for value in BOX)]
    measured = tiny_clip.measure(photo, half, boxes, metric=NAME, resize="reference")
    assert measured.details["edited_boxes"] == [list(BOX)]
    assert measured.details["sizes"]["edited"] == [128, 128]
    assert measured.value > 0.9


def test_same_call_same_bits(tiny_clip, photo):
    call = photo, photo[::-1].copy(), [BOX, OTHER]
    assert tiny_clip(*call, metric=NAME) == tiny_clip(*call, metric=NAME)


def test_defaults_of_the_test_do_not_reach_the_models(tiny_clip, photo):
    call = photo, photo[::-1].copy(), [BOX, OTHER]
    expected = tiny_clip(*call, metric=NAME)
    tiny_clip.release()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.device("meta"):
        assert tiny_clip(*call, metric=NAME) == expected


def test_loading_draws_no_random_weights_only_to_overwrite_them():
    pipe = SAMPipe("smoke", device="cpu")
    before = torch.get_rng_state()
    model = pipe._build(pipe.use())
    assert torch.equal(torch.get_rng_state(), before)
    assert {tensor.device.type for tensor in (*model.parameters(), *model.buffers())} == {"cpu"}


def test_half_precision_checkpoints_are_computed_in_float32(copied, photo):
    state = load_file(copied["model_path"])
    save_file({name: tensor.half() for name, tensor in state.items()}, copied["model_path"])
    pipe = SAMPipe(device="cpu", **copied)
    assert {tensor.dtype for tensor in pipe.load().model.parameters()} == {torch.float32}
    assert pipe.isolate(photo, BOX) is not None
