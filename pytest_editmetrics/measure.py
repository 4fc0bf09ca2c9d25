"""Which pipe measures a metric in a test, with which parameters, and the measurement it gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.measurement import MASK_MODE, Measurement, SoftFailure
from pytest_editmetrics.session import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig

Boxes = Sequence[Sequence[float]]


def fixture_name(key: str) -> str:
    """Return the fixture that gives the pipe ``key``: ``clip-pipe`` is ``clip_pipe``."""
    return key.replace("-", "_")


def measure(
    item: pytest.Item,
    session: EditSession,
    config: MetricConfig,
    pair: tuple[Any, Any],
    coords: Boxes | None,
    options: Mapping[str, Any],
    original: Any = None,
) -> Measurement:
    """Measure one metric of a pair with the pipe of this test.

    ``options`` are the marker's; ``original`` is the edited image before it was resized to the
    reference: a pipe of ours takes that, since boxes of the edited image lie in its pixels.
    """
    from pytest_editmetrics.pipes.base import Pipe

    metric = config.metric
    accepts = session.registry.pipe(config.pipe_name).accepts
    init = {k: v for k, v in options.items() if k not in metric.params and accepts(k)}
    params = {**config.runtime_params, **{k: options[k] for k in options if k in metric.params}}
    pipe = _pipe(item, session, config, init)
    reference, edited = pair
    if original is not None and isinstance(pipe, Pipe):
        edited, params["resize"] = original, "reference"
    call = getattr(pipe, "measure", pipe)
    result = call(reference, edited, coords, MASK_MODE[config.scope], metric=metric.name, **params)
    if isinstance(result, Measurement):
        return result
    if result is None:
        soft = SoftFailure("no-value", f"{config.pipe_name} returned None")
        return Measurement(metric.name, None, config.scope, soft)
    if isinstance(result, (bool, str)) or not hasattr(result, "__float__"):
        raise EditMetricsError(
            f"{config.pipe_name} returned {result!r} for {metric.name}; a pipe returns float | None"
        )
    return Measurement(metric.name, float(result), config.scope)


def _pipe(
    item: pytest.Item, session: EditSession, config: MetricConfig, options: Mapping[str, Any]
) -> Any:
    """Return the pipe of a metric: the user's fixture, the default one, or one of its own."""
    key = config.pipe_name
    fixture = _fixture(item, key)
    sam = _fixture(item, "sam-pipe") if key == "clip-pipe" else None
    default = session.default_pipe(key, sam)
    if fixture is not None and fixture is not default:
        if options:
            raise InputError(
                f"the marker's {', '.join(options)} cannot be applied: the fixture"
                f" {fixture_name(key)} is overridden; set it there"
            )
        return fixture
    init = {**session.metric_init(config), **options}
    if sam is not None and init.get("sam") in (None, session.default_init("sam-pipe")):
        init["sam"] = sam
    return session.pipe(key, init)


def _fixture(item: pytest.Item, key: str) -> Any:
    request = getattr(item, "_request", None)
    if request is None:
        return None
    try:
        return request.getfixturevalue(fixture_name(key))
    except pytest.FixtureLookupError as error:
        if error.argname != fixture_name(key):
            raise
        return None
