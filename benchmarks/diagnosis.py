"""Which faults the default gates catch, whether the diagnosis names them, and false alarms.

    python benchmarks/diagnosis.py [PAIRS] [--only faults,alarms,pairs]

Faults of known strength are put into edits of four photos, a studio backdrop and a drawing, and
held to the bounds of each ``expect``. A fault is caught if a gate fails and named if the first
cause is the right one; where one is caught and a stronger one is not, that is said. Then clean
edits, 200 for each ``expect``, and 60 restyles under ``generative``: how many fail by a gate of
motion, or are said to have moved. With PAIRS, a folder with ``pairs.json`` and the images it lists,
a row for each follows: what a person says of its background, what the diagnosis says, and whether
the first cause is right, half (another is) or wrong. Exit status 1 if ``composited`` misses a
fault, or if more than 1 in 200 of what is clean is a false alarm.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from made_faults import (
    FAULTS,
    MOVED,
    RESTYLES,
    Case,
    as_by_a_vae,
    as_jpeg,
    case_of,
    eight_bit,
    pictures,
    wobbled,
)
from made_images import Array, Box

from pytest_editmetrics.background.diagnosis import Diagnosis, diagnose
from pytest_editmetrics.background.drift import Drift
from pytest_editmetrics.config.expect import EXPECTATIONS, Expect
from pytest_editmetrics.images.load import load_pair
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.explain import Evidence
from pytest_editmetrics.pipes.registry import PipeRegistry

CLEAN = 200
MODES: tuple[Expect, ...] = tuple(EXPECTATIONS)
MOTION = ("drift_px", "warp_px", "moved_share")
SAID_TO_MOVE = (*MOVED, "mirrored", "moved-part")
OF_PHOTOS = (
    "another picture", "brightness", "cast", "contrast", "channels exchanged", "colours lost",
)  # fmt: skip
# what a person says of a background, and the causes that say the same
TRUTH = {
    "untouched": ("nothing", "almost-nothing"),
    "re-encoded": ("re-encoding", "jpeg", "blur"),
    "regenerated": ("redrawn",),
    "shifted": ("shift", "moved-part"),
    "zoomed": ("zoom", "stretch"),
    "colour": ("colour", "exposure", "contrast"),
    "spilled": ("spill", "seam", "moved-part"),
    "resolution": ("blur", "resampled"),
}


class Gates:
    """The default gates of the expectations."""

    def __init__(self) -> None:
        self._registry = PipeRegistry()
        self._pipes = {
            key: self._registry.create(key, {})
            for key in ("lpips-pipe", "pixels-pipe", "drift-pipe")
        }

    def measured(
        self, names: Iterable[str], reference: Array, edited: Array, region: Box | Sequence[Box]
    ) -> tuple[dict[str, Measurement], Drift | None]:
        """Measure metrics of a pair; return what was found of its motion on the way."""
        found, evidence = {}, Evidence()
        boxes = [region] if isinstance(region, tuple) else region
        for name in names:
            metric = self._registry.metric(name)
            pipe = self._pipes[self._registry.pipe_of(name).key]
            mode = "inner" if metric.scope == "edit_area" else "outer"
            found[name] = pipe.measure(
                reference, edited, boxes, mode, metric=name, evidence=evidence
            )
        return found, evidence.drift

    def failing(self, expect: Expect, found: Mapping[str, Measurement]) -> list[str]:
        """Return the metrics of an expectation that fail, of those that were measured."""
        failing, of = [], EXPECTATIONS[expect]
        for name in of.metrics:
            if name not in found:
                continue
            bound = of.default(self._registry.metric(name), expect)
            if bound is None:
                continue
            value, soft = found[name].value, found[name].soft_failure
            lost = soft is not None and soft.reason in of.fatal_of(name)
            if lost or (value is not None and not bound.holds(value)):
                failing.append(name)
        return failing


ALL = tuple(dict.fromkeys(name for of in EXPECTATIONS.values() for name in of.metrics))


def first(found: Diagnosis) -> str:
    """Return the kind of the first cause."""
    return found.causes[0].kind if found.causes else "nothing"


def faults(gates: Gates) -> bool:
    """Print the table of faults; return whether ``composited`` caught all."""
    every = list(pictures().items())
    heads = " | ".join(f"{mode}: caught, named" for mode in MODES)
    print(f"| fault | strength | {heads} | misnamed |")
    print(f"| --- | --- |{' --- |' * len(MODES)} --- |")
    missed, back = [], []
    for kind, fault in FAULTS.items():
        caught_before: dict[str, set[str]] = {mode: set() for mode in MODES}
        for strength in fault.strengths:
            caught, named = Counter[str](), Counter[str]()
            wrong: Counter[str] = Counter()
            of_kind = every[:4] if kind in OF_PHOTOS else every
            for number, (picture, reference) in enumerate(of_kind):
                case = case_of(picture, reference, number)
                edited = fault.make(case, strength)
                found, drift = gates.measured(ALL, reference, edited, case.box)
                failing = {mode: gates.failing(mode, found) for mode in MODES}
                if any(failing.values()):
                    mask = region_mask([case.box], "outer", *reference.shape[:2])
                    said = first(diagnose(reference, edited, mask, drift))
                    if kind == "no edit":
                        said = "no-edit" if said == "nothing" else said
                    if said not in fault.names:
                        wrong[f"{picture}: {said}"] += 1
                for mode in MODES:
                    if failing[mode]:
                        caught[mode] += 1
                        named[mode] += said in fault.names
                        caught_before[mode].add(picture)
                    elif picture in caught_before[mode]:
                        back.append(f"{mode}: {kind} of {strength:g} {fault.unit}, {picture}")
            if caught["composited"] < len(of_kind):
                missed.append(f"{kind} {strength:g}")
            cells = " | ".join(f"{caught[mode]} of {len(of_kind)}, {named[mode]}" for mode in MODES)
            text = f"{strength:g} {fault.unit}".strip() if len(fault.strengths) > 1 else ""
            print(f"| {kind} | {text} | {cells} | {'; '.join(wrong)} |", flush=True)
    print(f"\nmissed by composited: {', '.join(missed) or 'none'}")
    print(f"caught at one strength and not at a larger one: {'; '.join(back) or 'none'}")
    return not missed


def clean(expect: Expect) -> Iterator[Case]:
    """Give clean edits under an expectation."""
    every = list(pictures().items())
    for number in range(CLEAN):
        random = np.random.default_rng(1000 + number)
        picture, reference = every[number % len(every)]
        case = case_of(picture, reference, 1000 + number, least=0.1)
        edited = case.edited
        if expect == "composited-jpeg":
            edited = as_jpeg(edited, float(random.integers(85, 97)))
        elif expect == "reencoded":
            edited = as_by_a_vae(edited, float(random.uniform(0.6, 1.4)))
            edited = eight_bit(edited * random.uniform(0.99, 1.01, 3) + random.normal(0, 1, 3))
            if number % 2:
                edited = as_jpeg(edited, float(random.integers(75, 97)))
        elif expect == "generative":
            edited = wobbled(edited, float(random.uniform(0, 0.35)), number)
            edited = as_by_a_vae(edited, float(random.uniform(1, 2.5)))
            edited = eight_bit(edited * random.uniform(0.93, 1.07, 3))
        yield Case(case.name, reference, edited, case.box)


def false_alarms(gates: Gates) -> bool:
    """Print how much of what is clean fails by motion, or is said to have moved."""
    good = True
    groups: list[tuple[str, Expect, Iterable[Case]]] = [
        (f"{CLEAN} clean edits, {mode}", mode, clean(mode)) for mode in MODES
    ]
    restyled = [
        Case(f"{picture} {style}", reference, change(case.edited), case.box)
        for picture, reference in pictures().items()
        for case in [case_of(picture, reference, 5)]
        for style, change in RESTYLES.items()
    ]
    groups.append((f"{len(restyled)} restyles, generative", "generative", restyled))
    print()
    for title, mode, cases in groups:
        failed, said = [], []
        for case in cases:
            found, drift = gates.measured(MOTION, case.reference, case.edited, case.box)
            if mode == "composited":
                pixels, _ = gates.measured(
                    ("unedit_max_diff",), case.reference, case.edited, case.box
                )
                found.update(pixels)
            if failing := gates.failing(mode, found):
                values = [f"{name} {found[name].value}" for name in failing]
                failed.append(f"{case.name} {case.box}: {', '.join(values)}")
            mask = region_mask([case.box], "outer", *case.reference.shape[:2])
            cause = first(diagnose(case.reference, case.edited, mask, drift))
            if cause in SAID_TO_MOVE:
                said.append(f"{case.name} {case.box}: {cause}")
        print(f"{title}: {len(failed)} fail, {len(said)} said to have moved", flush=True)
        for alarm in (*failed, *said):
            print(f"  {alarm}")
        good = good and len(failed) <= 1 and len(said) <= 1
    return good


def verdict(background: Mapping[str, Any], found: Diagnosis) -> str:
    """Return whether the first cause is what a person says, half if another is."""
    right = {kind for word in background for kind in TRUTH.get(word, ())}
    kinds = [cause.kind for cause in found.causes] or ["nothing"]
    if kinds[0] in right:
        return "right"
    return "half" if right & set(kinds) else "wrong"


def real_pairs(folder: Path) -> None:
    """Print what the diagnosis says of real pairs, beside what a person says."""
    print("\n| pair | size | drift_px | warp_px | truth | diagnosis | |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    counts: Counter[str] = Counter()
    for name, pair in json.loads((folder / "pairs.json").read_text(encoding="utf-8")).items():
        before, after = load_pair(folder / pair["reference"], folder / pair["edited"], "reference")
        height, width = before.shape[:2]
        found = diagnose(before, after, region_mask(pair["coords"], "outer", height, width))
        drift = found.drift
        numbers = "not measured | "
        if drift.motion is not None:
            numbers = f"{np.hypot(*drift.median):.2f} | {drift.warp_px:.2f}"
        truth = pair.get("background")
        judged = "" if truth is None else verdict(truth, found)
        counts[judged] += bool(judged)
        words = "" if truth is None else ", ".join(truth)
        print(
            f"| {name} | {width}x{height} | {numbers} | {words} | {found.text} | {judged} |",
            flush=True,
        )
    if any(counts.values()):
        print(f"\n{', '.join(f'{counts[k]} {k}' for k in ('right', 'half', 'wrong'))}")


def main() -> int:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pairs", nargs="?", type=Path, help="a folder with pairs.json")
    parser.add_argument("--only", default="faults,alarms,pairs", help="tables to print")
    args = parser.parse_args()
    asked = args.only.split(",")
    gates, good = Gates(), True
    if "faults" in asked:
        good = faults(gates)
    if "alarms" in asked:
        good = false_alarms(gates) and good
    if args.pairs is not None and "pairs" in asked:
        real_pairs(args.pairs)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
