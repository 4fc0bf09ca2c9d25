"""Golden images as files: names, variants, provenance, promotion, and what a kill leaves."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.config.golden_images import ImageSettings
from pytest_editmetrics.config.settings import load_settings
from pytest_editmetrics.errors import ConfigError, EditMetricsError, ImageError, InputError
from pytest_editmetrics.gates.image_verdict import Bounds
from pytest_editmetrics.goldens import images as snapshots
from pytest_editmetrics.goldens import leftovers, variant_files
from pytest_editmetrics.goldens.environment import Environment
from pytest_editmetrics.goldens.provenance import (
    PROVENANCE,
    checked_facts,
    entry_of,
    read_provenance,
    write_provenance,
)
from pytest_editmetrics.goldens.store import Goldens
from pytest_editmetrics.goldens.variant_files import VariantFiles
from pytest_editmetrics.images.load import read_pixels
from pytest_editmetrics.images.pixels import encode
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.runs.obsolete import listed_obsolete, obsolete_images, prune

HOSTILE = [
    "test_x[<script>alert(1)</script>]",
    "test_x['\"`$(rm -rf ~)`\"']",
    "test_x[../../../../etc/passwd]",
    "test_x[..\\..\\windows]",
    "test_x[" + "a" * 300 + "]",
    "test_x[" + "ä" * 300 + "]",
    "test_x[日本語の名前]",
    "test_x[\U0001f9e2]",
    "test_x[con]",
    "test_x[a\nb]",
    "test_x[\udcff]",
    "TEST_X[A]",
    "test_x[a]",
    "test_x[ a]",
    "...",
    "-",
]


def picture(value=0, size=(12, 10), channels=3):
    width, height = size
    shape = (height, width) if channels == 1 else (height, width, channels)
    return (np.arange(np.prod(shape)).reshape(shape) * 7 + value).astype(np.uint8)


def staged(folder, stem, value, test="test_a", root=None):
    data, suffix = encode(picture(value), "png")
    target = folder / f"{stem}{suffix}"
    return snapshots.stage(data, target, {"test": test, "date": str(value)}, root or folder.parent)


# Names


@pytest.mark.parametrize("name", [None, "../up", "<b>", "x" * 300, "é"])
@pytest.mark.parametrize("test", HOSTILE)
def test_a_name_fits_any_file_system_and_stays_in_its_folder(tmp_path, test, name):
    goldens = Goldens(None, tmp_path, PipeRegistry())
    address = snapshots.image_address(goldens, tmp_path / "test_x.py", test, name)
    assert address.folder == tmp_path / "goldens" / "test_x.py"
    longest = address.file("n" * 32, ".webp")
    assert longest.parent == address.folder
    assert len(longest.name.encode()) <= 120
    assert re.fullmatch(r"[A-Za-z0-9_-]+@n{32}\.webp", longest.name)
    assert snapshots.golden_stem(longest.name) == address.stem
    assert not longest.name.startswith((".", "-"))


def test_different_checks_have_different_names_also_where_case_does_not_count():
    stems = {snapshots.stem_of(test, name).lower() for test in HOSTILE for name in (None, "A", "a")}
    assert len(stems) == 3 * len(HOSTILE)


@given(st.text(), st.text(), st.one_of(st.none(), st.text()), st.one_of(st.none(), st.text()))
def test_names_are_made_of_the_whole_id(one, other, name, other_name):
    same = snapshots.stem_of(one, name) == snapshots.stem_of(other, other_name)
    assert same == ((one, name) == (other, other_name))


def test_a_golden_root_of_its_own(tmp_path):
    goldens = Goldens(tmp_path / "approved", tmp_path, PipeRegistry())
    address = snapshots.image_address(goldens, tmp_path / "tests" / "test_x.py", "test_a")
    assert address.folder == tmp_path / "approved" / "tests" / "test_x.py"


def test_a_variant_that_would_leave_the_folder_is_refused(tmp_path):
    address = snapshots.ImageAddress(tmp_path, "a-00000000", "test_a", None)
    with pytest.raises(InputError, match="no variant"):
        address.file("../../x", ".png")


# Variants


@pytest.mark.parametrize(
    ("there", "names", "found"),
    [
        (["", "@cuda", "@nvidia-h100"], ["nvidia-h100", "cuda-sm90", "cuda"], "nvidia-h100"),
        (["", "@cuda"], ["nvidia-h100", "cuda-sm90", "cuda"], "cuda"),
        (["", "@cuda"], ["cpu"], None),
        (["", "@cpu"], ["cpu"], "cpu"),
        (["", "@lab", "@cpu"], ["lab", "cpu"], "lab"),
        ([""], ["apple-m2", "mps"], None),
    ],
)
def test_the_nearest_variant_counts(tmp_path, there, names, found):
    address = snapshots.ImageAddress(tmp_path, "a-00000000", "test_a", None)
    for variant in there:
        (tmp_path / f"a-00000000{variant}.png").write_bytes(b"x")
    files = VariantFiles().of(address)
    assert set(files) == {variant[1:] for variant in there if variant}
    ran = Environment.recorded(names, None, "a gate")
    got = snapshots.find_image(address, ran.among(files), "png")
    assert (got.variant, got.empty) == (found, False)
    assert got.path == address.file(found, ".png")


class ListedFolder:
    """A folder with a golden image, its variants as ``VariantFiles`` tells them, and a clock."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.files = folder, VariantFiles()
        self.address = snapshots.ImageAddress(folder, "a-00000000", "test_a", None)
        self.listings, self.now = 0, 0
        listdir = os.listdir
        monkeypatch.setattr(os, "listdir", lambda path: self.listed(listdir, path))
        monkeypatch.setattr(time, "monotonic_ns", lambda: self.now)

    def listed(self, listdir, path):
        self.listings += 1
        return listdir(path)

    def changed(self, name, at):
        self.folder.joinpath(name).touch()
        os.utime(self.folder, ns=(0, at))

    def variants(self):
        return set(self.files.of(self.address))


AGES = [0, 3600, -3600]  # a folder of this moment, an old one, and one whose date is to come
STEPS = [(123, 10**8), (0, 3 * 10**9)]  # a time with a part of a second, and one without


def made_at(age, part):
    return (time.time_ns() // 10**9 - age) * 10**9 + part


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize(("part", "step"), STEPS)
def test_a_folder_is_not_listed_for_each_image(tmp_path, monkeypatch, age, part, step):
    folder = ListedFolder(tmp_path, monkeypatch)
    folder.changed("b-00000000@mps.webp", made_at(age, part))
    for _ in range(100):
        assert folder.variants() == set()
        folder.now += step // 4
    assert folder.listings == 5


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize(("part", "step"), STEPS)
def test_variants_that_come_or_go_are_seen(tmp_path, monkeypatch, age, part, step):
    folder, at = ListedFolder(tmp_path, monkeypatch), made_at(age, part)
    folder.changed("photo@home.png", at)
    assert folder.variants() == set()
    folder.now += 10 * step
    assert folder.variants() == set()
    folder.changed("a-00000000@cuda.png", at + 1)
    assert folder.variants() == {"cuda"}
    folder.changed("a-00000000@cpu.png", at + 2)
    (tmp_path / "a-00000000@cuda.png").unlink()
    os.utime(tmp_path, ns=(0, at + 2))
    assert folder.variants() == {"cpu"}


def test_a_change_after_which_the_date_was_set_back_is_seen(tmp_path, monkeypatch):
    folder, at = ListedFolder(tmp_path, monkeypatch), made_at(3600, 0)
    folder.changed("a-00000000@cuda.png", at)
    assert folder.variants() == {"cuda"}
    folder.now += 10**12
    assert folder.variants() == {"cuda"}
    folder.changed("a-00000000@cpu.png", at)  # as from an archive
    assert folder.variants() == {"cuda", "cpu"}


@pytest.mark.parametrize("age", AGES)
@pytest.mark.parametrize(("part", "step"), STEPS)
def test_a_change_that_leaves_the_folders_time_is_seen(tmp_path, monkeypatch, age, part, step):
    folder, at = ListedFolder(tmp_path, monkeypatch), made_at(age, part)
    monkeypatch.setattr(variant_files, "_state", lambda _: (at, at, 0))
    folder.changed("a-00000000@cuda.png", at)
    assert folder.variants() == {"cuda"}
    folder.now += step // 2
    folder.changed("a-00000000@cpu.png", at)  # in the same step of the file system's clock
    assert folder.variants() == {"cuda", "cpu"}
    folder.changed("a-00000000@mps.png", at)
    folder.now += step // 2
    assert folder.variants() == {"cuda", "cpu", "mps"}


def test_no_golden_and_one_that_waits_for_this_device(tmp_path):
    address = snapshots.ImageAddress(tmp_path, "a-00000000", "test_a", None)
    assert snapshots.find_image(address, ["cpu"], "png") is None
    (tmp_path / "a-00000000.png").write_bytes(b"x")
    (tmp_path / "a-00000000@cuda.png").touch()
    assert snapshots.find_image(address, ["cuda"], "png").empty
    assert not snapshots.find_image(address, [], "png").empty


def test_of_two_formats_the_configured_one_counts(tmp_path):
    address = snapshots.ImageAddress(tmp_path, "a-00000000", "test_a", None)
    for suffix in (".png", ".webp"):
        address.file(None, suffix).write_bytes(b"x")
    assert snapshots.find_image(address, (), "png").path.suffix == ".png"
    assert snapshots.find_image(address, (), "webp").path.suffix == ".webp"


# Pixels


@pytest.mark.parametrize("image_format", ["png", "webp"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_comes_back_as_it_was(tmp_path, image_format, channels):
    pixels = picture(channels=channels)
    data, suffix = encode(pixels, image_format)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    back = read_pixels(path).pixels
    assert back.shape == pixels.shape
    assert np.array_equal(back, pixels)
    assert suffix == (".webp" if image_format == "webp" and channels != 1 else ".png")


def test_an_opaque_alpha_is_kept_where_webp_would_drop_it(tmp_path):
    pixels = picture(channels=4)
    pixels[..., 3] = 255
    data, suffix = encode(pixels, "webp")
    (tmp_path / f"a{suffix}").write_bytes(data)
    assert read_pixels(tmp_path / f"a{suffix}").pixels.shape == pixels.shape


RGBA = picture(channels=4)
GREY = picture(channels=1)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (Image.fromarray(RGBA), RGBA),
        (Image.fromarray(GREY), GREY),
        ([Image.fromarray(RGBA)], RGBA),
        (RGBA, RGBA),
        (RGBA[None], RGBA),
        (RGBA / 255, RGBA),
        (torch.from_numpy(RGBA.transpose(2, 0, 1) / 255), RGBA),
        (torch.from_numpy(RGBA.transpose(2, 0, 1).copy())[None], RGBA),
        (GREY, GREY),
        (GREY[..., None], GREY),
        (GREY[None], GREY),
        (torch.from_numpy(GREY), GREY),
        (torch.from_numpy(GREY)[None], GREY),
        (torch.from_numpy(GREY)[None, None], GREY),
        (picture(), picture()),
        (torch.from_numpy(picture().transpose(2, 0, 1).copy()), picture()),
        (Image.fromarray(RGBA).convert("P"), np.asarray(Image.fromarray(RGBA).convert("P").convert("RGBA"))),
        (Image.fromarray(picture()).convert("P"), np.asarray(Image.fromarray(picture()).convert("P").convert("RGB"))),
    ],
)  # fmt: skip
def test_mode_and_alpha_survive_loading(source, expected):
    got = read_pixels(source).pixels
    assert got.dtype == np.uint8
    assert got.shape == expected.shape
    assert np.array_equal(got, expected)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n", "git lfs pull"),
        (encode(picture(size=(80, 80)), "png")[0][:200], "truncated"),
        (b"", "0 bytes"),
        (b"hello", "no image"),
    ],
)
def test_a_golden_that_cannot_be_read_says_why(tmp_path, content, says):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=f"golden image.*a.png.*{says}"):
        read_pixels(path, "golden image")


# Provenance


def test_provenance_comes_back_and_bytes_do_not_depend_on_the_order(tmp_path):
    nasty = 'é \U0001f9e2 "x": {y} # z\n\x85\u2028\\'
    entries = {
        "b.png": {"test": nasty, "sha256": "2", "facts": {nasty: [1, 1e-5, None, True, {"1e3": "yes"}]}},
        "a.png": {"test": "t", "sha256": "1", "weights": [], "versions": {"torch": None}},
    }  # fmt: skip
    write_provenance(tmp_path / "one", entries, tmp_path)
    write_provenance(tmp_path / "two", dict(reversed(entries.items())), tmp_path)
    assert read_provenance(tmp_path / "one", tmp_path) == entries
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_provenance_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "images").write_text("a file where the folder should be")
    with pytest.raises(EditMetricsError, match=r"^images/provenance\.yaml: cannot be written: "):
        write_provenance(tmp_path / "images" / PROVENANCE, {"a.png": {"test": "t"}}, tmp_path)


def test_provenance_is_read_safely(tmp_path):
    path = tmp_path / PROVENANCE
    path.write_text('"a.png":\n  facts: !!python/object/apply:os.system [ls]\n')
    with pytest.raises(ConfigError, match=r"provenance.yaml:2: .*tag"):
        read_provenance(path, tmp_path)
    for key in ("test", "sha256", "device"):
        path.write_text(f'"a.png":\n  {key}: 3\n')
        with pytest.raises(
            ConfigError, match=rf"provenance.yaml:2: {key} of a.png must be text, not 3"
        ):
            read_provenance(path, tmp_path)
    path.write_text("<<<<<<< ours\n")
    with pytest.raises(ConfigError, match=r"provenance.yaml:1"):
        read_provenance(path, tmp_path)


@pytest.mark.parametrize(
    "value", [object(), float("nan"), np.float32(1), Path("x"), {1: 2}, b"x", "a\ud800", ["\udfff"]]
)
def test_a_fact_that_cannot_be_written_down_is_refused(value):
    with pytest.raises(InputError, match=r"provenance\(model=\.\.\.\)"):
        checked_facts({"model": value})


def test_an_entry_belongs_to_the_file_of_its_hash():
    entries = {"a.png": {"sha256": "2", "previous": {"sha256": "1", "test": "t"}}}
    assert entry_of(entries, "a.png", "2") == {"sha256": "2"}
    assert entry_of(entries, "a.png", "1") == {"sha256": "1", "test": "t"}
    assert entry_of(entries, "a.png", "3") is None
    assert entry_of(entries, "b.png", "2") is None


# Promotion


def test_promoting_replaces_images_and_entries_and_leaves_nothing_else(tmp_path):
    folder = tmp_path / "test_x.py"
    snapshots.promote([staged(folder, "a-00000000", 1), staged(folder, "b-00000000", 2)], tmp_path)
    (written,) = snapshots.promote([staged(folder, "a-00000000", 3)], tmp_path)
    assert written == folder / "a-00000000.png"
    assert np.array_equal(read_pixels(written).pixels, picture(3))
    entries = read_provenance(folder / PROVENANCE, tmp_path)
    assert {name: entry["date"] for name, entry in entries.items()} == {
        "a-00000000.png": "3",
        "b-00000000.png": "2",
    }
    assert "previous" not in (folder / PROVENANCE).read_text()
    assert sorted(path.name for path in folder.iterdir()) == [
        "a-00000000.png", "b-00000000.png", PROVENANCE,
    ]  # fmt: skip
    assert [path.name for path in tmp_path.iterdir()] == ["test_x.py"]


def test_another_format_takes_the_place_of_the_first(tmp_path):
    folder = tmp_path / "test_x.py"
    snapshots.promote([staged(folder, "a-00000000", 1)], tmp_path)
    data, suffix = encode(picture(2), "webp")
    one = snapshots.stage(data, folder / f"a-00000000{suffix}", {"test": "t"}, tmp_path)
    snapshots.promote([one], tmp_path)
    assert sorted(path.name for path in folder.iterdir()) == ["a-00000000.webp", PROVENANCE]
    assert list(read_provenance(folder / PROVENANCE, tmp_path)) == ["a-00000000.webp"]


def test_one_image_that_cannot_be_written_does_not_stop_the_others(tmp_path):
    folder = tmp_path / "test_x.py"
    one, other = staged(folder, "a-00000000", 1), staged(folder, "b-00000000", 2)
    (tmp_path / one.file).unlink()
    with pytest.raises(EditMetricsError, match=r"test_x.py/a-00000000.png: cannot be written"):
        snapshots.promote([one, other], tmp_path)
    assert (folder / "b-00000000.png").is_file()
    assert list(read_provenance(folder / PROVENANCE, tmp_path)) == ["b-00000000.png"]


def test_what_is_staged_travels_as_json_and_holds_known_keys_only(tmp_path):
    data, _ = encode(picture(), "png")
    target = tmp_path / "test_x.py" / "a-00000000.png"
    one = snapshots.stage(data, target, {"test": "t", "evil\n": 1}, tmp_path)
    assert snapshots.Staged.from_dict(asdict(one)) == one
    assert one.target == "test_x.py/a-00000000.png"
    assert one.entry == {"test": "t", "sha256": hashlib.sha256(data).hexdigest()}


def test_stale_staging_is_removed_and_that_of_a_living_process_is_not(tmp_path):
    mine = tmp_path / staged(tmp_path / "f.py", "a-00000000", 1, root=tmp_path).file
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = mine.with_name(mine.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
    dead.write_bytes(b"x")
    host = mine.name.split("-")[1]
    elsewhere = mine.with_name(dead.name.replace(host, "0" * 8))
    elsewhere.write_bytes(b"x")
    old = mine.with_name(elsewhere.name.replace("0" * 8, "1" * 8))
    old.write_bytes(b"x")
    os.utime(old, (0, 0))
    other = tmp_path / ".editmetrics-notes.staged"
    other.touch()
    aside, whole = tmp_path / ".f.py.yaml.0123abcd.tmp", tmp_path / ".f.py.yaml.4567abcd.tmp"
    (tmp_path / "f.py").mkdir(exist_ok=True)
    of_image = tmp_path / "f.py/.a-00000000.png.0123abcd.tmp"
    for path in (aside, whole, of_image):
        path.touch()
    for path in (aside, of_image):
        os.utime(path, (0, 0))
    assert leftovers.remove_stale([tmp_path, tmp_path / "missing"]) == 4
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == {
        mine, elsewhere, other, whole
    }  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux tells when one began")
def test_what_another_of_the_same_number_staged_is_stale(tmp_path):
    """In a machine that is started again the same few numbers come back."""
    mine = tmp_path / staged(tmp_path / "f.py", "a-00000000", 1, root=tmp_path).file
    assert leftovers.remove_stale([tmp_path]) == 0
    os.utime(mine, (0, 0))
    assert leftovers.remove_stale([tmp_path]) == 1
    assert not mine.exists()


def test_what_another_container_staged_is_left_for_a_day(tmp_path):
    """It may have this one's host name and folder; its processes cannot be looked for here."""
    count = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c"]
    code = "from pytest_editmetrics.goldens.leftovers import staged_name; print(staged_name())"
    try:
        made = subprocess.run([*count, code], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no unshare here")
    if made.returncode:
        pytest.skip(f"no other numbers of processes here: {made.stderr}")
    left = tmp_path / made.stdout.strip()
    left.touch()
    assert leftovers.remove_stale([tmp_path]) == 0
    os.utime(left, (0, 0))
    assert leftovers.remove_stale([tmp_path]) == 1


PROMOTE = """
import sys
from pathlib import Path
sys.path[:0] = [sys.argv[1]]
from pytest_editmetrics.goldens import images as snapshots
root, value = Path(sys.argv[2]), sys.argv[3]
count = [0]
def die(name):
    real = getattr(snapshots.os, name)
    def replaced(*args, **kwargs):
        count[0] += 1
        if count[0] == int(sys.argv[4]):
            snapshots.os._exit(9)
        return real(*args, **kwargs)
    setattr(snapshots.os, name, replaced)
die("replace")
die("fsync")
staged = [
    snapshots.stage(f"{value}{stem}".encode(), root / "f.py" / f"{stem}-00000000.png",
                    {"test": stem, "date": value}, root)
    for stem in "abc"
]
snapshots.promote(staged, root)
"""


@pytest.mark.long
def test_killed_before_any_step_each_golden_is_old_or_new_with_its_own_entry(tmp_path):
    snapshots.promote(
        [
            snapshots.stage(
                f"old{stem}".encode(),
                tmp_path / "f.py" / f"{stem}-00000000.png",
                {"test": stem, "date": "old"},
                tmp_path,
            )
            for stem in "ab"  # c is new
        ],
        tmp_path,
    )
    package = str(Path(snapshots.__file__).parent.parent)
    seen = set()
    for step in range(1, 20):
        code = subprocess.run(
            [sys.executable, "-c", PROMOTE, package, str(tmp_path), f"new{step}", str(step)],
            check=False,
        ).returncode
        folder = tmp_path / "f.py"
        entries = read_provenance(folder / PROVENANCE, tmp_path)
        for stem in "abc":
            path = folder / f"{stem}-00000000.png"
            if stem == "c" and not path.exists():
                continue
            content = path.read_text()
            entry = entry_of(entries, path.name, snapshots.sha256_of(path))
            assert entry is not None, (step, stem)
            assert content == entry["date"] + stem
            seen.add(entry["date"] == f"new{step}")
        if code == 0:
            break
    assert code == 0
    assert step > 6  # it was killed at each of three stagings, three images, two entries
    assert seen == {True, False}
    assert set(entries) == {f"{stem}-00000000.png" for stem in "abc"}
    assert "previous" not in (folder / PROVENANCE).read_text()
    leftovers.remove_stale([tmp_path])
    assert [path.name for path in tmp_path.iterdir()] == ["f.py"]


# Obsolete


@pytest.fixture
def suite(tmp_path):
    """Goldens of two files: one golden each of three tests, one named, one of a deleted file."""
    goldens = Goldens(None, tmp_path, PipeRegistry())
    (tmp_path / "test_x.py").touch()

    def add(file, test, name=None, variant=None):
        address = snapshots.image_address(goldens, tmp_path / file, test, name)
        target = address.file(variant, ".png")
        data, _ = encode(picture(hash((test, name, variant)) % 200), "png")
        snapshots.promote([snapshots.stage(data, target, {"test": test}, tmp_path)], tmp_path)
        return target.relative_to(tmp_path).as_posix()

    return goldens, tmp_path, add


def found(suite, collected, passed, used):
    goldens, root, _ = suite
    return {
        image.file
        for image in obsolete_images(goldens, root, collected, passed, used, [root / "goldens"], {})
    }


def test_obsolete_is_what_no_test_can_still_want(suite):
    _, _, add = suite
    used, variant = add("test_x.py", "test_a"), add("test_x.py", "test_a", None, "cuda")
    renamed = add("test_x.py", "test_a", "old name")
    gone = add("test_x.py", "test_gone")
    failed, skipped = add("test_x.py", "test_failed"), add("test_x.py", "test_skipped")
    deleted = add("test_deleted.py", "test_a")
    collected = [f"test_x.py::{name}" for name in ("test_a", "test_failed", "test_skipped")]
    passed = ["test_x.py::test_a"]
    assert found(suite, collected, passed, {used}) == {renamed, gone, deleted}
    assert {variant, failed, skipped}.isdisjoint(found(suite, collected, passed, {used}))


def test_without_provenance_each_test_counts_that_may_have_an_image_of_that_name(suite):
    _, root, add = suite
    used, orphan = add("test_x.py", "test_a"), add("test_x.py", "test_a", "old")
    (root / "goldens" / "test_x.py" / PROVENANCE).unlink()
    both = ["test_x.py::test_a", "test_x.py::test_b"]
    assert found(suite, both, both, {used}) == {orphan}
    assert found(suite, both, both[:1], {used}) == {orphan}
    assert found(suite, both, both[1:], {used}) == set()


def test_the_other_format_of_a_used_golden_is_obsolete(suite):
    _, root, add = suite
    used = add("test_x.py", "test_a")
    other = (root / used).with_suffix(".webp")
    other.write_bytes(b"x")
    ids = ["test_x.py::test_a"]
    assert found(suite, ids, ids, {used}) == {other.relative_to(root).as_posix()}


def test_files_that_are_no_goldens_are_never_obsolete(suite):
    _, root, add = suite
    used = add("test_x.py", "test_a")
    (root / "goldens" / "test_x.py" / "notes.md").touch()
    (root / "goldens" / "test_x.py" / "photo.png").touch()
    (root / "goldens" / "inputs").mkdir()
    (root / "goldens" / "inputs" / "cat-00000000.png").touch()
    ids = ["test_x.py::test_a"]
    assert found(suite, ids, ids, {used}) == set()


def run_of(root, **end):
    return Run(root, {}, (), (), True, end)


def test_prune_removes_files_entries_and_empty_folders(suite):
    goldens, root, add = suite
    used, gone = add("test_x.py", "test_a"), add("test_x.py", "test_gone")
    deleted = add("test_deleted.py", "test_a")
    ids = ["test_x.py::test_a"]
    images = obsolete_images(goldens, root, ids, ids, {used}, [root / "goldens"], {})
    run = run_of(root, full=True, obsolete=[asdict(image) for image in images])
    prune(listed_obsolete(run, root)[0], root)
    assert not (root / gone).exists()
    assert not (root / deleted).parent.exists()
    assert list(read_provenance((root / used).with_name(PROVENANCE), root)) == [Path(used).name]


def test_prune_leaves_what_changed_since_the_run(suite):
    goldens, root, add = suite
    used, gone = add("test_x.py", "test_a"), add("test_x.py", "test_gone")
    ids = ["test_x.py::test_a"]
    images = obsolete_images(goldens, root, ids, ids, {used}, [root / "goldens"], {})
    (root / gone).write_bytes(b"recorded anew")
    run = run_of(root, full=True, obsolete=[asdict(image) for image in images])
    assert listed_obsolete(run, root) == ([], 1)


@pytest.mark.parametrize(
    "run",
    [
        lambda root: Run(root, {}, (), (), False, {}),
        lambda root: Run(root, {}, (), ("test_x.py::test_a",), True, {"full": True}),
        lambda root: run_of(root, full=False),
        lambda root: run_of(root),
        lambda root: run_of(root, full="true"),
    ],
    ids=["cut off", "crashed", "partial", "unknown", "text"],
)
def test_prune_believes_whole_runs_only(tmp_path, run):
    with pytest.raises(EditMetricsError, match="nothing was removed"):
        listed_obsolete(run(tmp_path), tmp_path)


@pytest.mark.parametrize(
    "file",
    ["../a-00000000.png", "/a-00000000.png", "x/../../a-00000000.png", "test_x.py", "", 3, None],
)
def test_prune_refuses_what_is_no_golden_below_the_root(tmp_path, file):
    run = run_of(tmp_path, full=True, obsolete=[{"file": file, "sha256": "0", "reason": "x"}])
    with pytest.raises(EditMetricsError, match="no golden image below"):
        listed_obsolete(run, tmp_path)


# Configuration


def settings_of(tmp_path, text):
    path = tmp_path / "editmetrics.yaml"
    path.write_text(text)
    return load_settings(path, PipeRegistry(), tmp_path).golden_images


def test_the_block_is_read_with_defaults_filled_in(tmp_path):
    got = settings_of(
        tmp_path,
        "golden_images:\n  comparator: [ssim, lpips, pixel]\n  format: webp\n  distance: 3\n"
        "  tolerance: {ssim: 0.9, lpips: '${env:NO_SUCH:0.5}'}\n  tile: {size: 32, tolerance: {pixel: 0.9}}\n",
    )
    assert got.comparators == {"ssim": None, "lpips": None, "pixel": None}
    assert (got.format, got.distance, got.tile) == ("webp", 3, 32)
    assert (got.tolerances["ssim"].bound, got.tolerances["ssim"].source) == (
        0.9,
        "editmetrics.yaml:5",
    )
    assert got.tolerances["lpips"].bound == 0.5
    assert "pixel" not in got.tolerances
    assert got.tile_tolerances["pixel"].bound == 0.9
    assert settings_of(tmp_path, "golden_images:\n") == ImageSettings()
    assert settings_of(tmp_path, "golden_images: {format: , tile: }\n") == ImageSettings()


@pytest.mark.parametrize(
    ("block", "says"),
    [
        ("comparater: lpips", "did you mean 'comparator'"),
        ("comparator: lpisp", "did you mean 'lpips'"),
        ("format: jpeg", "png"),
        ("tolerance: 0.1", "must be a mapping"),
        ("tolerance: {exact: 0.1}", "exact allows no difference"),
        ("tolerance: {ssim: 2}", r"outside \[-1, 1\]"),
        ("tolerance: {pixel: -0.1}", "outside"),
        ("tolerance: {lpips: soft}", "must be a number"),
        ("tolerance: {pixel: 1}", "is 1, which always holds: pixel is never above 1"),
        ("tolerance: {pixel: '${env:NO_SUCH:1.0}'}", "which always holds"),
        ("tolerance: {ssim: -1}", "is -1, which always holds: ssim is never below -1"),
        ("tile: {tolerance: {ssim: -1.0}}", "golden_images.tile.tolerance of ssim .* always holds"),
        ("tile: {size: 4}", "golden_images.tile.size must be a whole number from 8 to"),
        ("tile: {size: 64.5}", "whole number"),
        ("tile: {edge: 64}", "unknown key 'edge'"),
        ("distance: 255", "from 0 to 254"),
    ],
)
def test_a_block_that_makes_no_sense_says_where(tmp_path, block, says):
    with pytest.raises(ConfigError, match=rf"editmetrics.yaml:2: .*{says}"):
        settings_of(tmp_path, f"golden_images:\n  {block}\n")


@pytest.mark.parametrize(
    ("comparator", "argument", "whole", "tile"),
    [
        ("lpips", None, 0.02, 0.15),
        ("lpips", 0.01, 0.01, 0.15),
        ("lpips", 0.3, 0.3, 0.3),
        ("ssim", None, 0.98, 0.9),
        ("ssim", 0.5, 0.5, 0.5),
        ("exact", None, 0.0, 0.0),
    ],
)
def test_no_tile_is_held_to_more_than_a_check_or_nobody_states(comparator, argument, whole, tile):
    kind = "min" if comparator == "ssim" else "max"
    given = None if argument is None else Threshold(kind, argument, "argument", "here")
    bounds = Bounds.of(comparator, ImageSettings(), given, [comparator])
    assert (bounds.whole.bound, bounds.tile.bound) == (whole, tile)


@pytest.mark.parametrize(
    ("block", "comparator", "whole", "tile"),
    [
        ("tile: {tolerance: {psnr: 40}}", "psnr", 38, 40),
        ("comparator: {psnr: 28}\n  tile: {tolerance: {psnr: 40}}", "psnr", 28, 40),
        ("tolerance: {lpips: 0.3}\n  tile: {tolerance: {lpips: 0.01}}", "lpips", 0.3, 0.01),
        ("tolerance: {lpips: 0.3}", "lpips", 0.3, 0.3),
        ("tolerance: {structure: 4}\n  tile: {tolerance: {structure: 0.5}}", "structure", 4, 0.5),
    ],
)
def test_what_is_stated_of_a_tile_holds_as_it_stands(tmp_path, block, comparator, whole, tile):
    settings = settings_of(tmp_path, f"golden_images:\n  {block}\n")
    bounds = Bounds.of(comparator, settings, None, [comparator])
    assert (bounds.whole.bound, bounds.tile.bound) == (whole, tile)


TRIO = ["lpips", "structure", "tone"]


@pytest.mark.parametrize(
    ("block", "joined", "whole", "tile", "source"),
    [
        ("", ["lpips"], 0.02, 0.15, "built in"),
        ("", ["lpips", "structure"], 0.02, 0.15, "built in"),
        ("", ["ssim", "lpips", "tone"], 0.02, 0.15, "built in"),
        ("", TRIO, 0.12, 0.2, "built in"),
        ("", ["tone", "lpips", "psnr", "structure"], 0.12, 0.2, "built in"),
        ("tolerance: {ssim: 0.5}", TRIO, 0.12, 0.2, "built in"),
        ("tolerance: {lpips: 0.02}", TRIO, 0.02, 0.2, "editmetrics.yaml:2"),
        ("tolerance: {lpips: 0.12}", ["lpips"], 0.12, 0.15, "editmetrics.yaml:2"),
        ("tile: {tolerance: {lpips: 0.15}}", TRIO, 0.12, 0.15, "built in"),
        ("comparator: {lpips: 0.01, tone: }", TRIO, 0.01, 0.2, "editmetrics.yaml:2"),
    ],
)
def test_lpips_is_held_less_strictly_beside_structure_and_tone_unless_a_bound_is_stated(
    tmp_path, block, joined, whole, tile, source
):
    settings = settings_of(tmp_path, f"golden_images:\n  {block}\n")
    bounds = Bounds.of("lpips", settings, None, joined)
    assert (bounds.whole.bound, bounds.tile.bound) == (whole, tile)
    assert bounds.whole.source == source
