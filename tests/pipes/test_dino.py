"""``dino_structure_sim`` and ``sam_dino_cls_sim`` against transformers itself."""

from __future__ import annotations

import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from pytest_editmetrics.errors import InputError, MissingResourceError, WeightsError
from pytest_editmetrics.pipes import vision_model
from pytest_editmetrics.pipes.dino.pipe import DINOPipe, similarity, structure_distance
from pytest_editmetrics.pipes.square import pad_to_square

STRUCTURE, OBJECTS = "dino_structure_sim", "sam_dino_cls_sim"
LEFT = [(0, 0, 160, 213)]
ONE_LAYER = {
    "num_hidden_layers": 1,
    "stage_names": ["stem", "stage1"],
    "out_features": ["stage1"],
    "out_indices": [1],
}
BOX, OTHER = (40, 60, 150, 170), (20, 20, 90, 120)


def processed(folder: Path, image: np.ndarray) -> torch.Tensor:
    """What transformers' own image processor makes of an image."""
    import transformers

    try:
        processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    except ValueError:  # transformers 4 has the fast one only, and calls it so
        processor = transformers.DINOv3ViTImageProcessorFast.from_pretrained(folder)
    return processor(images=image.copy(), return_tensors="pt").pixel_values


def hidden(folder: Path, pixels: torch.Tensor) -> torch.Tensor:
    """``last_hidden_state`` of one input, (tokens, hidden)."""
    from transformers import AutoModel

    model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    with torch.inference_mode():
        return model(pixel_values=pixels).last_hidden_state[0]


def patches(folder: Path, pixels: torch.Tensor) -> torch.Tensor:
    registers = json.loads((folder / "config.json").read_text()).get("num_register_tokens", 0)
    return hidden(folder, pixels)[1 + registers :]


def expected_score(before: torch.Tensor, after: torch.Tensor) -> float:
    one, other = (F.normalize(tokens, dim=-1) for tokens in (before, after))
    return 1 / (1 + 100 * F.mse_loss(one @ one.T, other @ other.T).item())


@pytest.fixture
def edited(wide: np.ndarray) -> np.ndarray:
    """The cat, with a face that is mirrored."""
    edited = wide.copy()
    edited[:, :160] = edited[:, 159::-1]
    return edited


@pytest.fixture
def copied(dinov2: Path, tmp_path: Path) -> Path:
    """A model's directory, free to change."""
    return Path(shutil.copytree(dinov2, tmp_path / "model"))


def change(path: Path, **values: object) -> None:
    given = json.loads(path.read_text())
    path.write_text(json.dumps({**given, **values}))


# --- structure ---


def test_it_is_what_transformers_gives_as_the_checkpoint_sees_the_image(dino_folder, wide, edited):
    pipe = DINOPipe(dino_folder, device="cpu", framing="center-crop")
    whole = expected_score(
        patches(dino_folder, processed(dino_folder, wide)),
        patches(dino_folder, processed(dino_folder, edited)),
    )
    measured = pipe.measure(wide, edited, metric=STRUCTURE)
    assert measured.value == pytest.approx(whole, abs=1e-4)
    assert 0.01 < measured.value < 0.99
    assert measured.details["mse"] == pytest.approx((1 / measured.value - 1) / 100)
    assert pipe.calc_structure_similarity(wide, edited) == measured.value


def test_only_the_patches_of_the_region_count(dino_folder, wide, edited):
    pipe = DINOPipe(dino_folder, device="cpu")
    pixels = [pipe._input().pixels(image, "stretch") for image in (wide, edited)]
    before, after = (patches(dino_folder, one) for one in pixels)
    left = torch.tensor([[True, True, False, False]] * 4).flatten()
    measured = pipe.measure(wide, edited, LEFT, "inner", STRUCTURE)
    assert measured.value == pytest.approx(expected_score(before[left], after[left]), abs=1e-5)
    assert (measured.details["n_selected"], measured.details["n_patches"]) == (8, 16)
    outside = pipe.measure(wide, edited, LEFT, "outer", STRUCTURE)
    assert outside.value == pytest.approx(expected_score(before[~left], after[~left]), abs=1e-5)
    assert (measured.scope, outside.scope) == ("edit_area", "unedit_area")
    assert pipe.calc_structure_similarity(wide, edited, left.numpy()) == measured.value


def test_stretch_sees_the_borders_that_a_crop_does_not(dinov2, wide):
    edited = wide.copy()
    edited[:, :20] = 0
    cropped = DINOPipe(dinov2, device="cpu", framing="center-crop")
    assert cropped(wide, edited) == 1.0
    assert DINOPipe(dinov2, device="cpu")(wide, edited) < 0.99


def test_a_mask_goes_through_the_checkpoints_own_crop(dinov2, wide):
    cropped = DINOPipe(dinov2, device="cpu", framing="center-crop")
    measured = cropped.measure(wide, wide, [(0, 0, 30, 213)], "inner", STRUCTURE)
    assert measured.soft_failure.reason == "no-valid-patch"
    stretched = DINOPipe(dinov2, device="cpu", framing="autopipeline")
    assert stretched.measure(wide, wide, [(0, 0, 30, 213)], "inner", STRUCTURE).value == 1.0


def test_an_unedited_image_scores_one(dino_folder, wide):
    assert DINOPipe(dino_folder, device="cpu")(wide, wide.copy(), LEFT, "inner") == 1.0


@pytest.mark.parametrize(
    ("coords", "mask_mode", "reason"),
    [
        (None, "inner", "empty-region"),
        ([(0, 0, 320, 213)], "outer", "no-valid-patch"),
        ([(0, 0, 3, 3)], "inner", "no-valid-patch"),
        ([(0, 0, 60, 40)], "inner", "no-valid-patch"),
    ],
)
def test_too_little_to_compare_is_a_soft_failure(dinov2, wide, coords, mask_mode, reason):
    measured = DINOPipe(dinov2, device="cpu").measure(wide, wide, coords, mask_mode, STRUCTURE)
    assert (measured.value, measured.soft_failure.reason) == (None, reason)


def test_nan_is_no_score(copied, wide, edited):
    state = load_file(copied / "model.safetensors")
    state["layernorm.bias"][:] = torch.nan
    save_file(state, copied / "model.safetensors", {"format": "pt"})
    assert math.isnan(DINOPipe(copied, device="cpu")(wide, edited))


tokens = st.integers(0, 99).map(lambda seed: np.random.default_rng(seed).normal(size=(5, 4)))


@given(tokens, tokens, st.floats(0.1, 10))
def test_the_distance_lies_in_its_range_and_knows_no_scale(one, other, scale):
    distance = structure_distance(one, other)
    assert 0 <= distance <= 4
    assert 0 < similarity(distance) <= 1
    assert structure_distance(one * scale, other) == pytest.approx(distance)
    assert structure_distance(one, one * scale) == pytest.approx(0, abs=1e-12)


# --- objects ---


def test_objects_are_compared_by_the_cls_token_of_their_padded_crops(dino_folder, photo, tiny_sam):
    pipe = DINOPipe(dino_folder, device="cpu", sam=tiny_sam)
    edited = 255 - photo
    similarities = []
    for box in (BOX, OTHER):
        cls = []
        for image in (photo, edited):
            square = pad_to_square(tiny_sam.isolate(image, box), (255, 255, 255), 32)
            cls.append(hidden(dino_folder, pipe._input().pixels(square, "stretch"))[0])
        similarities.append(F.cosine_similarity(*cls, dim=0).item())
    measured = pipe.measure(photo, edited, [BOX, OTHER, BOX, OTHER], metric=OBJECTS)
    assert measured.details["similarities"] == pytest.approx(similarities, abs=1e-5)
    assert measured.value == pytest.approx(np.mean(similarities), abs=1e-5)
    assert -1 <= measured.value < 0.999
    named = [used.name for used in measured.weights]
    assert named[1:3] == [f"{named[0]} configuration", "sam:sam.safetensors"]
    assert measured.scope == "edit_area"
    assert pipe.calc_object_pad_cls_sim(photo, photo, [BOX, BOX]) == pytest.approx(1)


def test_objects_that_cannot_be_compared(dinov2, photo, tiny_sam):
    pipe = DINOPipe(dinov2, device="cpu", sam=tiny_sam)
    unpaired = pipe.measure(photo, photo, [BOX], metric=OBJECTS)
    assert unpaired.soft_failure.reason == "unpaired-coords"
    empty = pipe.measure(photo, photo, [BOX, (300, 0, 310, 9)], metric=OBJECTS)
    assert empty.soft_failure.reason == "empty-crop"


def test_objects_need_sam(dinov2, photo):
    with pytest.raises(
        Exception, match=r"sam_dino_cls_sim needs SAM.*this dino-v3-pipe has no `sam`"
    ):
        DINOPipe(dinov2, device="cpu").measure(photo, photo, [BOX, BOX], metric=OBJECTS)


# --- features, weights, precision ---


def test_features_are_kept_and_keyed_by_what_their_bits_depend_on(copied, wide, edited):
    pipe = DINOPipe(copied, device="cpu")
    first = pipe(wide, edited)
    pipe.release()
    assert pipe(wide, edited) == first
    assert not pipe.loaded
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vision_model, "_version", lambda name: "0.0")
        other = DINOPipe(copied, device="cpu")
        other.share(pipe.cache)
        other(wide, edited)
        assert other.loaded
    change(copied / "preprocessor_config.json", crop_size=24)
    other = DINOPipe(copied, device="cpu", framing="center-crop")
    other.share(pipe.cache)
    assert other(wide, edited) != first
    assert other.input_image_size == 24


def test_encoding_ahead_changes_no_bit(dinov2, wide, edited):
    alone, ahead = DINOPipe(dinov2, device="cpu"), DINOPipe(dinov2, device="cpu")
    ahead.encode_ahead(STRUCTURE, [wide, edited] * 5)
    assert ahead(wide, edited) == alone(wide, edited)


def test_a_reduced_precision_is_stamped_and_close(dinov2, wide, edited):
    exact = DINOPipe(dinov2, device="cpu")(wide, edited)
    measured = DINOPipe(dinov2, device="cpu", dtype="bfloat16").measure(wide, edited)
    assert measured.details["dtype"] == "bfloat16"
    assert measured.value == pytest.approx(exact, abs=0.05)
    assert measured.value != exact


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"config.json": {"model_type": "vit"}}, "type 'vit'; DINO models are of type dinov2,"),
        ({"config.json": {"patch_size": "8"}}, "patch_size is '8', not a number of pixels"),
        ({"config.json": {"hidden_size": 64}}, "cannot be loaded as Dinov2Model|another shape"),
        ({"config.json": ONE_LAYER}, "does not fit .*is unknown"),
        (
            {"config.json": {"num_hidden_layers": 3}},
            r"does not fit the Dinov2Model.*: no \S*layer\.2\.",
        ),
        ({"preprocessor_config.json": {"crop_size": {"height": 8, "width": 16}}}, "only square"),
        ({"preprocessor_config.json": {"image_mean": [1]}}, "image_mean is .1., not three"),
        ({"preprocessor_config.json": {"crop_size": 4}}, "smaller than a patch"),
    ],
)
def test_a_model_that_cannot_be_used(copied, wide, files, says):
    for name, values in files.items():
        change(copied / name, **values)
    with pytest.raises(WeightsError, match=says) as caught:
        DINOPipe(copied, device="cpu")(wide, wide)
    assert str(copied) in str(caught.value)


def test_without_a_preprocessor_the_input_is_224_pixels(copied, wide):
    (copied / "preprocessor_config.json").unlink()
    pipe = DINOPipe(copied, device="cpu")
    assert (pipe.input_image_size, pipe.patch_size) == (224, 8)
    assert pipe(wide, wide) == 1.0


def test_only_safetensors_are_read(copied, wide):
    torch.save({}, copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    with pytest.raises(
        MissingResourceError,
        match=r"DINO model directory .* none of model.safetensors, .* \(it holds",
    ):
        DINOPipe(copied, device="cpu")(wide, wide)


def test_a_model_that_is_not_here_names_the_command(wide, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(MissingResourceError) as caught:
        DINOPipe(device="cpu")(wide, wide)
    assert str(caught.value).endswith("editmetrics weights fetch dino:facebook/dinov2-base")
    assert caught.value.pipe == "dino-v3-pipe"


INSTALL = r"pip install --upgrade 'transformers>=4.57'"


def test_without_transformers_the_message_says_what_to_install(dinov2, wide, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingResourceError, match=f"cannot be imported.*{INSTALL}") as caught:
        DINOPipe(dinov2, device="cpu")(wide, wide)
    assert caught.value.pipe == "dino-v3-pipe"


def test_a_transformers_that_is_too_old_is_told(dinov2, wide, monkeypatch):
    import types

    monkeypatch.setitem(sys.modules, "transformers", types.ModuleType("transformers"))
    with pytest.raises(MissingResourceError, match=f"has no Dinov2Model.*{INSTALL}"):
        DINOPipe(dinov2, device="cpu")(wide, wide)


def test_loading_leaves_transformers_as_it_was(dinov2, wide, capfd):
    from transformers.utils import logging

    logging.set_verbosity_info()
    try:
        DINOPipe(dinov2, device="cpu")(wide, wide)
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity_warning()
    assert "%" not in capfd.readouterr().err


def test_wrong_arguments(dinov2, wide):
    with pytest.raises(InputError, match="dino-v3-pipe: unknown framing 'crop'"):
        DINOPipe(dinov2, framing="crop")
    with pytest.raises(InputError, match="dino-v3-pipe: sam takes no option 'type'"):
        DINOPipe(dinov2, sam={"type": "vit_b"})
    with pytest.raises(InputError, match="patch_mask_threshold is the share"):
        DINOPipe(dinov2, device="cpu")(wide, wide, patch_mask_threshold=1)
    with pytest.raises(InputError, match="takes no parameter 'reference_patches'"):
        DINOPipe(dinov2, device="cpu")(wide, wide, reference_patches="selected")
    with pytest.raises(InputError, match="Unsupported metric: emd"):
        DINOPipe(dinov2, device="cpu")(wide, wide, metric="emd")
