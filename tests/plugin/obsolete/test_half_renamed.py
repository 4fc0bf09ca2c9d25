"""Golden images that nobody recorded, and those that were renamed by halves, are named with what to do."""

from __future__ import annotations

import re
import shlex
import shutil

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens.image_names import stem_of
from pytest_editmetrics.goldens.provenance import PROVENANCE

HEAD = """
import numpy as np
import pytest

def picture(n, shift=0):
    made = np.random.default_rng(n).integers(20, 200, (16, 16, 3), np.uint8)
    return made + np.uint8(shift)
"""
IMAGE = "def test_{}(golden_image): golden_image.check(picture({}))\n"
STRICT, RUN = "--editmetrics-strict=regressed", "--editmetrics-run-dir=run"
GOLDENS = "goldens/test_x.py"
with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])


def name_of(test):
    return f"{stem_of(test, None)}.png"


@pytest.fixture
def images(pytester, monkeypatch):
    """Tests of golden images, by what makes their pictures; those given first are recorded."""
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    monkeypatch.chdir(pytester.path)

    def write(**tests):
        text = HEAD + "".join(IMAGE.format(*one) for one in tests.items())
        (pytester.path / "test_x.py").write_text(text)

    def record(**tests):
        write(**tests)
        recorded = pytester.runpytest("--editmetrics-update=missing")
        recorded.assert_outcomes(passed=len(tests))
        return pytester.path / GOLDENS

    pytester.write, pytester.record = write, record
    return pytester


def line_of(result, name):
    (line,) = (one for one in result.outlines if one.startswith(f"  {GOLDENS}/{name}: "))
    return line


def follow(line, path):
    """Do what a line says of a file and its entry."""
    command = re.search(r"(?:git )?(mv \S+ \S+?),? ", f"{line} ")[1]
    _, old, new = shlex.split(command)
    (path / old).rename(path / new)
    if keys := re.search(r"make its key '(\S+)' '(\S+)'(?: with test: '(\S+)')?", line):
        entries = path / GOLDENS / PROVENANCE
        head, at, rest = entries.read_text().partition(f'"{keys[1]}":\n')
        assert at
        if keys[3]:
            rest = re.sub(r'test: "\w+"', f'test: "{keys[3]}"', rest, count=1)
        entries.write_text(f'{head}"{keys[2]}":\n{rest}')


NO_ENTRY = "no test compares with it, and provenance.yaml has no entry of it"


@pytest.mark.quick(1)
@with_two
@pytest.mark.parametrize("other", ["1 / 0", "", "pytest.skip()", "pytest.xfail()"])
def test_a_copy_that_is_of_no_test_is_named_and_removed(images, mode, other, capsys):
    folder = images.record(dog="1", mug="2")
    shutil.copy(folder / name_of("test_dog"), folder / "test_old-12345678.png")
    images.write(dog="1", mug=f"{other} or 2" if other else "2")
    said = line_of(images.runpytest(RUN, *mode), "test_old-12345678.png")
    assert said.endswith(f": {NO_ENTRY}")
    assert images.runpytest(STRICT, *mode).ret == 1
    assert main(["prune", "run", "--yes"]) == 0
    assert sorted(one.name for one in folder.glob("*.png")) == sorted(
        map(name_of, ("test_dog", "test_mug"))
    )


@pytest.mark.parametrize("name", ["test_mug-hat-12345678.png", "fixture-model-12345678.png"])
def test_one_that_an_open_test_may_come_to_is_not(images, name):
    folder = images.record(dog="1", mug="2")
    shutil.copy(folder / name_of("test_dog"), folder / name)
    images.write(dog="1", mug="pytest.skip()")
    images.runpytest().stdout.no_fnmatch_line(f"*{name}*")


def test_a_part_of_the_file_names_none(images):
    folder = images.record(dog="1", mug="2")
    shutil.copy(folder / name_of("test_dog"), folder / "test_old-12345678.png")
    images.runpytest(STRICT, "-k", "dog").stdout.no_fnmatch_line("*test_old*")


def test_those_of_a_file_that_is_gone_are_named_without_any_entry(images):
    folder = images.record(dog="1")
    shutil.copytree(folder, folder.with_name("test_gone.py"))
    (folder.with_name("test_gone.py") / PROVENANCE).unlink()
    images.runpytest().stdout.fnmatch_lines(
        ["  goldens/test_gone.py/test_dog-*.png: its test file is gone"]
    )


def test_a_copy_whose_picture_a_new_test_makes_is_to_be_moved_and_gets_an_entry(images):
    folder = images.record(dog="1")
    shutil.copy(folder / name_of("test_dog"), folder / "test_old-12345678.png")
    shutil.copy(folder / name_of("test_dog"), folder.parent / "kept.png")
    images.write(cat="1")
    (folder / name_of("test_dog")).unlink()
    (folder / PROVENANCE).unlink()
    said = line_of(images.runpytest(), "test_old-12345678.png")
    assert f"test_x.py::test_cat makes this picture now: mv {GOLDENS}/test_old-12345678.png" in said
    assert "and let --editmetrics-update=missing write its entry, which it lacks" in said
    follow(said, images.path)
    images.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    result = images.runpytest(STRICT)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*provenance*")


HALVES = ["key and test", "key", "test"]


@pytest.mark.quick(1)
@with_two
@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("shift", ["", ", 1"], ids=["same", "other"])
def test_the_rest_of_a_rename_is_said_and_no_other_image_offered(images, mode, half, shift, capsys):
    """Two tests are gone and one is new: its entry, or the sha256 of it, tells whose image it has."""
    folder = images.record(dog="1", mug="2")
    images.write(zebra=f"1{shift}")
    old, new, entries = name_of("test_dog"), name_of("test_zebra"), folder / PROVENANCE
    text = entries.read_text()
    if "key" in half:
        text = text.replace(old, new)
    if "test" in half:
        text = text.replace('test: "test_dog"', 'test: "test_zebra"')
    entries.write_text(text)
    result = images.runpytest(RUN, *mode)
    said = line_of(result, old)
    assert ": it is half renamed, as its entry" in said
    assert f"git mv {GOLDENS}/{old} {GOLDENS}/{new}" in said
    assert line_of(result, name_of("test_mug")).endswith(": its test test_mug is gone")
    assert main(["prune", "run", "--yes"]) == 0
    assert (folder / old).exists()
    follow(said, images.path)
    images.write(zebra="1")
    result = images.runpytest(*mode)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*has no entry*")
    result.stdout.no_fnmatch_line("*renamed*")


@with_two
def test_a_part_of_the_suite_offers_no_other_image_either(images, mode):
    folder = images.record(dog="1", mug="2")
    images.write(zebra="1, 1", cat="3")
    entries = folder / PROVENANCE
    entries.write_text(entries.read_text().replace(name_of("test_dog"), name_of("test_zebra")))
    result = images.runpytest("-k", "zebra", *mode)
    assert ": it is half renamed" in line_of(result, name_of("test_dog"))
    result.stdout.no_fnmatch_line("*test_mug*")


@pytest.mark.parametrize(
    ("now", "pairs"),
    [
        ({"cat": "1", "cup": "1"}, ["dog cat", "mug cup"]),
        ({"mugs": "1", "cup": "1"}, ["dog cup", "mug mugs"]),
        ({"cup": "1"}, ["dog cup", "mug cup"]),
    ],
)
def test_renamed_tests_of_one_picture_have_each_a_command(images, now, pairs):
    folder = images.record(dog="1", mug="1")
    assert len(list(folder.glob("*.png"))) == 2
    images.write(**now)
    result = images.runpytest()
    for pair in pairs:
        old, new = (f"test_{one}" for one in pair.split())
        move = f"git mv {GOLDENS}/{name_of(old)} {GOLDENS}/{name_of(new)}"
        key = f"make its key '{name_of(old)}' '{name_of(new)}' with test: '{new}'"
        said = line_of(result, name_of(old))
        assert f": test_x.py::{new} makes this picture now: {move}, and in" in said
        assert key in said
    if len(now) == len(pairs):
        for old in ("test_dog", "test_mug"):
            follow(line_of(result, name_of(old)), images.path)
        images.runpytest(STRICT).assert_outcomes(passed=2)


def test_one_image_of_two_tests_of_its_picture_names_both(images):
    images.record(dog="1")
    images.write(cat="1", cup="1")
    said = line_of(images.runpytest(), name_of("test_dog"))
    assert (
        f"test_x.py::test_cat makes this picture now: git mv {GOLDENS}/{name_of('test_dog')} "
        in said
    )
    assert "; or likewise of test_cup, which makes it, too (its test test_dog is gone)" in said
