"""The YAML cases that come next: large images are decoded while one is measured.

Only where the order is known: a worker of pytest-xdist is told one test at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from pytest_editmetrics.errors import EditMetricsError

if TYPE_CHECKING:
    from pytest_editmetrics.config.case_file import CaseSpec
    from pytest_editmetrics.config.settings import Settings
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.load import Array, Loaded

    _Decoding: TypeAlias = "Future[tuple[_Decoded, _Decoded]] | _Small"

CASE = "editmetrics_case"  # the attribute of a test function that holds its case
_TOGETHER = 4
_SMALL = 1 << 16  # bytes of a file: a thread would wait for its turn longer than decoding takes
_KEPT = 1 << 26  # bytes of pixels: many edits are of one photo, and a large photo decodes slowly


class CasesAhead:
    """Decodes the images of a session's cases, two groups of a few at a time.

    Large ones are decoded in a thread: decoding them lets the test run on. Small ones are when
    their case runs, or when one of their group has to be encoded.
    ``settings`` gives the configuration's, which says how colours are read and how images of unlike
    sizes are compared.
    """

    def __init__(self, items: Sequence[pytest.Item], settings: Callable[[], Settings]):
        self._items = items
        self._settings = settings
        self._places = {item: place for place, item in enumerate(items)}
        self._thread = ThreadPoolExecutor(1, "editmetrics-decode")
        self._decoding: dict[int, _Decoding] = {}
        self._group = range(0)
        self._references = _References()

    def take(self, item: pytest.Item) -> tuple[Any, Any, Callable[[], list[Array]] | None]:
        """Return the reference and the edited image of the case of ``item``.

        An image that cannot be decoded is its path. Both are where a file holds other bytes now, or
        one is a link to the other, so that measuring looks at them as they are now. For the first
        case of a group the third value gives the images of the whole group, as they will be
        compared.
        """
        place = self._places[item]
        together = None
        if place not in self._decoding or place not in self._group:
            self._group = range(place, place + _TOGETHER)
            self._decode(range(place, place + 2 * _TOGETHER))
            group = {n: pair for n, pair in self._decoding.items() if n in self._group}
            together = lambda: self._images(group)  # noqa: E731
        pair = self._decoding.pop(place)
        now = isinstance(pair, _Small) and pair.decoded is None
        reference, edited = pair.result()
        if now or (reference.current and edited.current and not _one_file(reference, edited)):
            return reference.taken, edited.taken, together
        return reference.path, edited.path, together

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _images(self, group: Mapping[int, _Decoding]) -> list[Array]:
        found: list[Array] = []
        for place, pair in group.items():
            found += self._compared(_case(self._items[place]), *pair.result())
        return found

    def _compared(
        self, case: CaseSpec | None, reference: _Decoded, edited: _Decoded
    ) -> Sequence[Array]:
        """Return what a case will compare; nothing if it cannot."""
        from pytest_editmetrics.images.best_fit import brought_together

        if case is None or reference.image is None or edited.image is None:
            return ()
        before, after = reference.image.pixels, edited.image.pixels
        settings = self._settings()
        resize, aspect = case.resize or settings.resize, case.aspect or settings.aspect
        if before.shape == after.shape:
            return before, after
        try:
            fit = None if resize is None else brought_together(before, after, resize, aspect)
        except EditMetricsError:  # the case's own gates say so
            return ()
        return () if fit is None else fit.pictures(before, after)

    def _decode(self, places: range) -> None:
        self._decoding = {n: pair for n, pair in self._decoding.items() if n in places}
        for place in places[: len(self._items) - places.start]:
            case = _case(self._items[place])
            if case is None or case.edited is None or place in self._decoding:
                continue
            colour = case.colour or self._settings().colour
            files = case.reference, case.edited
            decode = partial(self._pair, *files, colour)
            small = max(map(_size, files)) < _SMALL
            self._decoding[place] = _Small(decode) if small else self._thread.submit(decode)

    def _pair(self, reference: Path, edited: Path, colour: Colour) -> tuple[_Decoded, _Decoded]:
        paths = _Decoded(reference, b"", None), _Decoded(edited, b"", None)
        if _one_file(*paths):  # an error, which the paths tell
            return paths
        return self._references.decoded(reference, colour), _decoded(edited, "edited image", colour)


def _case(item: pytest.Item) -> CaseSpec | None:
    case: CaseSpec | None = getattr(getattr(item, "function", None), CASE, None)
    return case


@dataclass(frozen=True)
class _Decoded:
    """An image, ``None`` if it cannot be read, and what its file held then.

    Another case may have put another picture in the same place: by ``shutil.copy2`` with the size
    and times of the first, or through a mapping of the file, of which no time tells.
    """

    path: Path
    data: bytes
    image: Loaded | None

    @property
    def size(self) -> int:
        """The bytes of its pixels."""
        return 0 if self.image is None else self.image.pixels.nbytes

    @property
    def taken(self) -> Any:
        """The image, else the path."""
        return self.path if self.image is None else self.image

    @property
    def current(self) -> bool:
        """Whether its file holds the same bytes still."""
        from pytest_editmetrics.images.load import read_image_file

        try:
            return self.image is not None and read_image_file(self.path, "")[0] == self.data
        except (EditMetricsError, MemoryError):  # reading it again says so
            return False


@dataclass
class _Small:
    """A reference and an edited image, decoded when they are asked for."""

    decode: Callable[[], tuple[_Decoded, _Decoded]]
    decoded: tuple[_Decoded, _Decoded] | None = None

    def result(self) -> tuple[_Decoded, _Decoded]:
        if self.decoded is None:
            self.decoded = self.decode()
        return self.decoded


class _References:
    """The references decoded last, for the cases that have one in common."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, Colour], _Decoded] = {}
        self._size = 0
        self._lock = Lock()

    def decoded(self, path: Path, colour: Colour) -> _Decoded:
        with self._lock:
            kept = self._kept.pop((path, colour), None)
            if kept is not None:
                self._size -= kept.size
                if kept.current:
                    return self._keep(kept, colour)
            return self._keep(_decoded(path, "reference image", colour), colour)

    def _keep(self, decoded: _Decoded, colour: Colour) -> _Decoded:
        if decoded.image is not None:
            self._kept[decoded.path, colour] = decoded
            self._size += decoded.size
        while self._size > _KEPT:
            self._size -= self._kept.pop(next(iter(self._kept))).size
        return decoded


def _one_file(one: _Decoded, other: _Decoded) -> bool:
    try:
        return one.path.samefile(other.path)
    except OSError:  # which reading them tells
        return False


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # which decoding tells
        return 0


def _decoded(path: Path, what: str, colour: Colour) -> _Decoded:
    from pytest_editmetrics.images.load import read_encoded, read_image_file

    try:
        data, named = read_image_file(path, what)
        return _Decoded(path, data, read_encoded(data, named, colour))
    except (EditMetricsError, MemoryError):
        return _Decoded(path, b"", None)
