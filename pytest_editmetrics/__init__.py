"""Regression tests for image-editing models.

The pytest plugin gives fixtures and options; this module gives the same helpers as functions, and
the names that a user's own pipe needs. Importing it imports nothing heavy.
"""

from __future__ import annotations

from pytest_editmetrics.errors import EditMetricsError, GateFailure
from pytest_editmetrics.helpers import (
    assert_object_sim_above,
    assert_unedit_emd_below,
    assert_unedit_lpips_below,
)
from pytest_editmetrics.measurement import Margin, Measurement, Metric, SoftFailure

__all__ = [
    "EditMetricsError",
    "GateFailure",
    "Margin",
    "Measurement",
    "Metric",
    "SoftFailure",
    "assert_object_sim_above",
    "assert_unedit_emd_below",
    "assert_unedit_lpips_below",
]
__version__ = "0.1.0"
