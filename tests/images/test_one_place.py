"""Two images in one place are no pair; two that only look alike are."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
import torch
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.one_place import check_two_places

RANDOM = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)


def saved(folder, name="a.png"):
    Image.fromarray(RANDOM).save(folder / name)
    return folder / name


def linked(path):
    path.with_name("link.png").symlink_to(path)
    return path.with_name("link.png")


def hard_linked(path):
    path.with_name("hard.png").hardlink_to(path)
    return path.with_name("hard.png")


def tensor(array):
    return torch.from_numpy(array).permute(2, 0, 1)


MEMORY = {
    "array": lambda: (RANDOM, RANDOM),
    "view": lambda: (RANDOM, RANDOM[:]),
    "batch of one": lambda: (RANDOM, RANDOM[None]),
    "list of one": lambda: (RANDOM, [RANDOM]),
    "without alpha": lambda: (one := np.zeros((8, 8, 4), np.uint8), one[..., :3]),
    "grey": lambda: (one := np.zeros((8, 8), np.uint8), one[..., None]),
    "tensor and its array": lambda: (RANDOM, tensor(RANDOM)),
    "tensor and its view": lambda: (one := torch.zeros(3, 8, 8), one[None]),
    "buffer": lambda: (RANDOM, np.asarray(RANDOM.data)),
    "PIL": lambda: (one := Image.fromarray(RANDOM), one),
}
FILES = {
    "path": lambda path: (path, str(path)),
    "link": lambda path: (path, linked(path)),
    "hard link": lambda path: (path, hard_linked(path)),
    "path and opened": lambda path: (Image.open(path), path),
    "opened twice": lambda path: (Image.open(path), Image.open(path)),
}
TWO = {
    "copy": lambda path: (RANDOM, RANDOM.copy()),
    "side by side": lambda path: (RANDOM[:, :8], RANDOM[:, 8:]),
    "mirrored": lambda path: (RANDOM, RANDOM[:, ::-1]),
    "shifted": lambda path: (RANDOM[1:], RANDOM[:-1]),
    "cut off": lambda path: (RANDOM, RANDOM[:8]),
    "turned": lambda path: (RANDOM, RANDOM.transpose(1, 0, 2)),
    "of a batch": lambda path: tuple(np.stack([RANDOM, RANDOM])),
    "clone": lambda path: (tensor(RANDOM), tensor(RANDOM).clone()),
    "tensors of a batch": lambda path: tuple(torch.zeros(2, 3, 8, 8)),
    "empty": lambda path: (np.zeros((0, 8, 3)), np.zeros((0, 8, 3))),
    "PIL copy": lambda path: ((one := Image.fromarray(RANDOM)), one.copy()),
    "read, then the path": lambda path: (Image.open(path).copy(), path),
    "another file": lambda path: (path, saved(path.parent, "b.png")),
    "no file": lambda path: ("none.png", "none.png"),
    "nothing": lambda path: (1, 2),
    "no image twice": lambda path: (None, None),
    "a number twice": lambda path: (3, 3),
}


@pytest.mark.parametrize("make", MEMORY.values(), ids=MEMORY)
def test_one_memory(make):
    with pytest.raises(ImageError, match="one and the same memory"):
        check_two_places(*make())


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_one_file(make, tmp_path):
    with contextlib.ExitStack() as opened:
        both = make(saved(tmp_path))
        for image in both:
            opened.callback(getattr(image, "close", str))
        with pytest.raises(ImageError, match=r"one and the same file .*[.]png"):
            check_two_places(*both)


@pytest.mark.parametrize("make", TWO.values(), ids=TWO)
def test_two_places(make, tmp_path):
    check_two_places(*make(saved(tmp_path)))
