"""Reading a checkpoint's preprocessor: ``processor_config.json`` or ``preprocessor_config.json``.

A field that this project does not know is an error, never ignored: it may change every number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pytest_editmetrics.errors import WeightsError, did_you_mean
from pytest_editmetrics.pipes.preprocessor import RESAMPLED, Preprocessor, Three
from pytest_editmetrics.weights.check import read_json_object

FILES = ("processor_config.json", "preprocessor_config.json")
NESTED = "image_processor"

IMAGENET_MEAN: Three = (0.485, 0.456, 0.406)
IMAGENET_STD: Three = (0.229, 0.224, 0.225)
_CLIP_MEAN: Three = (0.48145466, 0.4578275, 0.40821073)
_CLIP_STD: Three = (0.26862954, 0.26130258, 0.27577711)
_HALF: Three = (0.5, 0.5, 0.5)

_PLAIN = {
    "do_resize": True,
    "default_to_square": True,
    "do_center_crop": False,
    "crop_size": None,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
}
_CROPPING = {
    **_PLAIN,
    "default_to_square": False,
    "do_center_crop": True,
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "resample": 3,
    "image_mean": _CLIP_MEAN,
    "image_std": _CLIP_STD,
}
_SQUARE = {"height": 224, "width": 224}

# as transformers 5 declares them, each class by itself
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "CLIPImageProcessor": _CROPPING,
        "BitImageProcessor": _CROPPING,
        "SiglipImageProcessor": {
            **_PLAIN,
            "default_to_square": False,
            "size": _SQUARE,
            "resample": 3,
            "image_mean": _HALF,
            "image_std": _HALF,
        },
        "Siglip2ImageProcessor": {
            **_PLAIN,
            "size": None,
            "patch_size": 16,
            "max_num_patches": 256,
            "resample": 2,
            "image_mean": _HALF,
            "image_std": _HALF,
        },
        "ViTImageProcessor": {
            **_PLAIN,
            "size": _SQUARE,
            "resample": 2,
            "image_mean": _HALF,
            "image_std": _HALF,
        },
        "DINOv3ViTImageProcessor": {
            **_PLAIN,
            "size": _SQUARE,
            "resample": 2,
            "image_mean": IMAGENET_MEAN,
            "image_std": IMAGENET_STD,
        },
        "Sam2ImageProcessor": {
            **_PLAIN,
            "size": {"height": 1024, "width": 1024},
            "resample": 2,
            "image_mean": IMAGENET_MEAN,
            "image_std": IMAGENET_STD,
        },
    }
)
# what an image that is RGB already, or one at a time, makes no difference to
_INERT = {
    "image_processor_type", "feature_extractor_type", "processor_class", "do_convert_rgb",
    "data_format", "input_data_format", "device", "return_tensors", "disable_grouping",
    "image_seq_length", "_valid_processor_keys", "pad_size", "transformers_version",
}  # fmt: skip
_OWN = {"Sam2ImageProcessor": {"mask_size", "mask_pad_size"}}
_SWITCHES = ("do_resize", "do_center_crop", "do_rescale", "do_normalize", "default_to_square")
_THEIRS = ("do_pad", "use_square_size")
_SIZES = (
    {"height", "width"},
    {"shortest_edge"},
    {"shortest_edge", "longest_edge"},
    {"max_height", "max_width"},
)


def read_preprocessor(
    folder: Path, kind: str, absent: Mapping[str, Any] | None = None
) -> Preprocessor:
    """Read the preprocessor of the model in ``folder``.

    ``processor_config.json`` with an ``image_processor`` comes before ``preprocessor_config.json``,
    as in transformers.

    Args:
        folder: holds the files.
        kind: the class of a preprocessor that names none.
        absent: the fields of a model without any preprocessor.

    Raises:
        WeightsError: a field that is not known, or a value that no preprocessor can have.
    """
    path, given = _fields(folder)
    if path is None:
        return _made(kind, dict(absent or {}), str(folder / FILES[1]))
    named = given.get("image_processor_type") or str(
        given.get("feature_extractor_type") or kind
    ).replace("FeatureExtractor", "ImageProcessor")
    if not isinstance(named, str):
        raise WeightsError(f"{path}: image_processor_type is {named!r}, not the name of a class")
    return _made(named.removesuffix("Fast"), given, str(path))


def _fields(folder: Path) -> tuple[Path | None, dict[str, Any]]:
    what = "the configuration of a preprocessor"
    for name in FILES:
        path = folder / name
        if not path.is_file():
            continue
        read = read_json_object(path, what)
        if name == FILES[1]:
            return path, read
        if NESTED in read:
            if not isinstance(read[NESTED], dict):
                raise WeightsError(f"{path}: {NESTED} is {read[NESTED]!r}, not a JSON object")
            return path, read[NESTED]
    return None, {}


def _made(kind: str, given: Mapping[str, Any], source: str) -> Preprocessor:
    stated = {
        name: value
        for name, value in given.items()
        if value is not None and not (name.startswith("do_") and value is False)
    }
    # transformers runs no code of the folder where it has the class itself
    ignored = {"auto_map"} if given.get("image_processor_type") else set()
    reasons = [f"{name} {stated[name]!r}" for name in _THEIRS if stated.get(name)]
    if kind in DEFAULTS:
        defaults = DEFAULTS[kind]
        known = {*defaults, *_OWN.get(kind, ())}
    else:
        reasons.append(f"image_processor_type {kind!r}")
        defaults, known = _of_class(kind, source)
    for name in stated:
        if name not in known | _INERT | ignored and name not in _THEIRS:
            raise WeightsError(
                f"{source}: the field {name!r} may change every number, and {kind} is not known to"
                f" take it{did_you_mean(name, known)}; take it out if the checkpoint does not need"
                " it"
            )
    numbers = {
        name: default if given.get(name) is None else given[name]
        for name, default in defaults.items()
    }
    _check(numbers, source)
    if numbers["resample"] not in RESAMPLED:
        reasons.append(f"resample {numbers['resample']}")
    square = numbers.pop("default_to_square")
    size = numbers["size"]
    numbers["size"] = {} if size is None else _size(size, square, source)
    crop = numbers["crop_size"] if numbers["do_center_crop"] else None
    numbers["crop_size"] = None if crop is None else _crop(crop, source)
    if numbers["do_center_crop"] and crop is None:
        raise WeightsError(f"{source}: do_center_crop needs a crop_size")
    if kind == "DINOv3ViTImageProcessor" and numbers["do_normalize"] > numbers["do_rescale"]:
        raise WeightsError(f"{source}: {kind} cannot normalise what it does not rescale")
    service = {"image_processor_type", "feature_extractor_type", "processor_class", "auto_map"}
    passed = {name: value for name, value in given.items() if name not in service}
    return Preprocessor(
        kind,
        MappingProxyType(numbers),
        source,
        ", ".join(reasons),
        passed if reasons else {},
        kind in DEFAULTS and not any(stated.get(name) for name in _THEIRS),
    )


def _of_class(kind: str, source: str) -> tuple[dict[str, Any], set[str]]:
    """Return the defaults of another class of transformers, and the fields that it takes."""
    from pytest_editmetrics.pipes.pretrained import image_processor_class

    found = image_processor_class(kind)
    if found is None:
        raise WeightsError(
            f"{source}: image_processor_type is {kind!r}, which the installed transformers does not"
            f" have{did_you_mean(kind, DEFAULTS)}"
        )
    own = {name: getattr(found, name, None) for name in _CROPPING}
    defaults: dict[str, Any] = {
        name: _CROPPING[name] if own[name] is None else own[name] for name in own
    }
    for switch in ("do_center_crop", "do_resize", "do_rescale", "do_normalize"):
        defaults[switch] = bool(own[switch])
    defaults["resample"] = int(defaults["resample"])
    return defaults, set(found.valid_kwargs.__annotations__)


def _check(numbers: dict[str, Any], source: str) -> None:
    for name in _SWITCHES:
        if not isinstance(numbers[name], bool):
            raise WeightsError(f"{source}: {name} is {numbers[name]!r}, neither true nor false")
    for name in ("image_mean", "image_std"):
        numbers[name] = _three(numbers[name], f"{source}: {name}")
    if not all(numbers["image_std"]):
        raise WeightsError(f"{source}: image_std holds 0, by which nothing can be divided")
    factor = numbers["rescale_factor"]
    if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 < factor < 1e9:
        raise WeightsError(f"{source}: rescale_factor is {factor!r}, not a number above zero")
    if type(numbers["resample"]) is not int or not 0 <= numbers["resample"] <= 5:
        raise WeightsError(
            f"{source}: resample is {numbers['resample']!r}; it is a number of Pillow's from 0 to 5"
            " (2 bilinear, 3 bicubic)"
        )


def _size(size: Any, square: bool, source: str) -> dict[str, int]:
    """Return a size as a mapping, as transformers makes one of a number or a pair."""
    if isinstance(size, list) and len(size) == 2:
        size = {"height": size[0], "width": size[1]}
    if not isinstance(size, dict):
        edge = pixel_count(size, f"{source}: size")
        return {"height": edge, "width": edge} if square else {"shortest_edge": edge}
    stated = {name: edge for name, edge in size.items() if edge is not None}
    if set(stated) not in _SIZES:
        raise WeightsError(
            f"{source}: size is {size!r}; it can have height and width, or shortest_edge, with"
            " longest_edge too, or max_height and max_width"
        )
    return {name: pixel_count(edge, f"{source}: {name} of size") for name, edge in stated.items()}


def _crop(size: Any, source: str) -> tuple[int, int]:
    if isinstance(size, dict) and set(size) == {"height", "width"}:
        size = [size["height"], size["width"]]
    pair = size if isinstance(size, list) and len(size) == 2 else [size, size]
    height, width = (pixel_count(edge, f"{source}: crop_size") for edge in pair)
    return height, width


def pixel_count(value: Any, what: str) -> int:
    """Return a number of pixels; raise ``WeightsError`` unless it is a whole one above zero."""
    if type(value) is not int or value < 1:
        raise WeightsError(f"{what} is {value!r}, not a number of pixels")
    return value


def _three(values: Any, what: str) -> Three:
    if isinstance(values, (int, float)) and not isinstance(values, bool):
        values = [values] * 3
    try:
        red, green, blue = map(float, values)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{what} is {values!r}, not three numbers") from error
    if not all(map(math.isfinite, (red, green, blue))):
        raise WeightsError(f"{what} is {values!r}, not three finite numbers")
    return red, green, blue
