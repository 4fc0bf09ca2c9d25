from __future__ import annotations

import dataclasses
import json
import math
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preprocessors import theirs
from safetensors.torch import load_file, save_file

from pytest_editmetrics.errors import (
    EditMetricsError,
    InputError,
    MissingResourceError,
    WeightsError,
)
from pytest_editmetrics.pipes.clip import transport
from pytest_editmetrics.pipes.clip.model import load_clip, read_clip_input
from pytest_editmetrics.pipes.clip.pipe import CLIPPipe, emd
from pytest_editmetrics.pipes.clip.size import CLIPVisionSize
from pytest_editmetrics.pipes.clip.vision import CLIPVision
from pytest_editmetrics.pipes.objects import cosine
from pytest_editmetrics.pipes.sam import SAMPipe
from pytest_editmetrics.weights.find import find_clip

CLIP = Path(__file__).parents[2] / "fixtures" / "parity" / "models" / "clip"
BOX = [(40, 60, 150, 170)]
REGIONS = ("emd", "emd_excess")


@pytest.fixture(scope="module")
def edited(photo: np.ndarray) -> np.ndarray:
    changed = photo.copy()
    changed[60:170, 40:150] = 255 - changed[60:170, 40:150]
    return changed


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    folder = tmp_path / "model"
    shutil.copytree(CLIP, folder)
    return folder


def rewrite(path: Path, **changes: object) -> None:
    config = json.loads(path.read_text())
    config.update(changes)
    path.write_text(json.dumps({k: v for k, v in config.items() if v is not ...}))


# --- the numbers ---


def test_emd_of_single_tokens_is_their_squared_distance():
    assert emd(np.array([[1.0, 2.0]]), np.array([[4.0, 6.0]])) == 25.0


def test_emd_takes_the_cheaper_assignment():
    one = np.array([[0.0], [10.0]])
    assert emd(one, np.array([[10.0], [1.0]])) == pytest.approx(0.5)


tokens = st.integers(1, 9).flatmap(
    lambda count: st.lists(
        st.lists(st.floats(-50, 50), min_size=3, max_size=3), min_size=count, max_size=count
    ).map(np.array)
)


@given(tokens, tokens)
def test_emd_is_symmetric_and_never_negative(one, other):
    assert emd(one, other) == pytest.approx(emd(other, one), abs=1e-8)
    assert emd(one, other) >= 0


@given(tokens, st.randoms(use_true_random=False))
def test_emd_of_the_same_tokens_in_any_order_is_zero(one, random):
    order = list(range(len(one)))
    random.shuffle(order)
    assert emd(one, one[order]) == pytest.approx(0, abs=1e-10)


def test_a_token_that_is_no_number_is_never_a_score():
    assert math.isnan(emd(np.array([[np.nan]]), np.zeros((1, 1))))
    assert math.isnan(emd(np.zeros((1, 1)), np.array([[np.inf]])))


def test_a_solver_that_does_not_converge_is_an_error(monkeypatch):
    monkeypatch.setattr(transport, "_MAX_ITERATIONS", 1)
    random = np.random.default_rng(0)
    with pytest.raises(EditMetricsError, match="40 to 30 patches was not found"):
        emd(random.random((40, 4)), random.random((30, 4)))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=5))
def test_cosine_stays_in_its_range(values):
    vector = np.array(values)
    if np.linalg.norm(vector) > 1e-6:
        assert cosine(vector, vector) == pytest.approx(1)
        assert cosine(vector, -vector) == pytest.approx(-1)
        assert abs(cosine(vector, vector * 3)) <= 1
    assert math.isnan(cosine(vector, np.zeros(len(values))))


def test_the_tokens_are_those_of_transformers(checkpoint, wide):
    import transformers

    if transformers.__version__.startswith("4."):
        # Version 4 would take the bare names for missing, warn, and score with random weights.
        path = checkpoint / "model.safetensors"
        bare = load_file(path)
        named = {f"vision_model.{name}": tensor for name, tensor in bare.items()}
        save_file(named, path, metadata={"format": "pt"})
    model = transformers.CLIPVisionModel.from_pretrained(checkpoint, local_files_only=True)
    given = json.loads((checkpoint / "preprocessor_config.json").read_text())
    with torch.inference_mode():
        inputs = theirs("CLIPImageProcessor", wide, given)
        expected = model(inputs).last_hidden_state[0].numpy()
    found = find_clip(str(CLIP))
    encoder = load_clip(found, read_clip_input(CLIP, "center-crop"), "cpu", "float32")
    tokens = encoder.tokens([wide], "center-crop")[0]
    assert tokens.dtype == np.float32
    np.testing.assert_array_equal(tokens, expected)


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("batch", [1, 3])
def test_the_model_is_that_of_transformers_bit_by_bit(act, batch):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    dimensions = {
        "hidden_size": 96, "intermediate_size": 200, "num_hidden_layers": 3,
        "num_attention_heads": 3, "image_size": 80, "patch_size": 16, "hidden_act": act,
        "layer_norm_eps": 1e-4,
    }  # fmt: skip
    torch.manual_seed(0)
    theirs = CLIPVisionModel(CLIPVisionConfig(**dimensions, initializer_factor=5.0)).eval()
    named = {
        name.removeprefix("vision_model."): tensor + 0.1
        for name, tensor in theirs.state_dict().items()
    }
    theirs.load_state_dict(dict(zip(theirs.state_dict(), named.values(), strict=True)))
    size = CLIPVisionSize(**dimensions)
    assert {name: tuple(tensor.shape) for name, tensor in named.items()} == size.tensors()
    pixels = torch.randn(batch, 3, 80, 80)
    with torch.inference_mode():
        expected = theirs(pixel_values=pixels).last_hidden_state
        assert torch.equal(CLIPVision(size, named, "cpu")(pixels), expected)


# --- the measurement ---


def test_measurement_says_how_it_was_obtained(tiny_clip, photo, edited):
    measured = tiny_clip.measure(photo, edited, BOX, "outer", metric="emd")
    assert measured.scope == "unedit_area"
    assert measured.weights[0].name == "clip:clip"
    assert measured.excess == pytest.approx(measured.value - measured.floor)
    details = measured.details
    assert details["n_patches"] == 49
    assert 0 < details["mixed_patches"] < details["n_selected"] < 49
    assert details["patch_mask_threshold"] == 0.1
    assert details["framing"] == "stretch"
    assert details["reference_patches"] == "all"
    json.dumps(measured.to_dict(), allow_nan=False)


def test_a_patch_counts_above_the_threshold_not_at_it(tiny_clip):
    image = np.zeros((224, 224, 3), np.uint8)
    half = [(0, 0, 16, 32)]
    at, below = (
        tiny_clip.measure(image, image, half, "inner", metric="emd", patch_mask_threshold=share)
        for share in (0.5, 0.49)
    )
    assert at.soft_failure.reason == "no-valid-patch"
    assert below.details["n_selected"] == 1


def test_emd_excess_is_the_excess(tiny_clip, photo, edited):
    plain = tiny_clip.measure(photo, edited, BOX, "inner", metric="emd")
    excess = tiny_clip.measure(photo, edited, BOX, "inner", metric="emd_excess")
    assert excess.value == plain.excess == excess.excess
    assert (excess.floor, excess.details) == (plain.floor, plain.details)


def test_emd_is_the_first_metric(tiny_clip, photo, edited):
    assert tiny_clip(photo, edited) == tiny_clip(photo, edited, None, None, "emd")


def test_same_call_same_bits(tiny_clip, photo, edited):
    pair = tiny_clip, photo, edited
    assert pair[0](*pair[1:], BOX, "outer") == pair[0](*pair[1:], BOX, "outer")


@pytest.mark.parametrize(("coords", "mode"), [(None, None), ([], "outer"), (BOX, None)])
def test_the_whole_image_measures_every_patch(tiny_clip, photo, edited, coords, mode):
    measured = tiny_clip.measure(photo, edited, coords, mode)
    assert measured.scope is None
    assert measured.details["n_selected"] == 49
    assert measured.details["mixed_patches"] == 0
    assert measured.floor == 0
    assert measured.value > 0


@pytest.mark.parametrize("metric", REGIONS)
@pytest.mark.parametrize(
    ("coords", "mode", "reason"),
    [
        ([(0, 0, 256, 256)], "outer", "no-valid-patch"),
        ([(3, 3, 6, 6)], "inner", "no-valid-patch"),
        ([(300, 300, 400, 400)], "inner", "no-valid-patch"),
        ([(9, 9, 9, 9)], "inner", "no-valid-patch"),
        ([], "inner", "empty-region"),
        (None, "inner", "empty-region"),
    ],
)
def test_a_region_without_a_patch_is_a_soft_failure(
    tiny_clip, photo, edited, metric, coords, mode, reason
):
    measured = tiny_clip.measure(photo, edited, coords, mode, metric=metric)
    assert measured.value is None
    assert measured.soft_failure.reason == reason
    assert measured.floor is None
    assert measured.details["n_selected"] == 0
    assert tiny_clip(photo, edited, coords, mode, metric=metric) is None


boxes = st.tuples(*[st.integers(0, 200)] * 2, *[st.integers(1, 100)] * 2).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(boxes, st.sampled_from(["inner", "outer"]))
def test_an_unedited_image_has_no_excess(tiny_clip, photo, box, mode):
    measured = tiny_clip.measure(photo, photo, [box], mode)
    if measured.value is not None:
        assert measured.excess == 0
        alike = tiny_clip.measure(photo, photo, [box], mode, reference_patches="selected")
        assert alike.value == pytest.approx(0, abs=1e-9)
        assert alike.floor == pytest.approx(0, abs=1e-9)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(boxes)
def test_with_selected_patches_the_order_of_the_pair_is_free(tiny_clip, photo, edited, box):
    forth = tiny_clip(photo, edited, [box], "outer", reference_patches="selected")
    back = tiny_clip(edited, photo, [box], "outer", reference_patches="selected")
    assert forth == pytest.approx(back, abs=1e-6)


def test_nan_weights_give_nan_not_a_pass(checkpoint, photo):
    state = load_file(checkpoint / "model.safetensors")
    state["encoder.layers.1.mlp.fc1.bias"][:] = torch.nan
    save_file(state, checkpoint / "model.safetensors")
    assert math.isnan(CLIPPipe(checkpoint, device="cpu")(photo, photo))


@pytest.mark.parametrize("framing", ["stretch", "center-crop", "autopipeline"])
def test_framings_agree_on_square_images(tiny_clip, photo, edited, framing):
    pipe = CLIPPipe(CLIP, device="cpu", framing=framing)
    measured = pipe.measure(photo, edited, BOX, "outer")
    assert measured.details["framing"] == framing
    assert measured.value == tiny_clip(photo, edited, BOX, "outer")


# --- the original's other methods ---


def test_sizes_come_from_the_model(tiny_clip):
    assert (tiny_clip.img_input_size, tiny_clip.patch_size) == (224, 32)


def test_calc_emd_takes_pixels_or_patches(tiny_clip, photo, edited):
    pixels = np.ones((256, 256), dtype=bool)
    pixels[60:170, 40:150] = False
    expected = tiny_clip(photo, edited, BOX, "outer")
    assert tiny_clip.calc_emd(photo, edited, pixels) == expected
    with pytest.raises(InputError, match="bool_mask: a masked array"):
        tiny_clip.calc_emd(photo, edited, np.ma.masked_array(pixels, mask=pixels))
    assert tiny_clip.calc_emd(photo, edited) == tiny_clip(photo, edited)
    patches = np.zeros((7, 7), dtype=bool)
    assert tiny_clip.calc_emd(photo, edited, patches) is None
    patches[2, 3] = True
    one = tiny_clip.calc_emd(photo, edited, patches)
    assert one == tiny_clip.calc_emd(photo, edited, patches.ravel()) > 0
    with pytest.raises(InputError, match=r"shape \(5, 5\).*\(256, 256\).*\(7, 7\)"):
        tiny_clip.calc_emd(photo, edited, np.ones((5, 5), bool))
    with pytest.raises(InputError, match="boolean, not int64"):
        tiny_clip.calc_emd(photo, edited, np.ones((7, 7), np.int64))


def test_calc_object_pad_cls_sim(tiny_clip, photo, edited):
    coords = [*BOX, *BOX]
    expected = tiny_clip(photo, edited, coords, metric="sam_clip_cls_sim", bg_color=(9, 9, 9))
    assert tiny_clip.calc_object_pad_cls_sim(photo, edited, coords, (9, 9, 9)) == expected
    assert tiny_clip.calc_object_pad_cls_sim(photo, edited, []) is None


def test_pad_image_to_target_size(tiny_clip):
    crop = np.zeros((10, 40, 3), np.uint8)
    padded = tiny_clip._pad_image_to_target_size(crop, (255, 0, 0))
    assert padded.shape == (224, 224, 3)
    assert padded[0, 0].tolist() == padded[-1, -1].tolist() == [255, 0, 0]
    assert padded[112].max() == 0


# --- wrong calls and configurations ---


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ({"metric": "lpips"}, "^Unsupported metric: lpips$"),
        ({"mask_mode": "inside"}, "unknown mask_mode 'inside'"),
        ({"patch_mask_treshold": 0.1}, "emd takes no parameter.*'patch_mask_threshold'"),
        ({"bg_color": (0, 0, 0)}, "emd takes no parameter"),
        ({"reference_patches": "select"}, "did you mean 'selected'"),
        ({"patch_mask_threshold": 1}, "below 1, not 1"),
        ({"patch_mask_threshold": -0.1}, "not -0.1"),
        ({"patch_mask_threshold": math.nan}, "not nan"),
        ({"patch_mask_threshold": "0.1"}, "not '0.1'"),
        ({"patch_mask_threshold": True}, "not True"),
        ({"metric": "emd_excess", "patch_mask_threshold": None}, "not None"),
    ],
)
def test_wrong_calls_load_nothing(photo, call, says):
    pipe = CLIPPipe(CLIP, device="cpu")
    with pytest.raises(InputError, match=says):
        pipe(photo, photo, **call)
    assert not pipe.loaded


def test_wrong_constructions():
    with pytest.raises(InputError, match="did you mean 'stretch'"):
        CLIPPipe(framing="strech")
    with pytest.raises(InputError, match=r"sam takes no option 'modeltype'.*'model_type'"):
        CLIPPipe(sam={"modeltype": "vit_b"})
    with pytest.raises(InputError, match="sam must be a mapping"):
        CLIPPipe(sam="vit_b")
    with pytest.raises(InputError, match="unknown model_type 'vit-b'"):
        CLIPPipe(sam={"model_type": "vit-b"})


def test_sam_takes_the_device_of_its_clip_pipe():
    assert CLIPPipe(device="cpu", sam={}).sam_block.device == "cpu"
    assert CLIPPipe(device="cpu", sam={"device": "mps"}).sam_block.device == "mps"
    assert CLIPPipe().sam_block is None
    sam = SAMPipe("smoke")
    assert CLIPPipe(sam=sam).sam_block is sam


def test_missing_weights_pass_through(tmp_path, photo):
    with pytest.raises(MissingResourceError) as caught:
        CLIPPipe(tmp_path / "none", device="cpu")(photo, photo)
    assert caught.value.pipe == "clip-pipe"


def test_missing_packages_are_named(monkeypatch, photo):
    monkeypatch.setitem(__import__("sys").modules, "ot", None)
    with pytest.raises(MissingResourceError, match="clip-pipe needs the package 'ot'") as caught:
        CLIPPipe(CLIP, device="cpu")(photo, photo)
    assert caught.value.pipe == "clip-pipe"


def test_release_frees_both_models(photo):
    pipe = CLIPPipe("smoke", device="cpu", sam={"model_type": "smoke"})
    pipe.load()
    pipe.sam_block.load()
    first = pipe(photo, photo[::-1])
    pipe.release()
    assert not pipe.loaded
    assert not pipe.sam_block.loaded
    assert pipe(photo, photo[::-1]) == first


def test_smoke_weights_are_stamped(photo):
    assert CLIPPipe("smoke", device="cpu").measure(photo, photo).smoke


# --- checkpoints ---


def test_a_whole_clip_checkpoint_is_its_vision_part(checkpoint, photo, edited):
    expected = CLIPPipe(CLIP, device="cpu")(photo, edited, BOX, "outer")
    state = load_file(checkpoint / "model.safetensors")
    whole = {f"vision_model.{name}": tensor for name, tensor in state.items()}
    whole["vision_model.embeddings.position_ids"] = torch.arange(50)[None]
    whole["text_model.final_layer_norm.bias"] = torch.zeros(4)
    whole["logit_scale"] = torch.zeros(())
    (checkpoint / "model.safetensors").unlink()
    torch.save(whole, checkpoint / "pytorch_model.bin")
    vision = json.loads((checkpoint / "config.json").read_text())
    config = {"model_type": "clip", "vision_config": vision, "text_config": {}}
    (checkpoint / "config.json").write_text(json.dumps(config))
    assert CLIPPipe(checkpoint, device="cpu")(photo, edited, BOX, "outer") == expected


def test_half_precision_checkpoints_are_computed_in_float32(checkpoint, photo, edited):
    path = checkpoint / "model.safetensors"
    state = load_file(path)
    save_file({name: tensor.half() for name, tensor in state.items()}, path)
    pipe = CLIPPipe(checkpoint, device="cpu")
    assert pipe.load().model.model(torch.zeros(1, 3, 224, 224)).dtype == torch.float32
    expected = CLIPPipe(CLIP, device="cpu")(photo, edited)
    assert pipe(photo, edited) == pytest.approx(expected, rel=1e-2)


def test_mean_and_deviation_are_the_checkpoints(checkpoint, photo, edited):
    (checkpoint / "preprocessor_config.json").unlink()
    default = CLIPPipe(checkpoint, device="cpu")(photo, edited)
    assert default == CLIPPipe(CLIP, device="cpu")(photo, edited)
    preprocessor = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3}
    (checkpoint / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    assert CLIPPipe(checkpoint, device="cpu")(photo, edited) != default


def test_another_patch_size_is_read_from_the_model(checkpoint, photo, edited):
    rewrite(checkpoint / "config.json", patch_size=16)
    path = checkpoint / "model.safetensors"
    state = load_file(path)
    random = torch.Generator().manual_seed(0)
    state["embeddings.patch_embedding.weight"] = torch.randn(64, 3, 16, 16, generator=random) / 10
    state["embeddings.position_embedding.weight"] = torch.randn(197, 64, generator=random)
    save_file(state, path)
    pipe = CLIPPipe(checkpoint, device="cpu")
    assert pipe.patch_size == 16
    assert pipe.measure(photo, edited).details["n_patches"] == 196


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "vit"}, "type 'vit'; clip-pipe takes CLIP and SigLIP models"),
        ({"model_type": "siglip"}, "does not fit the SiglipVisionModel"),
        ({"model_type": "siglip", "vision_use_head": False}, "vision_use_head is false"),
        ({"patch_size": "32"}, "patch_size is '32'"),
        ({"image_size": [224, 224]}, "image_size is"),
        ({"num_hidden_layers": 5}, r"does not fit .*: no encoder\.layers\.4\."),
        ({"num_hidden_layers": 3}, r"does not fit .*encoder\.layers\.3\..* is unknown"),
        ({"hidden_size": 32}, r"is \[64\], should be \[32\]"),
        ({"hidden_size": 63}, "makes no CLIP model"),
        ({"num_hidden_layers": 0}, "makes no CLIP model: num_hidden_layers is 0"),
        ({"hidden_act": "nonsense"}, "makes no CLIPVisionModel: .*nonsense"),
        ({"layer_norm_eps": None}, "makes no CLIP model: layer_norm_eps is None"),
        ({"vision_config": [1]}, "clip-pipe takes CLIP"),
    ],
)
def test_configurations_that_do_not_fit(checkpoint, photo, changes, says):
    rewrite(checkpoint / "config.json", **changes)
    with pytest.raises(WeightsError, match=f"(?s){says}"):
        CLIPPipe(checkpoint, device="cpu")(photo, photo)


def test_left_out_dimensions_are_those_of_vit_b_32(checkpoint, photo, edited):
    rewrite(checkpoint / "config.json", image_size=..., patch_size=...)
    pipe = CLIPPipe(checkpoint, device="cpu")
    assert pipe(photo, edited) == CLIPPipe(CLIP, device="cpu")(photo, edited)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"image_mean": [0.5]}, "image_mean is .*three numbers"),
        ({"image_std": "x"}, "image_std is 'x'"),
    ],
)
def test_a_broken_preprocessor(checkpoint, photo, changes, says):
    rewrite(checkpoint / "preprocessor_config.json", **changes)
    with pytest.raises(WeightsError, match=says):
        CLIPPipe(checkpoint, device="cpu")(photo, photo)
    (checkpoint / "preprocessor_config.json").write_text("[]")
    with pytest.raises(WeightsError, match="no JSON object"):
        CLIPPipe(checkpoint, device="cpu")(photo, photo)
    (checkpoint / "preprocessor_config.json").write_text("{")
    with pytest.raises(WeightsError, match="is not JSON"):
        CLIPPipe(checkpoint, device="cpu")(photo, photo)


@pytest.mark.parametrize(
    "fields",
    [
        {"crop_size": 256, "size": 256},
        {"crop_size": {"height": 224, "width": 300}},
        {"do_center_crop": False},
    ],
)
def test_an_input_that_is_not_the_models_is_refused_where_it_matters(checkpoint, photo, fields):
    rewrite(checkpoint / "preprocessor_config.json", **fields)
    assert CLIPPipe(checkpoint, device="cpu")(photo, photo) == 0
    wide = photo[:200]
    with pytest.raises(WeightsError, match="only framing 'stretch'"):
        CLIPPipe(checkpoint, device="cpu", framing="center-crop")(wide, wide)


@pytest.mark.parametrize("size", [{"shortest_edge": 256}, 256, {"height": 224, "width": 300}])
def test_patches_of_a_mask_are_those_of_the_checkpoints_own_crop(checkpoint, photo, size):
    rewrite(checkpoint / "preprocessor_config.json", size=size)
    pipe = CLIPPipe(checkpoint, device="cpu", framing="center-crop")
    edited = photo.copy()
    edited[:, 128:] = 255 - edited[:, 128:]
    measured = pipe.measure(photo, edited, [(128, 0, 256, 256)], "inner")
    assert measured.details["n_selected"] == 28  # the column in the middle lies in both halves
    taken = pipe._input()
    mask = np.zeros((256, 256), bool)
    mask[:, 128:] = True
    white = np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
    plain = dataclasses.replace(
        taken.preprocessor,
        numbers={**taken.preprocessor.numbers, "do_rescale": False, "do_normalize": False},
    )
    seen = plain.pixels(white, "center-crop", 224)[0, 0].float().numpy() / 255
    shares = seen.reshape(7, 32, 7, 32).mean(axis=(1, 3))
    np.testing.assert_allclose(taken.coverage(mask, "center-crop"), shares, atol=0.05)


def changed_config(checkpoint: Path, photo: np.ndarray, **fields: object) -> list[str]:
    """The hash of the configuration before and after a change, as goldens state it."""
    before = CLIPPipe(checkpoint, device="cpu").used()
    for name, values in fields.items():
        rewrite(checkpoint / f"{name}.json", **values)
    after = CLIPPipe(checkpoint, device="cpu").used()
    assert before[0] == after[0]
    assert [one.name for one in after] == ["clip:model", "clip:model configuration"]
    return [before[1].sha256, after[1].sha256]


@pytest.mark.parametrize(
    "fields",
    [
        {"preprocessor_config": {"image_mean": [0.5] * 3}},
        {"preprocessor_config": {"resample": 2}},
        {"preprocessor_config": {"resample": 0}},
        {"preprocessor_config": {"do_rescale": False}},
        {"config": {"num_attention_heads": 2}},
        {"config": {"layer_norm_eps": 1e-3}},
        {"config": {"hidden_act": "gelu"}},
    ],
)
def test_the_stamp_changes_with_what_changes_the_numbers(checkpoint, photo, fields):
    before, after = changed_config(checkpoint, photo, **fields)
    assert before != after


@pytest.mark.parametrize(
    "fields",
    [
        {"preprocessor_config": {"size": 256}},
        {"preprocessor_config": {"crop_size": 256}},
        {"preprocessor_config": {"processor_class": "CLIPProcessor"}},
        {"config": {"transformers_version": "4.0", "dtype": "float16"}},
        {"config": {"layer_norm_eps": ...}},
    ],
)
def test_the_stamp_stays_with_what_changes_no_number(checkpoint, photo, fields):
    before, after = changed_config(checkpoint, photo, **fields)
    assert before == after


def test_an_activation_that_is_not_written_out_runs_through_transformers(checkpoint, photo, edited):
    from transformers import CLIPVisionConfig, CLIPVisionModel

    rewrite(checkpoint / "config.json", hidden_act="gelu_pytorch_tanh")
    pipe = CLIPPipe(checkpoint, device="cpu", framing="center-crop")
    measured = pipe.measure(photo, edited, BOX, "outer")
    through = measured.details["through"]
    assert through.startswith("transformers ")
    assert through.endswith(": CLIPVisionModel (hidden_act 'gelu_pytorch_tanh')")
    config = json.loads((checkpoint / "config.json").read_text())
    model = CLIPVisionModel(CLIPVisionConfig(**config)).eval()
    state = load_file(checkpoint / "model.safetensors")
    named = {name.removeprefix("vision_model."): name for name in model.state_dict()}
    model.load_state_dict({named[name]: tensor for name, tensor in state.items()})
    with torch.inference_mode():
        pixels = pipe._input().pixels(photo, "center-crop")
        expected = model(pixel_values=pixels).last_hidden_state[0].numpy()
    np.testing.assert_array_equal(pipe._tokens([photo])[0], expected.astype(np.float64))
    assert "through" not in CLIPPipe(CLIP, device="cpu").measure(photo, edited).details


def test_a_preprocessor_that_is_not_written_out_is_stamped(checkpoint, photo, edited):
    rewrite(checkpoint / "preprocessor_config.json", resample=0)
    measured = CLIPPipe(checkpoint, device="cpu").measure(photo, edited, BOX, "outer")
    assert measured.details["through"].endswith(": CLIPImageProcessor (resample 0)")


def test_loading_prints_nothing_and_keeps_random_numbers(capfd, photo):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    with_warnings_as_errors = CLIPPipe(CLIP, device="cpu")
    with_warnings_as_errors(photo, photo)
    assert torch.equal(state, torch.get_rng_state())
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


# --- together ---


def changed(photo: np.ndarray, count: int) -> list[np.ndarray]:
    return [np.roll(photo, number, axis=1) for number in range(count)]


@pytest.fixture
def batches(monkeypatch) -> list[int]:
    """How many images each pass of the model took from now on."""
    sizes: list[int] = []
    original = CLIPVision.__call__

    def call(self, pixels):
        sizes.append(len(pixels))
        return original(self, pixels)

    monkeypatch.setattr(CLIPVision, "__call__", call)
    return sizes


def test_many_images_are_encoded_together_with_the_same_bits(photo, batches):
    pipe = CLIPPipe("smoke", device="cpu")
    images = changed(photo, 10)
    pipe.encode_ahead("emd", images)
    together = batches.copy()
    alone = CLIPPipe("smoke", device="cpu")
    for one, other in pairwise(images):
        assert pipe.measure(one, other) == alone.measure(one, other)
    # the first four both ways; then, if the bits agreed, four at once and what is left
    assert together in ([1, 1, 1, 1, 4, 4, 1, 1], [1, 1, 1, 1, 4, 1, 1, 1, 1, 1, 1])
    assert batches == together + [1] * 10


def test_where_the_bits_differ_nothing_is_encoded_together(photo, batches, monkeypatch):
    counted = CLIPVision.__call__

    def unlike(self, pixels):
        return counted(self, pixels) + (len(pixels) > 1) * 1e-6

    monkeypatch.setattr(CLIPVision, "__call__", unlike)
    pipe = CLIPPipe("smoke", device="cpu")
    pipe.encode_ahead("emd", changed(photo, 20))
    assert batches == [1, 1, 1, 1, 4, *[1] * 16]


def test_a_short_list_is_encoded_one_at_a_time(photo, batches):
    CLIPPipe("smoke", device="cpu").encode_ahead("emd", changed(photo, 7))
    assert batches == [1] * 7


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_is_close_stamped_and_kept_apart(photo, edited, dtype):
    full = CLIPPipe(CLIP, device="cpu")
    pipe = CLIPPipe(CLIP, device="cpu", dtype=dtype)
    pipe.share(full.cache)
    exact = full.measure(photo, edited, BOX, "inner", metric="emd")
    measured = pipe.measure(photo, edited, BOX, "inner", metric="emd")
    assert measured.details["dtype"] == dtype
    assert measured.value != exact.value
    assert measured.value == pytest.approx(exact.value, rel=0.05)


def test_an_unknown_dtype():
    with pytest.raises(InputError, match=r"clip-pipe: unknown dtype 'float8' \(did you mean"):
        CLIPPipe(dtype="float8")
