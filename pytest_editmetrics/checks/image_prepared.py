"""The image of a check of a golden image: its pixels, and which of them are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_editmetrics.measurement import Scope

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Checked
    from pytest_editmetrics.images.colour import Decoded
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.load import Array, ImageLike
    from pytest_editmetrics.images.regions import Mask
    from pytest_editmetrics.images.shapes import Region, RegionLike


@dataclass(frozen=True)
class Prepared:
    """What a job is about: the image, what of it is compared."""

    decoded: Decoded
    area: Region
    scope: Scope | None
    mask: Mask
    region: Checked

    @property
    def pixels(self) -> Array:
        """What is compared: uint8, (H, W), (H, W, 3) or (H, W, 4)."""
        return self.decoded.pixels


def prepared(
    image: ImageLike, coords: RegionLike | None, scope: Scope | None, colour: Colour
) -> Prepared:
    """Read an image, and tell which pixels of it are compared; see ``golden_image.check``."""
    import numpy as np

    from pytest_editmetrics.gates.verdict import Checked
    from pytest_editmetrics.images.load import read_pixels
    from pytest_editmetrics.images.masks import bounds
    from pytest_editmetrics.images.regions import check_within, read_region, region_mask

    decoded = read_pixels(image, colour=colour)
    height, width = decoded.pixels.shape[:2]
    area = read_region(coords, height, width)
    check_within(area, height, width)
    scope = scope or ("unedit_area" if area else None)
    if scope == "unedit_area" and not area:
        scope = None
    inside = region_mask(area, "inner", height, width)
    if scope is None:
        measured = np.ones_like(inside)
    else:
        measured = inside if scope == "edit_area" else ~inside
    return Prepared(
        decoded,
        area,
        scope,
        measured,
        Checked(
            coords=area.to_json() or None,
            bounds=None if area.plain else bounds(inside),
            width=width,
            height=height,
        ),
    )
