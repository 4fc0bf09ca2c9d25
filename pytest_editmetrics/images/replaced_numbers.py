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

_OF_ALL = tuple(
    f"numpy.{name}"
    for name in ("asarray", "ascontiguousarray", "count_nonzero", "ones", "where", "zeros")
)
_BLUR = "scipy.ndimage.gaussian_filter"
_SSIM = ("skimage.metrics.structural_similarity", _BLUR)
_NUMPY = """
    abs add allclose append arange arctanh argmax argmin argpartition argsort array
    array_equal array_split bincount broadcast_arrays cbrt ceil clip concatenate conj convolve
    cos cov cumsum delete diag diff divide dstack einsum empty empty_like exp eye flatnonzero
    floor full full_like gradient hstack hypot interp isfinite isin ix_ linspace log maximum
    mean median meshgrid minimum moveaxis multiply nanmedian nonzero ones_like outer pad
    percentile polyfit polyval ptp quantile ravel_multi_index repeat rint roll rot90 round
    searchsorted sort sqrt square stack subtract sum tensordot trace unique unravel_index vdot
    vstack zeros_like fft.rfft linalg.cholesky linalg.eigh linalg.eigvalsh linalg.inv
    linalg.lstsq linalg.solve linalg.svd
"""
_SCIPY = """
    fft.dctn fft.irfft2 fft.next_fast_len fft.rfft2 ndimage.affine_transform
    ndimage.binary_closing ndimage.binary_dilation ndimage.binary_erosion
    ndimage.binary_fill_holes ndimage.binary_opening ndimage.correlate1d
    ndimage.distance_transform_edt ndimage.find_objects ndimage.gaussian_filter ndimage.label
    ndimage.map_coordinates ndimage.maximum_filter ndimage.minimum_filter
    ndimage.spline_filter ndimage.uniform_filter spatial.cKDTree special.ndtri
"""
_COMPUTED = (
    *(f"numpy.{name}" for name in _NUMPY.split()),
    *(f"scipy.{name}" for name in _SCIPY.split()),
)
"""What measuring tone, detail and motion calls anywhere, as a test reads it off their sources."""
_PSNR = ("math.log10",)
_CHANNELS = ("numpy.maximum", "numpy.minimum")
_CALLED: Mapping[str, tuple[str, ...]] = {
    "unedit_psnr": (*_PSNR, *_CHANNELS),
    "pie_bench_psnr": (*_PSNR, *_CHANNELS),
    "unedit_max_diff": _CHANNELS,
    "unedit_ssim": _SSIM,
    "l_channel_ssim": (*_SSIM, "skimage.color.rgb2lab", "skimage.exposure.match_histograms"),
    **dict.fromkeys(
        ("tone", "tone_max", "edit_ratio", "beyond_detail", "beyond_detail_max"), _COMPUTED
    ),
    "exact": ("numpy.array_equal",),
    "pixel": ("numpy.array_equal", *_CHANNELS),
    "psnr": _PSNR,
    "ssim": _SSIM,
    "structure": _COMPUTED,
    **dict.fromkeys(("drift_px", "zoom", "warp_px", "moved_share", "altered"), _COMPUTED),
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
