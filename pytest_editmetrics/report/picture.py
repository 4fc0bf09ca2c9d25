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
from pytest_editmetrics.images.regions import Mask

_AMPLIFY = 8
_LONG_SIDE = 768
_TILE = 32
_COMPRESSION = 1  # of 9: three times as fast as the default of 6, and files an eighth larger


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


def save_picture(pair: tuple[Any, Any], gate: Gate, nodeid: str, folder: Path) -> Path:
    """Write reference, edited and amplified difference side by side, boxes drawn; return the path.

    The name is made from the test's id and a hash of it, so workers never share a file.
    """
    reference, edited = pair
    difference = np.minimum(apart(reference, edited).astype(np.uint16) * _AMPLIFY, 255)
    panels = [
        Image.fromarray(np.ascontiguousarray(panel).astype(np.uint8))
        for panel in (reference, edited, difference)
    ]
    around = gate.region.get("bounds")
    boxes = [around] if around else gate.region.get("coords") or ()
    drawn = (
        [gate.region.get("ref_boxes") or (), gate.region.get("edited_boxes") or (), ()]
        if gate.compares == "objects"
        else [boxes, boxes, boxes]
    )
    for panel, panel_boxes in zip(panels, drawn, strict=True):
        for box in panel_boxes:
            x1, y1, x2, y2 = box
            if x2 - 1 >= x1 and y2 - 1 >= y1:
                ImageDraw.Draw(panel).rectangle((x1, y1, x2 - 1, y2 - 1), outline=(255, 0, 0))
    width, height = panels[0].size
    strip = Image.new("RGB", (3 * width + 16, height), (128, 128, 128))
    for number, panel in enumerate(panels):
        strip.paste(panel, (number * (width + 8), 0))
    if max(width, height) > _LONG_SIDE:
        scale = _LONG_SIDE / max(width, height)
        strip = strip.resize((round(strip.width * scale), max(1, round(height * scale))))
    full = f"{nodeid}::{gate.label}"
    slug = re.sub(r"[^A-Za-z0-9]+", "-", full.rsplit("/", 1)[-1]).strip("-")[:80]
    path = folder / f"{slug}-{hashlib.sha256(full.encode()).hexdigest()[:8]}.png"
    strip.save(path, compress_level=_COMPRESSION)
    return path
