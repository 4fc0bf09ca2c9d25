"""What ``drift-pipe`` declares: how far the background moved, and by what share it grew."""

from __future__ import annotations

from math import inf

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import PipeSpec

_SOURCE = "masked phase correlation (Padfield 2012), refined by least squares, tile by tile"

SPEC = PipeSpec(
    "drift-pipe",
    "pytest_editmetrics.pipes.drift:DriftPipe",
    (
        Metric(
            "drift_px",
            "lower",
            margin=Margin(relative=0.15, absolute=0.1),
            low=0.0,
            high=inf,
            unit="px",
            summary="how far the background moved, in pixels",
            definition="length of the median shift over the tiles that have texture",
            source=_SOURCE,
            blind="a part that moved alone, and areas without texture",
        ),
        Metric(
            "zoom",
            "lower",
            margin=Margin(relative=0.15, absolute=0.0005),
            low=0.0,
            high=inf,
            summary="by what share the background grew or shrank",
            definition="|factor - 1| of the similarity transform that the tiles agree on",
            source=_SOURCE,
            blind="one axis that was stretched alone",
        ),
    ),
    (),
    summary="registration of the background, no model",
    details={
        "tiles": "how many there are of each kind",
        "dx": "the median shift to the right, px",
        "dy": "the median shift down, px",
        "zoom": "the factor that the tiles agree on",
        "rotation": "the angle that the tiles agree on, degrees",
        "unmatched": "tiles that match nothing in the reference",
        "moved_most": "the tiles that moved most, with their shifts",
    },
)
