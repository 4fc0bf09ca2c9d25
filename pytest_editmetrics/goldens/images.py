"""Golden images as files: where each lies, which variant is nearest, how one is replaced.

Any process may stage an image: it is written beside the goldens under a hidden name. One process
puts staged images in their places. Before it does so, their provenance file is made to hold the new
entries and the old ones; afterwards it holds the new ones alone. An entry names the sha256 of its
file, so whenever the process is killed each golden is the old or the new one, with its own entry.
The folder is locked meanwhile: two sessions take turns.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.goldens.environment import wrong_name
from pytest_editmetrics.goldens.file_names import SUFFIX
from pytest_editmetrics.goldens.image_names import golden_stem, is_golden_name, stem_of
from pytest_editmetrics.goldens.leftovers import staged_name
from pytest_editmetrics.goldens.lock import golden_lock
from pytest_editmetrics.goldens.provenance import (
    KEYS,
    PROVENANCE,
    Entry,
    checked_facts,
    entry_of,
    read_provenance,
    to_write,
    while_replaced,
    write_provenance,
)
from pytest_editmetrics.goldens.store import Goldens
from pytest_editmetrics.whole_file import read_whole, real_path, replacing, write_through

SUFFIXES = (".png", ".webp")


@dataclass(frozen=True)
class ImageAddress:
    """Where a golden image lies, whatever its variant and format; ``test`` is the test's key."""

    folder: Path
    stem: str
    test: str
    name: str | None

    def file(self, variant: str | None, suffix: str) -> Path:
        """Return the file of one variant in one format, whether or not it exists.

        Raises:
            InputError: a variant that no environment has.
        """
        if variant is not None and wrong_name(variant):
            raise InputError(f"{variant!r:.60} is no variant of a golden image")
        return self.folder / f"{self.stem}{'@' + variant if variant else ''}{suffix}"


def image_address(
    goldens: Goldens, test_file: Path, test: str, name: str | None = None
) -> ImageAddress:
    """Return where the golden image of a check lies.

    The stem is what of the test's key and the name fits a file name anywhere, and a hash of both:
    at most 79 characters of ``A-Za-z0-9_.-``, different for keys that differ in case only.

    Args:
        goldens: knows the folder.
        test_file: the test's file.
        test: the node id after the file, as ``TestHat::test_add[sdxl]``.
        name: the check's name, if the test has several.

    Raises:
        InputError: the goldens have a root, and the test file lies outside the rootdir.
    """
    yaml_file = goldens.file_of(test_file)
    folder = yaml_file.with_name(yaml_file.name.removesuffix(SUFFIX))
    return ImageAddress(folder, stem_of(test, name), test, name)


@dataclass(frozen=True)
class Found:
    """A golden image that is there; ``empty`` is a variant that waits to be recorded."""

    path: Path
    variant: str | None
    empty: bool = False


def find_image(address: ImageAddress, variants: Iterable[str], image_format: str) -> Found | None:
    """Return the golden image of the first of these variants, else the plain file.

    An empty file ``<stem>@<variant>.png`` says that its environment has no golden yet: nothing
    less specific is taken instead. If a golden lies there in two formats (a run was killed between
    them) that of ``image_format`` counts. ``None`` if there is none.
    """
    formats = sorted(SUFFIXES, key=lambda suffix: suffix != f".{image_format}")
    for variant in (*variants, None):
        for suffix in formats:
            path = address.file(variant, suffix)
            if path.exists() or path.is_symlink():
                empty = variant is not None and path.is_file() and path.stat().st_size == 0
                return Found(path, variant, empty)
    return None


def left_behind(goldens: Goldens, address: ImageAddress) -> Path | None:
    """Return a golden image of this name that a test file which is gone left in the same folder."""
    for suffix in SUFFIXES:
        for path in sorted(address.folder.parent.glob(f"*/{address.stem}{suffix}")):
            own = path.parent.with_name(path.parent.name + SUFFIX)
            if path.parent != address.folder and not goldens.test_file_of(own).exists():
                return path
    return None


def tests_with_images(goldens: Goldens, test_file: Path) -> frozenset[str]:
    """Return what tells whose the golden images of a test file are: their stems, and by provenance
    the keys of their tests.

    Raises:
        InputError: the goldens have a root, and the test file lies outside the rootdir.
        ConfigError: the provenance cannot be read.
    """
    folder = image_address(goldens, test_file, "").folder
    if not folder.is_dir():
        return frozenset()
    entries = goldens.provenance(folder)
    stems = {path.name: golden_stem(path.name) for path in folder.iterdir()}
    tests = (entries.get(name, {}).get("test") for name, stem in stems.items() if stem)
    return frozenset(str(one) for one in (*stems.values(), *tests) if one)


@dataclass(frozen=True)
class Staged:
    """An image on its way to ``target``; ``entry`` is its provenance, JSON-ready.

    Paths are text, relative to the rootdir where they lie inside it. ``same``: the golden is the
    one that lies there, and its entry alone is another.
    """

    target: str
    file: str
    entry: Entry = field(default_factory=dict)
    warning: str | None = None
    same: bool = False

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Staged:
        """Return the staged image whose fields ``dataclasses.asdict`` wrote."""
        return cls(**data)


def stage(data: bytes, target: Path, entry: Mapping[str, Any], rootdir: Path) -> Staged:
    """Write an image beside the goldens under a hidden name, to be promoted.

    Args:
        data: the bytes of the file.
        target: its place.
        entry: its provenance: ``KEYS``; anything else in it is left out.
        rootdir: the returned paths are relative to it.

    Raises:
        InputError: a value of the entry cannot be written down.
        EditMetricsError: it cannot be written; the message names the folder.
    """
    made = made_with(entry)
    folder = target.parent.parent
    name = staged_name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / name, data)
    except OSError as error:
        raise EditMetricsError(
            f"{shown_path(folder, rootdir)}: the golden image cannot be written:"
            f" {error.strerror or error}"
        ) from None
    return Staged(
        shown_path(target, rootdir),
        shown_path(folder / name, rootdir),
        {**made, "sha256": hashlib.sha256(data).hexdigest()},
    )


def made_with(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of an entry is written down, see ``stage``."""
    return checked_facts({key: entry[key] for key in KEYS if key in entry})


def write_whole(path: Path, data: bytes) -> None:
    """Write a new file to the disk; what stops it half-way leaves none."""
    try:
        with path.open("xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def discard(staged: Iterable[Staged], rootdir: Path) -> None:
    """Remove images that were staged and are not wanted."""
    for one in staged:
        (rootdir / one.file).unlink(missing_ok=True)


def promote(staged: Iterable[Staged], rootdir: Path) -> list[Path]:
    """Put staged images in their places, and their provenance beside them; return the images.

    See the module's text for what a kill leaves. A golden of the other format is removed last. If
    one folder fails the others are written all the same.

    Raises:
        EditMetricsError: an image or a provenance file could not be written; names the files.
    """
    folders: dict[Path, list[Staged]] = {}
    for one in staged:
        folders.setdefault((rootdir / one.target).parent, []).append(one)
    written: list[Path] = []
    problems: list[str] = []
    for folder, images in folders.items():
        try:
            with golden_lock(folder.parent, rootdir):
                for path, problem in _promote_folder(folder, images, rootdir):
                    if problem is None:
                        written.append(path)
                    else:
                        problems.append(problem)
        except EditMetricsError as error:
            problems.append(str(error))
        except OSError as error:
            reason = error.strerror or error
            problems.append(f"{shown_path(folder, rootdir)}: cannot be written: {reason}")
    if problems:
        raise EditMetricsError("\n".join(problems))
    return written


def _promote_folder(
    folder: Path, images: list[Staged], rootdir: Path
) -> Iterator[tuple[Path, str | None]]:
    path, before = folder / PROVENANCE, settled(folder, rootdir)
    new = to_write(before, {Path(one.target).name: one.entry for one in images})
    write_provenance(path, while_replaced(before, new), rootdir)
    for one in images:
        target = rootdir / one.target
        try:
            if target.name in new:
                put(rootdir / one.file, target)
        except OSError as error:
            yield target, f"{one.target}: cannot be written: {error.strerror or error}"
            continue
        for suffix in SUFFIXES:
            if suffix != target.suffix:
                target.with_suffix(suffix).unlink(missing_ok=True)
        if target.name in new:
            yield target, None
    write_provenance(path, settled(folder, rootdir), rootdir)


def put(staged: Path, target: Path) -> None:
    """Move a staged image to its place; where a link lies there, to what it leads to."""
    try:
        os.replace(staged, real_path(target) if target.is_symlink() else target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with replacing(real_path(target)) as temporary:
            write_through(temporary, staged.read_bytes())
        staged.unlink()


def settled(folder: Path, rootdir: Path) -> dict[str, Entry]:
    """Return the provenance entries that belong to the files of a golden folder.

    Raises:
        ConfigError: the provenance file cannot be read.
    """
    return of_files(folder, read_provenance(folder / PROVENANCE, rootdir))


def of_files(folder: Path, entries: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return those of a folder's entries that belong to its files."""
    found = {name: entry_of(entries, name, sha256_of(folder / name)) for name in entries}
    return {name: entry for name, entry in found.items() if entry is not None}


def sha256_of(path: Path) -> str | None:
    """Return the hash of a file, ``None`` if there is none."""
    try:
        return hashlib.sha256(read_whole(path)).hexdigest()
    except OSError:
        return None


def remove_images(paths: Iterable[Path], rootdir: Path) -> list[Path]:
    """Remove golden images, then their provenance entries and the folders that are left empty.

    Returns:
        The files that were removed.

    Raises:
        InputError: a file that is no golden image by its name; nothing is removed then.
        EditMetricsError: a file cannot be removed.
    """
    paths = list(paths)
    for path in paths:
        if not is_golden_name(path.name):
            raise InputError(f"{shown_path(path, rootdir)} is not the name of a golden image")
    removed: list[Path] = []
    folders: dict[Path, list[Path]] = {}
    for path in paths:
        folders.setdefault(path.parent, []).append(path)
    for folder, in_it in folders.items():
        if folder.is_dir():
            try:
                with golden_lock(folder.parent, rootdir):
                    removed += _remove_from(folder, in_it, rootdir)
            except OSError as error:
                raise EditMetricsError(
                    f"{shown_path(Path(error.filename or in_it[0]), rootdir)}: cannot be removed:"
                    f" {error.strerror or error}"
                ) from None
    return removed


def _remove_from(folder: Path, paths: Iterable[Path], rootdir: Path) -> list[Path]:
    removed = []
    for path in paths:
        try:
            path.unlink()
        except FileNotFoundError:
            continue
        removed.append(path)
    if removed:
        gone, path = {one.name for one in removed}, folder / PROVENANCE
        left = {n: one for n, one in read_provenance(path, rootdir).items() if n not in gone}
        write_provenance(path, left, rootdir)
        if not any(folder.iterdir()):
            folder.rmdir()
    return removed
