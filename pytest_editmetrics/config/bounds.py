"""Bounds written as ``{max: 0.1}`` or ``{min: 0.9}``, for thresholds and goldens alike.

Either may state ``review`` too: ``{max: 0.1, review: 0.06}``.
"""

from __future__ import annotations

from collections.abc import Mapping

from pytest_editmetrics.config.keys import Kind, Schema, held, mapping
from pytest_editmetrics.config.node import Node, Source
from pytest_editmetrics.measurement import Metric, Origin, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry


def parse_bounds(metric: Metric, data: object, *, origin: Origin, source: str = "") -> Threshold:
    """Return the threshold that ``data`` states.

    Args:
        metric: decides whether the bound is a ``max`` (lower is better) or a ``min``.
        data: ``{"max": 0.1}``, ``{"min": 0.9}`` or the number alone, as a ``Node`` or plain; a
            mapping may hold ``review`` besides.
        origin: where the threshold comes from.
        source: ``file:line`` or another place for messages; a ``Node`` brings its own.

    Raises:
        ConfigError: no bound or the wrong one, a number that can never or must always hold, or a
            ``review`` that does not lie on the bound's good side.

    >>> parse_bounds(Metric("lpips", "lower"), {"max": 0.1}, origin="marker", source="a.py:3")
    Threshold(kind='max', bound=0.1, origin='marker', source='a.py:3', review=None)
    """
    node = data if isinstance(data, Node) else Node.of(data, Source(None, source))
    what = f"the threshold of {metric.name}"
    review = None
    if node.is_mapping:
        refuse_other_bound(metric, node)
        entries = node.mapping(what, [metric.bound_kind, "review"])
        if not entries:
            node.fail(f"{what} is empty; write {{{metric.bound_kind}: ...}}")
        review = checked_review(metric, entries)
        bound = checked_bound(metric, entries[metric.bound_kind])
    elif node.value is None or isinstance(node.value, list):
        node.fail(f"{what} is {node.shown}; write {{{metric.bound_kind}: ...}}")
    else:
        bound = checked_bound(metric, node)
    return Threshold(metric.bound_kind, bound, origin, node.where, review)


BOUNDS = (
    "by metric `{max: ...}` where lower is better, `{min: ...}` where higher is, or the number"
    " alone; with `review:` beside it, values between the two pass and are listed"
)


def bounds(metric: Metric, origin: Origin) -> Kind:
    """Return the kind of a threshold of ``metric``."""
    kind = metric.bound_kind

    def schema(registry: PipeRegistry) -> Schema:
        bound = bound_schema(metric)
        return {"anyOf": [bound, mapping({kind: bound, "review": bound}, required=[kind])]}

    return Kind(
        f"`{{{kind}: ...}}`, with `review:` beside it for a band to be looked at; or the number",
        lambda node, what, registry: parse_bounds(metric, node, origin=origin),
        schema,
    )


def bound_schema(metric: Metric) -> Schema:
    """Return the schema of a bound: a number that can hold, and can fail to hold."""
    return held(metric.bound_kind, metric.low, metric.high)


def refuse_other_bound(metric: Metric, node: Node) -> None:
    """Raise ``ConfigError`` if a mapping has ``min`` for a lower-is-better metric, or ``max``."""
    other = "min" if metric.bound_kind == "max" else "max"
    if other in node.value:
        node.value[other].fail(
            f"{other!r} on {metric.name}, which is {metric.better}-is-better:"
            f" write {metric.bound_kind!r}"
        )


def checked_bound(metric: Metric, node: Node) -> float:
    """Return the number a bound states; one that can never, or must always hold is an error."""
    bound = node.number(f"{metric.bound_kind} of {metric.name}")
    low, high = metric.low, metric.high
    if not low <= bound <= high or always_holds(metric, bound):
        side = f"above {high:g}" if bound >= high else f"below {low:g}"
        never = not always_holds(metric, bound)
        node.fail(
            f"{metric.bound_kind} of {metric.name} is {bound:g}, which "
            f"{'can never hold' if never else 'always holds'}: {metric.name} is never {side}"
        )
    return bound


def always_holds(metric: Metric, bound: float) -> bool:
    """Tell whether no value of the metric lies outside a bound, so that its gate cannot fail.

    >>> always_holds(Metric("a", "higher", low=0), 0), always_holds(Metric("b", "lower", low=0), 0)
    (True, False)
    """
    low, high = metric.low, metric.high
    return bound >= high if metric.bound_kind == "max" else bound <= low


_BY_UNIT = {"dB": ("28", "32"), "px": ("0.5", "0.3"), "levels": ("4", "2"), "times": ("2", "4")}


def example_bounds(metric: Metric) -> tuple[str, str]:
    """Return a bound that a person might write, and a value on its good side."""
    if metric.unit in _BY_UNIT:
        return _BY_UNIT[metric.unit]
    if metric.asks == "change":
        return "0.02", "0.05"
    return ("0.1", "0.06") if metric.bound_kind == "max" else ("0.88", "0.92")


def checked_review(metric: Metric, entries: Mapping[str, Node]) -> float | None:
    """Return the review bound beside a bound, ``None`` if there is none.

    Raises:
        ConfigError: there is no bound beside it, or it does not lie on the bound's good side.
    """
    node, kind = entries.get("review"), metric.bound_kind
    if node is None:
        return None
    if entries.get(kind) is None:
        node.fail(
            f"review of {metric.name} without {kind}: write both, {{{kind}: ..., review: ...}}"
        )
    bound, review = checked_bound(metric, entries[kind]), node.number(f"review of {metric.name}")
    if not (review < bound if kind == "max" else review > bound):
        side = "below max" if kind == "max" else "above min"
        node.fail(
            f"review of {metric.name} is {review:g} and must lie {side}, {bound:g}: values between"
            " the two are for review"
        )
    low, high = metric.low, metric.high
    if not low <= review <= high:
        node.fail(
            f"review of {metric.name} is {review:g}, so every value that passes would be for"
            f" review: {metric.name} lies between {low:g} and {high:g}"
        )
    return review
