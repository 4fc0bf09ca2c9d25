"""What ``drift-pipe`` declares: how far the background moved, and whether a part was replaced."""

from __future__ import annotations

from math import inf

from pytest_editmetrics.measurement import Margin, Metric
from pytest_editmetrics.pipes.declared import PipeSpec

_SOURCE = "masked cross-correlation (Padfield 2012), refined by least squares, tile by tile"

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
            blind="a zoom, a turn or a mirroring about the middle, a part that moved alone,"
            " and areas without texture",
        ),
        Metric(
            "zoom",
            "lower",
            margin=Margin(relative=0.15, absolute=0.0005),
            low=0.0,
            high=inf,
            summary="by what share the background grew or shrank",
            definition="|factor - 1| of the motion that the tiles agree on, the geometric mean of"
            " both axes",
            source=_SOURCE,
            blind="one axis that was stretched as much as the other shrank",
        ),
        Metric(
            "warp_px",
            "lower",
            margin=Margin(relative=0.15, absolute=0.2),
            low=0.0,
            high=inf,
            unit="px",
            summary="the longest move in the background, in pixels",
            definition="the longest shift of the motion that the tiles agree on (affine, or a"
            " perspective) at a corner of one of them, or the longest median shift of a tile and"
            " its neighbours",
            source=_SOURCE,
            blind="a part of less than some tiles that moved alone, and areas without texture",
        ),
        Metric(
            "moved_share",
            "lower",
            margin=Margin(relative=0.15, absolute=0.02),
            low=0.0,
            high=1.0,
            summary="which share of the background moved together, otherwise than the rest",
            definition="share of the tiles that have texture whose shift is a pixel or more from"
            " the motion that most of them agree on, and one for all of these to half a pixel",
            source=_SOURCE,
            blind="a part that moved by more than 32 pixels, and one that was redrawn",
        ),
        Metric(
            "altered",
            "lower",
            margin=Margin(relative=0.15, absolute=0.03),
            low=0.0,
            high=100.0,
            unit="%",
            summary="the part that is gone, new, replaced or recoloured, in % of the background",
            definition="motion undone, on a copy of 256 px: the largest part whose structure of"
            " some pixels has less in common with the reference's than that of the rest has,"
            " weighted by its contrast; or, in % of the background, the part at the edit whose"
            " colours did not become what the same ones became elsewhere, if that is more",
            source="this project",
            blind="another colour or tone of a part that does not reach the edit, fades out, or has"
            " colours that are nowhere else, fine detail, parts of some pixels of the copy, and any"
            " part where all was redrawn",
        ),
    ),
    (),
    summary="registration of the background, no model",
    details={
        "part": "the box around the part that changed most, half-open",
        "became": "what became of it: gone, new, other, darker, lighter, or recoloured",
        "by": "how much darker or lighter it became, %",
        "unlike": "how unlike the structure is as a rule: 0 alike, 1 nothing in common",
        "tiles": "how many there are of each kind",
        "dx": "the median shift to the right, px",
        "dy": "the median shift down, px",
        "zoom": "the factor that the tiles agree on",
        "rotation": "the angle that the tiles agree on, degrees",
        "scale_x": "the factor along the rows",
        "scale_y": "the factor along the columns",
        "shear": "the shear of the affine motion",
        "corners": "how the corners of the frame moved, clockwise from the top left, where the"
        " background is seen in another perspective",
        "mirrored": "that the background is mirrored",
        "ambiguous": "that the texture repeats, so that other shifts fit as well",
        "components": "1 where only one component of a shift is known, as of stripes",
        "apart": "tiles of a part that moved otherwise than the rest, with their shifts",
        "unmatched": "tiles that match nothing in the reference",
        "moved_most": "the tiles that moved most, with their shifts",
    },
)
