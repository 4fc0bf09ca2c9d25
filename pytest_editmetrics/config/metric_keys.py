"""Metrics as people write them, by their names or by other names that a metric goes by."""

from __future__ import annotations

from pytest_editmetrics.config.golden_images import COMPARATORS, image_metric
from pytest_editmetrics.config.keys import Kind, Schema
from pytest_editmetrics.config.mistakes import Mistakes
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.pipes.registry import PipeRegistry

_OF_IMAGES = tuple(image_metric(comparator).name for comparator in COMPARATORS)


def by_metric(
    node: Node, what: str, registry: PipeRegistry, mistakes: Mistakes | None = None
) -> dict[str, Node]:
    """Return the entries of a mapping whose keys are metrics, each under its metric's own name.

    ``mistakes`` takes what is wrong with a key, and the others are returned.

    Raises:
        ConfigError: unknown metrics, or one under two of its names.
    """
    taken = Mistakes() if mistakes is None else mistakes
    found: dict[str, Node] = {}
    written: dict[str, str] = {}
    for key, child in node.mapping(what).items():
        with taken.noted():
            name = metric_name(key, child, registry)
            if name in found:
                child.fail(_twice(name, written[name], found[name], key))
            found[name], written[name] = child, key
    if mistakes is None:
        taken.tell()
    return found


def metric_names(node: Node, what: str, registry: PipeRegistry) -> tuple[str, ...]:
    """Return the metrics of a ``metrics:`` list: known, at least one, none twice."""
    names: dict[str, Node] = {}
    for item in node.items(what):
        written = item.one_of("a metric", registry.names)
        name = registry.metric(written).name
        if name in names:
            first = names[name]
            same = f"{written!r} stands twice in metrics"
            other = _twice(name, first.value, first, written)
            item.fail(same if first.value == written else other)
        names[name] = item
    if not names:
        node.fail("metrics is empty, so nothing would be measured; name at least one, or leave out")
    return tuple(names)


def _twice(name: str, first: str, node: Node, second: str) -> str:
    where = f" (the first is on line {node.line})" if node.line else ""
    return f"{first!r} and {second!r} are one metric, {name}; write it once{where}"


def metric_name(written: str, node: Node, registry: PipeRegistry) -> str:
    """Return the metric's own name; an unknown one fails at ``node``."""
    if written in _OF_IMAGES and written not in registry.names:
        node.fail(
            f"{written!r} is what results call a golden image; its bounds stand under"
            " `golden_images: {tolerance: ...}` of editmetrics.yaml"
        )
    try:
        return registry.metric(written).name
    except InputError as error:
        node.fail(str(error))


def _schema(registry: PipeRegistry) -> Schema:
    names = {"enum": list(registry.names)}
    return {"type": "array", "items": names, "minItems": 1, "uniqueItems": True}


METRICS = Kind("a list of metrics", metric_names, _schema)
