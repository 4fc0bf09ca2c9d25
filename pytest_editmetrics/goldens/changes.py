"""Golden files as they are and as they are to be: worked out first, then written all or none.

The new files are made in a folder of work, so that they can be looked at. When they are written,
every golden must still be what it was when they were worked out, under the lock that every writer
of goldens takes; all lie on the disk beside the goldens before the first is put in its place.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.goldens.images import (
    SUFFIXES,
    made_with,
    put,
    settled,
    sha256_of,
    write_whole,
)
from pytest_editmetrics.goldens.leftovers import remove_stale, staged_name
from pytest_editmetrics.goldens.lock import golden_lock
from pytest_editmetrics.goldens.provenance import (
    PREVIOUS,
    PROVENANCE,
    Entry,
    read_provenance,
    while_replaced,
    with_reasons,
    write_provenance,
)
from pytest_editmetrics.whole_file import read_whole, real_path


@dataclass(frozen=True)
class Change:
    """One golden file that is to change.

    ``before`` and ``after`` are the SHA-256 of what it holds, ``None`` where it is not there.
    ``content`` is the file of work that holds what it is to be, ``between`` what it holds while the
    files that it tells of are replaced. ``locked`` is the folder whose lock its writers take.
    """

    path: Path
    before: str | None
    after: str | None
    locked: Path
    content: Path | None = None
    between: Path | None = None


@dataclass(frozen=True)
class NewImage:
    """A golden image to be: its place, the file of work that holds it, what made it."""

    target: Path
    content: Path
    made: Mapping[str, object]


class GoldenChanged(EditMetricsError):
    """A golden is another than it was when the changes were worked out; nothing was written."""

    __module__ = "builtins"


class PartlyWritten(EditMetricsError):
    """Some goldens are in their places, each whole; the rest are as they were."""

    __module__ = "builtins"

    def __init__(self, message: str, written: Sequence[Path]):
        super().__init__(message)
        self.written = tuple(written)


def image_changes(images: Iterable[NewImage], rootdir: Path, work: Path) -> list[Change]:
    """Return what new golden images change: themselves, other formats, their provenance.

    Args:
        images: each target once.
        rootdir: paths in messages are relative to it.
        work: a folder for the new provenance files.

    Raises:
        EditMetricsError: provenance that cannot be read, or written to ``work``.
    """
    folders: dict[Path, list[NewImage]] = {}
    for image in images:
        folders.setdefault(image.target.parent, []).append(image)
    found = []
    for number, (folder, of_folder) in enumerate(folders.items()):
        found += _folder_changes(folder, of_folder, rootdir, work / f"provenance-{number}")
    return found


def _folder_changes(
    folder: Path, images: Sequence[NewImage], rootdir: Path, work: Path
) -> list[Change]:
    new: dict[str, Entry] = {}
    changes = []
    gone = set()
    for image in images:
        after = sha256_of(image.content)
        before = sha256_of(image.target)
        new[image.target.name] = {**made_with(image.made), "sha256": after}
        if before != after:
            changes.append(Change(image.target, before, after, folder.parent, image.content))
        for suffix in SUFFIXES:
            other = image.target.with_suffix(suffix)
            if suffix != image.target.suffix and (old := sha256_of(other)) is not None:
                gone.add(other.name)
                changes.append(Change(other, old, None, folder.parent))
    path = folder / PROVENANCE
    entries = settled(folder, rootdir)
    new = with_reasons(entries, new)
    # one that a killed process left is to be brought to its end
    between_states = any(PREVIOUS in entry for entry in read_provenance(path, rootdir).values())
    same = all(entries.get(name) == entry for name, entry in new.items())
    if same and not changes and not between_states:
        return []
    final, between = work.with_suffix(".after"), work.with_suffix(".between")
    write_provenance(between, while_replaced(entries, new), rootdir)
    kept = {name: entry for name, entry in {**entries, **new}.items() if name not in gone}
    write_provenance(final, kept, rootdir)
    before, after = sha256_of(path), sha256_of(final)
    changes.append(Change(path, before, after, folder.parent, final, between))
    return changes


def diff_of(change: Change, shown: str) -> list[str]:
    """Return a change of a text file as a unified diff; ``shown`` is what the file is called."""
    before = _text(change.path if change.before else None)
    after = _text(change.content)
    old = f"a/{shown}" if change.before else "/dev/null"
    new = f"b/{shown}" if change.after else "/dev/null"
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), old, new
    )
    return [line.rstrip("\n") for line in lines]


def _text(path: Path | None) -> str:
    return "" if path is None else read_whole(path).decode("utf-8", "replace")


def apply(changes: Sequence[Change], rootdir: Path) -> list[Path]:
    """Put changes in their places, all of them; return the files that were written.

    Raises:
        GoldenChanged: a golden is another than it was; nothing was written.
        PartlyWritten: a file could not be put in its place after others had been.
        EditMetricsError: a golden cannot be written, or another process holds its folder; nothing
            was written.
    """
    folders = sorted({change.locked for change in changes})
    fresh = [folder for folder in folders if not folder.exists()]
    try:
        with ExitStack() as locks:
            for folder in folders:
                locks.enter_context(golden_lock(folder, rootdir))
            _check(changes, rootdir)
            remove_stale(folders)
            return _write(changes, rootdir)
    except OSError as error:
        where = folders[0] if error.filename is None else Path(error.filename)
        shown = shown_path(where, rootdir)
        raise EditMetricsError(
            f"{shown}: no golden was written: {error.strerror or error}"
        ) from None
    finally:
        for folder in fresh:
            with suppress(OSError):
                folder.rmdir()


def _check(changes: Iterable[Change], rootdir: Path) -> None:
    for change in changes:
        if sha256_of(change.path) != change.before:
            raise GoldenChanged(
                f"{shown_path(change.path, rootdir)}: it was changed meanwhile; nothing was written"
            )


def _write(changes: Sequence[Change], rootdir: Path) -> list[Path]:
    """Stage every file, then put them in their places: ``between`` first, what it tells of last."""
    staged: list[Path] = []

    def stage(change: Change, content: Path) -> Path:
        file = change.locked / staged_name()
        staged.append(file)
        write_whole(file, content.read_bytes())
        real = real_path(change.path)
        if real.is_file() and change.path.name != PROVENANCE:
            file.chmod(real.stat().st_mode & 0o7777)
        return file

    done: list[Path] = []
    made: list[Path] = []
    try:
        first = [(c, stage(c, c.between)) for c in changes if c.between is not None]
        plain = [c for c in changes if c.between is None]
        files = [(c, stage(c, c.content)) for c in plain if c.content is not None]
        last = [
            (c, stage(c, c.content))
            for c in changes
            if c.between and c.content and sha256_of(c.between) != c.after
        ]
        for folder in sorted({change.path.parent for change in changes}):
            if not folder.exists():
                folder.mkdir(parents=True)
                made.append(folder)
        try:
            for change, file in first:
                put(file, change.path)
            for change, file in files:
                put(file, change.path)
                done.append(change.path)
            for change in plain:
                if change.content is None:
                    change.path.unlink(missing_ok=True)
                    done.append(change.path)
            for change, file in last:
                put(file, change.path)
            done += [change.path for change in changes if change.between is not None]
        except OSError as error:
            if not done and not first:
                raise
            raise _partly(changes, done, error, rootdir) from None
    finally:
        for file in staged:
            file.unlink(missing_ok=True)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
    return done


def _partly(
    changes: Sequence[Change], done: Sequence[Path], error: OSError, rootdir: Path
) -> PartlyWritten:
    left = [shown_path(c.path, rootdir) for c in changes if c.path not in done]
    files = counted(len(changes), "golden file was", "golden files were")
    return PartlyWritten(
        f"{len(done)} of {files} written, none in part; not {left[0]}"
        + (f" and {len(left) - 1} more" if len(left) > 1 else "")
        + f": {error.strerror or error}; write again when that is put right",
        done,
    )
