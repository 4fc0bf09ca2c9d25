"""Metrics of the pixels themselves, which need no model: PSNR, SSIM, tone, detail."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import InputError
from pytest_editmetrics.images.channels import apart, pixels_of
from pytest_editmetrics.images.detail import beyond_detail, largest_beyond_detail
from pytest_editmetrics.images.replaced_files import check_importable
from pytest_editmetrics.images.ssim import Map, measured, ssim_map
from pytest_editmetrics.images.tone_difference import largest_tone, mean_tone
from pytest_editmetrics.pipes.base import PlainPipe, Request, Score, soft
from pytest_editmetrics.pipes.pixels.spec import PSNR_CEILING, SPEC, WIN_SIGMA, WIN_SIZE


class PixelPipe(PlainPipe):
    """Compares pixels; on the CPU, without weights.

    Every metric but ``pie_bench_psnr`` looks at the measured pixels only:

    - ``unedit_psnr`` (higher is better, dB): ``10 log10(255^2 / MSE)`` with the mean over the
      measured pixels and the three channels; at most 100, which equal pixels get.
    - ``unedit_ssim`` (higher, [-1, 1]): structural similarity (Wang et al. 2004, window 11), pixels
      outside the region taken from the reference, mean over the measured pixels; a border of 5
      pixels is left out.
    - ``unedit_max_diff`` (lower, levels of 255): the largest difference of a channel.
    - ``beyond_detail`` (lower, levels of 255): the root mean square of what the difference is
      beyond the fine detail of the reference, tone left aside (``images.detail``);
      ``beyond_detail_max`` is its largest value.
    - ``tone`` (lower, CIELAB): the mean difference in CIELAB after a Gaussian of 8 pixels;
      ``tone_max`` is its largest value.
    - ``l_channel_ssim`` (higher, [-1, 1]): SSIM of the lightness (CIELAB L) inside the edit area
      after the edited image's histogram was matched to the reference's, so that a change of colour
      keeps 1 and a change of structure does not.
    - ``pie_bench_psnr`` (higher, dB): as the PIE-Bench tables have it (Ju et al. 2023,
      PnPInversion): both images times the mask, mean over the whole image, so that a larger edit
      area gives a higher score. For comparing with published numbers only.

    A region without a pixel is the soft failure ``empty-region``.

    >>> reference = np.zeros((16, 16, 3), np.uint8)
    >>> PixelPipe()(reference, reference + 3, metric="unedit_max_diff")
    3.0
    """

    spec = SPEC

    def _score(self, request: Request) -> Score:
        mask = request.mask
        details = {"measured_fraction": np.count_nonzero(mask) / mask.size}
        if not mask.any():
            return soft("empty-region", request.nothing_measured, details)
        if (of_tone := self._of_tone_and_detail(request, details)) is not None:
            return of_tone
        difference = pixels_of(apart(request.reference, request.edited), mask)
        if request.metric == "unedit_max_diff":
            changed = int(np.count_nonzero(difference.any(axis=1)))
            return Score(float(difference.max()), details={**details, "changed_pixels": changed})
        if request.metric == "unedit_psnr":
            return Score(_psnr(_squared(difference), difference.size), details=details)
        if request.metric == "pie_bench_psnr":
            return Score(_psnr(_squared(difference), 3 * mask.size), details=details)
        window, sigma = request.params["win_size"], request.params["win_sigma"]
        of = _lightness_ssim if request.metric == "l_channel_ssim" else _rgb_ssim
        similarity = of(request, window, sigma)
        if (window, sigma) != (WIN_SIZE.default, WIN_SIGMA.default):
            details = {**details, "win_size": window, "win_sigma": sigma}
        return Score(float(similarity[measured(mask, window)].mean()), details=details)

    def _of_tone_and_detail(self, request: Request, details: dict[str, Any]) -> Score | None:
        images, mask = (request.reference, request.edited), request.mask
        if request.metric == "tone":
            return Score(mean_tone(*images, mask), details=details)
        if request.metric == "beyond_detail":
            return Score(beyond_detail(*images, mask), details=details)
        largest = {"beyond_detail_max": largest_beyond_detail, "tone_max": largest_tone}
        if request.metric in largest:
            value, x, y = largest[request.metric](*images, mask)
            return Score(value, details={**details, "at": [x, y]} if value else details)
        return None

    def _check_params(self, metric: str, params: dict[str, Any]) -> dict[str, Any]:
        window = params.get("win_size", WIN_SIZE.default)
        sigma = params.get("win_sigma", WIN_SIGMA.default)
        whole = isinstance(window, int) and not isinstance(window, bool)
        if not whole or window % 2 != 1 or not WIN_SIZE.low <= window <= WIN_SIZE.high:
            raise InputError(
                f"win_size must be an odd number from {WIN_SIZE.low} to {WIN_SIZE.high},"
                f" not {window!r}"
            )
        number = isinstance(sigma, (int, float)) and not isinstance(sigma, bool)
        if not number or not WIN_SIGMA.low <= sigma <= WIN_SIGMA.high:
            raise InputError(
                f"win_sigma must lie between {WIN_SIGMA.low} and {WIN_SIGMA.high}, not {sigma!r}"
            )
        return {**params, "win_size": window, "win_sigma": sigma}


def _squared(difference: NDArray[np.uint8]) -> int:
    return int((difference.astype(np.int64) ** 2).sum())


def _psnr(squared: int, count: int) -> float:
    if not squared:
        return PSNR_CEILING
    return min(PSNR_CEILING, 10 * math.log10(255**2 * count / squared))


def _rgb_ssim(request: Request, window: int, sigma: float) -> Map:
    composite = np.where(request.mask[..., None], request.edited, request.reference)
    return ssim_map(request.reference, composite, 255, window, sigma)


def _lightness_ssim(request: Request, window: int, sigma: float) -> Map:
    check_importable("skimage.color.colorconv")
    check_importable("skimage.exposure.histogram_matching")
    from skimage.color import rgb2lab
    from skimage.exposure import match_histograms

    before, after = (rgb2lab(image)[..., 0] for image in (request.reference, request.edited))
    mask = request.mask
    matched = before.copy()
    matched[mask] = match_histograms(after[mask], before[mask])
    return ssim_map(before, matched, 100, window, sigma)
