"""``@pytest.mark.editmetrics(metrics=None, thresholds=None, **pipe_options)``, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.session.state import EditSession


@dataclass(frozen=True)
class Marker:
    """What the markers of one test say together, the nearest to the test winning."""

    metrics: Any = None
    thresholds: Mapping[str, Threshold] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, item: pytest.Item, session: EditSession) -> Marker:
        """Read the markers of ``item``; raise ``InputError`` for one that makes no sense."""
        merged: dict[str, Any] = {}
        for mark in reversed(list(item.iter_markers("editmetrics"))):
            if mark.args:
                raise InputError(
                    f"the editmetrics marker takes keywords only, not {mark.args!r}:"
                    " @pytest.mark.editmetrics(metrics=[...], thresholds={...})"
                )
            merged.update(mark.kwargs)
        metrics = merged.pop("metrics", None)
        given = merged.pop("thresholds", None) or {}
        if not isinstance(given, Mapping):
            raise InputError(
                f"the editmetrics marker's thresholds must be a mapping, not {given!r}"
            )
        if not given:
            return cls(metrics, {}, merged)
        from pytest_editmetrics.config.bounds import parse_bounds

        source = f"on {item.nodeid}"
        thresholds: dict[str, Threshold] = {}
        for name, value in given.items():
            metric = session.registry.metric(name)
            if metric.name in thresholds:
                raise InputError(
                    f"the editmetrics marker's thresholds name {metric.name} twice, as {name!r} too"
                )
            thresholds[metric.name] = parse_bounds(metric, value, origin="marker", source=source)
        return cls(metrics, thresholds, merged)


def check_used(item: pytest.Item, session: EditSession, measured: Iterable[str]) -> None:
    """Refuse what the test's own marker states and none of its gates took: it did nothing.

    A marker of a class or module speaks for tests that measure other metrics too.

    Raises:
        InputError: a threshold of a metric, or an option, that no gate of the test used.
    """
    registry, settings = session.registry, session.settings
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
                    f" measure; it measures {', '.join(names)}: add it to metrics="
                )
        for option in mark.kwargs.keys() - {"metrics", "thresholds"}:
            if not any(
                option in config.metric.params or registry.pipe(config.pipe_name).accepts(option)
                for config in configs
            ):
                raise InputError(
                    f"the editmetrics marker has {option!r}, which no pipe of this test takes"
                    f"{did_you_mean(option, valid)}"
                )
