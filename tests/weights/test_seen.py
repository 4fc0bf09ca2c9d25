"""A file that was looked at is told from another, however soon after it the other was written."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pytest_editmetrics.weights import seen
from pytest_editmetrics.weights.seen import Seen, SeenAll


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were read to tell."""
    files: list[Path] = []
    digest = seen._digest
    monkeypatch.setattr(seen, "_digest", lambda path: files.append(path) or digest(path))
    return files


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """Make it a minute later than it is."""
    real = time.time_ns

    def later() -> None:
        monkeypatch.setattr(time, "time_ns", lambda: real() + 60_000_000_000)

    return later


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.bin"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """No write moves a file's times, as within one step of a coarse clock."""
    real, moment = seen.identity, time.time_ns()

    def identity(path: Path):
        found = real(path)
        return found and {**found, "mtime_ns": moment, "ctime_ns": moment}

    monkeypatch.setattr(seen, "identity", identity)


def test_a_settled_file_is_told_without_reading(file, read, later):
    later()
    one = Seen(file)
    assert one.still()
    assert one.still()
    assert read == []
    file.write_bytes(b"two")
    assert not one.still()


@pytest.mark.usefixtures("frozen")
def test_a_young_file_is_told_by_its_bytes(file, read):
    one = Seen(file)
    assert one.still()
    assert read == [file, file]
    file.write_bytes(b"two")
    assert not one.still()


def test_a_young_file_that_settled_is_read_once_more(file, read, later):
    one = Seen(file)
    later()
    assert one.still()
    assert one.still()
    assert one.still()
    assert read == [file, file]
    file.write_bytes(b"two")
    assert not one.still()


def test_a_file_comes_and_goes(file):
    there, absent = Seen(file), Seen(file.with_name("b.bin"))
    assert there.still()
    assert absent.still()
    file.rename(file.with_name("b.bin"))
    assert not there.still()
    assert not absent.still()


def test_a_folder_is_all_of_its_files(file, later):
    both = SeenAll(file.parent)
    assert both.still()
    other = file.with_name("b.bin")
    other.write_bytes(b"")
    assert not both.still()
    other.unlink()
    assert both.still()
    later()
    file.write_bytes(b"two")
    assert not both.still()
    assert SeenAll(file).still()
