"""Golden images that are not the files which were recorded: nobody approved what they hold."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pytest_editmetrics.goldens.file_names import holds_provenance
from pytest_editmetrics.goldens.image_names import golden_stem, variant_of
from pytest_editmetrics.goldens.provenance import PROVENANCE, Entry, entry_of
from pytest_editmetrics.images.files import is_lfs_pointer
from pytest_editmetrics.whole_file import read_whole

_OID = re.compile(rb"^oid sha256:([0-9a-f]{64})$", re.MULTILINE)


class Unapproved(NamedTuple):
    """A golden image of which provenance has no entry; ``of`` names the entry in whose place it
    stands, if there is one."""

    name: str
    sha256: str
    of: str | None

    @property
    def why(self) -> str:
        """Say what is wrong with it."""
        return why_unapproved(self.name, self.of)


def why_unapproved(name: str, of: str | None) -> str:
    """Say what is wrong with a golden image without an entry of its own."""
    if of is None:
        return f"{PROVENANCE} has no entry of it"
    if of == name:
        return f"it is not the file that its entry in {PROVENANCE} was recorded of"
    return f"{PROVENANCE} has no entry of it, and it holds in the place of {of}, which was recorded"


def stands_for(entries: Mapping[str, Entry], name: str) -> str | None:
    """Return the entry of a check's golden that a file without one stands in the place of.

    >>> stands_for({"test_a-0dc6b5ef.png": {}}, "test_a-0dc6b5ef@cuda.png")
    'test_a-0dc6b5ef.png'
    """
    stem = golden_stem(name)
    same = [one for one in entries if golden_stem(one) == stem]
    return name if name in same else next(iter(same), None)


def image_folders(files: Iterable[Path]) -> list[Path]:
    """Return the folders of golden images among files, whether or not provenance lies there."""
    folders = (path.parent for path in files if golden_stem(path.name) is not None)
    return [one for one in dict.fromkeys(folders) if holds_provenance(one / PROVENANCE)]


def unapproved(folder: Path, entries: Mapping[str, Entry]) -> Iterator[Unapproved]:
    """Yield such images of a folder; one that Git LFS keeps has the hash that its pointer states.

    An empty file of a variant waits to be recorded.
    """
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if golden_stem(path.name) is None:
            continue
        try:
            data = read_whole(path)
        except OSError:
            continue
        if not data and variant_of(path.name) is not None:
            continue
        pointer = _OID.search(data) if is_lfs_pointer(data) else None
        sha256 = pointer[1].decode() if pointer else hashlib.sha256(data).hexdigest()
        if entry_of(entries, path.name, sha256) is None:
            yield Unapproved(path.name, sha256, stands_for(entries, path.name))
