"""Does ``suggest-region`` find what was edited? Made edits of 1 to 80 % of it, or pairs of yours.

    python benchmarks/suggested_regions.py
    python benchmarks/suggested_regions.py --everywhere   # nothing edited, all of it changed
    python benchmarks/suggested_regions.py --pairs pairs.json   # images with boxes drawn by hand

Made edits: the four photos, four kinds of edit, in a box, an ellipse or a blot, by three kinds of
model. *Composited* keeps every other pixel; *re-encoded* loses faint texture, shifts the tone by a
level or two and saves as JPEG 95; *generative* moves every pixel by some tenths, blurs, and draws
grain anew. What is compared is the mask, not grown, with the pixels that were edited, as
intersection over union (IoU). Exit status 1 if a mask falls below 0.8.

``--everywhere`` changes all of nine pictures, and no part of them otherwise: blur, JPEG, redraws,
tones, restyles. There every proposal is wrong; the table counts them by change.

``--pairs`` takes a JSON mapping of names to ``{"reference", "edited", "coords"}``, paths relative
to the file. There the boxes that the command prints by default are held to those of the file;
nothing is demanded of them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from expectations import every, textured
from made_faults import (
    FAULTS,
    RESTYLES,
    Case,
    as_by_a_vae,
    as_jpeg,
    eight_bit,
    erased,
    recoloured,
    wobbled,
)
from made_images import Array, photos
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.background.suggest import suggest_region
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.images.best_fit import brought_together
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.images.regions import Box, region_mask
from pytest_editmetrics.images.shapes import Region

SIDE = 640
SHARES = (0.01, 0.05, 0.2, 0.5, 0.8)
GOOD, GOOD_BOXES = 0.8, 0.7
DILATE = 4
"""By how many pixels the command grows a proposal unless it is told otherwise."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Made:
    """An edit whose pixels are known."""

    model: str
    edit: str
    shape: str
    share: float
    reference: Array
    edited: Array
    mask: Mask


@cache
def four_photos() -> list[Array]:
    """Return the four photos, the longer side 640."""
    return list(photos(SIDE).values())


def shape_of(name: str, size: tuple[int, int], share: float, random: np.random.Generator) -> Mask:
    """Return a shape that fills about ``share`` of the frame."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    if name == "blot":
        hills = gaussian_filter(random.normal(0, 1, size), 0.12 * min(size), mode="nearest")
        steep = 2.0 * np.hypot((x / width - 0.5), (y / height - 0.5))
        hills = hills / hills.std() - 3 * steep
        blot: Mask = hills > np.quantile(hills, 1 - share)
        return blot
    across = 4 / np.pi if name == "ellipse" else 1.0
    edge = min(1.0, np.sqrt(share * across))
    other = min(1.0, share * across / edge)
    h, w = edge * height, other * width
    top, left = random.uniform(0, height - h), random.uniform(0, width - w)
    if name == "box":
        box: Mask = (y >= top) & (y < top + h) & (x >= left) & (x < left + w)
        return box
    away = ((y - top - h / 2) / (h / 2)) ** 2 + ((x - left - w / 2) / (w / 2)) ** 2
    ellipse: Mask = away <= 1
    return ellipse


def _another(photo: Array, number: int, random: np.random.Generator) -> Array:
    """Return the next photo in the size of this one, upside down: its objects lie elsewhere."""
    other = four_photos()[(number + 1) % 4]
    height, width = photo.shape[:2]
    return np.asarray(Image.fromarray(other[::-1]).resize((width, height)))


def _patterned(photo: Array, number: int, random: np.random.Generator) -> Array:
    """Return stripes of two colours with grain."""
    height, width = photo.shape[:2]
    y, x = np.mgrid[:height, :width]
    stripes = ((x + y) // 9 % 2)[..., None]
    one, other = random.integers(30, 226, (2, 3))
    return eight_bit(np.where(stripes, one, other) + random.normal(0, 6, photo.shape))


EDITS: dict[str, Callable[[Array, int, np.random.Generator], Array]] = {
    "replaced": _another,
    "patterned": _patterned,
    "erased": lambda photo, _, random: erased(photo, random),
    "recoloured": lambda photo, _, random: recoloured(photo, random),
}


def _reencoded(image: Array, seed: int) -> Array:
    toned = image * np.array([1.01, 1.0, 0.985]) + 1
    return as_jpeg(as_by_a_vae(eight_bit(toned), 0.8), 95)


def _generative(image: Array, seed: int) -> Array:
    moved = wobbled(image, 0.3, seed).astype(float)
    grain = np.random.default_rng(seed).normal(0, 1, image.shape[:2])
    grain = gaussian_filter(grain, 0.8)
    soft = gaussian_filter(moved, (0.7, 0.7, 0)) * 1.02 - 2
    return eight_bit(soft + (3 * grain / grain.std())[..., None])


MODELS: dict[str, Callable[[Array, int], Array]] = {
    "composited": lambda image, _: image,
    "re-encoded": _reencoded,
    "generative": _generative,
}


def made_edits(shares: tuple[float, ...] = SHARES) -> Iterator[Made]:
    """Yield every edit."""
    seed = 0
    for number, photo in enumerate(four_photos()):
        for share in shares:
            for edit, make in EDITS.items():
                seed += 1
                shape = ("box", "ellipse", "blot")[seed % 3]
                random = np.random.default_rng(seed)
                mask = shape_of(shape, photo.shape[:2], share, random)
                clean = np.where(mask[..., None], make(photo, number, random), photo)
                for model, write in MODELS.items():
                    edited = write(clean, seed)
                    yield Made(model, edit, shape, share, photo, edited, mask)


def everywhere() -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """Yield what changes all of a picture, by name."""
    for kind in ("brightness", "cast", "JPEG", "blur", "VAE-like", "redrawn texture"):
        fault = FAULTS[kind]
        for strength in fault.strengths:
            yield (
                f"{kind} {strength:g} {fault.unit}",
                lambda image, fault=fault, strength=strength: fault.make(
                    Case("", image, image, (0, 0, 1, 1)), strength
                ),
            )
    yield "fine texture made anew", lambda image: textured(image, 1)
    yield "wobbled, fine texture made anew", lambda image: textured(wobbled(image, 0.3, 1), 1)
    yield "wobbled, smoothed", lambda image: as_by_a_vae(wobbled(image, 0.3, 1), 2)
    for style, change in RESTYLES.items():
        yield f"restyle: {style}", change


def everywhere_table() -> None:
    """Print for each change of all of a picture in which pictures a region is proposed."""
    print("| all of it | pictures | a region is proposed |")
    print("| --- | --- | --- |")
    count = proposals = 0
    for what, change in everywhere():
        proposed = []
        for name, picture in every().items():
            count += 1
            try:
                found = suggest_region(picture, change(picture))
                proposed.append(f"{name} ({100 * found.mask.mean():.1f} %)")
            except EditMetricsError:
                pass
        proposals += len(proposed)
        print(f"| {what} | {len(every())} | {', '.join(proposed) or 'none'} |", flush=True)
    print(f"\n{proposals} of {count}")


def iou(one: Mask, other: Mask) -> float:
    """Return intersection over union."""
    return float((one & other).sum() / max(1, (one | other).sum()))


def made_table() -> bool:
    """Print what became of the made edits; return whether all are good."""
    found: dict[tuple[str, float], list[float]] = {}
    refused: list[str] = []
    for made in made_edits():
        row = found.setdefault((made.model, made.share), [])
        what = f"{made.model}, {100 * made.share:g} %, {made.shape}, {made.edit}"
        try:
            row.append(iou(suggest_region(made.reference, made.edited).mask, made.mask))
        except EditMetricsError as error:
            row.append(0.0)
            refused.append(f"{what}: {error}")
        if row[-1] < GOOD:
            print(f"below {GOOD}: {row[-1]:.2f} {what}", file=sys.stderr)
    print("| model | edited | edits | IoU of the mask: least | median | 0.8 or better |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (model, share), values in sorted(found.items()):
        good = sum(value >= GOOD for value in values)
        print(
            f"| {model} | {100 * share:g} % | {len(values)} | {min(values):.2f} |"
            f" {np.median(values):.2f} | {good} |"
        )
    print(*refused, sep="\n")
    return all(value >= GOOD for values in found.values() for value in values)


def boxes_mask(boxes: tuple[Box, ...], size: tuple[int, int]) -> Mask:
    """Return the pixels of boxes."""
    return region_mask(Region(boxes=boxes), "inner", *size)


def pairs_table(path: Path) -> None:
    """Print how the boxes proposed for given pairs lie to those of the file."""
    print("| pair | size | boxes cover | IoU of the boxes | boxes |")
    print("| --- | --- | --- | --- | --- |")
    values = []
    for name, pair in json.loads(path.read_text(encoding="utf-8")).items():
        if not pair.get("coords"):
            continue
        before, after = (load_image(path.parent / pair[which]) for which in ("reference", "edited"))
        size = before.shape[:2]
        unlike = before.shape != after.shape
        fit = brought_together(before, after, *(("reference", "any") if unlike else (None, None)))
        if fit is not None:
            before, after = fit.pictures(before, after)
        truth = boxes_mask(tuple(map(tuple, pair["coords"])), size)
        try:
            proposed = suggest_region(before, after, DILATE, fit).boxes
            values.append(iou(boxes_mask(proposed, size), truth))
            said = f"{len(proposed)}"
        except EditMetricsError as error:
            values.append(0.0)
            said = f"refused: {error}"
        print(
            f"| {name} | {size[1]}x{size[0]} | {100 * truth.mean():.0f} % | {values[-1]:.2f} |"
            f" {said} |"
        )
    good = sum(value >= GOOD_BOXES for value in values)
    print(f"\n{good} of {len(values)} at {GOOD_BOXES} or better")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=Path, metavar="JSON", help="pairs with boxes, instead")
    parser.add_argument("--everywhere", action="store_true", help="nothing edited, instead")
    args = parser.parse_args()
    if args.everywhere:
        everywhere_table()
        return 0
    if args.pairs is not None:
        pairs_table(args.pairs)
        return 0
    return 0 if made_table() else 1


if __name__ == "__main__":
    sys.exit(main())
