"""Which resize mode fits what models do with sizes, and which one the error proposes.

    python benchmarks/sizes.py

Twenty edits of the four photos, each as a model returns it: stretched, cut or padded to a multiple
of 8, 16 or 64 px, to a square, or to a working area of about a megapixel, as diffusers' and
ComfyUI's nodes and pipelines do, with Pillow's Lanczos filter, and encoded anew. The table gives
PSNR outside the edit area at full size under each mode, and the mode that the error for unlike
sizes names from small copies, told the edit area or not. Exit status 1 if it names another mode
than the model's, or one that fits as well, more than once in twenty.
"""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from made_images import PHOTOS, Array, Box, edit_all
from PIL import Image, ImageOps

from pytest_editmetrics.images.best_fit import ALIKE, fits
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.images.resize_modes import RESIZES, Resize
from pytest_editmetrics.pipes.pixels import PixelPipe

MEGAPIXEL = 1024 * 1024
GRAIN = 2.0  # of 255, standard deviation: what a camera adds and no model keeps
_LANCZOS = Image.Resampling.LANCZOS

Model = Callable[[Image.Image], Image.Image]


def stretched(width: int, height: int) -> Model:
    """Return a model that stretches to one size."""
    return lambda image: image.resize((width, height), _LANCZOS)


def rounded(multiple: int) -> Model:
    """Return a model that stretches to sides rounded down to a multiple, as diffusers does."""

    def model(image: Image.Image) -> Image.Image:
        width, height = (side - side % multiple for side in image.size)
        return image.resize((width, height), _LANCZOS)

    return model


def area(pixels: int, multiple: int) -> Model:
    """Return a model that keeps the aspect and works on a fixed area, as Kontext and Qwen do."""

    def model(image: Image.Image) -> Image.Image:
        ratio = image.width / image.height
        width = math.sqrt(pixels * ratio)
        sides = (round(side / multiple) * multiple for side in (width, width / ratio))
        return image.resize(tuple(sides), _LANCZOS)  # type: ignore[arg-type]

    return model


def cut(multiple: int, *, centred: bool) -> Model:
    """Return a model that cuts what is beyond a multiple, around the middle or at the end."""

    def model(image: Image.Image) -> Image.Image:
        width, height = (side - side % multiple for side in image.size)
        left = (image.width - width) // 2 if centred else 0
        top = (image.height - height) // 2 if centred else 0
        return image.crop((left, top, left + width, top + height))

    return model


def padded(multiple: int) -> Model:
    """Return a model that mirrors pixels at the right and below up to a multiple."""

    def model(image: Image.Image) -> Image.Image:
        right, below = -image.width % multiple, -image.height % multiple
        mirrored = np.pad(np.asarray(image), ((0, below), (0, right), (0, 0)), "reflect")
        return Image.fromarray(mirrored)

    return model


def square(edge: int, how: str) -> Model:
    """Return a model that works on a square: ``fit``, ``top-left``, ``letterbox``."""

    def model(image: Image.Image) -> Image.Image:
        if how == "fit":
            return ImageOps.fit(image, (edge, edge), _LANCZOS)
        if how == "letterbox":
            return ImageOps.pad(image, (edge, edge), _LANCZOS, color=(0, 0, 0))
        side = min(image.size)
        return image.crop((0, 0, side, side)).resize((edge, edge), _LANCZOS)

    return model


@dataclass(frozen=True)
class Pair:
    """What one model makes of one photo: (width, height) to cut the photo to, and how often larger.

    ``mode`` is what the model does.
    """

    photo: str
    size: tuple[int, int]
    larger: int
    what: str
    mode: Resize
    model: Model


_WIDE, _SQUARE = (477, 317), (445, 443)
PAIRS = (
    Pair("coffee", _WIDE, 1, "stretched to a multiple of 8", "edited", rounded(8)),
    Pair("rocket", _WIDE, 1, "stretched to a multiple of 16", "edited", rounded(16)),
    Pair("cat", (383, 251), 1, "stretched to a multiple of 64", "edited", rounded(64)),
    Pair(
        "astronaut",
        _SQUARE,
        1,
        "cut to a multiple of 8, middle",
        "crop-center",
        cut(8, centred=True),
    ),
    Pair(
        "coffee", _WIDE, 1, "cut to a multiple of 16, middle", "crop-center", cut(16, centred=True)
    ),
    Pair("rocket", _WIDE, 1, "cut to a multiple of 8, end", "crop-top-left", cut(8, centred=False)),
    Pair(
        "cat",
        (383, 251),
        1,
        "cut to a multiple of 64, end",
        "crop-top-left",
        cut(64, centred=False),
    ),
    Pair("astronaut", _SQUARE, 1, "padded to a multiple of 16", "pad", padded(16)),
    Pair("coffee", _WIDE, 1, "padded to a multiple of 64", "pad", padded(64)),
    Pair("rocket", _WIDE, 2, "square 512, ImageOps.fit", "crop-center", square(512, "fit")),
    Pair("cat", (384, 256), 1, "square 256, ImageOps.fit", "crop-center", square(256, "fit")),
    Pair("coffee", _WIDE, 2, "square 512, letterbox", "pad", square(512, "letterbox")),
    Pair("cat", (380, 250), 2, "square 512, letterbox", "pad", square(512, "letterbox")),
    Pair("rocket", _WIDE, 2, "square 512, stretched", "edited", stretched(512, 512)),
    Pair("coffee", _WIDE, 2, "square 512, top left", "crop-top-left", square(512, "top-left")),
    Pair("astronaut", _SQUARE, 3, "1 megapixel, multiple of 16", "edited", area(MEGAPIXEL, 16)),
    Pair("coffee", _WIDE, 4, "1 megapixel, multiple of 32", "edited", area(MEGAPIXEL, 32)),
    Pair("rocket", _WIDE, 4, "1 megapixel, multiple of 64", "edited", area(MEGAPIXEL, 64)),
    Pair("cat", (383, 251), 5, "1 megapixel, multiple of 8", "edited", area(MEGAPIXEL, 8)),
    Pair("cat", (383, 251), 1, "1 megapixel, multiple of 32", "edited", area(MEGAPIXEL, 32)),
)


def made(pair: Pair, number: int) -> tuple[Array, Array, Box]:
    """Return reference, edited image and edit area (in the reference) of a pair."""
    random = np.random.default_rng(number)
    photo = Image.open(PHOTOS / f"{pair.photo}.png").convert("RGB").crop((0, 0, *pair.size))
    if pair.larger > 1:
        size = (pair.size[0] * pair.larger, pair.size[1] * pair.larger)
        photo = photo.resize(size, Image.Resampling.BICUBIC)
    grain = random.normal(0, GRAIN, (photo.height, photo.width, 3))
    reference = np.clip(np.asarray(photo) + grain, 0, 255).round().astype(np.uint8)
    width, height = photo.size
    box = (int(0.35 * width), int(0.3 * height), int(0.65 * width), int(0.7 * height))
    edited = pair.model(Image.fromarray(edit_all(reference, [box], random)))
    file = io.BytesIO()
    edited.save(file, "JPEG", quality=92, subsampling=0)
    return reference, np.asarray(Image.open(file)), box


def main() -> int:
    """Print the table."""
    pipe = PixelPipe()
    wrong = {"told": 0, "untold": 0}
    print(f"| photo | the model | reference to edited | {' | '.join(RESIZES)} | proposed |")
    print(f"| --- | --- | --- |{' ---: |' * len(RESIZES)} --- |")
    for number, pair in enumerate(PAIRS):
        reference, edited, box = made(pair, number)
        psnr = {}
        for mode in RESIZES:
            psnr[mode] = pipe.measure(
                reference, edited, [box], "outer", "unedit_psnr", resize=mode, aspect="any"
            ).value
        inside = region_mask([box], "inner", *reference.shape[:2])
        proposed = fits(reference, edited, inside)[0].fit.resize
        blind = fits(reference, edited)[0].fit.resize
        for which, named in (("told", proposed), ("untold", blind)):
            wrong[which] += psnr[named] < psnr[pair.mode] - ALIKE
        shown = (
            f"**{value:.1f}**" if mode == pair.mode else f"{value:.1f}"
            for mode, value in psnr.items()
        )
        sizes = f"{reference.shape[1]}x{reference.shape[0]} to {edited.shape[1]}x{edited.shape[0]}"
        also = "" if blind == proposed else f" (untold: {blind})"
        print(
            f"| {pair.photo} | {pair.what} | {sizes} | {' | '.join(shown)} | `{proposed}`{also} |",
            flush=True,
        )
    count = len(PAIRS)
    print(
        f"\nThe proposed mode is the model's, or fits as well: {count - wrong['told']} of {count};"
        f" where the edit area is not known, {count - wrong['untold']} of {count}."
    )
    return int(max(wrong.values()) > 1)


if __name__ == "__main__":
    sys.exit(main())
