"""Make the pictures of docs/explanation/metrics.md, from photos of the demo.

    python tools/metric_pictures.py

Numbers in them are measured here, with LPIPS on its genuine weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from metric_traps import inverted
from PIL import Image, ImageDraw, ImageFont

from pytest_editmetrics.pipes.lpips import LPIPSPipe

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "fixtures" / "demo" / "images"
FOLDER = ROOT / "docs" / "images"
WIDTH, GAP, LINE = 720, 12, 44
PALE = 0.25
RED, ORANGE = (230, 0, 0), (255, 120, 0)


def photo(name: str, size: tuple[int, int] | None = None) -> Image.Image:
    image = Image.open(PHOTOS / name).convert("RGB")
    return image if size is None else image.resize(size, Image.Resampling.LANCZOS)


def pale(image: Image.Image, mask: np.ndarray) -> Image.Image:
    """Return the image, nearly white and grey where the mask is true."""
    pixels = np.asarray(image, float).copy()
    grey = np.asarray(image.convert("L"), float)[..., None]
    pixels[mask] = (255 - (255 - grey) * PALE).repeat(3, axis=2)[mask]
    return Image.fromarray(pixels.astype(np.uint8))


def row(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Return panels side by side, at one height, each under its text."""
    room = WIDTH - GAP * (len(panels) - 1)
    height = round(room / sum(image.width / image.height for _, image in panels))
    made = Image.new("RGB", (WIDTH, LINE + height), (255, 255, 255))
    x = 0
    for text, image in panels:
        width = round(height * image.width / image.height)
        made.paste(image.resize((width, height), Image.Resampling.LANCZOS), (x, LINE))
        font = ImageFont.load_default(26)
        ImageDraw.Draw(made).text((x, LINE // 2), text, (20, 20, 20), font, anchor="lm")
        x += width + GAP
    return made


def scopes() -> Image.Image:
    """Show what either scope measures."""
    image, box = photo("coffee.png"), (56, 50, 390, 318)
    inside = np.zeros((image.height, image.width), bool)
    inside[box[1] : box[3], box[0] : box[2]] = True
    panels = []
    for text, hidden in (("unedit_area: outside", inside), ("edit_area: inside", ~inside)):
        shown = pale(image, hidden)
        ImageDraw.Draw(shown).rectangle(box, outline=RED, width=3)
        panels.append((text, shown))
    return row(panels)


def areas() -> Image.Image:
    """Show one change in boxes of four sizes, with what LPIPS makes of it."""
    square, lpips = np.asarray(photo("astronaut.png").resize((512, 512))), LPIPSPipe(device="cpu")
    panels = []
    for side in (16, 64, 128):
        box = (256, 256, 256 + side, 256 + side)
        edited = inverted(square, box)
        value = lpips.measure(square, edited, [box], "inner").value
        panels.append((f"{side} px: lpips {value:.2f}", Image.fromarray(edited)))
    return row(panels)


def framings() -> Image.Image:
    """Show what CLIP is given of a wide image whose left end is inverted."""
    wide = np.asarray(photo("astronaut.png").resize((1024, 512)))
    image = Image.fromarray(inverted(wide, (0, 0, 96, 512)))
    crop = image.crop((256, 0, 768, 512))
    stretched = image.resize((512, 512), Image.Resampling.LANCZOS)
    return row([("the edited image", image), ("stretch", stretched), ("center-crop", crop)])


def patches() -> Image.Image:
    """Show which patches of 32 px count as outside a box, and which of these are mixed."""
    image, box = photo("cat.png", (448, 448)), (150, 90, 330, 300)
    outside = np.ones((448, 448), bool)
    outside[box[1] : box[3], box[0] : box[2]] = False
    share = outside.reshape(7, 64, 7, 64).mean(axis=(1, 3))
    panels = []
    for text, threshold in (("patches that count", 0.1), ("threshold 0.999", 0.999)):
        counted = share > threshold
        shown = pale(image, ~counted.repeat(64, axis=0).repeat(64, axis=1))
        pen = ImageDraw.Draw(shown)
        for y, x in np.argwhere(counted):
            mixed = share[y, x] < 1
            corner = (x * 64 + 2, y * 64 + 2, x * 64 + 61, y * 64 + 61)
            pen.rectangle(
                corner, outline=ORANGE if mixed else (255, 255, 255), width=4 if mixed else 1
            )
        pen.rectangle(box, outline=RED, width=3)
        panels.append((text, shown))
    return row(panels)


def main() -> int:
    """Make the pictures."""
    made = {"scopes": scopes(), "areas": areas(), "framings": framings(), "patches": patches()}
    FOLDER.mkdir(exist_ok=True)
    for name, image in made.items():
        path = FOLDER / f"metric-{name}.jpg"
        image.save(path, quality=82, subsampling=0, optimize=True)
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
