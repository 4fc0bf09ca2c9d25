"""What a stranger's bytes may reach: the readers of YAML, and what makes images of anything.

A target takes bytes and returns; whatever but an ``EditMetricsError`` comes out of it is a bug.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pytest_editmetrics.config.case_file import read_case_file
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.config.suite import read_suite
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.goldens.provenance import read_provenance
from pytest_editmetrics.images.load import load_image, read_encoded
from pytest_editmetrics.pipes.registry import PipeRegistry

ARRAY = b"ARRAY"
_DTYPES = ["u1", "u2", "i4", "f2", "f4", "f8", "?", "c8", "S1", "O"]
_MOST_PIXELS = 250_000


class Targets:
    """The targets, and the one folder in which they write what they read."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._registry = PipeRegistry()

    def yaml(self, data: bytes) -> None:
        """Read ``data`` as every kind of file that the plugin reads as YAML."""
        path = self._root / "test_x.edit.yaml"
        path.write_bytes(data)
        readers: list[Callable[[], Any]] = [
            lambda: load_settings(path, self._registry, self._root),
            lambda: read_case_file(path, self._registry, self._root),
            lambda: read_golden_file(path, self._registry, self._root),
            lambda: read_suite(path, self._registry, self._root),
            lambda: read_provenance(path, self._root),
        ]
        for read in readers:
            with suppress(EditMetricsError):
                read()

    def image(self, data: bytes) -> None:
        """Load ``data`` as an encoded image, or as the array that it describes after ``ARRAY``."""
        # what is larger is refused as a bomb: a small one goes the same way, and sooner
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, _MOST_PIXELS
        try:
            with suppress(EditMetricsError):
                source = _array(data[len(ARRAY) :]) if data.startswith(ARRAY) else None
                image = read_encoded(data, "image").pixels if source is None else load_image(source)
                assert image.dtype == np.uint8
                assert image.ndim == 3
                assert image.shape[2] == 3
                assert image.size
                assert image.flags.c_contiguous
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _array(data: bytes) -> np.ndarray[Any, Any]:
    """An array of any dtype and of up to five dimensions, filled with what is left of ``data``."""
    head, content = data[:7].ljust(7, b"\1"), data[7:] or b"\0"
    dtype = np.dtype(_DTYPES[head[0] % len(_DTYPES)])
    shape = tuple(size % 12 for size in head[2 : 2 + head[1] % 6])
    if dtype.hasobject:
        return np.full(shape, content, dtype=dtype)
    count = int(np.prod(shape)) * dtype.itemsize
    raw = (content * (count // len(content) + 1))[:count]
    return np.frombuffer(raw, dtype=dtype).reshape(shape)
