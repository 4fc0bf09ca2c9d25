"""Each preprocessor's input is that of transformers' own class, bit by bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from preprocessors import CHANGES, OWN, same_rounding, their_class, theirs

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.pipes.preprocessor import Preprocessor
from pytest_editmetrics.pipes.preprocessor_file import DEFAULTS, read_preprocessor


def written(folder: Path, kind: str, name: str = "preprocessor_config.json", **fields: Any) -> Path:
    given = {"image_processor_type": kind, **OWN.get(kind, {}), **fields}
    nested = {"image_processor": given, "processor_class": "CLIPProcessor"}
    content = nested if name == "processor_config.json" else given
    folder.joinpath(name).write_text(json.dumps(content))
    return folder


def read(folder: Path, kind: str, **fields: Any) -> Preprocessor:
    return read_preprocessor(written(folder, kind, **fields), kind)


# a SAM 2 that crops is refused, since its masks could not be placed
@pytest.mark.quick(30)
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        pytest.param(kind, fields, id=f"{kind}-{json.dumps(fields)}")
        for kind in DEFAULTS
        for fields in CHANGES
        if kind != "Siglip2ImageProcessor"
        and not (kind == "Sam2ImageProcessor" and "do_center_crop" in fields)
    ],
)
def test_each_field_gives_the_bits_of_transformers(tmp_path, wide, kind, fields):
    for image in (wide, wide.transpose(1, 0, 2).copy(), wide[:40, :40], wide[:7, :31]):
        try:
            expected = theirs(kind, image, {**OWN.get(kind, {}), **fields})
        except (TypeError, ValueError, NotImplementedError):
            with pytest.raises(WeightsError):
                read(tmp_path, kind, **fields).pixels(image, "center-crop", 32)
            continue
        preprocessor = read(tmp_path, kind, **fields)
        height, width = expected.shape[2:]
        if height != width:
            with pytest.raises(WeightsError, match=f"makes {width}x{height} pixels"):
                preprocessor.pixels(image, "center-crop", 32)
            continue
        found = preprocessor.pixels(image, "center-crop", height)
        if preprocessor.numbers["resample"] == 2 and not same_rounding():
            continue
        assert torch.equal(found, expected.float())


@pytest.mark.parametrize("kind", DEFAULTS)
def test_the_defaults_are_those_of_transformers(kind):
    found = their_class(kind)
    for name, value in DEFAULTS[kind].items():
        own = getattr(found, name, None)
        if isinstance(value, tuple):
            own = tuple(own)
        assert (bool(own) if isinstance(value, bool) else own) == value, name


def test_processor_config_comes_first(tmp_path, wide):
    written(tmp_path, "CLIPImageProcessor", image_mean=[0.1] * 3)
    written(tmp_path, "CLIPImageProcessor", "processor_config.json", image_mean=[0.2] * 3)
    found = read_preprocessor(tmp_path, "CLIPImageProcessor")
    assert found.numbers["image_mean"] == (0.2, 0.2, 0.2)
    # one that nests nothing is of the text part only
    (tmp_path / "processor_config.json").write_text('{"processor_class": "CLIPProcessor"}')
    found = read_preprocessor(tmp_path, "CLIPImageProcessor")
    assert found.numbers["image_mean"] == (0.1, 0.1, 0.1)


def test_what_save_pretrained_writes_is_read(tmp_path, wide):
    from transformers import CLIPImageProcessor

    made = CLIPImageProcessor(size={"shortest_edge": 40}, crop_size=32, image_std=[0.3] * 3)
    made.save_pretrained(tmp_path)
    preprocessor = read_preprocessor(tmp_path, "ViTImageProcessor")
    assert preprocessor.kind == "CLIPImageProcessor"
    assert preprocessor.through == ""
    expected = theirs("CLIPImageProcessor", wide, made.to_dict())
    assert torch.equal(preprocessor.pixels(wide, "center-crop", 32), expected)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"crop_pct": 0.9}, "the field 'crop_pct' may change every number"),
        ({"image_men": [0.5] * 3}, r"'image_men'.*did you mean 'image_mean'"),
        ({"do_gamma": True}, "the field 'do_gamma'"),
        ({"auto_map": {"AutoImageProcessor": "x.Y"}, "image_processor_type": None}, "'auto_map'"),
        ({"image_processor_type": "NoImageProcessor"}, "'NoImageProcessor', which the installed"),
        ({"image_processor_type": 5}, "is 5, not the name of a class"),
        ({"do_resize": "yes"}, "do_resize is 'yes', neither true nor false"),
        ({"rescale_factor": 0}, "rescale_factor is 0, not a number above zero"),
        ({"rescale_factor": "x"}, "rescale_factor is 'x'"),
        ({"resample": 9}, "resample is 9; it is a number of Pillow's from 0 to 5"),
        ({"resample": "bicubic"}, "resample is 'bicubic'"),
        ({"size": {"longest_edge": 9}}, "size is .*it can have height and width, or shortest_edge"),
        ({"size": 0}, "size is 0, not a number of pixels"),
        ({"size": {"shortest_edge": "9"}}, "shortest_edge of size is '9'"),
        ({"crop_size": {"height": 9}}, "crop_size is"),
        ({"image_std": [0.2, 0, 0.2]}, "image_std holds 0"),
        ({"image_mean": [0.2, float("inf"), 0]}, "not three finite numbers"),
        ({"image_mean": [0.5]}, "not three numbers"),
    ],
)
def test_what_no_preprocessor_can_have_is_an_error_that_names_it(tmp_path, fields, says):
    with pytest.raises(WeightsError, match=says) as caught:
        read(tmp_path, "CLIPImageProcessor", **fields)
    assert str(tmp_path / "preprocessor_config.json") in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"do_thumbnail": False}, {"crop_pct": None}, {"do_pad": False, "pad_size": {"height": 9}},
        {"do_convert_rgb": False}, {"data_format": "channels_first"}, {"use_square_size": False},
        {"auto_map": {"AutoImageProcessor": "x.Y"}}, {"_valid_processor_keys": ["images"]},
    ],
    ids=str,
)  # fmt: skip
def test_what_changes_no_number_is_left_alone(tmp_path, wide, fields):
    expected = read(tmp_path, "CLIPImageProcessor").pixels(wide, "center-crop", 224)
    found = read(tmp_path, "CLIPImageProcessor", **fields)
    assert found.through == ""
    assert torch.equal(found.pixels(wide, "center-crop", 224), expected)


def test_what_is_not_written_out_runs_through_the_class_of_transformers(tmp_path, wide):
    found = read(tmp_path, "CLIPImageProcessor", resample=0, crop_size=32, size=40)
    assert found.through == "resample 0"
    expected = theirs("CLIPImageProcessor", wide, {"resample": 0, "crop_size": 32, "size": 40})
    assert torch.equal(found.pixels(wide, "center-crop", 32), expected)
    stretched = theirs(
        "CLIPImageProcessor", wide,
        {"resample": 0, "size": {"height": 32, "width": 32}, "do_center_crop": False},
    )  # fmt: skip
    assert torch.equal(found.pixels(wide, "stretch", 32), stretched)


def test_a_class_that_is_not_written_out_places_the_mask_itself(tmp_path, wide):
    fields = {"size": {"shortest_edge": 32}, "crop_pct": 0.8}
    found = read_preprocessor(written(tmp_path, "ConvNextImageProcessor", **fields), "x")
    assert found.through == "image_processor_type 'ConvNextImageProcessor'"
    expected = theirs("ConvNextImageProcessor", wide, fields)
    assert torch.equal(found.pixels(wide, "center-crop", 32), expected)
    mask = np.zeros(wide.shape[:2], bool)
    mask[:, 160:] = True
    placed = found.placed(mask, "center-crop", 32)
    assert placed.shape == (32, 32)
    assert placed[:, 16:].all()
    assert not placed[:, :15].any()


def test_stretching_leaves_size_and_crop_aside(tmp_path, wide):
    one = read(tmp_path, "CLIPImageProcessor", size=40, crop_size=32)
    described = one.described("stretch"), one.described("center-crop")
    other = read(tmp_path, "CLIPImageProcessor", size=50, crop_size=32)
    assert torch.equal(one.pixels(wide, "stretch", 32), other.pixels(wide, "stretch", 32))
    assert other.described("stretch") == described[0]
    assert other.described("center-crop") != described[1]


def test_a_size_that_depends_on_the_image_is_an_error_where_it_does_not_fit(tmp_path, wide):
    found = read(tmp_path, "SiglipImageProcessor", size={"shortest_edge": 32})
    assert found.input_size is None
    with pytest.raises(WeightsError, match=r"makes 48x32 pixels of an image of 320x213, the model"):
        found.pixels(wide, "center-crop", 32)
    assert found.pixels(wide[:90, :90], "center-crop", 32).shape == (1, 3, 32, 32)
