"""How far ``dtype: bfloat16`` and ``dtype: float16`` move the metrics from float32.

The rows inform, they have no target. LPIPS has its genuine weights; CLIP ViT-B/32 has random ones,
so its figures tell the size of the effect, not that of a trained model to the digit. SAM is the
small packaged one: a processor without arithmetic of these types takes up to twenty times as long,
which for ViT-B is an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import ours
from made_images import edits, re_encoded, references
from reference import MaskMode
from sam_rows import scenes
from table import Row

from pytest_editmetrics.pipes.sam import SAMPipe

SIZE = 512
REFERENCES = 2
EDITS = 2
DTYPES = ("bfloat16", "float16")

Numbers = list[float]


def region_numbers(pipe: Any, metric: str) -> Numbers:
    """Return a metric inside the box of local edits, outside that of re-encoded images."""
    random = np.random.default_rng(4)
    inner, outer = get_args(MaskMode)
    numbers = []
    for seed, reference in enumerate(references(REFERENCES, SIZE)):
        kinds = {inner: edits(reference, EDITS, seed), outer: re_encoded(reference, EDITS, random)}
        for mode, made in kinds.items():
            for edit in made:
                found = pipe.measure(reference, edit.edited, [edit.box], mode, metric)
                numbers.append(found.value)
    return numbers


def object_numbers(pipe: Any) -> Numbers:
    """Return the similarity of each object of every scene."""
    similarities: Numbers = []
    for scene in scenes():
        boxes = [*scene.boxes] * 2
        found = pipe.measure(scene.reference, scene.edited, boxes, metric="sam_clip_cls_sim")
        similarities += found.details["similarities"]
    return similarities


def measured(dtype: str) -> dict[str, Numbers]:
    """Return the numbers of each metric computed in ``dtype``."""
    sam = SAMPipe("smoke", device="cpu", dtype=dtype)
    clip, lpips = ours.clip_pipe(sam, dtype), ours.lpips_pipe(dtype)
    metrics: dict[str, Callable[[], Numbers]] = {
        "emd": lambda: region_numbers(clip, "emd"),
        "lpips": lambda: region_numbers(lpips, "lpips"),
        "sam_clip_cls_sim": lambda: object_numbers(clip),
    }
    return {metric: run() for metric, run in metrics.items()}


def rows() -> list[Row]:
    """Measure and return the rows."""
    exact = measured("float32")
    found = []
    for dtype in DTYPES:
        for metric, numbers in measured(dtype).items():
            wanted = np.array(exact[metric])
            absolute = np.abs(np.array(numbers) - wanted)
            relative = 100 * absolute / np.abs(wanted)
            found.append(
                Row(
                    f"`{metric}` in {dtype} against float32, {len(numbers)} numbers",
                    "",
                    f"at most {absolute.max():.2g} ({relative.max():.2g} %), "
                    f"median {np.median(absolute):.2g} ({np.median(relative):.2g} %)",
                    None,
                )
            )
    return found
