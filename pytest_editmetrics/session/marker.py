"""``@pytest.mark.editmetrics(metrics=None, thresholds=None, gates=None, **pipe_options)``."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.session.asked import check_gates
from pytest_editmetrics.session.identity import id_of
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread_marks import refuse_unread_marks

KEYS = ("metrics", "thresholds", "gates")
_SPELT = "@pytest.mark.editmetrics(metrics=[...], thresholds={...})"


@dataclass(frozen=True)
class Marker:
    """What the markers of one test say together, the nearest to the test winning.

    Of thresholds that is so for each metric: a function's of one leaves a module's of another.
    """

    metrics: Any = None
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, item: pytest.Item | pytest.Collector, session: EditSession) -> Marker:
        """Read the markers of a test, or of what a fixture serves.

        Raises:
            InputError: one that makes no sense.
        """
        check_gates(item)
        refuse_unread_marks(item)
        metrics: Any = None
        options: dict[str, Any] = {}
        thresholds: dict[str, Threshold] = {}
        for node, mark in reversed(list(item.iter_markers_with_node("editmetrics"))):
            what = f"the editmetrics marker of {node.nodeid or node.name}"
            if mark.args:
                raise InputError(f"{what} takes keywords only, not {mark.args!r}: {_SPELT}")
            given = dict(mark.kwargs)
            if (asked := given.pop("metrics", None)) is not None:
                check_metrics(asked)
                metrics = asked
            of_test = id_of(node).nodeid if isinstance(node, pytest.Item) else None
            source = f"on {of_test or node.nodeid or node.name}"
            thresholds |= _bounds(given.pop("thresholds", None), what, source, session.registry)
            given.pop("gates", None)
            for option in given:
                _check_option(option, what, session.registry)
            options |= given
        return cls(metrics, thresholds, options)


def check_metrics(asked: Any) -> None:
    """Raise ``InputError`` for what names no metrics, or gives them bounds that nothing holds."""
    if isinstance(asked, Mapping):
        names = list(asked)
        raise InputError(
            f"metrics are names, and a mapping's bounds would hold nothing: metrics={names!r}, and"
            f" the bounds in @pytest.mark.editmetrics(thresholds={dict(asked)!r}) or in"
            " editmetrics.yaml"
        )
    if not isinstance(asked, Iterable):
        raise InputError(f"metrics must be names of metrics, not {asked!r}")


def _bounds(given: Any, what: str, source: str, registry: PipeRegistry) -> dict[str, Threshold]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise InputError(f"{what}: thresholds must be a mapping, not {given!r}")
    if not given:
        return {}
    from pytest_editmetrics.config.bounds import parse_bounds

    thresholds: dict[str, Threshold] = {}
    for name, value in given.items():
        metric = registry.metric(name)
        if metric.name in thresholds:
            raise InputError(f"{what}: thresholds name {metric.name} twice, as {name!r} too")
        thresholds[metric.name] = parse_bounds(metric, value, origin="marker", source=source)
    return thresholds


def _check_option(option: str, what: str, registry: PipeRegistry) -> None:
    """Raise ``InputError`` for an option that nothing takes, whatever the marker stands on.

    A pipe whose constructor takes any keyword takes none that is nearly one of ours.
    """
    pipes = registry.pipes.values()
    named = {name for metric in registry.metrics.values() for name in metric.params}
    named.update(name for pipe in pipes for name in pipe.option_names)
    if option in named:
        return
    if not difflib.get_close_matches(option, KEYS, n=1) and any(
        pipe.accepts(option) for pipe in pipes
    ):
        return
    hint = did_you_mean(option, KEYS if difflib.get_close_matches(option, KEYS) else named)
    raise InputError(f"{what} has {option!r}, which no pipe takes{hint}")


def check_used(item: pytest.Item, session: EditSession, measured: Iterable[str]) -> None:
    """Refuse what the test's own marker states and none of its gates took: it did nothing.

    A marker of a class or module speaks for tests that measure other metrics too.

    Raises:
        InputError: a threshold of a metric, or an option, that no gate of the test used.
    """
    registry, settings = session.registry, session.settings
    measured = sorted(measured)
    names = [name for name in measured if name in settings.metric_configs]
    configs = [settings.metric_configs[name] for name in names]
    valid: set[str] = set()
    for config in configs:
        valid.update(config.metric.params, registry.pipe(config.pipe_name).takes)
    for mark in item.own_markers:
        if mark.name != "editmetrics":
            continue
        for name in mark.kwargs.get("thresholds") or ():
            if registry.metric(name).name not in names:
                raise InputError(
                    f"the editmetrics marker has a threshold of {name!r}, which this test does not"
                    f" measure; it measures {', '.join(measured)}: add it to metrics="
                )
        for option in mark.kwargs.keys() - set(KEYS):
            if not any(
                option in config.metric.params or registry.pipe(config.pipe_name).accepts(option)
                for config in configs
            ):
                raise InputError(
                    f"the editmetrics marker has {option!r}, which no pipe of this test takes"
                    f"{did_you_mean(option, valid)}"
                )
