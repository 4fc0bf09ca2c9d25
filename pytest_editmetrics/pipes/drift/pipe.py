"""``drift_px``, ``zoom``, ``warp_px``, ``moved_share``, ``altered``: did the background stay?"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np

from pytest_editmetrics.background.altered import find_altered
from pytest_editmetrics.background.drift import Drift, measure_drift
from pytest_editmetrics.background.layout import KEPT, layout_kept
from pytest_editmetrics.background.motion import warped
from pytest_editmetrics.background.recoloured import find_recoloured
from pytest_editmetrics.cache.features import feature_key, pixels_digest
from pytest_editmetrics.images.regions import Mask
from pytest_editmetrics.pipes.base import PlainPipe, Request, Score, soft
from pytest_editmetrics.pipes.drift.spec import SPEC

_MOVED = 0.1  # pixels: less is not undone
_BESIDE, _MOST_BESIDE = 2, 16  # pixels beside the edit area that are left out
_TILES = 12  # at most so many of a kind in the details


class DriftPipe(PlainPipe):
    """Measures how far the background moved; on the CPU, without weights.

    - ``drift_px`` (lower is better, pixels): length of the median shift of the tiles that have
      texture.
    - ``zoom`` (lower is better): by what share the background grew or shrank, ``|factor - 1|``.
    - ``warp_px`` (lower is better, pixels): the longest move in the measured background, whatever
      motion it comes from: a shift, a rotation, a zoom, a stretch of one axis.
    - ``moved_share`` (lower is better, in [0, 1]): the share of the tiles that moved together,
      otherwise than the rest, by a pixel or more.
    - ``altered`` (lower is better, %): the part that is gone, new or another, where the rest of the
      structure stayed (``background.altered``). Where all was drawn anew no part stands out: the
      soft failure ``redrawn``.

    Exact to some hundredths of a pixel where there is texture; the edit area, a change of colour
    and noise do not disturb it (``background.drift``). A motion of any size is a value: shifts to
    half of the frame, any angle, zooms from 0.4 to 2.5, mirrored. Where neither image has texture
    the measurement is the soft failure ``no-texture``; where most tiles that have one match
    nothing, ``redrawn`` if the background is laid out as before, else ``no-match``.

    Details: ``dx`` and ``dy`` (to the right and down, pixels), ``zoom`` (the factor), ``rotation``
    in degrees, ``scale_x``, ``scale_y``, ``shear``, ``corners`` (their moves, where the background
    is seen in another perspective), ``mirrored``, ``tiles`` by what became of them,
    ``moved_most``: box, dx, dy of some tiles, ``apart``: the same of some that moved otherwise than
    the rest, and ``unmatched``: boxes of some that have texture and show something else now;
    ``ambiguous`` where the texture repeats, so that other shifts fit as well (the value is the
    smallest), and ``components`` where only one of a shift is known, as of stripes. Of what cannot
    be matched: ``layout``, how alike it is laid out.

    >>> import numpy as np
    >>> picture = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    >>> round(DriftPipe()(picture, np.roll(picture, 2, axis=0), metric="drift_px"), 2)
    2.0
    """

    spec = SPEC

    def __init__(self) -> None:
        self._last: tuple[str, Drift] | None = None

    def _drift(self, request: Request, mask: Mask) -> Drift:
        """Return the drift of a pair; that of the last one is kept, for the other metrics."""
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
        if request.metric == "altered":
            return _altered(request, drift)
        details: dict[str, Any] = {"tiles": dict(Counter(tile.status for tile in drift.tiles))}
        if drift.motion is None:
            return _lost(drift, layout_kept(request.reference, request.edited, mask), details)
        details.update(_told(drift))
        values = {
            "drift_px": lambda: math.hypot(*drift.median),
            "zoom": lambda: abs(drift.motion.zoom - 1) if drift.motion else 0.0,
            "warp_px": lambda: drift.warp_px,
            "moved_share": lambda: drift.moved_share,
        }
        return Score(values[request.metric](), details=details)


def _altered(request: Request, drift: Drift) -> Score:
    from scipy.ndimage import binary_erosion

    reference, edited, mask = request.reference, request.edited, request.mask
    beside = _BESIDE
    if drift.motion is not None and drift.warp_px >= _MOVED:
        beside += min(_MOST_BESIDE, math.ceil(drift.warp_px))  # what was edited moves too
        planes, seen = warped(np.moveaxis(edited, 2, 0).astype(np.float32), drift.motion)
        edited = np.moveaxis(planes, 0, 2).clip(0, 255).round().astype(np.uint8)
        mask = mask & seen
    inner = binary_erosion(mask, np.ones((3, 3)), iterations=beside, border_value=1)
    background = binary_erosion(request.mask, np.ones((3, 3)), iterations=beside, border_value=1)
    found = find_altered(reference, edited, inner)
    if found is None:
        return soft("no-texture", "too little is background to see a part that changed", {})
    details: dict[str, Any] = {"unlike": round(found.unlike, 4)}
    recoloured = find_recoloured(reference, edited, inner, ~background)
    if recoloured is not None and not (found.told and found.share >= recoloured.share):
        details |= {"part": list(recoloured.box), "became": "recoloured"}
        return Score(100 * recoloured.share, details=details)
    if not found.told:
        why = "too much of the background was redrawn to see a part that changed"
        return soft("redrawn", why, details)
    if found.box is not None:
        details |= {"part": list(found.box), "became": found.kind}
        details |= {"by": found.by} if found.by else {}
    return Score(100 * found.share, details=details)


def _lost(drift: Drift, layout: float, details: dict[str, Any]) -> Score:
    if drift.lost == "flat":
        why = "the background has too little texture to see a shift by"
        return soft("no-texture", why, details)
    details.update(unmatched=_unmatched(drift), layout=round(layout, 3))
    if drift.lost == "gone":
        why = "what has texture in the background is out of sight: it moved too far, or is gone"
        return soft("no-match", why, details)
    if layout >= KEPT:
        why = (
            "nothing of the background can be found again, though it is laid out alike"
            f" ({layout:.2f}): it was redrawn, or is too smooth to be found, as a sky"
        )
        return soft("redrawn", why, details)
    why = (
        "nothing of the background is where it was, and it is laid out otherwise"
        f" ({layout:.2f} alike, {KEPT} needed)"
    )
    return soft("no-match", why, details)


def _unmatched(drift: Drift) -> list[list[int]]:
    return [list(tile.box) for tile in drift.tiles if tile.status == "unmatched"][:_TILES]


def _told(drift: Drift) -> dict[str, Any]:
    assert drift.motion is not None
    motion = drift.motion
    dx, dy = drift.median
    scale_x, scale_y, shear = motion.scales
    told: dict[str, Any] = {
        "dx": round(dx, 3),
        "dy": round(dy, 3),
        "zoom": round(motion.zoom, 6),
        "rotation": round(motion.rotation, 4),
        "scale_x": round(scale_x, 6),
        "scale_y": round(scale_y, 6),
        "shear": round(shear, 6),
        "unmatched": _unmatched(drift),
        "moved_most": [
            [*tile.box, round(tile.dx, 2), round(tile.dy, 2)]
            for tile in sorted(drift.measured, key=lambda tile: -tile.px)[:_TILES]
        ],
    }
    if motion.tilted:
        corners = motion.corners(*drift.size)
        told["corners"] = [[round(dx, 2), round(dy, 2)] for dx, dy in corners]
    if drift.apart:
        told["apart"] = [
            [*tile.box, round(tile.dx, 2), round(tile.dy, 2)] for tile in drift.apart[:_TILES]
        ]
    if motion.mirrored:
        told["mirrored"] = True
    if drift.ambiguous:
        told["ambiguous"] = True
    if drift.components == 1:
        told["components"] = 1
    return told
