"""What a gain and an offset of each channel do not explain of colours: a mix of them, or curves."""

from __future__ import annotations

from pytest_editmetrics.background.colour_cells import ColourCells
from pytest_editmetrics.background.curves import Curve, find_curve
from pytest_editmetrics.background.differences import Differences, Planes
from pytest_editmetrics.background.mixed import Mix, find_mix
from pytest_editmetrics.background.tone import Tone
from pytest_editmetrics.images.regions import Mask

Finer = Mix | Curve


def finer_colours(
    before: Planes,
    aligned: Planes,
    within: Mask,
    cells: ColourCells,
    tone: Tone,
    toned: Planes,
    differences: Differences,
) -> tuple[Finer | None, Planes]:
    """Return what explains clearly more than a tone, if it does, and ``before`` so changed.

    Args:
        before: float32 (3, H, W), of 255.
        aligned: the same, as it became.
        within: boolean (H, W), true where measured.
        cells: of both.
        tone: the tone of both.
        toned: ``before`` with that tone.
        differences: of images.
    """
    curve = find_curve(cells, tone)
    if curve is not None and curve.named:  # which says more than twelve numbers
        found: Finer | None = curve
    else:
        found = find_mix(cells, tone) or curve
    if found is None:
        return None, toned
    made = found.applied(before)
    left, less = (
        float(differences.squares(image, aligned).sum(where=within, dtype=float))
        for image in (toned, made)
    )
    return (found, made) if less < left else (None, toned)
