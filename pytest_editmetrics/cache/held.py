"""What was read from files, kept in memory until a file is another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from pytest_editmetrics.weights.seen import Seen

T = TypeVar("T")


class HeldFiles(Generic[T]):
    """Reads each file once, and again after another process changed it.

    Args:
        read: makes what is kept of a path; what it raises is raised, and nothing is kept.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     texts = HeldFiles(Path.read_text)
    ...     _ = path.write_text("one")
    ...     same = texts[path] is texts[path]
    ...     _ = path.write_text("two")
    ...     same, texts[path]
    (True, 'two')
    """

    def __init__(self, read: Callable[[Path], T]):
        self._read = read
        self._held: dict[Path, tuple[Seen, T]] = {}

    def __getitem__(self, path: Path) -> T:
        """Return what a file holds."""
        if path in self._held:
            seen, value = self._held[path]
            if seen.still():
                return value
            del self._held[path]
        seen = Seen(path)  # before it is read: what changes it meanwhile is noticed next time
        value = self._read(path)
        self._held[path] = (seen, value)
        return value
