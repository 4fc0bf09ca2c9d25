"""``editmetrics.yaml``: which pipe measures each metric, how, and the default thresholds."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pytest_editmetrics.config import golden_block
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect, is_told, left_out
from pytest_editmetrics.config.golden_images import ImageSettings
from pytest_editmetrics.config.interpolate import (
    Resolver,
    Tree,
    load_tree,
    merge,
    references,
)
from pytest_editmetrics.config.keys import indent_hint
from pytest_editmetrics.config.metric_keys import by_metric
from pytest_editmetrics.config.mistakes import Mistakes
from pytest_editmetrics.config.node import BUILT_IN, Node
from pytest_editmetrics.config.option_values import (
    pipe_options,
)
from pytest_editmetrics.config.settings_keys import (
    SETTINGS,
    metric_block,
)
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.images.colour_words import Colour
from pytest_editmetrics.images.resize_modes import Aspect, Resize
from pytest_editmetrics.measurement import SCOPES, Margin, Metric, Scope, Threshold
from pytest_editmetrics.pipes import autopipeline
from pytest_editmetrics.pipes.registry import PipeRegistry

DEFAULT_METRICS = ("lpips",)


@dataclass(frozen=True)
class MetricConfig:
    """How one metric is measured: its pipe, the pipe's constructor keywords, scope, parameters."""

    metric: Metric
    pipe_name: str
    init: dict[str, Any]
    scope: Scope
    runtime_params: dict[str, Any]
    margin: Margin


@dataclass(frozen=True)
class Settings:
    """What ``editmetrics.yaml`` says, defaults filled in for every registered metric and pipe.

    ``metrics`` are measured where a test names none; ``thresholds`` hold for a test or case
    without a golden of its own; ``golden_images`` is how golden images are compared and kept;
    ``expect`` is what holds where a check or case does not say how its background is written;
    ``resize`` and ``aspect`` hold where it does not say what to do with unlike sizes, ``colour``
    where it does not say how colours are read; ``metrics_named`` tells that the file names the
    metrics; ``named`` are the metrics and pipes that it, or a file it is based on, says anything
    of.
    """

    path: Path | None
    metrics: tuple[str, ...]
    metric_configs: Mapping[str, MetricConfig]
    pipe_defaults: Mapping[str, dict[str, Any]]
    thresholds: Mapping[str, Threshold]
    golden_images: ImageSettings = field(default_factory=ImageSettings)
    expect: Expect | None = None
    metrics_named: bool = True
    resize: Resize | None = None
    aspect: Aspect | None = None
    colour: Colour = "seen"
    named: frozenset[str] = frozenset()

    def default(self, metric: Metric, expect: Expect | None) -> Threshold | None:
        """Return the bound that holds where no golden, test or case states one."""
        if metric.name in self.thresholds or expect is None:
            return self.thresholds.get(metric.name)
        return EXPECTATIONS[expect].default(metric, expect)

    def holds(self, metric: Metric, expect: Expect | None, *, unnamed: bool) -> bool:
        """Tell whether a metric without a bound of its own is held to one, or needs none.

        ``expect`` is what holds for the test or row; ``unnamed`` that it chose the metric.
        """
        return self.default(metric, expect) is not None or (
            unnamed and is_told(metric.name, expect)
        )

    def measured(self, expect: Expect | None) -> tuple[tuple[str, ...], bool]:
        """Return what is measured where a test or row names no metric.

        ``expect`` is what the test or row itself states; the file's holds where its ``metrics:``
        name none. The second value tells whether an expectation chose.
        """
        stated = expect or (None if self.metrics_named else self.expect)
        return (self.metrics, False) if stated is None else (EXPECTATIONS[stated].metrics, True)

    def narrowed(self, shown: Path) -> str | None:
        """Say what the file's ``metrics:`` leave out of its ``expect:``; ``shown`` is its path."""
        named = self.metrics_named
        return left_out(self.metrics, self.expect, f"metrics of {shown}") if named else None


def load_settings(path: Path | None, registry: PipeRegistry, rootdir: Path) -> Settings:
    """Read the configuration file; without one (``None``) return the defaults.

    AutoPipeline's blocks are read as they stand; its keys that mean nothing here are left alone.

    Args:
        path: the file, or ``None``.
        registry: the known pipes and metrics.
        rootdir: paths in messages and sources are relative to it.

    Raises:
        ConfigError: with file and line, for anything unknown, misspelt or impossible.

    >>> settings = load_settings(None, PipeRegistry(), Path())
    >>> settings.metrics, settings.metric_configs["emd"].init
    (('lpips',), {'model_path': 'openai/clip-vit-base-patch32'})
    """
    empty = Node.of({}, BUILT_IN)
    tree = Tree(empty, {}) if path is None else load_tree(path, rootdir)
    known = {key: spec.defaults for key, spec in registry.pipes.items()}
    root = merge(Node.of({"pipes_default": known}, BUILT_IN), tree.root)
    assert root is not None
    said = frozenset(
        name
        for key in ("pipes_default", "metric_configs", "thresholds")
        if (node := tree.root.get(key)) is not None and node.is_mapping
        for name in node.value
    )
    settings = _Loader(path, Tree(root, tree.files), registry).load()
    return replace(settings, named=said)


_READ = (
    "metrics", "thresholds", "golden_images", "expect", "resize", "aspect", "colour", "suite",
    "asset_roots",
)  # fmt: skip
_Read = TypeVar("_Read")


class _Loader:
    def __init__(self, path: Path | None, tree: Tree, registry: PipeRegistry):
        self._path = path
        self._root = tree.root
        self._registry = registry
        self._resolver = Resolver(tree)
        self._referred = set(references(tree.root))
        self._mistakes = Mistakes()

    def load(self) -> Settings:
        """Return the settings.

        Raises:
            ConfigError: all that is wrong with the file.
        """
        self._check_keys()
        # suite and asset roots are read where they matter, refused here too
        read = {name: self._noted(self._read, name) for name in _READ}
        pipe_defaults = {k: self._noted(self._pipe_default, k) or {} for k in self._registry.pipes}
        configs: dict[str, MetricConfig] = {}
        blocks = self._noted(self._blocks) or {}
        if not self._mistakes:  # of the pipes' defaults, each metric would tell again
            for name, metric in self._registry.metrics.items():
                config = self._noted(self._metric_config, metric, blocks.get(name))
                if config is not None:
                    configs[name] = config
        self._mistakes.tell()
        return Settings(
            path=self._path,
            metrics=read["metrics"] or DEFAULT_METRICS,
            metric_configs=configs,
            pipe_defaults=pipe_defaults,
            thresholds=read["thresholds"] or {},
            golden_images=golden_block.image_settings(read["golden_images"] or {}),
            expect=read["expect"],
            metrics_named=self._root.get("metrics") is not None,
            resize=read["resize"],
            aspect=read["aspect"],
            colour=read["colour"] or "seen",
        )

    def _noted(self, read: Callable[..., _Read], *of: Any) -> _Read | None:
        """Return what a part of the file says; ``None`` if it has a mistake, which is kept."""
        with self._mistakes.noted():
            return read(*of)
        return None

    def _read(self, name: str) -> Any:
        node, key = self._root.get(name), SETTINGS.key(name)
        assert key is not None
        if node is None or (resolved := self._resolver.resolve(node)).value is None:
            return None
        return key.kind.read(resolved, key.call, self._registry)

    def _check_keys(self) -> None:
        above = ""
        for key, node in self._root.value.items():
            if key in SETTINGS.names or key in autopipeline.KEYS:
                above = indent_hint(key, node)
                continue
            with self._mistakes.noted():
                if not self._is_referred(key):
                    node.fail(f"unknown key {key!r}{did_you_mean(key, SETTINGS.names)}{above}")
                self._resolve_own(node)
        pipes = self._root.value["pipes_default"]
        for key, node in pipes.mapping("pipes_default").items():
            if key not in self._registry.pipes and key not in autopipeline.PIPES:
                with self._mistakes.noted():
                    self._check_foreign_pipe(key, node)

    def _check_foreign_pipe(self, key: str, node: Node) -> None:
        elsewhere = node.source.path != self._path
        if self._is_referred(f"pipes_default.{key}"):
            self._resolve_own(node)
            return
        alike = difflib.get_close_matches(key, self._registry.pipes, n=1, cutoff=0.85)
        if alike or not elsewhere:
            node.fail(f"unknown pipe {key!r}{did_you_mean(key, self._registry.pipes)}")

    def _resolve_own(self, node: Node) -> None:
        """Refuse references that lead nowhere, in this file: another's may never be used."""
        if node.is_mapping:
            for child in node.value.values():
                self._resolve_own(child)
        elif node.source.path == self._path:
            self._resolver.resolve(node)

    def _is_referred(self, name: str) -> bool:
        return any(ref == name or ref.startswith(f"{name}.") for ref in self._referred)

    def _blocks(self) -> dict[str, Node]:
        """Return the blocks of ``metric_configs`` by metric, without those not provided."""
        node = self._root.get("metric_configs")
        if node is None:
            return {}
        provided = {
            name: self._resolver.resolve(child)
            for name, child in node.mapping("metric_configs").items()
            if not self._is_not_provided(name, child)
        }
        blocks = Node.holding(provided, node.source, node.line)
        return by_metric(blocks, "metric_configs", self._registry, self._mistakes)

    def _is_not_provided(self, name: str, block: Node) -> bool:
        """Tell whether a block is of a pipe of AutoPipeline that is not here.

        Raises:
            ConfigError: its metric is nearly one that the pipe has there: it is misspelt.
        """
        if name in self._registry.names:
            return False
        pipe = block.get("pipe_name")
        if pipe is None:
            return bool(autopipeline.pipes_of(name))
        named = str(pipe.value)
        if named not in autopipeline.PIPES or named in self._registry.aliases:
            return False
        known = autopipeline.PIPES[named]
        if name not in known and difflib.get_close_matches(name, known, n=1, cutoff=0.8):
            block.fail(f"unknown metric {name!r} of {named}{did_you_mean(name, known)}")
        return True

    def _pipe_default(self, key: str) -> dict[str, Any]:
        node = self._root.value["pipes_default"].value[key]
        what = f"pipes_default.{key}"
        return pipe_options(key, self._resolver.resolve(node), self._registry, what)

    def _metric_config(self, metric: Metric, block: Node | None) -> MetricConfig:
        spec = self._registry.pipe_of(metric.name)
        node = block or Node.of({}, BUILT_IN)
        given = metric_block(metric, self._registry).read(node, self._registry)
        pipe = given.get("pipe_name")
        if pipe is not None and pipe.value not in (spec.key, *spec.aliases):
            valid = did_you_mean(pipe.value, [spec.key])
            pipe.fail(f"{metric.name} is not computed by {pipe.shown}{valid}")
        self._check_default(metric, spec.key, given)
        init = self._init(metric, spec.key, given)
        inner_scope = init.pop("scope", None)
        return MetricConfig(
            metric=metric,
            pipe_name=spec.key,
            init=pipe_options(
                spec.key,
                Node.holding(init, node.source, node.line),
                self._registry,
                f"init_config of {metric.name}",
            ),
            scope=_scope(metric, given.get("scope"), inner_scope),
            runtime_params=given.get("runtime_params", {}),
            margin=replace(metric.margin, **given.get("margin", {})),
        )

    def _check_default(self, metric: Metric, pipe: str, entries: Mapping[str, Node]) -> None:
        """Refuse what is wrong in ``default_config``, also where ``init_config`` replaces it."""
        default, what = entries.get("default_config"), f"default_config of {metric.name}"
        if default is not None:
            own = {name: node for name, node in default.mapping(what).items() if name != "scope"}
            pipe_options(
                pipe, Node.holding(own, default.source, default.line), self._registry, what
            )

    def _init(self, metric: Metric, pipe: str, entries: Mapping[str, Node]) -> dict[str, Node]:
        """Return ``default_config`` under ``init_config``, then what only the built-in has."""
        default = entries.get("default_config")
        if default is None:
            default = self._built_in(f"${{pipes_default.{pipe}}}")
        default_entries = default.mapping(f"default_config of {metric.name}")
        init_entries = entries.get("init_config", EMPTY).mapping(f"init_config of {metric.name}")
        merged = merge(
            Node.holding(default_entries, default.source, default.line),
            Node.holding(init_entries, default.source, default.line),
        )
        assert merged is not None
        init: dict[str, Node] = dict(merged.value)
        if metric.compares == "objects" and self._registry.pipe(pipe).isolates:
            init.setdefault("sam", self._built_in("${pipes_default.sam-pipe}"))
        return init

    def _built_in(self, reference: str) -> Node:
        return self._resolver.resolve(Node(reference, BUILT_IN))


EMPTY = Node(None, BUILT_IN)


def _scope(metric: Metric, outer: Node | None, inner: Node | None) -> Scope:
    given = [node for node in (outer, inner) if node is not None and node.value is not None]
    scopes = [_one_scope(metric, node) for node in given]
    if len(set(scopes)) > 1:
        given[1].fail(f"scope is {scopes[0]!r} in the block and {scopes[1]!r} in its init_config")
    return scopes[0] if scopes else metric.scope


def _one_scope(metric: Metric, node: Node) -> Scope:
    name = node.one_of(f"scope of {metric.name}", SCOPES)
    scope = next(scope for scope in SCOPES if scope == name)
    if metric.compares == "objects" and scope != metric.scope:
        node.fail(f"{metric.name} compares objects; its scope is always {metric.scope!r}")
    return scope
