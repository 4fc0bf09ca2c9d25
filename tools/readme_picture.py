"""Make the README's picture of a caught regression, from the demo's broken release.

    python tools/readme_picture.py

One column, with large type, so that it can be read on a phone: before and after, and below
them where the background changed. What it says is read from the run. Writes
``docs/images/caught.jpg``.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from demo_picture import ROOT, run
from PIL import Image, ImageDraw, ImageFont

PICTURE = ROOT / "docs" / "images" / "caught.jpg"
TEST = "tests/test_edits.py::test_background_is_untouched[blue-cup]"
ASKED = '"make the cup and saucer blue"'
WIDTH, GAP, LINE, EDGE = 928, 12, 64, 16
AMPLIFY = 8
PAPER, INK, RED = (255, 255, 255), (20, 20, 20), (200, 0, 0)
MARK = np.array([255.0, 0.0, 180.0])


def gate_of(folder: Path) -> Mapping[str, Any]:
    """Return the gate that the picture shows."""
    lines = (folder / "results.jsonl").read_text(encoding="utf-8").splitlines()
    (gate,) = (one for one in map(json.loads, lines) if one.get("nodeid") == TEST)
    return gate


def where_it_changed(before: Image.Image, after: Image.Image, box: list[int]) -> Image.Image:
    """Return the photo in grey, what changed outside the box laid over it, the box pale."""
    pixels = [np.asarray(image.convert("RGB"), float) for image in (before, after)]
    grey = np.repeat(np.asarray(before.convert("L"), float)[..., None], 3, axis=2)
    share = np.clip(np.abs(pixels[0] - pixels[1]).max(axis=2) * AMPLIFY / 255, 0, 1)[..., None]
    shown = grey * 0.7 * (1 - share) + MARK * share
    x1, y1, x2, y2 = box
    shown[y1:y2, x1:x2] = 255 - (255 - grey[y1:y2, x1:x2]) * 0.25
    return Image.fromarray(shown.astype(np.uint8))


def fitted(image: Image.Image, width: int, box: list[int], line: int) -> Image.Image:
    """Return the image at a width, the box drawn in red."""
    scale = width / image.width
    made = image.convert("RGB").resize(
        (width, round(image.height * scale)), Image.Resampling.LANCZOS
    )
    x1, y1, x2, y2 = (round(side * scale) for side in box)
    ImageDraw.Draw(made).rectangle((x1, y1, x2 - 1, y2 - 1), outline=(255, 0, 0), width=line)
    return made


def draw(gate: Mapping[str, Any], folder: Path) -> Image.Image:
    """Return the picture."""
    before, after = (Image.open(folder / gate["images"][name]) for name in ("reference", "edited"))
    (box,) = gate["region"]["coords"]
    half = (WIDTH - GAP) // 2
    small = [fitted(image, half, box, 3) for image in (before, after)]
    large = fitted(where_it_changed(before, after, box), WIDTH, box, 5)
    second = 2 * LINE + small[0].height
    made = Image.new("RGB", (WIDTH + 2 * EDGE, second + 2 * LINE + large.height), PAPER)
    pen = ImageDraw.Draw(made)

    def say(text: str, x: int, y: int, size: int = 42, ink: tuple[int, int, int] = INK) -> None:
        pen.text((EDGE + x, y + LINE // 2), text, ink, ImageFont.load_default(size), anchor="lm")

    say(ASKED, 0, 0, 46)
    for image, name, x in zip(small, ("before", "after"), (0, half + GAP), strict=True):
        say(name, x, LINE)
        made.paste(image, (EDGE + x, 2 * LINE))
    say(f"changed outside the box, x {AMPLIFY}", 0, second)
    made.paste(large, (EDGE, second + LINE))
    bound = f"{gate['metric']} {gate['value']:.3f} > max {gate['bound']:.3f}"
    say(f"{bound}: the test fails", 0, second + LINE + large.height, 46, RED)
    return made


def main() -> int:
    """Make the picture."""
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder) / "demo"
        unwanted = shutil.ignore_patterns("__pycache__", ".pytest_cache", "results-*")
        shutil.copytree(ROOT / "fixtures" / "demo", suite, ignore=unwanted)
        kept = run(suite, 2)
        made = draw(gate_of(kept), kept)
    PICTURE.parent.mkdir(exist_ok=True)
    made.save(PICTURE, quality=82, subsampling=0, optimize=True)
    print(f"{PICTURE.relative_to(ROOT)}: {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
