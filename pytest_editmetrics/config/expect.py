"""How a model writes the background, as a user expects it, and the bounds that follow from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pytest_editmetrics.config.keys import choice
from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.measurement import Metric, SoftReason, Threshold

Expect = Literal["composited", "composited-jpeg", "reencoded", "generative"]


@dataclass(frozen=True)
class Expectation:
    """What is measured by default under an expectation, with which bounds.

    ``advisory`` are metrics that a bound of a golden or of the configuration cannot fail here:
    beyond it their verdict is ``review``. ``told`` are metrics without a bound: where none is
    stated they are measured and told, and pass. ``fatal`` are the soft failures of a metric that
    the expectation chose which fail, since the background is then not what it says, and the way
    out; not of ``spared`` metrics, whose soft failures only say that nothing can be seen. What is
    ``rewritten`` never comes back pixel by pixel, even where nothing was edited.
    """

    bounds: Mapping[str, float]
    advisory: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    fatal: Mapping[SoftReason, str] = field(default_factory=dict)
    spared: tuple[str, ...] = ()
    rewritten: bool = True

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are measured where none are named."""
        return (*self.bounds, *self.told)

    def fatal_of(self, metric: str) -> Mapping[SoftReason, str]:
        """Return the soft failures of a metric that fail, and the way out of each."""
        return {} if metric in self.spared else self.fatal

    def default(self, metric: Metric, name: Expect) -> Threshold | None:
        """Return the bound of a metric, if the expectation has one."""
        bound = self.bounds.get(metric.name)
        if bound is None:
            return None
        return Threshold(metric.bound_kind, bound, "default", f"expect={name!r}")


_ELSE = "give the region that the model may change, or name metrics that need no match"
_ANEW = f"if the model may redraw it give expect='generative', else {_ELSE}"
_KEPT_IN_PLACE: Mapping[SoftReason, str] = {"no-match": _ELSE, "redrawn": _ANEW}

EXPECTATIONS: Mapping[Expect, Expectation] = {
    # the model pastes its edit into the reference: the background is the reference's, pixel by
    # pixel; attention carries an edit into neighbouring patches, so that emd moves all the same
    "composited": Expectation(
        {"unedit_max_diff": 2.0, "lpips": 0.01, "edit_lpips": 0.02},
        advisory=("emd", "emd_excess"),
        fatal=_KEPT_IN_PLACE,
        rewritten=False,
    ),
    # as composited, and the whole saved as JPEG
    "composited-jpeg": Expectation(
        {
            "beyond_detail_max": 10.0,
            "tone": 1.0,
            "tone_max": 7.0,
            "lpips": 0.08,
            "drift_px": 0.15,
            "warp_px": 0.25,
            "moved_share": 0.02,
            "edit_lpips": 0.02,
            "edit_ratio": 2.0,
        },
        advisory=("emd", "emd_excess"),
        fatal=_KEPT_IN_PLACE,
    ),
    # the whole image passes through an encoder and back
    "reencoded": Expectation(
        {
            "beyond_detail": 6.0,
            "tone": 3.0,
            "tone_max": 8.0,
            "lpips": 0.6,
            "drift_px": 0.5,
            "warp_px": 1.0,
            "moved_share": 0.05,
            "altered": 0.1,
            "edit_lpips": 0.02,
            "edit_ratio": 2.0,
        },
        fatal=_KEPT_IN_PLACE,
        spared=("altered",),
    ),
    # the whole image is drawn anew from a description of it
    "generative": Expectation(
        {
            "lpips": 0.7,
            "drift_px": 4.0,
            "warp_px": 6.0,
            "moved_share": 0.2,
            "altered": 0.1,
            "edit_lpips": 0.02,
        },
        told=("tone",),
        fatal={"no-match": _ELSE},
    ),
}


def check_expect(name: Any) -> Expect | None:
    """Return the expectation that a call names; raise ``InputError`` naming the nearest one."""
    if name is None:
        return None
    for known in EXPECTATIONS:
        if isinstance(name, str) and name == known:
            return known
    raise InputError(f"unknown expect={name!r}{did_you_mean(name, EXPECTATIONS)}")


def is_told(metric: str, expect: Expect | None) -> bool:
    """Tell whether an expectation measures a metric that it states no bound for."""
    return expect is not None and metric in EXPECTATIONS[expect].told


def left_out(asked: Collection[str], expect: Expect | None, where: str) -> str | None:
    """Say which metrics an expectation would hold that those named leave out.

    ``asked`` are the metrics that are named, and ``where``; ``expect`` is what holds there.
    """
    if expect is None:
        return None
    left = [name for name in EXPECTATIONS[expect].bounds if name not in asked]
    if not left:
        return None
    them = "it" if len(left) == 1 else "them"
    return f"expect {expect} would also hold {', '.join(left)}: {where} leaves {them} out"


EXPECT = choice(*EXPECTATIONS)
