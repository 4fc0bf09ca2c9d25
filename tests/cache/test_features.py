from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from safetensors.numpy import save_file

from pytest_editmetrics.cache.features import FeatureCache, MemoryCache, feature_key, pixels_digest
from pytest_editmetrics.cache.folder import CacheFolder
from pytest_editmetrics.cli.main import main

KEY = feature_key("test-1", pixels="ab")
FEATURE = [np.arange(12, dtype=np.float32).reshape(3, 4), np.array([True, False])]


def never() -> list[np.ndarray]:
    raise AssertionError("computed although it was there")


def same(found: object, expected: list[np.ndarray]) -> bool:
    pairs = list(zip(found, expected, strict=True))  # type: ignore[call-overload]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


@pytest.fixture
def folder(tmp_path: Path) -> CacheFolder:
    return CacheFolder(tmp_path / "features", 10**6)


def files(folder: CacheFolder) -> list[Path]:
    return sorted(path for path in folder.path.rglob("*") if path.is_file())


# --- in memory ---


def test_a_feature_is_computed_once_and_cannot_be_changed():
    cache = FeatureCache()
    assert same(cache.get(lambda: KEY, lambda: FEATURE), FEATURE)
    (first, _) = cache.get(lambda: KEY, never)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1


def test_only_what_is_missing_is_computed_and_once_for_equal_keys():
    cache = FeatureCache()
    cache.get(lambda: "b", lambda: [np.array([2])])
    asked: list[list[int]] = []

    def compute(missing: list[int]) -> list[list[np.ndarray]]:
        asked.append(missing)
        return [[np.array([n])] for n in missing]

    found = cache.get_many(lambda: ["a", "b", "a", "c"], compute)
    assert asked == [[0, 3]]
    assert [int(array[0]) for (array,) in found] == [0, 2, 0, 3]
    assert cache.get_many(lambda: ["c", "a"], compute)[0][0] == 3
    assert len(asked) == 1


def test_the_least_recently_used_goes_first():
    cache = MemoryCache(10)
    for name in "abc":
        cache.put(name, [np.zeros(3, np.uint8)])
    assert cache.get("a") is not None
    cache.put("d", [np.zeros(3, np.uint8)])
    assert [name for name in "abcd" if cache.get(name) is not None] == ["a", "c", "d"]
    assert cache.nbytes == 9


def test_what_is_larger_than_the_bound_leaves_the_rest_alone():
    cache = MemoryCache(10)
    cache.put("a", [np.zeros(8, np.uint8)])
    cache.put("b", [np.zeros(11, np.uint8)])
    assert cache.get("b") is None
    assert cache.get("a") is not None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), max_size=30))
def test_memory_is_bounded(puts: list[tuple[int, int]]):
    cache = MemoryCache(20)
    for name, size in puts:
        cache.put(str(name), [np.zeros(size, np.uint8)])
        assert cache.nbytes <= 20
        kept = [cache.get(str(n)) for n in range(6)]
        assert cache.nbytes == sum(value[0].nbytes for value in kept if value is not None)


def test_the_digest_tells_pixels_and_shape_apart():
    one = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    other = one.copy()
    other[1, 1, 2] += 1
    shapes = [one, other, one.reshape(1, 4, 3), one[:, ::-1]]
    assert len({pixels_digest(image) for image in shapes}) == 4
    assert pixels_digest(one[:, ::-1][:, ::-1]) == pixels_digest(one)


# --- on disk ---


@given(
    st.lists(
        arrays(st.sampled_from([np.float32, np.int64, np.bool_]), array_shapes(min_side=0)),
        min_size=1,
        max_size=3,
    )
)
def test_what_was_written_is_read(tmp_path_factory, feature: list[np.ndarray]):
    folder = CacheFolder(tmp_path_factory.mktemp("cache"), 10**9)
    folder.write(KEY, feature)
    found = folder.read(KEY)
    assert found is not None
    assert all(a.base is None for a in found)  # else each keeps what it was read into
    assert all(
        a.tobytes() == b.tobytes() and a.shape == b.shape
        for a, b in zip(found, feature, strict=True)
    )
    assert folder.take_notes() == []


def test_a_feature_outlives_the_session(folder):
    FeatureCache(folder).get(lambda: KEY, lambda: FEATURE)
    again = FeatureCache(CacheFolder(folder.path, 10**6))
    assert same(again.get(lambda: KEY, never), FEATURE)
    assert again.get(lambda: "another", lambda: [np.array([1])])[0] == 1


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped", "foreign", "text", "header"])
def test_a_damaged_file_is_computed_again_and_said_once(folder, damage):
    FeatureCache(folder).get(lambda: KEY, lambda: FEATURE)
    (path,) = files(folder)
    data = path.read_bytes()
    if damage == "foreign":
        save_file({"0": FEATURE[0], "1": FEATURE[1]}, path, {"key": "another", "crc32": "1"})
    else:
        path.write_bytes(
            {
                "truncated": data[:-3],
                "empty": b"",
                "flipped": data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
                "text": b"hello",
                "header": b"\xff" * 16 + data,
            }[damage]
        )
    cache = FeatureCache(CacheFolder(folder.path, 10**6))
    assert same(cache.get(lambda: KEY, lambda: FEATURE), FEATURE)
    cache.get(lambda: "other", lambda: FEATURE)
    (note,) = cache.take_notes()
    assert path.name in note
    assert "computed again" in note
    assert cache.take_notes() == []
    repaired = FeatureCache(CacheFolder(folder.path, 10**6))
    assert same(repaired.get(lambda: KEY, never), FEATURE)


def test_a_pickle_in_the_folder_is_not_executed(folder, tmp_path):
    import pickle

    class Bomb:
        def __reduce__(self):
            return Path.touch, (tmp_path / "executed",)

    FeatureCache(folder).get(lambda: KEY, lambda: FEATURE)
    (path,) = files(folder)
    path.write_bytes(pickle.dumps(Bomb()))
    FeatureCache(CacheFolder(folder.path, 10**6)).get(lambda: KEY, lambda: FEATURE)
    assert not (tmp_path / "executed").exists()


def test_a_folder_that_cannot_be_written_costs_only_the_keeping(tmp_path):
    blocked = tmp_path / "a file"
    blocked.write_text("no folder")
    cache = FeatureCache(CacheFolder(blocked / "features", 10**6))
    assert same(cache.get(lambda: KEY, lambda: FEATURE), FEATURE)
    cache.get(lambda: "other", lambda: FEATURE)
    (note,) = cache.take_notes()
    assert "cannot be written" in note
    assert "goes on without" in note


def test_a_full_disk_costs_only_the_keeping(tmp_path):
    code = (
        "import resource, signal, numpy as np\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from pathlib import Path\n"
        "from pytest_editmetrics.cache.features import FeatureCache\n"
        "from pytest_editmetrics.cache.folder import CacheFolder\n"
        f"cache = FeatureCache(CacheFolder(Path({str(tmp_path)!r}), 10**9))\n"
        "feature = cache.get(lambda: 'k', lambda: [np.ones(5000, np.float32)])\n"
        "assert feature[0].sum() == 5000\n"
        "(note,) = cache.take_notes()\n"
        "assert 'cannot be written' in note, note\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_folder_is_bounded_and_the_least_recently_used_goes(tmp_path):
    folder = CacheFolder(tmp_path, 5000)
    for number in range(12):
        folder.write(str(number), [np.zeros(200, np.float32)])
        for path in files(folder):  # the clock of some file systems is coarse
            stat = path.stat()
            os.utime(path, (stat.st_atime, stat.st_mtime - 10))
        assert folder.read("0") is not None
        assert folder.info().nbytes <= 5000
    kept = [number for number in range(12) if folder.read(str(number)) is not None]
    assert kept[0] == 0
    assert kept[1:] == list(range(12 - len(kept) + 1, 12))
    assert 2 < len(kept) < 6


def test_what_is_larger_than_the_bound_is_not_kept(tmp_path):
    folder = CacheFolder(tmp_path, 100)
    folder.write(KEY, [np.zeros(1000, np.float32)])
    assert files(folder) == []


def test_what_other_processes_kept_counts_too(tmp_path):
    CacheFolder(tmp_path, 10**6).write("a", [np.zeros(1000, np.float32)])
    CacheFolder(tmp_path, 5000).write("b", [np.zeros(1000, np.float32)])
    assert CacheFolder(tmp_path, 1).info().nbytes <= 5000


def test_many_writers_and_readers_never_see_half_a_feature(tmp_path):
    problems: list[str] = []

    def work() -> None:
        folder = CacheFolder(tmp_path, 10**9)
        for _ in range(40):
            folder.write(KEY, FEATURE)
            found = folder.read(KEY)
            if found is None or not same(found, FEATURE):
                problems.append("half")
        problems.extend(folder.take_notes())

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1


# --- editmetrics cache ---


def test_the_command_shows_prunes_and_clears(tmp_path, capsys):
    folder = CacheFolder(tmp_path, 10**9)
    for number in range(4):
        folder.write(str(number), [np.zeros(1000, np.float32)])
    assert main(["cache", "info", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: 4 features, 0.0 MB\n"
    assert main(["cache", "prune", "--size", "9KB", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "removed 2"
    assert main(["cache", "clear", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"removed 2\n{tmp_path}: 0 features, 0.0 MB\n"


def test_the_command_leaves_other_files_alone(tmp_path, capsys):
    (tmp_path / "ab").mkdir()
    for name in ("notes.txt", "ab/notes.txt", "model.safetensors"):
        (tmp_path / name).write_text("mine")
    assert main(["cache", "clear", "--dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("removed 0\n")
    assert (tmp_path / "ab" / "notes.txt").exists()


def test_the_command_finds_the_users_folder(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path))
    assert main(["cache", "info"]) == 0
    assert capsys.readouterr().out.startswith(f"{tmp_path / 'features'}: 0 features")


@pytest.mark.parametrize("size", ["many", "-1MB", "nan", "2XB", "", "5"])
def test_a_size_that_is_none(size, tmp_path, capsys):
    assert main(["cache", "prune", f"--size={size}", "--dir", str(tmp_path)]) == 2
    assert "is not a size; write it as 500MB or 2GB" in capsys.readouterr().err


def test_the_command_knows_of_pictures_too(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path))
    picture = tmp_path / "pictures" / "project-1234" / "one.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(bytes(1_500_000))
    assert main(["cache", "info"]) == 0
    assert f"{tmp_path / 'pictures'}: 1 picture of failing gates, 1.5 MB" in capsys.readouterr().out
    assert main(["cache", "clear", "--dir", str(tmp_path / "other")]) == 0
    assert picture.exists()
    newer = picture.with_name("two.png")
    newer.write_bytes(bytes(900_000))
    os.utime(picture, (0, 0))
    assert main(["cache", "prune", "--size=1MB"]) == 0
    assert "removed 1 picture\n" in capsys.readouterr().out
    assert newer.exists()
    assert not picture.exists()
    assert main(["cache", "clear"]) == 0
    assert "removed 1 picture\n" in capsys.readouterr().out
    assert not newer.exists()
