"""The functions that metrics of pixels compute with are their libraries' own, and no mock or stub.

A test may stub ``scipy.ndimage.gaussian_filter`` to spare its model the feathering of a mask: SSIM
of anything would be 1.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from operator import is_
from types import FunctionType
from typing import Any

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.replacements import code_of, file_of, is_installed, is_mock, told

_OF_ALL = tuple(f"numpy.{n}" for n in ("asarray", "ascontiguousarray", "ones", "where", "zeros"))
_BLUR = "scipy.ndimage.gaussian_filter"
_SSIM = ("skimage.metrics.structural_similarity", _BLUR)
_TONE = (_BLUR, *(f"numpy.{name}" for name in ("cbrt", "stack", "sqrt", "maximum")))
_DETAIL = (_BLUR, *(f"numpy.{name}" for name in ("einsum", "maximum", "sqrt", "square", "mean")))
_PSNR = ("math.log10",)
_CHANNELS = ("numpy.maximum", "numpy.minimum")
_INNER = "scipy.ndimage.binary_erosion"
_CALLED: Mapping[str, tuple[str, ...]] = {
    "unedit_psnr": (*_PSNR, *_CHANNELS),
    "pie_bench_psnr": (*_PSNR, *_CHANNELS),
    "unedit_max_diff": _CHANNELS,
    "unedit_ssim": _SSIM,
    "l_channel_ssim": (*_SSIM, "skimage.color.rgb2lab", "skimage.exposure.match_histograms"),
    "tone": _TONE,
    **dict.fromkeys(("tone_max", "edit_ratio"), (*_TONE, _INNER)),
    "beyond_detail": _DETAIL,
    "beyond_detail_max": (*_DETAIL, _INNER),
    "exact": ("numpy.array_equal",),
    "pixel": ("numpy.array_equal", *_CHANNELS),
    "psnr": _PSNR,
    "ssim": _SSIM,
    "structure": (_BLUR, "numpy.abs", "numpy.maximum"),
    **dict.fromkeys(("drift_px", "zoom", "warp_px", "moved_share", "altered"), (_INNER, _BLUR)),
}
"""By metric or comparator: what it calls, and what that calls itself, besides ``_OF_ALL``."""
_own: dict[str, list[Any]] = {}
"""By metric: what was looked at the last time and found right."""


def check_numbers(metric: str) -> None:
    """Refuse to compute with a mock, or a function of a test's, in the place of what it calls.

    ``metric`` may also be a comparator of golden images.

    Raises:
        EditMetricsError: one is replaced so; the message says by what.
    """
    called = (*_OF_ALL, *_CALLED.get(metric, ()))
    now = [_function(name) for name in called]
    if all(map(is_, now, _own.get(metric, ()))) and metric in _own:
        return
    for name, function in zip(called, now, strict=True):
        code = code_of(function)
        own = type(code) is FunctionType and not is_installed(file_of(code))
        if own or is_mock(function):
            raise EditMetricsError(
                f"{name} is replaced by {told(function)} while the check runs, so {metric} would"
                " be no number: end that before the check"
            )
    _own[metric] = now


def _function(name: str) -> Any:
    module, _, of = name.rpartition(".")
    known = sys.modules.get(module)
    return None if known is None else vars(known).get(of)
