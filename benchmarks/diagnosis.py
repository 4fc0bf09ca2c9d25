"""Which faults the default gates catch, and whether the diagnosis names them.

    python benchmarks/diagnosis.py [PAIRS]

Six faulty models, on four photos with three edits each, are held to the bounds of
``expect="composited"`` and of ``expect="reencoded"``. A fault is caught if a gate fails and named
if the first cause of a failing gate is the right one. Then 100 clean composited edits of random
boxes and contents, of which none may fail. With PAIRS, a folder with ``pairs.json`` and the images
it lists, a table of those pairs follows. Exit status 1 if ``composited`` misses or misnames a fault
or fails a clean edit.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from images import PHOTOS, Array, Box
from PIL import Image

from pytest_editmetrics.background.diagnosis import diagnose
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.images.load import load_pair
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.pipes.registry import PipeRegistry

SIZE = 512
CLEAN = 100
MODES: tuple[Expect, ...] = ("composited", "reencoded")


@dataclass(frozen=True)
class Case:
    """A photo, what a clean model makes of it, and the box it was to edit."""

    name: str
    reference: Array
    edited: Array
    box: Box


def photos() -> dict[str, Array]:
    """Return the four photos, the longer side 512 px."""
    found = {}
    for path in sorted(PHOTOS.glob("*.png")):
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((SIZE, SIZE), Image.Resampling.LANCZOS)
        found[path.stem] = np.asarray(picture)
    return found


def erased(part: Array, random: np.random.Generator) -> Array:
    """Fill with the mean colour, a little noise on it."""
    mean = part.reshape(-1, 3).mean(axis=0)
    return (mean + random.normal(0, 3, part.shape)).clip(0, 255).round().astype(np.uint8)


def recoloured(part: Array, random: np.random.Generator) -> Array:
    """Exchange the channels and darken."""
    return (part[..., [2, 0, 1]] * 0.8).round().astype(np.uint8)


def replaced(part: Array, random: np.random.Generator) -> Array:
    """Put a disk of another colour into it."""
    height, width = part.shape[:2]
    y, x = np.mgrid[:height, :width]
    disk = ((x - width / 2) / width) ** 2 + ((y - height / 2) / height) ** 2 < 0.2
    made = part.copy()
    made[disk] = random.integers(40, 216, 3)
    return made


EDITS = {"erased": erased, "recoloured": recoloured, "replaced": replaced}


def composite(reference: Array, box: Box, edit: Callable[..., Array], seed: int) -> Array:
    """Return the reference with its box edited."""
    x1, y1, x2, y2 = box
    made = reference.copy()
    made[y1:y2, x1:x2] = edit(reference[y1:y2, x1:x2], np.random.default_rng(seed))
    return made


def cases() -> list[Case]:
    """Return four photos x three edits, each with a box of its own."""
    found = []
    for number, (photo, reference) in enumerate(photos().items()):
        height, width = reference.shape[:2]
        for turn, (name, edit) in enumerate(EDITS.items()):
            random = np.random.default_rng(10 * number + turn)
            w, h = int(width * random.uniform(0.25, 0.4)), int(height * random.uniform(0.25, 0.4))
            x, y = (
                int(random.integers(30, width - w - 30)),
                int(random.integers(30, height - h - 30)),
            )
            box = (x, y, x + w, y + h)
            made = composite(reference, box, edit, turn)
            found.append(Case(f"{photo} {name}", reference, made, box))
    return found


def shifted(case: Case) -> Array:
    """Return the edited image two pixels further right."""
    return np.concatenate([case.edited[:, :1]] * 2 + [case.edited[:, :-2]], axis=1)


def as_jpeg(case: Case) -> Array:
    """Return the edited image through JPEG of quality 40."""
    file = io.BytesIO()
    Image.fromarray(case.edited).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def tinted(case: Case) -> Array:
    """Return the edited image with 3 % more red and 3 % less blue."""
    return (case.edited * np.array([1.03, 1.0, 0.97])).clip(0, 255).round().astype(np.uint8)


def spilled(case: Case) -> Array:
    """Return an edit that goes 24 px beyond its box on every side."""
    height, width = case.reference.shape[:2]
    x1, y1, x2, y2 = case.box
    wide = (max(0, x1 - 24), max(0, y1 - 24), min(width, x2 + 24), min(height, y2 + 24))
    edit = EDITS[case.name.split()[-1]]
    return composite(case.reference, wide, edit, 7)


def cropped(case: Case) -> Array:
    """Return the edited image cropped by 1 % and resized to its size again."""
    height, width = case.edited.shape[:2]
    dx, dy = width * 0.005, height * 0.005
    picture = Image.fromarray(case.edited)
    box = (dx, dy, width - dx, height - dy)
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC, box=box))


MODELS: dict[str, tuple[Callable[[Case], Array], tuple[str, ...]]] = {
    "no edit": (lambda case: case.reference.copy(), ("no-edit",)),
    "shift by 2 px": (shifted, ("shift",)),
    "JPEG 40": (as_jpeg, ("re-encoding",)),
    "tint of 3 %": (tinted, ("colour",)),
    "spill of 24 px": (spilled, ("spill",)),
    "crop and resize by 1 %": (cropped, ("zoom",)),
}


class Gates:
    """The default gates of an expectation."""

    def __init__(self) -> None:
        self._registry = PipeRegistry()
        self._pipes = {
            key: self._registry.create(key, {})
            for key in ("lpips-pipe", "pixels-pipe", "drift-pipe")
        }

    def failing(self, expect: Expect, reference: Array, edited: Array, box: Box) -> list[str]:
        """Return the metrics that lie outside their bounds; one that is not measured is none."""
        failing = []
        for name in EXPECTATIONS[expect].metrics:
            metric = self._registry.metric(name)
            pipe = self._pipes[self._registry.pipe_of(name).key]
            mode = "inner" if metric.scope == "edit_area" else "outer"
            value = pipe(reference, edited, [box], mode, metric=name)
            bound = EXPECTATIONS[expect].default(metric, expect)
            assert bound is not None
            if value is not None and not bound.holds(value):
                failing.append(name)
        return failing


def named(failing: list[str], reference: Array, edited: Array, box: Box) -> str:
    """Return the first cause of what fails."""
    if failing == ["edit_lpips"]:
        return "no-edit"
    mask = region_mask([box], "outer", *reference.shape[:2])
    causes = diagnose(reference, edited, mask).causes
    return causes[0].kind if causes else "nothing"


def faults(gates: Gates) -> bool:
    """Print the table of faults; return whether ``composited`` caught and named all."""
    suite = cases()
    good = True
    print(f"{len(suite)} edits each ({len(photos())} photos x {len(EDITS)} edits)\n")
    print("| model | name | composited: caught | named | reencoded: caught | named | misnamed |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for model, (make, right) in MODELS.items():
        cells, misses = [], []
        for mode in MODES:
            caught = well = 0
            for case in suite:
                edited = make(case)
                failing = gates.failing(mode, case.reference, edited, case.box)
                if not failing:
                    continue
                caught += 1
                name = named(failing, case.reference, edited, case.box)
                well += name in right
                if name not in right:
                    misses.append(f"{case.name}: {name}")
            cells += [f"{caught} of {len(suite)}", f"{well} of {caught}"]
            if mode == "composited":
                good = good and caught == well == len(suite)
        listed = "; ".join(dict.fromkeys(misses))
        print(f"| {model} | {right[0]} | {' | '.join(cells)} | {listed} |", flush=True)
    return good


def false_alarms(gates: Gates) -> int:
    """Print and return how many clean composited edits fail."""
    pictures = list(photos().values())
    alarms = []
    for number in range(CLEAN):
        random = np.random.default_rng(1000 + number)
        reference = pictures[number % len(pictures)]
        height, width = reference.shape[:2]
        w, h = int(random.integers(32, width // 2)), int(random.integers(32, height // 2))
        x, y = int(random.integers(0, width - w + 1)), int(random.integers(0, height - h + 1))
        box = (x, y, x + w, y + h)
        edit = list(EDITS.values())[int(random.integers(len(EDITS)))]
        edited = composite(reference, box, edit, number)
        if failing := gates.failing("composited", reference, edited, box):
            alarms.append(f"{number} {box}: {', '.join(failing)}")
    print(f"\n{CLEAN} clean composited edits: {len(alarms)} fail")
    for alarm in alarms:
        print(f"  {alarm}")
    return len(alarms)


def real_pairs(folder: Path) -> None:
    """Print what the diagnosis says of real pairs."""
    print("\n| pair | size | drift_px (dx, dy) | zoom | tiles measured | diagnosis |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, pair in json.loads((folder / "pairs.json").read_text(encoding="utf-8")).items():
        before, after = load_pair(folder / pair["reference"], folder / pair["edited"])
        height, width = before.shape[:2]
        mask = region_mask(pair["coords"], "outer", height, width)
        found = diagnose(before, after, mask)
        drift = found.drift
        shift = "not measured"
        zoom = ""
        if drift.motion is not None:
            dx, dy = drift.median
            shift = f"{np.hypot(dx, dy):.2f} ({dx:+.2f}, {dy:+.2f})"
            zoom = f"{drift.motion.zoom:.4f}"
        tiles = f"{len(drift.measured)} of {len(drift.tiles)}"
        print(
            f"| {name} | {width}x{height} | {shift} | {zoom} | {tiles} | {found.text} |", flush=True
        )


def main() -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", nargs="?", type=Path, help="a folder with pairs.json")
    args = parser.parse_args()
    gates = Gates()
    good = faults(gates)
    good = false_alarms(gates) == 0 and good
    if args.pairs is not None:
        real_pairs(args.pairs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
