"""Which pipe measures a metric in a test, with which parameters, and the measurement it gives."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.measurement import MASK_MODE, Measurement, SoftFailure
from pytest_editmetrics.session.owner import Owner
from pytest_editmetrics.session.record import record_key
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig
    from pytest_editmetrics.images.shapes import RegionLike
    from pytest_editmetrics.pipes.explain import Evidence

_ROUNDING = 1e-3  # of the range; where that has no end, of 1
Boxes = Sequence[Sequence[float]]


def fixture_name(key: str) -> str:
    """Return the fixture that gives the pipe ``key``: ``clip-pipe`` is ``clip_pipe``."""
    return key.replace("-", "_")


@dataclass(frozen=True)
class Bound:
    """The pipe of a metric and its runtime parameters.

    ``fixture`` names the user's own fixture that gave the pipe, which nothing but a test can make.
    """

    pipe: Any
    params: Mapping[str, Any]
    fixture: str | None = None


def bind(
    owner: Owner | None,
    session: EditSession,
    config: MetricConfig,
    options: Mapping[str, Any],
) -> Bound:
    """Return the pipe that measures a metric in a test or fixture; else the configuration's.

    ``options`` are the marker's.
    """
    metric = config.metric
    accepts = session.registry.pipe(config.pipe_name).accepts
    init = {k: v for k, v in options.items() if k not in metric.params and accepts(k)}
    params = {**config.runtime_params, **{k: options[k] for k in options if k in metric.params}}
    pipe, fixture = _pipe(owner, session, config, init)
    return Bound(pipe, params, fixture)


def measure(
    bound: Bound,
    config: MetricConfig,
    pair: tuple[Any, Any],
    coords: RegionLike | None,
    evidence: Evidence | None = None,
) -> Measurement:
    """Measure one metric of a pair of one size; a pipe of ours fills ``evidence`` too."""
    if _is_ours(bound.pipe):
        return _measured(bound, config, pair, coords, evidence)
    copies = pair[0].copy(), pair[1].copy()  # what it writes into them is no other metric's
    measurement = _measured(bound, config, copies, coords, evidence)
    _check_range(measurement, config)
    return measurement


def _measured(
    bound: Bound,
    config: MetricConfig,
    pair: tuple[Any, Any],
    coords: RegionLike | None,
    evidence: Evidence | None,
) -> Measurement:
    from pytest_editmetrics.pipes.base import BuiltInPipe

    metric, params = config.metric.name, bound.params
    mask_mode = MASK_MODE[config.scope]
    if isinstance(bound.pipe, BuiltInPipe):
        from pytest_editmetrics.images.load import Loaded

        reference, edited = map(Loaded, pair)
        return bound.pipe.measure(
            reference, edited, coords, mask_mode, metric=metric, **params, evidence=evidence
        )
    coords = _told(coords)
    if config.metric.compares == "region":
        from pytest_editmetrics.images.regions import region_mask

        if not region_mask(coords, mask_mode, *pair[0].shape[:2]).any():
            soft = SoftFailure("empty-region", "no pixel of the image lies in the region")
            return Measurement(metric, None, config.scope, soft)
    return asked(bound, config, pair, coords)


def _check_range(measurement: Measurement, config: MetricConfig) -> None:
    """Raise ``EditMetricsError`` for a value that its metric says there is none of."""
    value, metric = measurement.value, config.metric
    if value is None or not math.isfinite(value):  # which fails anyway
        return
    span = metric.high - metric.low
    rounding = _ROUNDING * (span if math.isfinite(span) else 1)
    if metric.low - rounding <= value <= metric.high + rounding:
        return
    raise EditMetricsError(
        f"{config.pipe_name} returned {value:g} for {metric.name}, outside the range that its"
        f" Metric states, low={metric.low:g} to high={metric.high:g}: return a value of that range"
        " (0.37 for 37 percent), or register the metric with the range that it has"
    )


def _is_ours(pipe: Any) -> bool:
    return type(pipe).__module__.partition(".")[0] == __name__.partition(".")[0]


def asked(bound: Bound, config: MetricConfig, pair: tuple[Any, Any], coords: Any) -> Measurement:
    """Return what a user's pipe says of a pair, as a measurement.

    Raises:
        EditMetricsError: it returned something that is no value of the metric.
    """
    metric = config.metric.name
    call = getattr(bound.pipe, "measure", bound.pipe)
    result = call(*pair, coords, MASK_MODE[config.scope], metric=metric, **bound.params)
    if isinstance(result, Measurement):
        return _foreign(result, config)
    if result is None:
        soft = SoftFailure("no-value", f"{config.pipe_name} returned None")
        return Measurement(metric, None, config.scope, soft)
    return Measurement(metric, _number(result, config), config.scope)


def _told(coords: Any) -> Any:
    """Return a region as a user's pipe is given it, see ``Pipe``."""
    from pytest_editmetrics.images.shapes import Region

    if coords is None:
        return None
    region = Region.of(coords)
    return list(region.boxes) if region.plain else region


def _number(result: Any, config: MetricConfig) -> float:
    scalar = hasattr(result, "__float__") and not getattr(result, "ndim", 0)
    if not scalar or "bool" in str(getattr(result, "dtype", type(result).__name__)):
        raise EditMetricsError(
            f"{config.pipe_name} returned {result!r} for {config.metric.name}; a pipe returns"
            " float | None"
        )
    return float(result)


# what of the plugin's own words a pipe may tell itself
_OF_PIPES = {"colour", "dtype", "largest", "read", "resize", "sizes", "through"}


def _foreign(result: Measurement, config: MetricConfig) -> Measurement:
    """Return the measurement of a user's pipe with plain numbers, which reports can carry."""
    if result.metric != config.metric.name:
        raise EditMetricsError(
            f"{config.pipe_name} was asked for {config.metric.name} and returned a measurement of"
            f" {result.metric!r}"
        )

    def number(value: Any) -> float | None:
        return None if value is None else _number(value, config)

    from pytest_editmetrics.runs.fields import DETAILS

    own = {field.name for field in DETAILS} - _OF_PIPES
    if taken := sorted(own & set(map(str, result.details))):
        raise EditMetricsError(
            f"{config.pipe_name} told {', '.join(map(repr, taken))} of {config.metric.name}: in a"
            " gate's details this word is the plugin's own; give it another name in the"
            " Measurement's details"
        )
    return replace(
        result,
        value=number(result.value),
        floor=number(result.floor),
        excess=number(result.excess),
        details=json.loads(json.dumps(dict(result.details), default=_plain)),
    )


def _plain(value: Any) -> Any:
    for convert in ("item", "tolist"):
        try:
            return getattr(value, convert)()
        except (AttributeError, RuntimeError, ValueError):
            continue
    return str(value)


def _pipe(
    owner: Owner | None,
    session: EditSession,
    config: MetricConfig,
    options: Mapping[str, Any],
) -> tuple[Any, str | None]:
    """Return the pipe of a metric, and the user's fixture that it comes from, if it does."""
    key = config.pipe_name
    fixture = _fixture(session, owner, key)
    sam = _fixture(session, owner, "sam-pipe") if session.registry.pipe(key).isolates else None
    default = session.default_pipe(key, sam)
    if fixture is not None and fixture is not default:
        if options:
            raise InputError(
                f"the marker's {', '.join(options)} cannot be applied: the fixture"
                f" {fixture_name(key)} is overridden; set it there"
            )
        return session.share(fixture), fixture_name(key)
    isolates = sam is not None and config.metric.compares == "objects"
    foreign = isolates and sam is not session.default_pipe("sam-pipe")
    init = {**session.metric_init(config), **options}
    if sam is not None and init.get("sam") in (None, session.default_init("sam-pipe")):
        init["sam"] = sam
    return session.pipe(key, init), fixture_name("sam-pipe") if foreign else None


def _fixture(session: EditSession, owner: Owner | None, key: str) -> Any:
    if owner is None:
        return None
    if owner.request is not None:
        return _of_wider(session, owner, key)
    item = owner.node
    record = item.stash.get(record_key, None)
    request = getattr(item, "_request", None)
    if not request and record is None:
        raise InputError(f"{item.nodeid} is over, and its fixture {fixture_name(key)} with it")
    if not request:
        return None
    late = record is not None and record.phase == "teardown"
    try:
        with warnings.catch_warnings() if late else nullcontext():
            if late:  # pytest 9 deprecates asking then
                warnings.filterwarnings("ignore", message="Calling request.getfixturevalue")
            with session.fixtures:  # pytest sets a fixture up in one thread at a time
                return request.getfixturevalue(fixture_name(key))
    except pytest.FixtureLookupError as error:
        if error.argname != fixture_name(key):
            raise
        return None


def _of_wider(session: EditSession, owner: Owner, key: str) -> Any:
    """Return the fixture of a pipe, as a fixture that serves more than one test may ask for it."""
    name = fixture_name(key)
    try:
        with session.fixtures:
            return owner.request.getfixturevalue(name)
    except pytest.FixtureLookupError as error:
        if error.argname != name:
            raise
        return None
    except pytest.fail.Exception as error:
        raise InputError(
            f"{owner.test.nodeid} serves more than one test and cannot be measured by the fixture"
            f" {name}, which is made again for each: give it a wider scope ({error})"
        ) from None
