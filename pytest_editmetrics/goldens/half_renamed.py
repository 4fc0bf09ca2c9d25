"""Golden images whose rename is half done: the entry has another name, or test, than the file."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePath

from pytest_editmetrics.goldens.image_names import golden_stem, stem_of
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.provenance import PREVIOUS, PROVENANCE, Entry


def half_renamed(
    folder: Path, entries: Mapping[str, Entry], tests: Collection[str]
) -> dict[str, str]:
    """Return the names that golden images of a folder are to have, by the names of the files.

    The entry under such a name tells the sha256 of a file that has another one; or an entry is of
    one of these ``tests``, whose image has another name.

    Args:
        folder: of golden images.
        entries: all that its provenance has, whether or not their files are there.
        tests: the keys of the tests of its test file.
    """
    there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    waiting = {
        str(sha256): name
        for name, entry in entries.items()
        if name not in there and golden_stem(name)
        for sha256 in _hashes(entry)
    }
    found: dict[str, str] = {}
    for name in sorted(there):
        stem, entry = golden_stem(name), entries.get(name)
        if stem is None:
            continue
        target = name
        if entry is None and waiting:
            target = waiting.get(str(sha256_of(folder / name)), name)
        elif entry is not None and (test := entry.get("test")) in tests:
            target = stem_of(str(test), entry.get("name") or None) + name.removeprefix(stem)
        if target not in there:
            found[name] = target
    return found


def _hashes(entry: Entry) -> Iterator[object]:
    at: object = entry
    while isinstance(at, Mapping):
        yield at.get("sha256")
        at = at.get(PREVIOUS)


def how_to_finish(file: str, target: str, entry: Entry | None) -> str:
    """Say what is left to do of such a rename; ``entry`` is the one under the old name, if any."""
    old, new = PurePath(file), PurePath(file).with_name(target)
    move = f"git mv {shlex.quote(old.as_posix())} {shlex.quote(new.as_posix())}"
    where = old.with_name(PROVENANCE)
    if entry is None:
        return f"it is half renamed, as its entry in {where} is under {target!r} already: {move}"
    return (
        f"it is half renamed, as its entry is of {entry.get('test')} already: {move}, and in"
        f" {where} make its key {old.name!r} {target!r}"
    )
