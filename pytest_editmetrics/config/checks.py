"""What can be checked of a pipe's options and a metric's parameters without loading a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.registry import PipeRegistry

CHOICES = {
    ("clip-pipe", "framing"): ("stretch", "center-crop", "autopipeline"),
    ("dino-v3-pipe", "framing"): ("stretch", "center-crop", "autopipeline"),
    ("lpips-pipe", "net"): ("alex", "vgg", "squeeze"),
    ("sam-pipe", "model_type"): ("vit_b", "vit_l", "vit_h", "sam2", "smoke"),
}
TEXTS = {
    ("clip-pipe", "model_path"),
    ("clip-pipe", "device"),
    ("dino-v3-pipe", "model_path"),
    ("dino-v3-pipe", "device"),
    ("lpips-pipe", "device"),
    ("sam-pipe", "device"),
}
TEXTS_OR_EMPTY = {
    ("clip-pipe", "revision"),
    ("dino-v3-pipe", "revision"),
    ("lpips-pipe", "model_path"),
    ("sam-pipe", "model_path"),
    ("sam-pipe", "model_cfg"),
}
FILES = ("model_path", "model_cfg")
REFERENCE_PATCHES = ("all", "selected")


def pipe_options(pipe: str, node: Node, registry: PipeRegistry, what: str) -> dict[str, Any]:
    """Return the constructor keywords that a (resolved) mapping gives the pipe ``pipe``.

    A ``model_path`` or ``model_cfg`` that exists relative to its file, or starts with ``./`` or
    ``../``, becomes absolute, so that a run does not depend on the folder it is started from.

    Raises:
        ConfigError: a keyword the pipe does not take, or a value that cannot be right.
    """
    spec = registry.pipe(pipe)
    options = {}
    for key, child in node.mapping(what).items():
        if not spec.accepts(key):
            child.fail(f"{pipe} takes no option {key!r}{did_you_mean(key, spec.options or ())}")
        options[key] = _option(pipe, key, child, registry)
    return options


def _option(pipe: str, key: str, node: Node, registry: PipeRegistry) -> Any:
    what = f"{key} of {pipe}"
    if key == "sam" and registry.pipe(pipe).isolates:
        return None if node.value is None else pipe_options("sam-pipe", node, registry, what)
    if (pipe, key) in CHOICES:
        return node.one_of(what, CHOICES[pipe, key])
    if (pipe, key) in TEXTS or ((pipe, key) in TEXTS_OR_EMPTY and node.value is not None):
        text = node.text(what)
        return _local(text, node) if key in FILES else text
    return node.plain


def _local(text: str, node: Node) -> str:
    if node.source.path is None or text == "smoke":
        return text
    path = node.source.path.parent / text
    if text.startswith(("./", "../")) or path.exists():
        return str(path.absolute())
    return text


def runtime_params(metric: Metric, node: Node) -> dict[str, Any]:
    """Return the parameters that a (resolved) mapping gives the measurement of ``metric``.

    Raises:
        ConfigError: a parameter the metric does not take, or a value that cannot be right.
    """
    params = {}
    for key, child in node.mapping(f"runtime_params of {metric.name}").items():
        if key not in metric.params:
            child.fail(
                f"{metric.name} takes no runtime parameter {key!r}"
                f"{did_you_mean(key, metric.params)}"
            )
        check = _PARAMS.get(key)
        params[key] = child.plain if check is None else check(child)
    return params


def _threshold(node: Node) -> float:
    number = node.number("patch_mask_threshold")
    if not 0 <= number <= 1:
        node.fail(f"patch_mask_threshold must lie between 0 and 1, not {node.shown}")
    return number


def _reference_patches(node: Node) -> str:
    return node.one_of("reference_patches", REFERENCE_PATCHES)


def _colour(node: Node) -> tuple[int, ...]:
    values = [item.value for item in node.value] if isinstance(node.value, list) else []
    right = [type(value) is int and 0 <= value <= 255 for value in values]
    if len(right) != 3 or not all(right):
        node.fail("bg_color must be three whole numbers from 0 to 255, as [255, 255, 255]")
    return tuple(values)


_PARAMS: dict[str, Callable[[Node], Any]] = {
    "patch_mask_threshold": _threshold,
    "reference_patches": _reference_patches,
    "bg_color": _colour,
}
