"""SigLIP and SigLIP 2 as encoders of ``clip-pipe``, and checkpoints in their other layouts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from preprocessors import their_class
from safetensors.torch import load_file, save_file
from tiny_models import make_dino, make_siglip

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.pipes.clip.pipe import CLIPPipe
from pytest_editmetrics.pipes.dino.pipe import DINOPipe

BOX = (40, 60, 150, 170)


@pytest.fixture(scope="module", params=["siglip", "siglip_vision_model", "siglip2"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_siglip(request.param, tmp_path_factory.mktemp(request.param))


def theirs(folder: Path, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The patch tokens and the pooled vector by transformers alone."""
    import transformers

    kind = "Siglip2" if "siglip2" in (folder / "config.json").read_text() else "Siglip"
    model = getattr(transformers, f"{kind}VisionModel").from_pretrained(folder).eval()
    for parameter in model.parameters():  # where one lies in its file decides last bits
        parameter.data = parameter.data.clone()
    processor = their_class(f"{kind}ImageProcessor").from_pretrained(folder)
    inputs = dict(processor(images=image.copy(), return_tensors="pt"))
    with torch.inference_mode():
        found = model(**inputs)
    return found.last_hidden_state[0].numpy(), found.pooler_output[0].numpy()


def test_tokens_are_those_of_transformers(folder, photo):
    pipe = CLIPPipe(folder, device="cpu")
    tokens, pooled = theirs(folder, photo)
    found = pipe._tokens([photo])[0]
    np.testing.assert_array_equal(found[1:], tokens.astype(np.float64))
    np.testing.assert_array_equal(found[0], pooled.astype(np.float64))


def test_the_object_metric_compares_what_the_attention_head_pools(folder, photo, tiny_sam):
    pipe = CLIPPipe(folder, device="cpu", sam=tiny_sam)
    measured = pipe.measure(photo, 255 - photo, [BOX, BOX], metric="sam_clip_cls_sim")
    squares = [
        pipe._pad_image_to_target_size(tiny_sam.isolate(image, BOX))
        for image in (photo, 255 - photo)
    ]
    one, other = (theirs(folder, square)[1].astype(np.float64) for square in squares)
    expected = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert measured.value == pytest.approx(expected, abs=1e-6)
    assert measured.details["object_vector"] == "pooler_output"
    assert "object_vector" not in pipe.measure(photo, photo).details


def test_emd_takes_patches_and_the_region(folder, photo):
    pipe = CLIPPipe(folder, device="cpu")
    edited = photo.copy()
    edited[60:170, 40:150] = 255 - edited[60:170, 40:150]
    outside = pipe.measure(photo, edited, [BOX], "outer")
    assert 0 < outside.details["n_selected"] < outside.details["n_patches"]
    assert outside.excess > 0
    assert pipe(photo, photo) == 0


def test_siglip_2_of_any_aspect_is_measured_stretched(tmp_path, photo):
    folder = make_siglip("siglip2", tmp_path)
    assert CLIPPipe(folder, device="cpu").img_input_size == 64
    with pytest.raises(WeightsError, match=r"makes patches of any aspect.*only framing 'stretch'"):
        CLIPPipe(folder, device="cpu", framing="center-crop")(photo, photo)


def half(folder: Path) -> None:
    path = folder / "model.safetensors"
    tensors = {name: tensor.half() for name, tensor in load_file(path).items()}
    save_file(tensors, folder / "model.fp16.safetensors", {"format": "pt"})
    path.unlink()


def shards(folder: Path) -> None:
    path = folder / "model.safetensors"
    names = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    parts: dict[str, dict[str, torch.Tensor]] = {name: {} for name in names}
    for number, (name, tensor) in enumerate(load_file(path).items()):
        parts[names[number % 2]][name] = tensor
    for name, tensors in parts.items():
        save_file(tensors, folder / name, {"format": "pt"})
    index = {name: file for file, tensors in parts.items() for name in tensors}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {}, "weight_map": index})
    )
    path.unlink()


@pytest.mark.parametrize("layout", [shards, half])
@pytest.mark.parametrize("model", ["dinov2", "siglip"])
def test_other_layouts_give_the_same_tokens(tmp_path, photo, layout, model):
    make = make_siglip if model == "siglip" else make_dino
    pipe = CLIPPipe if model == "siglip" else DINOPipe
    folder = make(model, tmp_path)
    expected = pipe(folder, device="cpu")._tokens([photo])[0]
    layout(folder)
    found = pipe(folder, device="cpu")._tokens([photo])[0]
    if layout is shards:
        np.testing.assert_array_equal(found, expected)
    else:
        assert 0 < np.abs(found - expected).max() < 0.05 * np.abs(expected).max()


def test_a_tensor_in_two_shards_is_an_error(tmp_path, photo):
    folder = make_siglip("siglip", tmp_path)
    shards(folder)
    first, second = sorted(folder.glob("model-*.safetensors"))
    both = load_file(first)
    save_file({**load_file(second), next(iter(both)): next(iter(both.values()))}, second)
    with pytest.raises(WeightsError, match=r"holds \S+, which another shard holds too"):
        CLIPPipe(folder, device="cpu")(photo, photo)
