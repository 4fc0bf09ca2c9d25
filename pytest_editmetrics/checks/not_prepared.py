"""The gates of a check whose images or areas cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.verdict import Gate, error_gate
from pytest_editmetrics.images.best_fit import UnlikeSizes
from pytest_editmetrics.images.resize_modes import NOT_RESIZED
from pytest_editmetrics.session.owner import Owner
from pytest_editmetrics.session.record import said
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.settings import MetricConfig


def not_prepared(
    session: EditSession,
    owner: Owner,
    configs: Sequence[MetricConfig],
    name: str | None,
    error: Exception,
) -> list[Gate]:
    """Return an error gate for each metric; of unlike sizes they tell whether that is new."""
    message = said(error)
    if isinstance(error, UnlikeSizes) and _once_alike(session, owner, configs, name):
        message = error.once_alike
    return [error_gate(config.metric, message, name=name) for config in configs]


def _once_alike(
    session: EditSession, owner: Owner, configs: Sequence[MetricConfig], name: str | None
) -> bool:
    """Tell whether a golden of the check was measured on images of one size."""
    test = owner.test
    try:
        for config in configs:
            address = session.goldens.address(
                owner.path, test.key, config.metric.name, name, test.digest
            )
            approved = session.goldens.lookup(address, session.environment, smoke=False)
            if approved is not None and approved.resized == NOT_RESIZED:
                return True
    except EditMetricsError:  # what is wrong with goldens is told once images can be compared
        pass
    return False
