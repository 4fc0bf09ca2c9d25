"""Rows of objects: 2 references x 3 edits x 2 objects with SAM ViT-B, and its encoder's calls.

The reference implementation encodes an image for each of its boxes, the project once. An encoder
call takes ten seconds and more on two cores, so each side runs once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import models
import numpy as np
import ours
from agreement import Agreement
from made_images import Array, Box, edit_all, place, references
from reference import PlainObjectSimilarity
from table import Row, at_least, seconds
from timing import Times

SIZE = 512
REFERENCES = 2
EDITS = 3
OBJECTS = 2
COLD_TARGET = 2.8


@dataclass(frozen=True)
class Scene:
    """A pair of images with the same objects in the same boxes."""

    reference: Array
    edited: Array
    boxes: tuple[Box, ...]


@contextmanager
def counted_encoder_calls() -> Iterator[list[tuple[int, ...]]]:
    """Collect the shape of the input of every call of a SAM image encoder, whoever makes it."""
    from segment_anything.modeling import ImageEncoderViT

    calls: list[tuple[int, ...]] = []
    forward = ImageEncoderViT.forward

    def counted(self: Any, x: Any) -> Any:
        calls.append(tuple(x.shape))
        return forward(self, x)

    ImageEncoderViT.forward = counted
    try:
        yield calls
    finally:
        ImageEncoderViT.forward = forward


def scenes() -> list[Scene]:
    """Return every edit of every reference, each of which changes both objects."""
    random = np.random.default_rng(16)
    found = []
    for reference in references(REFERENCES, SIZE):
        boxes = []
        for _ in range(OBJECTS):
            width, height = (int(SIZE * random.uniform(0.25, 0.45)) for _ in range(2))
            boxes.append(place(random, SIZE, width, height))
        found += [
            Scene(reference, edit_all(reference, boxes, random), tuple(boxes)) for _ in range(EDITS)
        ]
    return found


def plain_similarity() -> PlainObjectSimilarity:
    """Return the reference implementation on the seeded SAM ViT-B."""
    from segment_anything import sam_model_registry

    sam = sam_model_registry["vit_b"]()
    return PlainObjectSimilarity(models.clip_b32(), models.sam_vit_b(), sam)


def images_encoded(calls: Sequence[tuple[int, ...]]) -> int:
    """Return how many images went through the encoder, in batches or one by one."""
    return sum(shape[0] for shape in calls)


def rows() -> list[Row]:
    """Measure and return the rows."""
    plain, sam, suite = plain_similarity(), ours.sam_pipe(), scenes()
    pipe = ours.clip_pipe(sam)
    times, agreement, encoded = Times(), Agreement(), {}

    def plain_run() -> list[float]:
        return [plain(scene.reference, scene.edited, scene.boxes, scene.boxes) for scene in suite]

    def our_run() -> list[float | None]:
        return [
            pipe.measure(
                scene.reference,
                scene.edited,
                [*scene.boxes, *scene.boxes],
                metric="sam_clip_cls_sim",
            ).value
            for scene in suite
        ]

    pipe.load()
    sam.load()
    with tempfile.TemporaryDirectory() as name:
        with counted_encoder_calls() as calls:
            wanted = times.of("plain", plain_run)
        encoded["plain"] = images_encoded(calls)
        for what in ("cold", "again"):
            pipe.share(ours.fresh_cache(Path(name)))
            with counted_encoder_calls() as calls:
                found = times.of(what, our_run)
            encoded[what] = images_encoded(calls)
            for value, plain_value in zip(found, wanted, strict=True):
                agreement.add("sam_clip_cls_sim", value, plain_value)

    suite_name = f"{REFERENCES} references x {EDITS} edits x {OBJECTS} objects"
    pairs = REFERENCES * EDITS
    once, each = REFERENCES + pairs, 2 * pairs * OBJECTS
    return [
        at_least(
            f"{suite_name}, `sam_clip_cls_sim`, SAM ViT-B, cold",
            times["plain"] / times["cold"],
            COLD_TARGET,
            f"{seconds(times['plain'])} against {seconds(times['cold'])}",
            agreement.holds,
        ),
        Row(
            "the same: images encoded by SAM",
            f"{once} instead of {each}",
            f"{encoded['cold']} instead of {encoded['plain']}",
            encoded["cold"] == once and encoded["plain"] == each,
        ),
        Row(
            "the same, run again unchanged",
            "no encoder call",
            f"{encoded['again']} images encoded, {seconds(times['again'])}",
            encoded["again"] == 0 and agreement.holds,
        ),
        agreement.row("the same"),
    ]
