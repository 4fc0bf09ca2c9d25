"""What became of golden images between two versions, of what holds them, and where goldens lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from posixpath import normpath
from typing import Literal

from pytest_editmetrics.errors import counted
from pytest_editmetrics.goldens.audited_areas import AreaChange
from pytest_editmetrics.goldens.audited_moves import moved_images
from pytest_editmetrics.goldens.provenance import PROVENANCE
from pytest_editmetrics.goldens.store import FOLDER
from pytest_editmetrics.goldens.versions import Thresholds


@dataclass(frozen=True)
class ImageChange:
    """A golden image whose content is another, or that is new, gone or moved, by its provenance.

    One that is ``unapproved`` is new, or another, and provenance has no entry of it.
    """

    kind: Literal["changed", "added", "dropped", "moved", "unapproved"]
    path: str
    note: str = ""


def changed_images(base: Thresholds, head: Thresholds) -> Iterator[ImageChange]:
    """Give the golden images that changed."""
    moved = moved_images(base.images, head.images)
    left, gone = {*moved.values()}, head.absent - base.absent
    for path in dict.fromkeys([*base.images, *head.images]):
        if path in moved:
            yield ImageChange("moved", path, f"from {moved[path]}")
        elif path in left:
            continue
        elif path not in head.images:
            yield ImageChange("dropped", path)
        elif path in base.images and path in gone:
            yield ImageChange("dropped", path, f"its entry in {PROVENANCE} is left")
        elif base.images.get(path) != head.images[path]:
            reason = head.reasons.get(path)
            note = "" if reason is None else because(reason, base.reasons.get(path))
            yield ImageChange("changed" if path in base.images else "added", path, note)
    for path, (sha256, why) in head.unapproved.items():
        if base.unapproved.get(path, ("", ""))[0] != sha256:
            yield ImageChange("unapproved", path, why)


def because(reason: str, before: str | None) -> str:
    """Return the reason of what holds now, and whether it was given for what held before."""
    return f"reason{' (of before)' if reason == before else ''}: {reason}"


def changed_comparators(base: Thresholds, head: Thresholds) -> Iterator[AreaChange]:
    """Give the golden images whose entry names other comparators: one fewer holds less."""
    moved = moved_images(base.images, head.images)
    for path, now in head.comparators.items():
        was = base.comparators.get(moved.get(path, path))
        if was is not None and set(was) != set(now):
            place = PurePosixPath(path)
            gone = [one for one in was if one not in now]
            told = f"{_listed(now)}, and not by {_listed(gone)}" if gone else _listed(now)
            yield AreaChange(
                (place.parent / PROVENANCE).as_posix(),
                place.name,
                f"held by {_listed(was)}",
                told,
                less=bool(gone),
                kind="comparator",
            )


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(names) or "none"


def unread_goldens(base: Thresholds, head: Thresholds) -> Iterator[AreaChange]:
    """Give the options that look for goldens in another folder now: what lies elsewhere is unread.

    That is less held, unless nothing was left there.
    """
    files = [*head.goldens, *dict.fromkeys(str(PurePosixPath(one).parent) for one in head.images)]
    for folder in dict.fromkeys([*base.folders, *head.folders]):
        was, now = base.folders.get(folder), head.folders.get(folder)
        if was == now:
            continue
        left = [one for one in files if _is_below(one, folder) and not _is_read(one, folder, now)]
        told = "beside the tests" if now is None else now
        if left:
            files_left = counted(len(left), "golden file")
            told += f", so that {files_left} elsewhere, as {left[0]}, may hold nothing"
        yield AreaChange(
            folder or ".",
            "editmetrics_goldens",
            was or "beside the tests",
            told,
            less=bool(left),
            kind="golden folder",
        )


def _is_read(file: str, folder: str, root: str | None) -> bool:
    if root is None:
        return PurePosixPath(file).parent.name == FOLDER
    return _is_below(file, normpath(f"{folder}/{root}"))


def _is_below(file: str, folder: str) -> bool:
    return PurePosixPath(file).is_relative_to(PurePosixPath(folder))
