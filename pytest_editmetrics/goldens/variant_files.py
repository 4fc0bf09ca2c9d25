"""Which environments have a golden image of their own: the files named ``<stem>@<variant>``."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from pytest_editmetrics.goldens.images import ImageAddress, variant_of

_SETTLED = 10 * 10**9  # nanoseconds after which another change of a folder shows in its time


class VariantFiles:
    """Which variants of a golden image there are; a folder is listed once while it stays as it is.

    >>> VariantFiles().of(ImageAddress(Path("no/such/folder"), "a-00000000", "test_a", None))
    {}
    """

    def __init__(self) -> None:
        self._held: dict[Path, tuple[int, dict[str, dict[str, Path]]]] = {}

    def of(self, address: ImageAddress) -> Mapping[str, Path]:
        """Return the files of an image's variants, by what stands for the environment."""
        try:
            changed = address.folder.stat().st_mtime_ns
        except OSError:
            return {}
        seen, listed = self._held.get(address.folder, (None, {}))
        if seen != changed or time.time_ns() - changed < _SETTLED:
            listed = _variants(address.folder)
            self._held[address.folder] = (changed, listed)
        return listed.get(address.stem, {})


def _variants(folder: Path) -> dict[str, dict[str, Path]]:
    found: dict[str, dict[str, Path]] = {}
    for path in sorted(folder.iterdir()):
        if (named := variant_of(path.name)) is not None:
            stem, variant = named
            found.setdefault(stem, {}).setdefault(variant, path)
    return found
