"""Which faults the default of golden images fails, which noises it lets pass, and by how much.

    python benchmarks/golden_faults.py [--sizes 256 own]

Four photos, a drawing, a screenshot of text, a product shot and flat grey, each at its own size and
resized to 64 to 1,024 px (the longer edge). For every fault the table gives how many of them fail,
and the least that any of them lies beyond a bound (score / bound of the comparator that is farthest
beyond); for every noise how many pass, and the most that any reaches of a bound. A change that
leaves a picture as it is, as a shift does flat grey, is left out for that picture. Exit status 1 if
a fault that has to fail passes, or a noise that has to pass fails.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter
from skimage import data

from pytest_editmetrics.config.golden_images import DEFAULT, built_in
from pytest_editmetrics.goldens.comparators import compare
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.explain import Evidence
from pytest_editmetrics.pipes.lpips import LPIPSPipe

Array = NDArray[np.uint8]
PHOTOS = ("astronaut", "chelsea", "coffee", "rocket")
SIZES = (64, 128, 256, 512, 1024)
OWN = "own"
OBJECT = 32  # px
GREY = (80, 80, 80)  # where noise is the most for LPIPS
WORDS = ["edit", "of", "picture", "held", "approved", "and", "each", "pixel", "outside", "stays"]


@dataclass(frozen=True)
class Change:
    """What may happen to a picture; ``must`` is the verdict that it has to get.

    ``at`` is where it has to: ``own`` size, ``photos own, all``: of photos at every size.
    """

    name: str
    make: Callable[[Array], Array]
    must: str = ""
    at: str = OWN


def levels(values: NDArray[np.float64]) -> Array:
    """Return values of 255 as an image."""
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def drawing() -> Image.Image:
    """Return a house, a tree and the sun on white, 640x480."""
    image = Image.new("RGB", (640, 480), "white")
    pen, line = ImageDraw.Draw(image), (30, 30, 30)
    pen.rectangle((40, 300, 260, 440), fill=(196, 64, 52), outline=line, width=3)
    pen.polygon([(30, 300), (150, 210), (270, 300)], fill=(120, 76, 48), outline=line)
    pen.ellipse((480, 40, 580, 140), fill=(240, 200, 60), outline=line, width=3)
    pen.ellipse((330, 260, 450, 380), fill=(92, 150, 88), outline=line, width=3)
    pen.rectangle((380, 370, 400, 440), fill=(110, 80, 60))
    for wire in range(8):
        pen.line((300, 60 + 12 * wire, 440, 50 + 14 * wire), fill=(70, 90, 160), width=2)
    pen.line((0, 440, 640, 440), fill=line, width=3)
    return image


def screenshot() -> Image.Image:
    """Return a window of text with a title bar, a menu and a button, 800x500."""
    image = Image.new("RGB", (800, 500), "white")
    pen, random = ImageDraw.Draw(image), np.random.default_rng(1)
    small, large = ImageFont.load_default(size=14), ImageFont.load_default(size=18)
    pen.rectangle((0, 0, 800, 40), fill=(58, 92, 140))
    pen.rectangle((0, 41, 180, 500), fill=(238, 240, 243))
    pen.text((14, 9), "Settings - Image editor", fill="white", font=large)
    for row, text in enumerate(("General", "Brushes", "Colours", "Export", "Keys", "About")):
        pen.text((20, 60 + 34 * row), text, fill=(70, 74, 80), font=small)
    for row in range(18):
        text = " ".join(random.choice(WORDS, 11))
        pen.text((204, 60 + 22 * row), text, fill=(34, 36, 40), font=small)
    pen.rounded_rectangle((204, 458, 310, 488), 6, fill=(46, 132, 84))
    pen.text((232, 464), "Apply", fill="white", font=small)
    return image


def product() -> Image.Image:
    """Return a shaded bottle, its cap and a ball on a studio backdrop, 640x640."""
    y, x = np.mgrid[:640, :640] / 640
    light = 0.93 - 0.15 * y - 0.06 * (2 * x - 1) ** 2
    image = light[..., None] * np.array([1, 0.99, 0.98])
    for left, top, wide, high, power, colour in (
        (0.42, 0.56, 0.14, 0.26, 4, (0.62, 0.22, 0.2)),
        (0.42, 0.25, 0.06, 0.06, 4, (0.3, 0.3, 0.34)),
        (0.72, 0.72, 0.11, 0.11, 2, (0.2, 0.42, 0.62)),
    ):
        across, along = (x - left) / wide, (y - top) / high
        inside = np.abs(across) ** power + np.abs(along) ** power
        cover = gaussian_filter((inside < 1).astype(np.float64), 0.7)[..., None]
        shade = 0.55 + 0.45 * np.clip(1 - (across + 0.4) ** 2 / 2, 0, 1) - 0.08 * along
        image = image * (1 - cover) + shade[..., None] * np.array(colour) * cover
    return Image.fromarray(levels(255 * image))


def pictures() -> dict[str, Image.Image]:
    """Return the pictures by name."""
    photos = {name: Image.fromarray(getattr(data, name)()) for name in PHOTOS}
    drawn = {"drawing": drawing(), "screenshot": screenshot(), "product": product()}
    return {**photos, **drawn, "grey": Image.new("RGB", (512, 512), GREY)}


def at_size(picture: Image.Image, size: int | str) -> Array:
    """Return a picture at a size: its longer edge in pixels, or its own."""
    if size == OWN:
        return np.asarray(picture)
    scale = int(size) / max(picture.size)
    wide, high = (max(1, round(edge * scale)) for edge in picture.size)
    return np.asarray(picture.resize((wide, high), Image.Resampling.LANCZOS))


def encoded(image: Array, form: str, **how: object) -> Array:
    """Return an image as a file brings it back."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, form, **how)
    return np.asarray(Image.open(stream).convert("RGB"))


def noise(sigma: float) -> Callable[[Array], Array]:
    """Return what adds noise of a sigma, other for each channel."""
    return lambda image: levels(image + np.random.default_rng(0).normal(0, sigma, image.shape))


def tone(*gains: float) -> Callable[[Array], Array]:
    """Return what multiplies the channels."""
    return lambda image: levels(image * np.array(gains))


def blur(sigma: float) -> Callable[[Array], Array]:
    """Return what blurs."""
    return lambda image: levels(gaussian_filter(image.astype(np.float64), (sigma, sigma, 0)))


def down(image: Array) -> Array:
    """Return an image whose content moved down by a pixel; the first row is there twice."""
    return np.concatenate([image[:1], image[:-1]])


def right(image: Array) -> Array:
    """Return an image whose content moved right by a pixel."""
    return down(image.swapaxes(0, 1)).swapaxes(0, 1)


def inverted(image: Array) -> Array:
    """Return an image in whose middle 32 px are inverted."""
    found = image.copy()
    top, left = ((edge - OBJECT) // 2 for edge in image.shape[:2])
    part = found[max(0, top) : max(0, top) + OBJECT, max(0, left) : max(0, left) + OBJECT]
    part[:] = 255 - part
    return found


def truncated(image: Array) -> Array:
    """Return what truncating gives instead of rounding: half of the values a level lower."""
    return levels(image - (np.random.default_rng(0).random(image.shape) < 0.5).astype(np.float64))


def one_level(image: Array) -> Array:
    """Return an image each value of which is a level higher, lower, or as it was."""
    return levels(image + np.random.default_rng(0).integers(-1, 2, image.shape))


CHANGES = (
    Change("brightness +2 %", tone(1.02, 1.02, 1.02), "fail", "every"),
    Change("brightness -2 %", tone(0.98, 0.98, 0.98), "fail", "every"),
    Change("cast, red +3 %, blue -3 %", tone(1.03, 1, 0.97), "fail", "every"),
    Change("cast, red -3 %, blue +3 %", tone(0.97, 1, 1.03), "fail", "every"),
    Change("shift, 1 px right", right, "fail"),
    Change("shift, 1 px down", down, "fail"),
    Change("JPEG 50", lambda image: encoded(image, "JPEG", quality=50), "fail"),
    Change("object of 32 px inverted", inverted, "fail"),
    Change("blur, sigma 1", blur(1), "fail"),
    Change("lossless WebP", lambda image: encoded(image, "WEBP", lossless=True), "pass", "every"),
    Change("truncated, not rounded", truncated, "pass", "every"),
    Change("a level up, down, or none", one_level, "pass", "every"),
    Change("all a level darker", lambda image: levels(image - 1.0), "pass", "every"),
    Change("noise, sigma 1", noise(1), "pass", "every"),
    Change("noise, sigma 2", noise(2)),
    Change("noise, sigma 4", noise(4)),
    Change("JPEG 95", lambda image: encoded(image, "JPEG", quality=95)),
    Change("brightness +1 %", tone(1.01, 1.01, 1.01)),
    Change("blur, sigma 0.7", blur(0.7)),
)


@dataclass(frozen=True)
class Score:
    """The comparator that is nearest to its bound, or farthest beyond, and its score / bound."""

    ratio: float
    comparator: str

    @property
    def fails(self) -> bool:
        """Whether it lies beyond."""
        return self.ratio > 1


def measured(pipe: LPIPSPipe, golden: Array, image: Array) -> Score:
    """Compare as ``golden_image.check`` does where nobody chose a comparator."""

    def lpips(one: Array, other: Array) -> tuple[Measurement, NDArray[np.float64]]:
        evidence = Evidence()
        measurement = pipe.measure(one, other, evidence=evidence)
        assert evidence.heat is not None
        return measurement, evidence.heat()

    everywhere = np.ones(golden.shape[:2], bool)
    found = []
    for one in DEFAULT:
        got = compare(one, golden, image, everywhere, lpips=lpips)
        whole, tile = built_in(one, DEFAULT)
        ratio = max(got.value / whole, got.tile.value / tile)
        found.append(Score(ratio, one))
    return max(found, key=lambda score: score.ratio)


def table(scores: dict[tuple[str, str, int | str], Score], sizes: list[int | str]) -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield f"| what | must | {' | '.join(map(str, sizes))} |"
    yield f"| --- | --- |{' --- |' * len(sizes)}"
    for change in CHANGES:
        cells = []
        for size in sizes:
            of = {
                picture: score
                for (picture, name, at), score in scores.items()
                if (name, at) == (change.name, size)
            }
            names = list(of)
            fails = [name for name in names if of[name].fails]
            right = change.must != "pass" and (change.must == "fail" or len(fails) * 2 > len(of))
            pick = min if right else max
            worst = pick(names, key=lambda name: of[name].ratio)
            count = f"{len(fails)} of {len(names)} fail" if right or fails else "all pass"
            if len(fails) == len(names):
                count = "all fail"
            missed = [name for name in names if not of[name].fails] if right else fails
            who = f": not {', '.join(missed)}" if right and missed and fails else ""
            nearest = f"{of[worst].ratio:.2f} {of[worst].comparator}, {worst}"
            cells.append(f"{count}{who} ({nearest})")
        must = {"": "-", OWN: "own size", "every": "every size"}[change.at if change.must else ""]
        yield f"| {change.name} | {f'{change.must}, {must}' if change.must else must} | " + (
            " | ".join(cells) + " |"
        )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", default=[OWN, *map(str, SIZES)])
    sizes: list[int | str] = [
        OWN if size == OWN else int(size) for size in parser.parse_args().sizes
    ]
    pipe = LPIPSPipe(device="cpu")
    scores: dict[tuple[str, str, int | str], Score] = {}
    wrong = []
    for name, picture in pictures().items():
        for size in sizes:
            golden = at_size(picture, size)
            for change in CHANGES:
                image = change.make(golden)
                if change.must != "pass" and np.array_equal(golden, image):
                    print(f"{change.name} leaves {name} at {size} as it is", file=sys.stderr)
                    continue
                score = measured(pipe, golden, image)
                scores[name, change.name, size] = score
                needed = change.at == "every" or size == OWN
                if change.must and needed and score.fails != (change.must == "fail"):
                    wrong.append(f"{change.name}, {name} at {size}: {score.ratio:.2f} of its bound")
    print("\n".join(table(scores, sizes)))
    for line in wrong:
        print(f"WRONG: {line}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
