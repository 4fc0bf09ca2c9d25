"""Where a pair of images differs: in words for the failure message, and as a picture to look at."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.images.channels import apart, highest
from pytest_editmetrics.images.png import quickly
from pytest_editmetrics.images.regions import Mask

_AMPLIFY = 8
_LONG_SIDE = 768
_TILE = 32
_AMPLIFIED = np.minimum(np.arange(256) * _AMPLIFY, 255).astype(np.uint8)


def describe_change(pair: tuple[Any, Any], mask: Mask) -> str:
    """Say how much of the measured region changed, and where it changed most.

    ``pair`` holds two RGB uint8 arrays of shape (H, W, 3), ``mask`` is boolean (H, W), true where
    measured; differences are channel values of 255.
    """
    reference, edited = pair
    difference = highest(apart(reference, edited))
    height, width = difference.shape
    difference = np.where(mask, difference, 0)
    changed = int((difference > 0).sum())
    if not changed:
        return "no pixel of the measured region differs"
    rows, columns = -(-height // _TILE), -(-width // _TILE)
    padded = np.zeros((rows * _TILE, columns * _TILE), dtype=np.int64)
    padded[:height, :width] = difference
    tiles = padded.reshape(rows, _TILE, columns, _TILE).sum(axis=(1, 3))
    row, column = np.unravel_index(int(tiles.argmax()), tiles.shape)
    left, top = int(column) * _TILE, int(row) * _TILE
    right, bottom = min(left + _TILE, width), min(top + _TILE, height)
    share = 100 * changed / int(mask.sum())
    return (
        f"{share:.1f} % of the measured pixels differ, by at most {int(difference.max())} of 255;"
        f" most in ({left}, {top}, {right}, {bottom})"
    )


def panels_of(images: tuple[Any, ...], gate: Gate) -> list[str]:
    """Return what the picture of a gate shows, from left to right."""
    names = ["reference", "edited"] if gate.snapshot is None else ["golden", "image"]
    if len(images) == 1:
        return names[1:]
    return [*names, "difference"] if images[0].shape == images[1].shape else names


def save_picture(images: tuple[Any, ...], gate: Gate, nodeid: str, folder: Path) -> Path:
    """Write the images side by side, boxes drawn; return the path.

    ``images`` are RGB uint8 arrays of shape (H, W, 3): reference and edited image, or one of them
    alone. Two of one size have their amplified difference beside them. The name is made from the
    test's id and a hash of it, so workers never share a file.
    """
    shown = list(images)
    if "difference" in panels_of(images, gate):
        shown.append(_AMPLIFIED[apart(*images)])
    panels = [Image.fromarray(np.ascontiguousarray(panel, np.uint8)) for panel in shown]
    around = gate.region.get("bounds")
    lie = gate.region.get("drawn") or gate.region
    boxes = [around] if around else lie.get("coords") or ()
    drawn = (
        [lie.get("ref_boxes") or (), lie.get("edited_boxes") or (), ()]
        if gate.compares == "objects"
        else [boxes, boxes, boxes]
    )
    for panel, panel_boxes in zip(panels, drawn, strict=False):
        for box in panel_boxes:
            x1, y1, x2, y2 = box
            if x2 - 1 >= x1 and y2 - 1 >= y1:
                ImageDraw.Draw(panel).rectangle((x1, y1, x2 - 1, y2 - 1), outline=(255, 0, 0))
    width, height = (max(sizes) for sizes in zip(*(panel.size for panel in panels), strict=True))
    across = sum(panel.width for panel in panels) + 8 * (len(panels) - 1)
    strip, left = Image.new("RGB", (across, height), (128, 128, 128)), 0
    for panel in panels:
        strip.paste(panel, (left, 0))
        left += panel.width + 8
    if max(width, height) > _LONG_SIDE:
        scale = _LONG_SIDE / max(width, height)
        size = round(strip.width * scale), max(1, round(height * scale))
        strip = strip.resize(size, Image.Resampling.BILINEAR)
    full = f"{nodeid}::{gate.label}"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", full.rsplit("/", 1)[-1]).strip("-")[:80]
    path = folder / f"{slug}-{hashlib.sha256(full.encode()).hexdigest()[:8]}.png"
    path.write_bytes(quickly(np.asarray(strip)))
    return path
