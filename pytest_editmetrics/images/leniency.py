"""A file is read whole or not at all, whatever the process has told Pillow of truncated files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from PIL import ImageFile


class _Strict:
    """Counts who reads: the first switches Pillow's leniency off, the last puts it back."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers = 0
        self._lenient = False

    @contextmanager
    def __call__(self) -> Iterator[None]:
        """While the block runs, a file that is cut off or damaged is an error."""
        with self._lock:
            self._readers += 1
            self._lenient |= bool(ImageFile.LOAD_TRUNCATED_IMAGES)
            ImageFile.LOAD_TRUNCATED_IMAGES = False
        try:
            yield
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers and self._lenient:
                    ImageFile.LOAD_TRUNCATED_IMAGES = True
                    self._lenient = False


whole_files = _Strict()
