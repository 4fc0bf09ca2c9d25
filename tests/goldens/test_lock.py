from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.lock import LOCK, golden_lock

fcntl = pytest.importorskip("fcntl", reason="locks as POSIX has them")


def test_a_lock_that_another_holds_is_waited_for_and_then_an_error(tmp_path):
    held = os.open(tmp_path / LOCK, os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with (
            pytest.raises(EditMetricsError, match=r"another process has been writing.*run again"),
            golden_lock(tmp_path, tmp_path.parent, patience=0),
        ):
            raise AssertionError
    finally:
        os.close(held)
    with golden_lock(tmp_path, tmp_path.parent, patience=0):
        assert (tmp_path / LOCK).exists()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_locks_nothing(tmp_path):
    (tmp_path / LOCK).touch()
    with golden_lock(tmp_path, tmp_path, patience=0):
        pass
    assert not (tmp_path / LOCK).exists()


def test_many_writers_take_turns(tmp_path):
    """Each waits for a file that the one before removes."""
    count = tmp_path / "count"
    count.write_text("0")

    def add(_: int) -> None:
        with golden_lock(tmp_path / "goldens", tmp_path):
            count.write_text(str(int(count.read_text()) + 1))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(40)))
    finally:
        sys.setswitchinterval(interval)
    assert count.read_text() == "40"


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"), golden_lock(tmp_path / "file" / "x", tmp_path):
        raise AssertionError
