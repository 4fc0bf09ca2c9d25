"""The verdict on an image and its golden image: which bound decides, and whether it is recorded."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pytest_editmetrics.config.golden_images import (
    Comparator,
    ImageSettings,
    better,
    bound_kind,
    image_metric,
)
from pytest_editmetrics.gates.decided import decided
from pytest_editmetrics.gates.verdict import APPROVED_IMAGE, Checked, Gate, UpdateMode
from pytest_editmetrics.goldens.comparators import Comparison
from pytest_editmetrics.measurement import Threshold


@dataclass(frozen=True)
class Bounds:
    """What a comparison is held to: as a whole, and its worst tile."""

    whole: Threshold
    tile: Threshold

    @classmethod
    def of(
        cls,
        comparator: Comparator,
        settings: ImageSettings,
        argument: Threshold | None,
        joined: Collection[str],
    ) -> Bounds:
        """Return the bounds of a comparator, one of the ``joined`` that all have to hold.

        A tolerance given as an argument that is wider than the configured one of the tile holds for
        the tile too.
        """
        kind = bound_kind(comparator)
        configured, at_tile = settings.bounds(comparator, joined)
        tile = Threshold(kind, at_tile.bound, "default", at_tile.source)
        if argument is None:
            return cls(Threshold(kind, configured.bound, "default", configured.source), tile)
        return cls(argument, argument if tile.distance(argument.bound) > 0 else tile)


def judge_image(
    comparator: Comparator,
    bounds: Bounds,
    *,
    name: str | None,
    update: UpdateMode,
    snapshot: Mapping[str, Any],
    region: Checked,
    compared: Comparison | None = None,
    unlike: str | None = None,
    scope: str | None = None,
) -> Gate:
    """Return the gate of one image.

    Args:
        comparator: which.
        bounds: see ``Bounds``.
        name: the check's name.
        update: what may be recorded.
        snapshot: what the gate tells of the golden image; the worst tile is added.
        region: boxes and size.
        compared: what the comparator found; ``None`` if it could not compare.
        unlike: why it could not compare a golden that is there; ``None`` if there is none.
        scope: which side of the boxes was compared.

    Returns:
        A gate without a ``value`` where nothing was compared. ``distance`` is how far the value
        lies beyond its bound, or, if only the worst tile does, that tile beyond its own.
    """
    gate = Gate(
        metric=image_metric(comparator).name,
        verdict="pass",
        better=better(comparator),
        name=name,
        scope=scope,
        bound_kind=bounds.whole.kind,
        bound=bounds.whole.bound,
        origin=bounds.whole.origin,
        source=bounds.whole.source,
        device="cpu",
        device_name="cpu",
        region=asdict(region),
        snapshot=dict(snapshot),
    )
    if compared is None:
        if unlike is None:
            verdict = "missing-golden" if update == "none" else "recorded"
        else:
            verdict = "recorded" if update in ("failed", "all") else "fail"
        return replace(gate, verdict=verdict, message=unlike)  # type: ignore[arg-type]
    tile = compared.tile
    ground = compared.ground
    if bounds.whole.holds(compared.value) and not bounds.tile.holds(tile.value):
        ground = tile.ground
    gate = replace(
        gate,
        value=compared.value,
        details={**compared.details, **({} if ground == "white" else {"ground": ground})},
        snapshot={
            **snapshot,
            "tile": {"box": list(tile.box), "value": tile.value, "bound": bounds.tile.bound},
        },
    )
    found = decided(gate)
    gate = replace(gate, distance=None if found is None else found.distance)
    if (measurement := compared.measurement) is not None:
        gate = replace(
            gate,
            device=measurement.device,
            device_name=measurement.device_name,
            weights=tuple(asdict(weights) for weights in measurement.weights),
            smoke=measurement.smoke,
        )
    holds = bounds.whole.holds(compared.value) and bounds.tile.holds(tile.value)
    if update == "all" or (update == "failed" and not holds and math.isfinite(compared.value)):
        return replace(gate, verdict="recorded")
    return gate if holds else replace(gate, verdict="fail")


def empty_region(
    comparator: Comparator,
    name: str | None,
    scope: str | None,
    region: Checked,
    approved: str | None,
) -> Gate:
    """Return the gate of a check whose boxes leave no pixel to compare: a soft failure.

    ``approved`` is the golden image that the check has all the same, if it has one.
    """
    side = "inside" if scope == "edit_area" else "outside"
    return Gate(
        metric=image_metric(comparator).name,
        verdict="unmeasured",
        better=better(comparator),
        name=name,
        scope=scope,
        reason="empty-region",
        message=f"no pixel of the image lies {side} the boxes",
        region=asdict(region),
        details={} if approved is None else {APPROVED_IMAGE: approved},
    )
