"""What can be checked of a pipe's options and a metric's parameters without loading a model."""

from __future__ import annotations

from typing import Any

from pytest_editmetrics.cache.device_names import PATTERN, wrong_device
from pytest_editmetrics.config.keys import END, TEXT, Schema, between, mapping, or_empty
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.measurement import Metric
from pytest_editmetrics.pipes.declared import Option, PipeSpec
from pytest_editmetrics.pipes.registry import PipeRegistry


def pipe_options(pipe: str, node: Node, registry: PipeRegistry, where: str) -> dict[str, Any]:
    """Return the constructor keywords that a (resolved) mapping gives the pipe ``pipe``.

    A ``model_path`` or ``model_cfg`` that exists relative to its file, or starts with ``./`` or
    ``../``, becomes absolute, so that a run does not depend on the folder it is started from.

    Raises:
        ConfigError: a keyword the pipe does not take, or a value that cannot be right.
    """
    spec = registry.pipe(pipe)
    options = {}
    for key, child in node.mapping(where).items():
        if not spec.accepts(key):
            child.fail(f"{pipe} takes no option {key!r}{did_you_mean(key, spec.takes)}")
        option = spec.takes.get(key)
        what = f"{key} of {pipe}"
        options[key] = (
            child.plain if option is None else option_value(option, child, what, registry)
        )
    return options


def option_value(option: Option, node: Node, what: str, registry: PipeRegistry) -> Any:
    """Return the value of a declared option or parameter.

    Raises:
        ConfigError: it cannot be right; the message says what may be written.
    """
    if node.value is None and option.empty:
        return None
    if option.kind == "pipe":
        return pipe_options("sam-pipe", node, registry, what)
    if option.kind == "choice":
        return node.one_of(what, option.choices)
    if option.kind == "number":
        number = node.number(what)
        if not option.low <= number <= option.high:
            low, high = option.low, option.high
            node.fail(f"{what} must lie between {low:g} and {high:g}, not {node.shown}")
        return number
    if option.kind == "odd":
        number = node.number(what)
        if number % 2 != 1 or not option.low <= number <= option.high:
            low, high = option.low, option.high
            node.fail(f"{what} must be an odd number from {low:g} to {high:g}, not {node.shown}")
        return int(number)
    if option.kind == "colour":
        return _colour(what, node)
    if option.kind == "any":
        return node.plain
    text = node.text(what)
    if option.kind == "device" and (wrong := wrong_device(text)):
        node.fail(f"{what} {wrong}")
    return _local(text, node) if option.kind == "file" else text


def _local(text: str, node: Node) -> str:
    if node.source.path is None or text == "smoke":
        return text
    path = node.source.path.parent / text
    if text.startswith(("./", "../")) or path.exists():
        return str(path.absolute())
    return text


def runtime_params(metric: Metric, node: Node, registry: PipeRegistry) -> dict[str, Any]:
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
        param = registry.pipe_of(metric.name).param(key)
        params[key] = child.plain if param is None else option_value(param, child, key, registry)
    return params


def _colour(what: str, node: Node) -> tuple[int, ...]:
    values = [item.value for item in node.value] if isinstance(node.value, list) else []
    right = [type(value) in (int, float) and value in range(256) for value in values]
    if len(right) != 3 or not all(right):
        node.fail(f"{what} must be three whole numbers from 0 to 255, as [255, 255, 255]")
    return tuple(map(int, values))


def options_schema(spec: PipeSpec, registry: PipeRegistry) -> Schema:
    """Return the schema of a pipe's options; of one that declares none its signature decides."""
    if spec.options is None:
        names: Schema = {name: {} for name in spec.option_names}
        return {"type": "object", "properties": names, "additionalProperties": spec.accepts("*")}
    return mapping({name: option_schema(option, registry) for name, option in spec.takes.items()})


def params_schema(metric: Metric, registry: PipeRegistry) -> Schema:
    """Return the schema of a metric's runtime parameters."""
    declared = {name: registry.pipe_of(metric.name).param(name) for name in metric.params}
    return mapping(
        {name: {} if p is None else option_schema(p, registry) for name, p in declared.items()}
    )


def option_schema(option: Option, registry: PipeRegistry) -> Schema:
    """Return the schema of a declared option or parameter."""
    schema: Schema = {}
    if option.kind == "pipe":
        schema = options_schema(registry.pipe("sam-pipe"), registry)
    elif option.kind == "choice":
        schema = {"enum": list(option.choices)}
    elif option.kind == "number":
        schema = between(option.low, option.high)
    elif option.kind == "odd":
        odd = {"not": {"multipleOf": 2}}
        schema = {**between(option.low, option.high, "integer"), **odd}
    elif option.kind == "colour":
        part = between(0, 255, "integer")
        schema = {"type": "array", "items": part, "minItems": 3, "maxItems": 3}
    elif option.kind == "device":
        schema = {"type": "string", "pattern": rf"^{PATTERN}{END}"}
    elif option.kind != "any":
        schema = TEXT.schema(registry)
    text = {"description": option.text} if option.text else {}
    return {**text, **(or_empty(schema) if option.empty else schema)}
