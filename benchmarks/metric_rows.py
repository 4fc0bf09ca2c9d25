"""Rows of a whole suite: 6 references x 4 composited edits, ``emd`` and ``lpips``, in and out.

Cold, run again unchanged, and with one of the four edits of each reference changed, each against
the reference implementation. "Again" and "changed" start, as a new process does, with nothing in
memory and what the cold run left on disk. Models are loaded and images decoded before, on both
sides.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import models
import ours
from agreement import Agreement
from made_images import Edit, edits, references
from reference import MaskMode, PlainEMD, PlainLPIPS
from table import Row, at_least, seconds
from timing import Times

from pytest_editmetrics.measurement import Measurement
from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe

SIZES = (512, 1024)
COLD_TARGET = {512: 2.5, 1024: 5.0}
AGAIN_TARGET = 20.0
CHANGED_TARGET = 5.0
REFERENCES = 6
EDITS = 4
REPETITIONS = 3

Plain = tuple[PlainEMD, PlainLPIPS]
Ours = tuple[CLIPPipe, LPIPSPipe]


def plain_suite(plain: Plain, suite: Sequence[Edit]) -> list[tuple[float, float]]:
    """Return emd and lpips of every edit, inside and outside its box."""
    return [
        (
            plain[0](edit.reference, edit.edited, [edit.box], mode),
            plain[1](edit.reference, edit.edited, [edit.box], mode),
        )
        for edit in suite
        for mode in get_args(MaskMode)
    ]


def our_suite(pipes: Ours, suite: Sequence[Edit]) -> list[tuple[Measurement, Measurement]]:
    """Return the same as measurements of the project's pipes."""
    return [
        (
            pipes[0].measure(edit.reference, edit.edited, [edit.box], mode, "emd"),
            pipes[1].measure(edit.reference, edit.edited, [edit.box], mode, "lpips"),
        )
        for edit in suite
        for mode in get_args(MaskMode)
    ]


def compare(
    agreement: Agreement,
    found: Sequence[tuple[Measurement, Measurement]],
    wanted: Sequence[tuple[float, float]],
) -> None:
    """Hold every number of a suite to the reference implementation's."""
    for (emd, lpips), (plain_emd, plain_lpips) in zip(found, wanted, strict=True):
        agreement.add("emd", emd.value, plain_emd)
        fraction = lpips.details["measured_fraction"]
        agreement.add("lpips", ours.unscaled(lpips), plain_lpips * fraction)


def suite_of(size: int) -> list[list[Edit]]:
    """Return the edits of each reference."""
    return [
        edits(reference, EDITS, seed) for seed, reference in enumerate(references(REFERENCES, size))
    ]


def changed(groups: Sequence[Sequence[Edit]], repetition: int) -> list[Edit]:
    """Return a new version of the first edit of each reference, another one each repetition."""
    return [
        edits(group[0].reference, 1, 1000 + 100 * repetition + number)[0]
        for number, group in enumerate(groups)
    ]


def share(folder: Path, pipes: Ours) -> None:
    """Give the pipes one cache, as a new session does."""
    cache = ours.fresh_cache(folder)
    for pipe in pipes:
        pipe.share(cache)


def rows_of(size: int, plain: Plain, pipes: Ours, repetitions: int) -> list[Row]:
    """Return the rows of one image size."""
    groups = suite_of(size)
    suite = [edit for group in groups for edit in group]
    kept = [edit for group in groups for edit in group[1:]]
    times, agreement = Times(), Agreement()
    for repetition in range(repetitions):
        wanted = times.of("plain", lambda: plain_suite(plain, suite))
        new = changed(groups, repetition)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for what in ("cold", "again"):
                share(folder, pipes)
                compare(agreement, times.of(what, lambda: our_suite(pipes, suite)), wanted)
            share(folder, pipes)
            found = times.of("changed", lambda: our_suite(pipes, [*kept, *new]))  # noqa: B023
        compare(agreement, found[-2 * len(new) :], plain_suite(plain, new))

    def row(what: str, name: str, target: float) -> Row:
        detail = f"{seconds(times['plain'])} against {seconds(times[name])}"
        return at_least(
            f"{what}, {size} px", times["plain"] / times[name], target, detail, agreement.holds
        )

    suite_name = f"{REFERENCES} references x {EDITS} edits, `emd` B/32 and `lpips`, in and out"
    return [
        row(f"{suite_name}, cold", "cold", COLD_TARGET[size]),
        row("the same, run again unchanged", "again", AGAIN_TARGET),
        row("the same, one of the four edits changed", "changed", CHANGED_TARGET),
        agreement.row(f"the same, {size} px"),
    ]


def rows(repetitions: int = REPETITIONS) -> list[Row]:
    """Measure and return the rows of both image sizes."""
    plain = PlainEMD(models.clip_b32()), PlainLPIPS()
    pipes = ours.clip_pipe(), ours.lpips_pipe()
    warm_up = suite_of(SIZES[0])[0][:1]
    plain_suite(plain, warm_up)
    our_suite(pipes, warm_up)
    return [row for size in SIZES for row in rows_of(size, plain, pipes, repetitions)]
