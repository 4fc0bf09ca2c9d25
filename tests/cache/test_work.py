"""Temporary work lies in one folder in the cache, and nothing of a process outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_editmetrics.cache.work import (
    leave_session_folder,
    remove_left,
    take_session_folder,
    work_folder,
)

HOLDING = """
import time
from pytest_editmetrics.cache.work import work_folder

with work_folder() as folder:
    (folder / "a.bin").write_bytes(b"half")
    print(folder, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_folder_is_gone_when_its_block_ends(cache):
    with work_folder() as one, work_folder() as other:
        assert {one.parent, other.parent} == {cache / "work"}
        assert one != other
        (one / "sub").mkdir()
        (one / "sub" / "a.bin").write_bytes(b"1")
    with pytest.raises(KeyError), work_folder():
        raise KeyError
    assert list((cache / "work").iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_a_living_one_holds_stays(cache):
    command = [sys.executable, "-c", HOLDING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        with work_folder():
            remove_left()
            assert (held / "a.bin").exists()
        process.kill()
    assert process.returncode == -signal.SIGKILL
    assert held.exists()
    with work_folder() as folder:
        assert list((cache / "work").glob("*[!k]")) == [folder]
    assert list((cache / "work").iterdir()) == []


def test_without_a_cache_the_work_lies_with_the_systems_temporary_files(cache, monkeypatch):
    cache.write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(cache.parent))
    with work_folder() as folder:
        assert folder.is_dir()
        assert folder.parent == cache.parent
    remove_left()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="no folder can be locked")
@pytest.mark.parametrize("holding", ["HOLDING", "SESSION"])
def test_without_a_cache_what_a_killed_process_left_goes_too(cache, monkeypatch, holding):
    cache.write_text("no folder")
    monkeypatch.setenv("TMPDIR", str(cache.parent))
    monkeypatch.setattr("tempfile.tempdir", str(cache.parent))
    (cache.parent / "editmetrics-of-somebody").mkdir()
    command = [sys.executable, "-c", globals()[holding]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = Path(process.stdout.readline().strip())
        with work_folder() as folder:
            assert {folder.parent, left.parent} == {cache.parent}
            assert left.is_dir()
        process.kill()
    assert left.is_dir()
    leave_session_folder(*take_session_folder())
    assert {path.name for path in cache.parent.iterdir()} == {"cache", "editmetrics-of-somebody"}


SESSION = """
import os, time
from pytest_editmetrics.cache.work import take_session_folder

folder, held = take_session_folder()
(folder / "1.jsonl").write_text("{}")
print(folder, flush=True)
time.sleep(600)
"""


def test_a_sessions_folder_goes_with_the_session_and_takes_empty_parents_along(cache):
    one, other = take_session_folder(), take_session_folder()
    assert {one[0].parent, other[0].parent} == {cache / "work"}
    leave_session_folder(*one)
    assert not one[0].exists()
    assert other[0].is_dir()
    leave_session_folder(*other)
    assert not cache.exists()


def test_what_a_killed_session_left_goes_with_the_next(cache):
    command = [sys.executable, "-c", SESSION]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        held = Path(process.stdout.readline().strip())
        leave_session_folder(*take_session_folder())
        assert (held / "1.jsonl").exists()
        process.kill()
    assert held.exists()
    leave_session_folder(*take_session_folder())
    assert not cache.exists()


def test_without_a_cache_a_sessions_folder_lies_with_the_systems_temporary_files(
    cache, monkeypatch
):
    cache.write_text("no folder")
    monkeypatch.setattr("tempfile.tempdir", str(cache.parent))
    folder, held = take_session_folder()
    assert folder.parent == cache.parent
    leave_session_folder(folder, held)
    assert [path.name for path in cache.parent.iterdir()] == ["cache"]
