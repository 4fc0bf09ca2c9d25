"""``suite:`` in ``editmetrics.yaml``: what all gates of a metric are held to together."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pytest_editmetrics.config.bounds import checked_bound, refuse_other_bound
from pytest_editmetrics.config.interpolate import Resolver, load_tree
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.measurement import Better, BoundKind, Metric
from pytest_editmetrics.pipes.registry import PipeRegistry

BASE = "base"
AVERAGES = ("mean", "median")
COMPARISONS = ("regressions", "paired")
PERCENTILE = r"p[1-9][0-9]?"


@dataclass(frozen=True)
class SuiteBound:
    """One gate of the suite.

    ``statistic`` is ``mean``, ``median`` or a percentile (``p95``) of the values, ``regressions``
    (how many gates are worse than in the base by more than ``by``), or ``paired``: the p-value of
    a one-sided paired test that gates are worse by more than ``by``, at least ``bound`` (alpha).
    """

    metric: str
    better: Better
    statistic: str
    kind: BoundKind
    bound: float
    source: str
    by: float = 0.0

    @property
    def compares(self) -> bool:
        """Whether the gate needs the base."""
        return self.statistic in COMPARISONS


@dataclass(frozen=True)
class SuiteSettings:
    """The suite's gates, as written; ``base`` is a results file or run directory."""

    bounds: tuple[SuiteBound, ...]
    base: Path | None = None
    base_source: str = ""

    @property
    def metrics(self) -> frozenset[str]:
        """The metrics that are held."""
        return frozenset(bound.metric for bound in self.bounds)


def read_suite(path: Path, registry: PipeRegistry, rootdir: Path) -> SuiteSettings | None:
    """Return the suite section of a configuration file, ``None`` if it has none.

    Nothing else of the file is looked at: the process that judges a suite may not know the pipes
    that tests registered.

    Args:
        path: the file.
        registry: the known metrics.
        rootdir: paths in messages and sources are relative to it.

    Raises:
        ConfigError: with file and line, for anything unknown, misspelt or impossible.
    """
    tree = load_tree(path, rootdir)
    node = tree.root.get("suite")
    return None if node is None else parse_suite(Resolver(tree).resolve(node), registry)


def parse_suite(node: Node, registry: PipeRegistry) -> SuiteSettings | None:
    """Return what a (resolved) ``suite`` section says, ``None`` if it is left empty.

    Raises:
        ConfigError: with file and line, for anything unknown, misspelt or impossible.
    """
    entries = node.mapping("suite")
    if not entries:
        return None
    base = entries.get(BASE)
    if base is not None and base.value is None:
        base = None
    bounds: list[SuiteBound] = []
    metrics = {name: child for name, child in entries.items() if name != BASE}
    held = by_metric(Node.holding(metrics, node.source, node.line), "suite", registry)
    for name, child in held.items():
        bounds += _metric(registry.metric(name), child)
    if not bounds:
        node.fail("suite holds no metric to anything; write `lpips: {mean: {max: ...}}`")
    if base is None:
        return SuiteSettings(tuple(bounds))
    return SuiteSettings(tuple(bounds), _base(base), base.where)


def _base(node: Node) -> Path:
    text = node.text("base of suite")
    folder = Path() if node.source.path is None else node.source.path.parent
    path = (folder / text).absolute()
    plain = Path(os.path.normpath(path))  # leads elsewhere where `..` follows a link
    return plain if plain.resolve() == path.resolve() else path


def _metric(metric: Metric, node: Node) -> Iterator[SuiteBound]:
    what = f"suite.{metric.name}"
    entries = node.mapping(what)
    if not entries:
        node.fail(f"{what} is empty; write `mean: {{{metric.bound_kind}: ...}}` or leave it out")
    for statistic, child in entries.items():
        if statistic in COMPARISONS:
            yield (_regressions if statistic == "regressions" else _paired)(metric, child)
        elif statistic in AVERAGES or re.fullmatch(PERCENTILE, statistic):
            yield _average(metric, statistic, child)
        else:
            child.fail(
                f"unknown key {statistic!r} in {what}"
                f"{did_you_mean(statistic, (*AVERAGES, 'p95', *COMPARISONS))}"
            )


def _average(metric: Metric, statistic: str, node: Node) -> SuiteBound:
    what, kind = f"{statistic} of {metric.name}", metric.bound_kind
    bound = node
    if node.is_mapping:
        refuse_other_bound(metric, node)
        bound = _needed(node.mapping(what, [kind]), node, kind, what)
    return SuiteBound(
        metric.name, metric.better, statistic, kind, checked_bound(metric, bound), node.where
    )


def _regressions(metric: Metric, node: Node) -> SuiteBound:
    what = f"regressions of {metric.name}"
    entries = node.mapping(what, ["max", "by"])
    most = _needed(entries, node, "max", what)
    number = most.number(f"max of {what}")
    if number < 0 or number != int(number):
        most.fail(f"max of {what} is a number of gates, not {most.shown}")
    by = _by(entries, what)
    return SuiteBound(metric.name, metric.better, "regressions", "max", number, node.where, by)


def _paired(metric: Metric, node: Node) -> SuiteBound:
    what = f"paired of {metric.name}"
    entries = node.mapping(what, ["alpha", "by"])
    alpha = _needed(entries, node, "alpha", what)
    level = alpha.number(f"alpha of {what}")
    if not 1e-6 <= level <= 0.5:
        alpha.fail(
            f"alpha of {what} is {level:g}: the share of false alarms that the test may raise, from"
            " 0.000001 to 0.5, such as 0.01"
        )
    by = _by(entries, what)
    return SuiteBound(metric.name, metric.better, "paired", "min", level, node.where, by)


def _needed(
    entries: Mapping[str, Node], node: Node, key: Literal["max", "min", "alpha"], what: str
) -> Node:
    if key not in entries:
        node.fail(f"{what} without {key}: write {{{key}: ...}}")
    return entries[key]


def _by(entries: Mapping[str, Node], what: str) -> float:
    node = entries.get("by")
    if node is None:
        return 0.0
    by = node.number(f"by of {what}")
    if by < 0:
        node.fail(f"by of {what} is how much worse a gate may be; it must not be negative: {by:g}")
    return by
