"""``@pytest.mark.editmetrics(metrics=None, thresholds=None, **pipe_options)``, read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.session import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig


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
        thresholds = {
            name: parse_bounds(session.registry.metric(name), value, origin="marker", source=source)
            for name, value in given.items()
        }
        return cls(metrics, thresholds, merged)

    def check_options(self, session: EditSession, configs: Iterable[MetricConfig]) -> None:
        """Refuse an option that nothing measured here takes: it would silently do nothing."""
        valid = {"metrics", "thresholds"}
        configs = list(configs)
        for config in configs:
            valid.update(
                config.metric.params, session.registry.pipe(config.pipe_name).options or ()
            )
        for option in self.options:
            if not any(
                option in config.metric.params
                or session.registry.pipe(config.pipe_name).accepts(option)
                for config in configs
            ):
                raise InputError(
                    f"the editmetrics marker has {option!r}, which no pipe of this test takes"
                    f"{did_you_mean(option, valid)}"
                )
