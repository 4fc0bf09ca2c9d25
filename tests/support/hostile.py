"""Faults that are really made: a disk of a few kilobytes, one that is read-only, another user."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096
# golden images whose comparison imports no torch
EXACT = "golden_images: {comparator: exact}\npipes_default: {lpips-pipe: {device: cpu}}\n"


@contextmanager
def small_disk(folder: Path, pages: int) -> Iterator[Path]:
    """Mount a disk that holds ``pages`` of 4 kB at ``folder``; needs the right to mount."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount("-t", "tmpfs", "-o", f"size={pages * PAGE}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder and all below it read-only, for root too."""
    _mount("--bind", str(folder), str(folder))
    try:
        _mount("-o", "remount,bind,ro", str(folder))
        with pytest.raises(OSError) as refused:
            (folder / "probe").touch()
        assert refused.value.errno == errno.EROFS
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Write a file until the disk is full."""
    with pytest.raises(OSError) as full, (disk / "filler").open("ab", buffering=0) as stream:
        while True:
            stream.write(bytes(PAGE))
    assert full.value.errno == errno.ENOSPC


def _mount(*arguments: str) -> None:
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
