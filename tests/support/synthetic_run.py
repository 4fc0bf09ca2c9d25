"""Run directories made up for tests and benchmarks: real photos, edits of them, every verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir

PHOTOS = Path(__file__).parents[2] / "fixtures" / "demo" / "images"
BOXES = {
    "astronaut": (100.0, 290.0, 198.0, 392.0),
    "coffee": (56.0, 50.0, 390.0, 318.0),
    "rocket": (154.0, 150.0, 214.0, 320.0),
    "cat": (120.0, 60.0, 260.0, 220.0),
}
VERSIONS = {"pytest-editmetrics": "0.1.0", "pytest": "9.2.0", "torch": "2.15.0", "pot": None}
STARTED = "2031-05-06T07:08:09+00:00"
CLIP = {"name": "clip:openai/clip-vit-base-patch32", "sha256": "c" * 64, "smoke": False}
LPIPS = {"name": "lpips:alex", "sha256": "94bbe0919378" + "0" * 52, "smoke": False}
SAM = {"name": "sam:vit_b", "sha256": "5" * 64, "smoke": False}
CAUSES = (
    {"kind": "shift", "share": 0.88, "text": "background moved 1.00 px right"},
    {"kind": "jpeg", "share": 0.91, "text": "JPEG"},
    {"kind": "spill", "share": 0.95, "text": "a local change in (20, 20, 60, 60)"},
    {"kind": "tone", "share": 0.99, "text": "brighter by 3 of 255"},
)
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</script><svg onload=alert(3)>",
    "../../etc/passwd",
    "{{ 7 * 7 }} ${alert(4)}",
    "日本語 ünïcødé \u202eright to left\u202c",
    "long-" + "x" * 295,
)


class Pictures:
    """Draws edits of the demo's photos and saves what a run directory keeps of them."""

    def __init__(self, run_dir: RunDir, scale: float = 1.0):
        self._run_dir = run_dir
        self._random = np.random.default_rng(7)
        self._scale = scale
        self._photos = {name: self._photo(name) for name in BOXES}

    def _photo(self, name: str) -> np.ndarray:
        image = Image.open(PHOTOS / f"{name}.png").convert("RGB")
        size = (round(image.width * self._scale), round(image.height * self._scale))
        return np.asarray(image.resize(size))

    def box(self, name: str) -> tuple[float, ...]:
        return tuple(float(round(edge * self._scale)) for edge in BOXES[name])

    def region(self, name: str, *, objects: bool = False) -> dict[str, Any]:
        height, width = self._photos[name].shape[:2]
        box = self.box(name)
        moved = tuple(edge + 6 * self._scale for edge in box)
        return {
            "coords": [box],
            "ref_boxes": [box] if objects else None,
            "edited_boxes": [moved] if objects else None,
            "width": width,
            "height": height,
        }

    def images(self, name: str, strength: float, number: int, **wanted: bool) -> dict[str, Any]:
        """Return the ``images`` of a gate; ``wanted`` names golden, heat, patches and crops."""
        photo = self._photos[name]
        edited = self._edited(name, strength, number)
        height, width = photo.shape[:2]
        x1, y1, x2, y2 = (int(edge) for edge in self.box(name))
        mask = np.full((height, width), 255, np.uint8)
        mask[y1:y2, x1:x2] = 0
        save = self._run_dir.save_image
        images: dict[str, Any] = {
            "reference": save(photo),
            "edited": save(edited),
            "mask": save(mask),
        }
        if wanted.get("golden"):
            images["golden"] = save(self._edited(name, 0.0, number))
        heat: dict[str, Any] = {}
        if wanted.get("heat"):
            change = np.abs(edited.astype(float) - photo).mean(axis=2) * (mask > 0)
            largest = change.max() or 1.0
            heat["lpips"] = save((255 * change / largest).astype(np.uint8))
            heat["max"] = float(largest) / 255
        if wanted.get("patches"):
            costs = self._random.gamma(1.0, 3.0 + 30 * strength, (7, 7)).round(4).tolist()
            heat["patches"] = {"rows": 7, "columns": 7, "cost": costs}
            heat["patches"]["cost"][3][3] = None
        if heat:
            images["heat"] = heat
        if wanted.get("crops"):
            crop = (slice(y1, y2), slice(x1, x2))
            images["crops"] = [[save(photo[crop]), save(edited[crop])]]
        return images

    def _edited(self, name: str, strength: float, number: int) -> np.ndarray:
        photo = self._photos[name]
        x1, y1, x2, y2 = (int(edge) for edge in self.box(name))
        edited = photo.copy()
        edited[y1:y2, x1:x2] = np.roll(photo[y1:y2, x1:x2], 1 + number % 2, axis=2)
        edited[y1, x1] = (number % 256, number // 256 % 256, 7)
        if strength:
            height, width = photo.shape[:2]
            fade = np.linspace(0, strength, width)[None, :, None]
            tinted = edited * (1 - fade) + np.array([40, 70, 200]) * fade
            edited = np.where(np.arange(height)[:, None, None] > height // 3, tinted, edited)
        return np.ascontiguousarray(edited).astype(np.uint8)


def lpips(pictures: Pictures, photo: str, value: float, number: int, **extra: Any) -> Gate:
    failing = value > 0.005
    details: dict[str, Any] = {"net": "alex", "unscaled": value * 0.6, "measured_fraction": 0.62}
    if failing:
        details["change"] = "49.6 % of the measured pixels differ, by at most 50 of 255"
    gate = Gate(
        metric="lpips",
        verdict="fail" if failing else "pass",
        value=value,
        scope="unedit_area",
        bound_kind="max",
        bound=0.005,
        origin="golden",
        source="tests/goldens/test_edits.py.yaml:3",
        distance=value - 0.005,
        approved=0.0,
        device="cpu",
        device_name="cpu",
        weights=(LPIPS,),
        region=pictures.region(photo, objects=True),
        details=details,
        images=pictures.images(photo, value * 10, number, heat=True),
    )
    return replace(gate, **extra)


def _caused(value: float, number: int) -> dict[str, Any]:
    details: dict[str, Any] = {"net": "alex", "unscaled": value * 0.6, "measured_fraction": 0.62}
    if value > 0.005:
        details["change"] = "49.6 % of the measured pixels differ, by at most 50 of 255"
        details["causes"] = [CAUSES[number // 10 % len(CAUSES)]]
    return details


def emd(pictures: Pictures, photo: str, value: float, number: int, strength: float) -> Gate:
    return Gate(
        metric="emd",
        verdict="fail" if value > 7.9 else "pass",
        value=value,
        floor=0.0,
        excess=value,
        scope="unedit_area",
        bound_kind="max",
        bound=7.9,
        origin="default",
        source="editmetrics.yaml:12",
        distance=value - 7.9,
        device="cuda:0",
        device_name="NVIDIA H100",
        weights=(CLIP,),
        region=pictures.region(photo, objects=True),
        details={"framing": "stretch", "n_selected": 48, "measured_fraction": 0.62},
        images=pictures.images(photo, strength, number, patches=True),
    )


def sim(pictures: Pictures, photo: str, value: float, number: int, strength: float) -> Gate:
    return Gate(
        metric="sam_clip_cls_sim",
        verdict="fail" if value < 0.893 else "pass",
        better="higher",
        compares="objects",
        value=value,
        scope="edit_area",
        bound_kind="min",
        bound=0.893,
        origin="golden",
        source="tests/goldens/test_edits.py.yaml:4",
        distance=0.893 - value,
        approved=0.913,
        device="cpu",
        device_name="cpu",
        weights=(CLIP, SAM),
        region=pictures.region(photo, objects=True),
        images=pictures.images(photo, strength, number, crops=True),
    )


def golden_image(pictures: Pictures, photo: str, value: float, number: int) -> Gate:
    images = pictures.images(photo, value * 5, number, golden=True, heat=True)
    del images["reference"], images["mask"]
    return Gate(
        metric="golden_lpips",
        verdict="fail" if value > 0.01 else "pass",
        name="portrait",
        value=value,
        bound_kind="max",
        bound=0.01,
        origin="argument",
        source="tests/test_edits.py:40",
        distance=value - 0.01,
        device="cpu",
        device_name="cpu",
        weights=(LPIPS,),
        region={**pictures.region(photo), "coords": None},
        images=images,
        snapshot={
            "file": "tests/goldens/test_edits.py/portrait-3fa9.png",
            "variant": "cuda",
            "comparator": "lpips",
            "tile": {"box": [0, 128, 64, 192], "value": value * 2, "bound": 0.04},
            "provenance": {
                "date": "2031-01-02",
                "device": "NVIDIA H100",
                "versions": {"torch": "2.15.0"},
                "facts": {"seed": 7},
            },
            "across": "made on NVIDIA H100, compared with one made on cpu",
        },
    )


def every_verdict(pictures: Pictures) -> Iterator[tuple[str, str, Sequence[Gate]]]:
    """Give (node id, outcome, gates) of a small run in which every verdict occurs."""
    file = "tests/test_edits.py"
    bad = lpips(pictures, "coffee", 0.019, 1)
    yield f"{file}::test_untouched[remove-badge]", "passed", [lpips(pictures, "astronaut", 0.0, 2)]
    yield (
        f"{file}::test_untouched[blue-cup]",
        "failed",
        [bad, emd(pictures, "coffee", 9.31, 1, 0.19), sim(pictures, "coffee", 0.913, 1, 0.19)],
    )
    yield f"{file}::test_object[rocket]", "failed", [sim(pictures, "rocket", 0.871, 3, 0.1)]
    unknown = replace(bad, bound=None, bound_kind=None, origin=None, source=None, distance=None)
    unknown = replace(unknown, verdict="missing-golden", approved=None, value=0.0031)
    yield f"{file}::test_new[matcha]", "failed", [unknown]
    vanished = replace(
        sim(pictures, "cat", 0.9, 4, 0.0),
        verdict="unmeasured",
        value=None,
        bound=None,
        bound_kind=None,
        distance=None,
        reason="empty-crop",
        message="SAM found nothing in (120, 60, 260, 220) of the edited image",
    )
    yield f"{file}::test_object[cat]", "xfailed", [vanished]
    recorded = lpips(pictures, "cat", 0.0021, 5, verdict="recorded", proposal=0.0072)
    yield f"{file}::test_recorded", "passed", [recorded]
    broken = Gate(
        "emd", "error", message="no weights of clip-pipe; run `editmetrics weights fetch`"
    )
    yield f"{file}::test_weights", "failed", [lpips(pictures, "rocket", 0.001, 6), broken]
    nan = lpips(pictures, "cat", 0.004, 8, verdict="fail", message="lpips is nan, not a number")
    yield f"{file}::test_nan", "failed", [replace(nan, value=float("nan"), distance=None)]
    yield f"{file}::test_golden", "failed", [golden_image(pictures, "astronaut", 0.034, 9)]
    smoke = replace(lpips(pictures, "rocket", 0.002, 10), smoke=True, verdict="review")
    yield f"{file}::test_plumbing", "passed", [smoke]
    yield f"{file}::test_hidden", "xfailed", [lpips(pictures, "rocket", 0.03, 11)]


def make_run(path: Path, *, complete: bool = True) -> Path:
    """Write a small run directory with every verdict, a rerun and a crashed test; return it."""
    run_dir = RunDir(path)
    pictures = Pictures(run_dir, scale=0.5)
    results = ResultsFile(run_dir.results_path, VERSIONS, STARTED)
    flaky = "tests/test_edits.py::test_untouched[remove-badge]"
    results.gate(flaky, 1, False, "rerun", lpips(pictures, "astronaut", 0.0061, 12))
    for nodeid, outcome, gates in every_verdict(pictures):
        for gate in gates:
            results.gate(nodeid, 2 if nodeid == flaky else 1, True, outcome, gate)
    results.crashed("tests/test_edits.py::test_killed")
    if complete:
        results.close({"gates": 14})
    return path


def make_hostile_run(path: Path) -> Path:
    """Write a run whose every text comes from an attacker; return it."""
    run_dir = RunDir(path)
    pictures = Pictures(run_dir, scale=0.25)
    results = ResultsFile(run_dir.results_path, {text: text for text in HOSTILE}, HOSTILE[0])
    for number, text in enumerate(HOSTILE):
        gate = lpips(
            pictures,
            "coffee",
            0.019,
            number,
            name=text,
            message=text,
            source=text,
            device_name=text,
            weights=({**LPIPS, "name": text},),
            snapshot={
                "file": text,
                "variant": text,
                "tile": {"box": [0, 0, 9, 9], "value": 0.5, "bound": 0.1},
                "provenance": {"date": text, "facts": {text: text}},
                "across": text,
            },
            golden={"file": text, "test": text},
        )
        details = {**gate.details, "change": text, "net": text}
        results.gate(
            f"tests/{text}.py::test[{text}]", 1, True, "failed", replace(gate, details=details)
        )
    results.crashed(HOSTILE[0])
    results.close({"gates": len(HOSTILE)})
    return path


def make_large_run(path: Path, cases: int) -> Path:
    """Write a run with ``cases`` cases of the photos' full size, each with an edited image of its own.

    One in ten fails. Every case has heat map and mask, every third a golden image.
    """
    run_dir = RunDir(path)
    pictures = Pictures(run_dir)
    results = ResultsFile(run_dir.results_path, VERSIONS, STARTED)
    photos = list(BOXES)
    for number in range(cases):
        photo = photos[number % len(photos)]
        nodeid = f"tests/test_edits.py::test_edit[{photo}-{number:04}]"
        value = 0.006 + number * 1e-5 if number % 10 == 0 else 0.0001 * (number % 40)
        gates = [
            lpips(pictures, photo, value, number, details=_caused(value, number)),
            emd(pictures, photo, 5.0, number, value * 10),
        ]
        if number % 3 == 0:
            gates.append(golden_image(pictures, photo, 0.002 + number * 1e-6, number))
        outcome = "failed" if any(gate.failing for gate in gates) else "passed"
        for gate in gates:
            results.gate(nodeid, 1, True, outcome, gate)
    results.close({"gates": cases})
    return path
