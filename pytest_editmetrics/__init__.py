"""Regression tests for image-editing models.

The pytest plugin gives fixtures and options. What may be imported is in ``__all__``: the helpers as
functions, the pipes, and what a pipe of your own needs. The rest of the package is private.
Importing this module imports nothing heavy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_editmetrics.errors import EditMetricsError, GateFailure, MissingResourceError
    from pytest_editmetrics.images.load import load_image
    from pytest_editmetrics.images.shapes import Region
    from pytest_editmetrics.measurement import (
        Margin,
        Measurement,
        Metric,
        SoftFailure,
        WeightsUsed,
    )
    from pytest_editmetrics.pipes.clip import CLIPPipe
    from pytest_editmetrics.pipes.contract import Pipe
    from pytest_editmetrics.pipes.dino import DINOPipe
    from pytest_editmetrics.pipes.lpips import LPIPSPipe
    from pytest_editmetrics.pipes.sam import SAMPipe
    from pytest_editmetrics.plugin.helpers import (
        assert_object_sim_above,
        assert_unedit_emd_below,
        assert_unedit_lpips_below,
    )

__all__ = [
    "CLIPPipe",
    "DINOPipe",
    "EditMetricsError",
    "GateFailure",
    "LPIPSPipe",
    "Margin",
    "Measurement",
    "Metric",
    "MissingResourceError",
    "Pipe",
    "Region",
    "SAMPipe",
    "SoftFailure",
    "WeightsUsed",
    "assert_object_sim_above",
    "assert_unedit_emd_below",
    "assert_unedit_lpips_below",
    "load_image",
]
__version__ = "0.1.0"

# pytest imports this package at every start, so each name is looked up when it is asked for.
_HOME = {
    "CLIPPipe": "pipes.clip",
    "DINOPipe": "pipes.dino",
    "EditMetricsError": "errors",
    "GateFailure": "errors",
    "LPIPSPipe": "pipes.lpips",
    "Margin": "measurement",
    "Measurement": "measurement",
    "Metric": "measurement",
    "MissingResourceError": "errors",
    "Pipe": "pipes.contract",
    "Region": "images.shapes",
    "SAMPipe": "pipes.sam",
    "SoftFailure": "measurement",
    "WeightsUsed": "measurement",
    "assert_object_sim_above": "plugin.helpers",
    "assert_unedit_emd_below": "plugin.helpers",
    "assert_unedit_lpips_below": "plugin.helpers",
    "load_image": "images.load",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
