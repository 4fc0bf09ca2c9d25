"""Which environments have a golden image of their own: the files named ``<stem>@<variant>``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_editmetrics.goldens.image_names import variant_of
from pytest_editmetrics.goldens.images import ImageAddress

# nanoseconds after which another change of a folder shows in its times, see ``_step``
_FINE, _COARSE = 10**8, 3 * 10**9


@dataclass(frozen=True)
class _Listed:
    """The variants of a folder's images by stem, and the folder's state when they were listed.

    ``first`` is when that state was first seen. ``final``: no change can leave it as it is.
    """

    state: tuple[int, int, int]
    first: int
    final: bool
    variants: Mapping[str, Mapping[str, Path]]


class VariantFiles:
    """Which variants of a golden image there are; a folder is listed again when it changed.

    What changes it within one step of the file system's clock leaves its times as they are. So it
    is listed until such a step has gone by since they were first seen here, whatever the date: the
    clock of a server may be another.

    >>> VariantFiles().of(ImageAddress(Path("no/such/folder"), "a-00000000", "test_a", None))
    {}
    """

    def __init__(self) -> None:
        self._held: dict[Path, _Listed] = {}

    def of(self, address: ImageAddress) -> Mapping[str, Path]:
        """Return the files of an image's variants, by what stands for the environment."""
        try:
            state = _state(address.folder)
        except OSError:
            return {}
        held = self._held.get(address.folder)
        if held is None or held.state != state or not held.final:
            now = time.monotonic_ns()
            first = now if held is None or held.state != state else held.first
            final = now - first >= _step(state[0])
            held = _Listed(state, first, final, _variants(address.folder))
            self._held[address.folder] = held
        return held.variants.get(address.stem, {})


def _state(folder: Path) -> tuple[int, int, int]:
    """Return what another change of a folder changes: of its times, one that nobody can set."""
    found = folder.stat()
    return found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _step(changed: int) -> int:
    """Return how long two changes may share a time: some file systems tell whole seconds only."""
    return _FINE if changed % 10**9 else _COARSE


def _variants(folder: Path) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for name in sorted(name for name in os.listdir(folder) if "@" in name):
        if (named := variant_of(name)) is not None:
            stem, variant = named
            found.setdefault(stem, {}).setdefault(variant, folder / name)
    return found
