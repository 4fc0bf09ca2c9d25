from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.weights import catalog, find, remember
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.weights.remember import recomputed_sha256, remembered_sha256

CONTENT = b"weights " * 100


class Counted:
    """The real hash, and how often it was asked for."""

    def __init__(self, real: Callable[[Path], str]):
        self._real = real
        self.calls = 0

    def __call__(self, path: Path) -> str:
        self.calls += 1
        return self._real(path)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remember, "WORTH_BYTES", 10)
    return tmp_path / "cache" / "hashes"


@pytest.fixture
def hashing(monkeypatch: pytest.MonkeyPatch) -> Counted:
    counted = Counted(remember.sha256_of)
    monkeypatch.setattr(remember, "sha256_of", counted)
    return counted


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after every file of the test was written."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 60_000_000_000)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "big.safetensors"
    path.write_bytes(CONTENT)
    return path


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.mark.usefixtures("later")
def test_an_unchanged_file_is_hashed_once(weights, hashing, folder, tmp_path):
    link = tmp_path / "link.safetensors"
    link.symlink_to(weights)
    assert [remembered_sha256(path) for path in (weights, weights, link)] == [digest(CONTENT)] * 3
    assert hashing.calls == 1
    assert [path.suffix for path in folder.iterdir()] == [".json"]


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("how", ["longer", "same size and mtime", "another file in its place"])
def test_a_changed_file_is_hashed_again(weights, how):
    remembered_sha256(weights)
    kept = weights.stat()
    content = CONTENT + b"more" if how == "longer" else CONTENT[::-1]
    path = weights.with_name("other") if how == "another file in its place" else weights
    path.write_bytes(content)
    if how != "longer":
        os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    path.replace(weights)
    assert remembered_sha256(weights) == digest(content)


def test_what_is_recomputed_is_remembered_anew(
    weights: Path, hashing: Counted, later: None
) -> None:
    assert [recomputed_sha256(weights) for _ in range(2)] == [digest(CONTENT)] * 2
    assert hashing.calls == 2
    assert remembered_sha256(weights) == digest(CONTENT)
    assert hashing.calls == 2


def test_a_file_that_was_just_written_is_not_remembered(weights, hashing, folder):
    assert remembered_sha256(weights) == remembered_sha256(weights) == digest(CONTENT)
    assert hashing.calls == 2
    assert not folder.exists()


@pytest.mark.usefixtures("later")
def test_a_file_that_changes_while_it_is_hashed_is_not_remembered(weights, folder, monkeypatch):
    def grows(path: Path) -> str:
        found = digest(path.read_bytes())
        path.write_bytes(CONTENT * 2)
        return found

    monkeypatch.setattr(remember, "sha256_of", grows)
    assert remembered_sha256(weights) == digest(CONTENT)
    assert not folder.exists()


@pytest.mark.usefixtures("later")
def test_small_files_are_hashed_every_time(weights, hashing, folder, monkeypatch):
    monkeypatch.setattr(remember, "WORTH_BYTES", len(CONTENT) + 1)
    remembered_sha256(weights)
    remembered_sha256(weights)
    assert hashing.calls == 2
    assert not folder.exists()


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\x00", b"{", b"[" * 5000, b"[]", b"null", b"{}", "{identity}",
     '{identity, "sha256": "abc"}', '{identity, "sha256": 7}', '{"sha256": "%s"}' % ("0" * 64)],
)  # fmt: skip
def test_garbage_costs_only_the_hashing(weights, hashing, folder, garbage):
    remembered_sha256(weights)
    (note,) = folder.iterdir()
    kept = json.loads(note.read_text())
    del kept["sha256"]
    if isinstance(garbage, str):
        garbage = garbage.replace("identity", json.dumps(kept)[1:-1]).encode()
    note.write_bytes(garbage)
    assert remembered_sha256(weights) == digest(CONTENT)
    assert remembered_sha256(weights) == digest(CONTENT)
    assert hashing.calls == 2


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize(
    "problem", ["a file in the folder's place", "a folder in the note's", "home"]
)
def test_a_cache_that_cannot_be_used_costs_only_the_hashing(weights, folder, problem, monkeypatch):
    if problem == "home":
        monkeypatch.setenv("EDITMETRICS_CACHE", "~nobody-of-that-name/cache")
    elif problem == "a folder in the note's":
        remembered_sha256(weights)
        (note,) = folder.iterdir()
        note.unlink()
        (note / "x").mkdir(parents=True)
    else:
        folder.parent.write_text("")
    assert remembered_sha256(weights) == digest(CONTENT)
    assert not list(weights.parent.rglob("*.part"))


@pytest.mark.usefixtures("later")
def test_many_writers_at_once_leave_one_whole_note(weights, folder):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(remembered_sha256, [weights] * 40))
    assert found == {digest(CONTENT)}
    (note,) = folder.iterdir()
    assert json.loads(note.read_text())["sha256"] == digest(CONTENT)


def test_what_cannot_be_read_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        remembered_sha256(tmp_path / "absent")


@pytest.mark.usefixtures("later")
def test_pipes_believe_what_is_remembered_and_the_weights_command_hashes(
    tmp_path, hashing, folder, monkeypatch
):
    whole = digest(CONTENT)
    checkpoint = Checkpoint("sam:vit_b", "b.pth", len(CONTENT), "1 kB", whole, "http://x/")
    monkeypatch.setattr(catalog, "PUBLISHED", {"sam:vit_b": checkpoint})
    checkpoint.path.parent.mkdir(parents=True)
    checkpoint.path.write_bytes(CONTENT)
    assert find.find_sam("vit_b").sha256 == find.find_sam("vit_b").sha256 == whole
    assert hashing.calls == 1
    (note,) = folder.iterdir()
    note.write_text(json.dumps({**json.loads(note.read_text()), "sha256": "0" * 64}))
    with pytest.raises(WeightsError, match="damaged"):
        find.find_sam("vit_b")
    assert find.find("sam:vit_b").sha256 == whole
