"""Regression tests for image-editing models.

The pytest plugin gives fixtures and options; this module gives the same helpers as functions, and
the names that a user's own pipe needs. Importing it imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_editmetrics.errors import EditMetricsError, GateFailure
    from pytest_editmetrics.images.shapes import Region
    from pytest_editmetrics.measurement import Margin, Measurement, Metric, SoftFailure
    from pytest_editmetrics.plugin.helpers import (
        assert_object_sim_above,
        assert_unedit_emd_below,
        assert_unedit_lpips_below,
    )

__all__ = [
    "EditMetricsError",
    "GateFailure",
    "Margin",
    "Measurement",
    "Metric",
    "Region",
    "SoftFailure",
    "assert_object_sim_above",
    "assert_unedit_emd_below",
    "assert_unedit_lpips_below",
]
__version__ = "0.1.0"

# pytest imports this package at every start, so each name is looked up when it is asked for.
_HOME = {
    "EditMetricsError": "errors",
    "GateFailure": "errors",
    "Margin": "measurement",
    "Measurement": "measurement",
    "Metric": "measurement",
    "Region": "images.shapes",
    "SoftFailure": "measurement",
    "assert_object_sim_above": "plugin.helpers",
    "assert_unedit_emd_below": "plugin.helpers",
    "assert_unedit_lpips_below": "plugin.helpers",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
