"""Every file of the corpus shows what another decoder makes of it, or is refused by its name."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from corpus import Made, every_file
from PIL import Image, ImageFile

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.load import read_image

KINDS = ("depth", "photometric", "orientation", "transparency", "metadata", "format", "truncation",
         "profile")  # fmt: skip


@pytest.fixture(scope="module")
def files() -> list[Made]:
    return every_file()


def beyond(image: np.ndarray, shows: np.ndarray) -> str | None:
    if image.shape != shows.shape:
        return f"{image.shape}, not {shows.shape}"
    off = np.abs(image - np.rint(shows)).max()
    return f"off by {off:.0f} levels" if off > 1 else None


def problem(made: Made, path: Path) -> str | None:
    try:
        image = read_image(path, "edited image").pixels
    except ImageError as error:
        said = str(error)
        if made.refused is None or not re.search(made.refused, said):
            return said
        return None if said.startswith(f"edited image {path}: ") else f"not named: {said}"
    if made.shows is None:
        return "read, and not refused" if made.whole is None else beyond(image, made.whole)
    lazy = opened_by_pillow(path)
    if lazy is not None and not np.array_equal(lazy, image):
        return "not the same as the PIL image that lies in it"
    return beyond(image, made.shows)


def opened_by_pillow(path: Path) -> np.ndarray | None:
    """The same file by way of a PIL image that is opened and not yet read."""
    try:
        image = Image.open(path)
    except ValueError:  # Pillow stops at long texts
        return None
    with image:
        return read_image(image).pixels


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_file_shows_what_it_holds(tmp_path, files, kind, lenient, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    wrong = []
    for made in files:
        if made.kind == kind:
            path = tmp_path / made.name
            path.write_bytes(made.data)
            if said := problem(made, path):
                wrong.append(f"{made.name}: {said}")
    assert not wrong, "\n".join(wrong)


def test_the_corpus_is_large_and_of_every_kind(files):
    counts = Counter(made.kind for made in files)
    assert set(counts) == set(KINDS)
    assert counts.total() >= 200, counts
