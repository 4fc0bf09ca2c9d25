"""``drift_px`` and ``zoom``: whether the background stayed where it was."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from pytest_editmetrics.background.drift import Drift, measure_drift
from pytest_editmetrics.cache.features import feature_key, pixels_digest
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.pipes.base import PlainPipe, Request, Score, soft
from pytest_editmetrics.pipes.drift.spec import SPEC

_TILES = 12  # at most so many of a kind in the details


class DriftPipe(PlainPipe):
    """Measures how far the background moved; on the CPU, without weights.

    - ``drift_px`` (lower is better, pixels): length of the median shift of the tiles that have
      texture.
    - ``zoom`` (lower is better): by what share the background grew or shrank, ``|factor - 1|``.

    Exact to some hundredths of a pixel where there is texture; the edit area, a change of colour
    and noise do not disturb it (``background.drift``). Where no tile has texture the measurement is
    the soft failure ``no-texture``; where most tiles that have one match nothing, ``no-match``.

    Details: ``dx`` and ``dy`` (to the right and down, pixels), ``zoom`` (the factor), ``rotation``
    in degrees, ``tiles`` by what became of them, ``moved_most``: box, dx, dy of some tiles, and
    ``unmatched``: boxes of some that have texture and show something else now.

    >>> import numpy as np
    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> round(DriftPipe()(picture, np.roll(picture, 2, axis=0), metric="drift_px"), 2)
    2.0
    """

    spec = SPEC

    def __init__(self) -> None:
        self._last: tuple[str, Drift] | None = None

    def _drift(self, request: Request, mask: Mask) -> Drift:
        """Return the drift of a pair; that of the last one is kept, for the other metric."""
        key = feature_key(
            "drift",
            reference=pixels_digest(request.reference),
            edited=pixels_digest(request.edited),
            mask=pixels_digest(mask.view(np.uint8)),
        )
        if self._last is None or self._last[0] != key:
            self._last = key, measure_drift(request.reference, request.edited, mask)
        return self._last[1]

    def _score(self, request: Request) -> Score:
        mask = request.mask
        if not mask.any():
            return soft("empty-region", request.nothing_measured, {})
        drift = self._drift(request, mask)
        if request.evidence is not None:
            request.evidence.drift = drift
        details: dict[str, Any] = {"tiles": dict(Counter(tile.status for tile in drift.tiles))}
        if drift.motion is None:
            if lost := _unmatched(drift):
                why = "the background has texture, but most of it matches nothing in the reference"
                return soft("no-match", why, {**details, "unmatched": lost})
            return soft("no-texture", "the background has no texture to see a shift by", details)
        details.update(_told(drift))
        if request.metric == "zoom":
            return Score(abs(drift.motion.zoom - 1), details=details)
        return Score(math.hypot(*drift.median), details=details)


def _unmatched(drift: Drift) -> list[list[int]]:
    return [list(tile.box) for tile in drift.tiles if tile.status == "unmatched"][:_TILES]


def _told(drift: Drift) -> dict[str, Any]:
    assert drift.motion is not None
    dx, dy = drift.median
    most = sorted(drift.measured, key=lambda tile: -tile.px)[:_TILES]
    return {
        "dx": round(dx, 3),
        "dy": round(dy, 3),
        "zoom": round(drift.motion.zoom, 6),
        "rotation": round(drift.motion.rotation, 4),
        "unmatched": _unmatched(drift),
        "moved_most": [[*tile.box, round(tile.dx, 2), round(tile.dy, 2)] for tile in most],
    }
