"""``suite:`` in ``editmetrics.yaml``: what all gates of a metric are held to together."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pytest_editmetrics.config.bounds import (
    bound_schema,
    checked_bound,
    example_bounds,
    refuse_other_bound,
)
from pytest_editmetrics.config.interpolate import Resolver, load_tree
from pytest_editmetrics.config.keys import TEXT, Block, Key, Kind, Schema, mapping, number, whole
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.measurement import Better, BoundKind, Metric
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.whole_file import real_path

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
    return None if node is None else SUITE.read(Resolver(tree).resolve(node), "suite", registry)


def _read(node: Node, what: str, registry: PipeRegistry) -> SuiteSettings | None:
    entries = node.mapping(what)
    if not entries:
        return None
    base = entries.get(BASE.name)
    metrics = {name: child for name, child in entries.items() if name != BASE.name}
    held = by_metric(Node.holding(metrics, node.source, node.line), what, registry)
    bounds: list[SuiteBound] = []
    for name, child in held.items():
        block = of_metric(registry.metric(name))
        found = block.read(child, registry)
        if not found:
            kind = registry.metric(name).bound_kind
            child.fail(f"{block.call} is empty; write `mean: {{{kind}: ...}}` or leave it out")
        bounds += found.values()
    if not bounds:
        node.fail("suite holds no metric to anything; write `lpips: {mean: {max: ...}}`")
    if base is None or base.value is None:
        return SuiteSettings(tuple(bounds))
    return SuiteSettings(tuple(bounds), _base(base), base.where)


def _schema(registry: PipeRegistry) -> Schema:
    base = Block("suite", "", (BASE,)).schema(registry)["properties"]
    metrics = {
        name: {**of_metric(registry.metric(name)).schema(registry), "minProperties": 1}
        for name in registry.names
    }
    return mapping({**base, **metrics}, dependentSchemas={BASE.name: {"minProperties": 2}})


ALPHA_TEXT = "the share of false alarms that the test may raise, such as 0.01"
BASE = Key(
    "base",
    replace(TEXT, words="the path of a results file or run directory, relative to this file"),
    "the run that `regressions` and `paired` compare with",
    "results/base.jsonl",
)
SUITE = Kind("`base`, and for each metric what all its gates are held to", _read, _schema)


def _base(node: Node) -> Path:
    text = node.text("base of suite")
    folder = Path() if node.source.path is None else node.source.path.parent
    path = (folder / text).absolute()
    plain = Path(os.path.normpath(path))  # leads elsewhere where `..` follows a link
    return plain if real_path(plain) == real_path(path) else path


def of_metric(metric: Metric) -> Block:
    """Return the keys under a metric of the suite."""
    by = Key(
        "by",
        number(0),
        "how much worse than in the base a gate may be",
        "0.005",
        "0",
        empty=False,
    )
    most = Key("max", whole(0), "the number of gates", "3", required=True, empty=False)
    alpha = Key(
        "alpha",
        number(1e-6, 0.5, f": {ALPHA_TEXT}"),
        ALPHA_TEXT,
        "0.01",
        required=True,
        empty=False,
    )

    def average(name: str, text: str, pattern: str = "") -> Key:
        example = f"{{{metric.bound_kind}: {example_bounds(metric)[0]}}}"
        return Key(name, _average(metric), text, example, empty=False, pattern=pattern)

    return Block(
        f"suite.{metric.name}",
        "what all gates of a metric are held to together",
        (
            average("mean", "a bound of the mean"),
            average("median", "a bound of the median"),
            average(
                "p95",
                "a bound of a percentile, p1 to p99; where higher is better, a low one tells of the"
                " worst: `p5: {min: 0.85}`",
                PERCENTILE,
            ),
            Key(
                "regressions",
                _compared(metric, "regressions", "max", (most, by)),
                "how many gates may be worse than in the base by more than `by`",
                "{max: 3, by: 0.005}",
                empty=False,
            ),
            Key(
                "paired",
                _compared(metric, "paired", "alpha", (alpha, by)),
                "a one-sided paired test that gates are worse than in the base by more than `by`",
                "{alpha: 0.01}",
                empty=False,
            ),
        ),
    )


def _average(metric: Metric) -> Kind:
    kind, bound = metric.bound_kind, bound_schema(metric)

    def read(node: Node, what: str, registry: PipeRegistry) -> SuiteBound:
        statistic = what.partition(" of ")[0]  # a percentile's key says which
        what = f"{statistic} of {metric.name}"
        given = node
        if node.is_mapping:
            refuse_other_bound(metric, node)
            entries = node.mapping(what, [kind])
            if kind not in entries:
                node.fail(f"{what} without {kind}: write {{{kind}: ...}}")
            given = entries[kind]
        value = checked_bound(metric, given)
        return SuiteBound(metric.name, metric.better, statistic, kind, value, node.where)

    schema: Schema = {"anyOf": [bound, mapping({kind: bound}, required=[kind])]}
    return Kind(f"`{{{kind}: ...}}`, or the number", read, lambda _: schema)


def _compared(
    metric: Metric, statistic: str, held: Literal["max", "alpha"], keys: tuple[Key, ...]
) -> Kind:
    block = Block(f"{statistic} of {metric.name}", "", keys)

    def read(node: Node, what: str, registry: PipeRegistry) -> SuiteBound:
        given = block.read(node, registry)
        kind: BoundKind = "max" if held == "max" else "min"
        bound, by = float(given[held]), float(given.get("by", 0.0))
        return SuiteBound(metric.name, metric.better, statistic, kind, bound, node.where, by)

    words = " and ".join(f"`{key.name}` ({key.kind.words})" for key in keys)
    return Kind(words, read, block.schema, block)
