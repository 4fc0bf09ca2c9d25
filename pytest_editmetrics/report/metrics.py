"""What is declared of the metrics, as text and as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.declared import PipeSpec
from pytest_editmetrics.pipes.registry import BUILTIN, PipeRegistry

HEAD = ("metric", "better", "range", "scope", "pipe", "what")


def table(registry: PipeRegistry) -> Iterator[tuple[str, ...]]:
    """Give the rows of a table of all metrics, its head first."""
    yield HEAD
    for name, metric in registry.metrics.items():
        pipe = registry.pipe_of(name).key
        yield name, metric.better, range_text(metric), metric.scope, pipe, metric.summary


def not_provided(registry: PipeRegistry) -> dict[str, tuple[str, ...]]:
    """Return the metrics of AutoPipeline that no pipe computes here, with their pipes there."""
    names = (name for name in autopipeline.metrics() if name not in registry.names)
    return {name: autopipeline.pipes_of(name) for name in names}


def range_text(metric: Metric) -> str:
    """Return the values that a metric can have, with their unit.

    >>> range_text(Metric("a", "lower", low=0.0, unit="px")), range_text(Metric("b", "higher"))
    ('from 0 px', 'any number')
    >>> range_text(Metric("c", "higher", low=-1.0, high=1.0))
    '-1 to 1'
    """
    low, high = (f"{end:g}" if math.isfinite(end) else "" for end in (metric.low, metric.high))
    ends = f"{low} to {high}" if low and high else f"from {low}" if low else f"up to {high}"
    return f"{ends if low or high else 'any number'} {metric.unit}".strip()


def margin_text(margin: Margin, unit: str = "") -> str:
    """Return how far a recorded bound lies from the value.

    >>> margin_text(Margin(0.15, 0.005)), margin_text(Margin(0.0, 1.0), "dB")
    ('15 % of the value or 0.005, whichever is larger', '1 dB')
    """
    share = f"{margin.relative * 100:g} % of the value" if margin.relative else ""
    amount = f"{margin.absolute:g} {unit}".strip() if margin.absolute else ""
    if share and amount:
        return f"{share} or {amount}, whichever is larger"
    return share or amount or "none"


def about(name: str) -> str:
    """Return what a built-in metric is, in a line; nothing of another.

    >>> about("lpips")
    'learned perceptual distance, full size, scaled by the measured area; lower is better; from 0'
    """
    metric = next((m for spec in BUILTIN for m in spec.metrics if m.name == name), None)
    if metric is None:
        return ""
    return f"{metric.summary}; {metric.better} is better; {range_text(metric)}"


def facts(metric: Metric, spec: PipeSpec) -> Iterator[tuple[str, str]]:
    """Give what is declared of a metric, each with what it is called; nothing that is empty."""
    means = "is lower" if metric.better == "lower" else "is higher"
    told = {
        "also called": ", ".join(metric.aliases),
        "what": metric.summary,
        "asks": "whether what it measures was edited" if metric.asks == "change" else "",
        "better": f"the value that {means}: thresholds state a {metric.bound_kind}",
        "range": range_text(metric),
        "scope": _scope_text(metric),
        "pipe": spec.key,
        "margin": margin_text(metric.margin, metric.unit),
        "definition": metric.definition,
        "source": metric.source,
        "cannot see": metric.blind,
    }
    yield from ((name, text) for name, text in told.items() if text)
    for name in metric.params:
        option = spec.param(name)
        more = f": {option.text}; {option.words} (default: {option.default})" if option else ""
        yield "parameter", f"{name}{more}".replace("`", "")


def _scope_text(metric: Metric) -> str:
    if metric.compares == "objects":
        return f"{metric.scope}, always; it compares pairs of objects: ref_boxes and edited_boxes"
    inside = {"edit_area": "inside the edit area", "unedit_area": "outside the edit area"}
    if metric.asks == "change":
        return f"{metric.scope}, {inside[metric.scope]}, always"
    return f"{metric.scope}, {inside[metric.scope]}, unless the configuration says otherwise"


def declared(metric: Metric, spec: PipeSpec) -> dict[str, Any]:
    """Return what is declared of a metric as JSON-ready values; an open end is ``None``."""
    params = [(name, spec.param(name)) for name in metric.params]
    return {
        **asdict(metric),
        "low": metric.low if math.isfinite(metric.low) else None,
        "high": metric.high if math.isfinite(metric.high) else None,
        "pipe": spec.key,
        "params": [
            {"name": name}
            if option is None
            else {"name": name, "default": option.default, "text": option.text}
            for name, option in params
        ],
    }
