"""Every kind of checkpoint against transformers: each layer, and each field of a preprocessor."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import made_models as made
import numpy as np
import pytest
import torch
from tiny_models import CLIP, make_clip, make_sam2

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.pipes.clip.pipe import CLIPPipe
from pytest_editmetrics.pipes.clip.vision import CLIPVision
from pytest_editmetrics.pipes.dino.pipe import DINOPipe
from pytest_editmetrics.pipes.sam.pipe import SAMPipe
from pytest_editmetrics.pipes.witness import theirs

IMAGES = Path(__file__).parents[2] / "fixtures" / "parity" / "images"
BOX = (40, 60, 150, 170)
# of the largest value; 0 on one machine, whatever its instructions in another's
CLOSE = 1e-6


@pytest.fixture(scope="session")
def cat() -> np.ndarray:
    """The cat, (213, 320, 3)."""
    return load_image(IMAGES / "chelsea.png")


def close(found: np.ndarray, expected: Any) -> None:
    expected = expected.numpy()
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= CLOSE * np.abs(expected).max()


def shaped(kind: str, edge: int) -> dict[str, Any]:
    """What makes the default input of a class a square of ``edge`` pixels."""
    square = {"height": edge, "width": edge}
    if kind in ("CLIPImageProcessor", "BitImageProcessor"):
        return {"size": {"shortest_edge": edge}, "crop_size": square}
    return {"size": square}


def every_field(pipe_class: Any, folder: Path, kind: str, name: str, edge: int, cat: Any) -> int:
    """Hold the input and the tokens under each change of a field; return how many were held."""
    held = 0
    for number, change in enumerate(made.changes(edge)):
        fields = {**shaped(kind, edge), **change}
        given = made.describe(folder, kind, fields, nested=bool(number % 2))
        pipe = pipe_class(folder, device="cpu", framing="center-crop")
        try:
            inputs = made.prepared(kind, cat, given)
        except TypeError:
            with pytest.raises(WeightsError, match="cannot normalise what it does not rescale"):
                pipe._tokens([cat])
            continue
        expected = inputs["pixel_values"].float()
        assert torch.equal(pipe._input().pixels(cat, "center-crop"), expected), (kind, change)
        said = made.layers(folder, name, {"pixel_values": expected})
        tokens = pipe.load().model.tokens([cat], "center-crop")[0]
        registers = json.loads((folder / "config.json").read_text()).get("num_register_tokens", 0)
        hidden = said.last_hidden_state[0]
        if "Siglip" in name:
            hidden = torch.cat([said.pooler_output, hidden])
        else:
            hidden = torch.cat([hidden[:1], hidden[1 + registers :]])
        close(tokens, hidden)
        held += 1
    return held


@pytest.mark.parametrize("config", made.CLIPS)
def test_clip(tmp_path, cat, config):
    folder = make_clip(tmp_path, **made.CLIPS[config])
    edge = {**CLIP, **made.CLIPS[config]}["image_size"]
    every = every_field(CLIPPipe, folder, "CLIPImageProcessor", "CLIPVisionModel", edge, cat)
    assert every == len(made.changes(edge))
    pipe = CLIPPipe(folder, device="cpu")
    assert ("through" in pipe.measure(cat, cat).details) == (config in ("gelu-tanh", "relu"))


@pytest.mark.parametrize(
    "config", [name for name in made.CLIPS if name not in ("gelu-tanh", "relu")]
)
def test_clip_layer_by_layer(tmp_path, cat, config):
    folder = make_clip(tmp_path, **made.CLIPS[config])
    edge = {**CLIP, **made.CLIPS[config]}["image_size"]
    made.describe(folder, "CLIPImageProcessor", shaped("CLIPImageProcessor", edge), nested=True)
    own = CLIPPipe(folder, device="cpu").load().model
    pixels = own.input.pixels(cat, "stretch")
    said = made.layers(folder, "CLIPVisionModel", {"pixel_values": pixels}).hidden_states
    size = own.model._size
    assert len(said) == size.num_hidden_layers + 1
    for count in range(1, len(said)):
        cut = type(size)(**{**asdict(size), "num_hidden_layers": count})
        with torch.inference_mode():
            found = CLIPVision(cut, own.model._state, "cpu")(pixels)
        close(found.numpy(), said[count])


@pytest.mark.parametrize("config", made.DINOS)
def test_dino(tmp_path, cat, config):
    name, sizes = made.DINOS[config]
    folder = made.make_dino(tmp_path, name, sizes)
    kind = "DINOv3ViTImageProcessor" if name == "DINOv3ViT" else "BitImageProcessor"
    edge = {**made.DINO, **sizes}["image_size"]
    held = every_field(DINOPipe, folder, kind, f"{name}Model", edge, cat)
    assert held == len(made.changes(edge)) - (kind == "DINOv3ViTImageProcessor")


@pytest.mark.parametrize("config", made.DINOS)
def test_dino_layer_by_layer(tmp_path, cat, config):
    name, sizes = made.DINOS[config]
    folder = made.make_dino(tmp_path, name, sizes)
    own = DINOPipe(folder, device="cpu").load().model
    pixels = own.input.pixels(cat, "stretch")
    expected = made.layers(folder, f"{name}Model", {"pixel_values": pixels}).hidden_states
    with torch.inference_mode():
        found = own.model(pixel_values=pixels, output_hidden_states=True).hidden_states
    assert len(found) == len(expected) > 3
    for one, other in zip(found, expected, strict=True):
        close(one.numpy(), other)


@pytest.mark.parametrize("config", made.SIGLIPS)
def test_siglip(tmp_path, cat, config):
    name, sizes = made.SIGLIPS[config]
    folder = made.make_siglip(tmp_path, name, sizes)
    if name == "Siglip2":
        fields = {"max_num_patches": 16, "image_mean": [0.3] * 3}
        given = made.describe(folder, "Siglip2ImageProcessor", fields, nested=True)
        square = cat[:200, :200]
        inputs = made.prepared("Siglip2ImageProcessor", square, given)
        said = made.layers(folder, "Siglip2VisionModel", inputs)
        tokens = CLIPPipe(folder, device="cpu").load().model.tokens([square], "stretch")[0]
        close(tokens, torch.cat([said.pooler_output, said.last_hidden_state[0]]))
        return
    edge = sizes["image_size"]
    held = every_field(CLIPPipe, folder, "SiglipImageProcessor", "SiglipVisionModel", edge, cat)
    assert held == len(made.changes(edge))


SAM2_CHANGES: list[dict[str, Any]] = [
    {}, {"resample": 0}, {"resample": 3}, {"do_rescale": False}, {"rescale_factor": 1 / 200},
    {"do_normalize": False}, {"image_mean": [0.1, 0.2, 0.3]}, {"image_std": [0.4, 0.2, 0.3]},
]  # fmt: skip
SQUARE = {"height": 128, "width": 128}


@pytest.mark.parametrize("config", made.SAM2S)
def test_sam2(tmp_path, cat, config):
    folder = make_sam2(tmp_path, **made.SAM2S[config])
    for number, change in enumerate(SAM2_CHANGES):
        fields = {"size": SQUARE, **change}
        given = made.describe(folder, "Sam2ImageProcessor", fields, nested=bool(number % 2))
        pipe = SAMPipe("sam2", folder, device="cpu")
        expected = made.prepared("Sam2ImageProcessor", cat, given)["pixel_values"]
        taken = pipe._input(pipe.use())
        assert torch.equal(taken.pixels(cat, "center-crop"), expected.float()), change
        (mask,) = theirs.masks(pipe, [cat], BOX)
        x1, y1, x2, y2 = BOX
        found = pipe.mask_of(cat, BOX)
        assert (found != mask[y1:y2, x1:x2]).mean() <= 0.002, change


@pytest.mark.parametrize(
    "change",
    [
        {"size": {"height": 64, "width": 64}},
        {"size": {"height": 128, "width": 64}},
        {"size": {"shortest_edge": 128}},
        {"do_resize": False},
        {"do_center_crop": True, "crop_size": 128},
        {"do_pad": True, "pad_size": SQUARE},
    ],
)
def test_what_no_mask_of_sam2_could_be_placed_in_is_refused(tmp_path, cat, change):
    folder = make_sam2(tmp_path)
    made.describe(folder, "Sam2ImageProcessor", {"size": SQUARE, **change}, nested=False)
    with pytest.raises(WeightsError, match=r"does not stretch an image to the 128x128 pixels"):
        SAMPipe("sam2", folder, device="cpu").isolate(cat, BOX)


def test_the_same_input_whichever_file_says_so(tmp_path, cat):
    folder = make_clip(tmp_path)
    found = []
    for nested in (False, True):
        fields = {"size": 80, "crop_size": 64, "image_mean": [0.1] * 3}
        made.describe(folder, "CLIPImageProcessor", fields, nested=nested)
        pipe = CLIPPipe(folder, device="cpu", framing="center-crop")
        found.append((pipe._tokens([cat])[0].tobytes(), pipe.used()))
    assert found[0] == found[1]
