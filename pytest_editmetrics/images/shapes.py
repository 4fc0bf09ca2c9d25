"""Regions of any shape: boxes, polygons and masks, dilated and united."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.errors import RegionError, counted, did_you_mean
from pytest_editmetrics.images.boxes import Box, clip_box, normalise_boxes
from pytest_editmetrics.images.masks import (
    FILES,
    Cut,
    Mask,
    as_mask,
    bounds,
    file_text,
    is_mask,
    of_fields,
    packed,
    read_mask,
)
from pytest_editmetrics.images.polygons import (
    Polygon,
    add_polygon,
    is_polygon,
    is_real,
    read_polygons,
)

# what ``Region.of`` takes
RegionLike: TypeAlias = (
    "Region | Sequence[Any] | Mapping[str, Any] | NDArray[Any] | str | os.PathLike[str]"
)

KEYS = ("boxes", "polygons", "mask", "dilate")
COCOS = ("segmentation", "bbox")
"""Keys of an annotation of COCO that somebody may take for those of a region."""
_LARGEST_DILATION = 10_000


@dataclass(frozen=True)
class Region:
    """An area of an image, of any shape.

    Args:
        boxes: ``(x1, y1, x2, y2)`` in pixels, half-open, origin top left.
        polygons: each at least three points ``(x, y)`` in pixels, or their numbers one after the
            other, ``[x1, y1, x2, y2, x3, y3, ...]``, as COCO has them; a pixel belongs to a polygon
            if its centre does, so that one along the sides of a box is that box. A centre on an
            edge belongs to one of two polygons that share it.
        mask: boolean (H, W), or of 0 and 255 (or 0 and 1), of the image's size; an array,
            a tensor, a PIL image, or a path. A path is read when the region is first needed. Or a
            mapping: ``{path, threshold, invert}``, COCO's ``{size, counts}``, PIE-Bench's
            ``{size, runs}``, with ``size`` of ``[height, width]``.
        dilate: by how many pixels all of it grows, in every direction (a disk).
        threshold: of grey levels, 0 to 255, the first that belongs to the mask; a soft mask takes
            one. 16-bit levels and floats in [0, 1] are brought to 8 bits first.
        invert: the mask's other pixels are meant: black is where to edit.

    ``suggested`` tells that ``editmetrics suggest-region`` made the mask from a result: it is
    read from the mask's file, and said wherever the region is.

    ``a | b`` is the union; each part keeps its own dilation. A region without any shape is false:
    nothing is inside, and everything outside.

    Raises:
        RegionError: naming the shape, if it makes no sense.

    >>> triangle = Region(polygons=[[(0, 3), (2, 3), (2, 4)]])
    >>> region = Region(boxes=[(1, 1, 3, 2)], dilate=1) | triangle
    >>> region.inside(4, 4).astype(int).tolist()
    [[0, 1, 1, 0], [1, 1, 1, 1], [0, 1, 1, 0], [0, 1, 0, 0]]
    """

    boxes: tuple[Box, ...] = ()
    polygons: tuple[Polygon, ...] = ()
    mask: Any = None
    dilate: int = 0
    threshold: int | None = None
    invert: bool = False
    united: tuple[Region, ...] = ()
    suggested: bool = False

    def __post_init__(self) -> None:
        put = object.__setattr__  # the class is frozen for everyone else
        put(self, "boxes", tuple(normalise_boxes(self.boxes, "boxes")))
        put(self, "polygons", read_polygons(self.polygons))
        if not isinstance(self.dilate, numbers.Integral) or isinstance(self.dilate, bool):
            raise RegionError(f"dilate is {self.dilate!r}, not a whole number of pixels")
        if not 0 <= self.dilate <= _LARGEST_DILATION:
            raise RegionError(f"dilate is {self.dilate}; give 0 to {_LARGEST_DILATION} pixels")
        put(self, "dilate", int(self.dilate))
        mask, cut = self.mask, Cut(self.threshold, self.invert)
        if isinstance(mask, Mapping):
            mask, own = of_fields(mask)
            if cut and own:
                raise RegionError("mask: its threshold and invert stand in it and beside it")
            cut = cut or own
        if mask is None and cut:
            raise RegionError(
                f"{'invert' if cut.threshold is None else 'threshold'} without a mask; it says how"
                " a mask is read"
            )
        if mask is not None and not isinstance(mask, FILES):
            mask, cut = as_mask(mask, "mask", cut), Cut()
            mask.setflags(write=False)
        put(self, "mask", mask)
        put(self, "threshold", cut.threshold)
        put(self, "invert", bool(cut.invert))
        put(self, "united", tuple(one for part in self.united for one in part.parts))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Region) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((self.boxes, self.polygons, self.dilate, self.united))

    def __bool__(self) -> bool:
        return bool(self.boxes or self.polygons or self.mask is not None or any(self.united))

    def __or__(self, other: Any) -> Region:
        return Region(united=(self, Region.of(other)))

    def __ror__(self, other: Any) -> Region:
        return Region(united=(Region.of(other), self))

    @classmethod
    def of(cls, coords: Any) -> Region:
        """Return the region that a user means.

        Args:
            coords: ``None``; a list, array or tensor of boxes; a list of polygons as COCO has
                them, each a flat list of six numbers or more; a region; a mapping of a region's
                fields, as YAML has it; a mask of two dimensions, its PIL image or its path; or a
                list that mixes boxes, polygons, regions and mappings, which is their union.

        Raises:
            RegionError: it is none of these, or makes no sense.

        >>> Region.of([[0, 0, 4, 4], {"mask": np.eye(8, dtype=bool)}]).inside(8, 8).sum()
        np.int64(20)
        """
        if isinstance(coords, Region):
            return coords
        if isinstance(coords, Mapping):
            return cls._of_mapping(coords)
        if is_boxes(coords):
            return cls(boxes=tuple(normalise_boxes(coords)))
        if not isinstance(coords, (list, tuple)):
            return cls(mask=coords)
        others = tuple(cls.of(part) for part in coords if isinstance(part, (Region, Mapping)))
        shapes = [part for part in coords if not isinstance(part, (Region, Mapping))]
        own = cls(
            boxes=tuple(normalise_boxes([part for part in shapes if not is_polygon(part)])),
            polygons=tuple(part for part in shapes if is_polygon(part)),
        )
        if not others:
            return own
        return cls(united=(own, *others) if shapes else others)

    @classmethod
    def _of_mapping(cls, fields: Mapping[Any, Any]) -> Region:
        if "united" in fields:
            if len(fields) > 1:
                raise RegionError("a region that is a union has no other fields")
            return cls(united=tuple(cls.of(part) for part in fields["united"]))
        if "counts" in fields:
            return cls(mask=fields)
        for key in (*(one for one in COCOS if one in fields), *fields):
            if key in ("threshold", "invert"):
                raise RegionError(
                    f"{key} of a mask stands in the mask: {{mask: {{path: ..., {key}: ...}}}}"
                )
            if key not in (*KEYS, "suggested"):
                raise RegionError(no_key(key, fields[key]))
        return cls(**{key: value for key, value in fields.items() if value is not None})

    @property
    def plain(self) -> bool:
        """Whether the region is nothing but boxes."""
        return not (self.polygons or self.mask is not None or self.dilate or self.united)

    @property
    def parts(self) -> tuple[Region, ...]:
        """The regions that it unites, none of them a union."""
        if not self.united:
            return (self,)
        own = replace(self, united=())
        return (own, *self.united) if own else self.united

    @property
    def has_mask(self) -> bool:
        """Whether a mask is part of it."""
        return self.mask is not None or any(part.has_mask for part in self.united)

    def read(self) -> Region:
        """Return the region with its mask read, if it is a path.

        Raises:
            RegionError: the file is no mask.
        """
        united = tuple(part.read() for part in self.united)
        mask, suggested = self.mask, self.suggested
        if isinstance(mask, FILES):
            mask, suggested = read_mask(mask, Cut(self.threshold, self.invert))
        same = mask is self.mask and all(a is b for a, b in zip(united, self.united, strict=True))
        if same:
            return self
        read = {"mask": mask, "threshold": None, "invert": False}
        return replace(self, **read, united=united, suggested=suggested)

    def inside(self, height: int, width: int) -> Mask:
        """Return which pixels of an image of that size the region holds: boolean (H, W).

        Raises:
            RegionError: the mask is of another size, or cannot be read.
        """
        if self.plain:
            return _of_boxes(self.boxes, height, width)
        region = self.read()
        # what lies outside the image grows into it too
        room = region.dilate
        grown = np.zeros((height + 2 * room, width + 2 * room), np.bool_)
        moved = [(x1 + room, y1 + room, x2 + room, y2 + room) for x1, y1, x2, y2 in region.boxes]
        grown |= _of_boxes(moved, *grown.shape)
        for polygon in region.polygons:
            add_polygon(grown, polygon, -room, -room)
        if region.mask is not None:
            mask = region.mask
            if mask.shape != (height, width):
                raise RegionError(unlike_size(mask.shape, height, width))
            grown[room : room + height, room : room + width] |= mask
        if room and (around := bounds(grown)) is not None:
            from scipy.ndimage import distance_transform_edt

            x1, y1, x2, y2 = around
            reached = grown[max(0, y1 - room) : y2 + room, max(0, x1 - room) : x2 + room]
            reached[...] = distance_transform_edt(~reached) <= room
        inside: Mask = grown[room : room + height, room : room + width].copy()
        for part in region.united:
            inside |= part.inside(height, width)
        return inside

    def to_json(self) -> Any:
        """Return JSON-ready values that ``Region.of`` takes: a list of boxes, or a mapping.

        Raises:
            RegionError: the mask's file cannot be read.
        """
        if self.plain:
            return [list(box) for box in self.boxes]
        if self.united:
            return {"united": [part.to_json() for part in self.parts]}
        region = self.read()
        found: dict[str, Any] = {}
        if region.boxes:
            found["boxes"] = [list(box) for box in region.boxes]
        if region.polygons:
            found["polygons"] = [[list(point) for point in shape] for shape in region.polygons]
        if region.mask is not None:
            found["mask"] = packed(region.mask)
        if region.dilate:
            found["dilate"] = region.dilate
        if region.suggested:
            found["suggested"] = True
        return found

    @property
    def text(self) -> str:
        """The region in a few words."""
        parts = [", ".join(map(str, self.boxes[:6]))] if self.boxes else []
        if len(self.boxes) > 6:
            parts[0] += f" and {counted(len(self.boxes) - 6, 'more box', 'more boxes')}"
        if self.polygons:
            parts.append(counted(len(self.polygons), "polygon"))
        cut = Cut(self.threshold, self.invert).text
        if self.mask is not None:
            parts.append(
                f"a mask of {self.mask.shape[1]}x{self.mask.shape[0]} px"
                if isinstance(self.mask, np.ndarray)
                else f"the mask {file_text(self.mask)}{f' ({cut})' if cut else ''}"
            )
            parts[-1] += " (SUGGESTED from a result, untrusted)" if self.suggested else ""
        own = " and ".join(parts) + (f" grown by {self.dilate} px" if self.dilate and parts else "")
        return " and ".join(text for text in (own, *(part.text for part in self.united)) if text)


def is_boxes(coords: Any) -> bool:
    """Tell a list, array or tensor of boxes from another region, a mixed list included."""
    if isinstance(coords, (list, tuple)):
        return not any(isinstance(part, (Region, Mapping)) or is_polygon(part) for part in coords)
    other = isinstance(coords, (Region, Mapping, str, os.PathLike)) or hasattr(coords, "getbands")
    return not (other or is_mask(coords))


def unlike_size(size: tuple[int, ...], height: int, width: int) -> str:
    """Return what is said of a mask of ``size``, (height, width), in an image of another."""
    turned = size == (width, height) and height != width
    return (
        f"the mask is {size[1]}x{size[0]} px, the image {width}x{height}: make the mask of the"
        " image's size" + ("; a size of counts or runs is [height, width]" if turned else "")
    )


def no_key(key: object, value: Any) -> str:
    """Return what is said of a key that no region has; of one of COCO's how it is written here."""
    said = f"a region has no {key!r:.40}"
    if key == "segmentation":
        return (
            f'{said}: give what it holds as coords itself, annotation["segmentation"] of COCO, in'
            " YAML `coords: [[x1, y1, x2, y2, x3, y3, ...]]` or `coords: {size: ..., counts: ...}`"
        )
    if key in ("x", "y", "w", "h", "width", "height", "x1", "y1", "x2", "y2"):
        return f"{said}: a box is a list, [x1, y1, x2, y2] in pixels"
    if key != "bbox":
        return said + did_you_mean(key, KEYS)
    said += ": COCO's is [x, y, width, height], and boxes here are [x1, y1, x2, y2]"
    if not isinstance(value, (list, tuple)) or len(value) != 4 or not all(map(is_real, value)):
        return f"{said}: write boxes: [[x, y, x + width, y + height]]"
    x, y, width, height = value
    return f"{said}: write boxes: [[{x}, {y}, {x + width:.12g}, {y + height:.12g}]]"


def _of_boxes(boxes: Iterable[Box], height: int, width: int) -> Mask:
    inside = np.zeros((height, width), dtype=np.bool_)
    for box in boxes:
        if clipped := clip_box(box, width, height):
            x1, y1, x2, y2 = clipped
            inside[y1:y2, x1:x2] = True
    return inside
