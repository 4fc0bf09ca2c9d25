"""Goldens of a test file that gives no test any more, or whose tests ``addopts`` deselects."""

from __future__ import annotations

import json

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

STRICT = "--editmetrics-strict=regressed"
with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
HEAD = "import numpy as np\n"
VALUE = """def test_value(edit_gate):
    edit_gate.check(*np.zeros((2, 32, 32, 3), np.uint8), None, metrics=["unedit_max_diff"])
"""
IMAGE = "def test_image(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))\n"
GATED = HEAD + VALUE + IMAGE
ENTRY = "  goldens/test_x.py.yaml:1: test_value*"
PICTURE = "  goldens/test_x.py/test_image-*.png: its test file gave no test here (prune leaves it: *skipif mark*)"
GONE = "  goldens/test_x.py/test_image-*.png: its test test_image is gone"
KEEP = "  goldens/test_x.py.yaml: its test file gave no test here: if other machines have *: a skipif mark"
HEAD_OF_ALL = "*obsolete goldens: 1 entry of a test, or fixture, that does not exist here, so * keep or delete it*"


@pytest.fixture
def suite(pytester):
    """A test file with a golden value and a golden image, beside one without."""
    pytester.makepyfile(test_x=GATED, test_plain="def test_plain(): pass\n")
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makeini("[pytest]\n")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    return pytester


LAST = {
    "renamed": GATED.replace("def test_", "def check_"),
    "under an if": HEAD + "if not np:\n" + "".join(f"    {line}\n" for line in (VALUE + IMAGE).splitlines()),
    "__test__": GATED + "__test__ = False\n",
    "a class that gives none": "class TestX:\n    def check(self): pass\n",
    "empty": "",
}  # fmt: skip


@with_two
@pytest.mark.parametrize("text", LAST.values(), ids=LAST)
def test_a_file_that_lost_its_last_test_leaves_obsolete_goldens(suite, mode, text):
    suite.makepyfile(test_x=text)
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["obsolete golden images (--*: 1", PICTURE, HEAD_OF_ALL, ENTRY, KEEP]
    )
    result = suite.runpytest(STRICT, "--editmetrics-run-dir=run", *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: obsolete golden images: 1", PICTURE, HEAD_OF_ALL, ENTRY, KEEP]
    )


def test_prune_leaves_what_other_machines_may_have(suite, capsys):
    suite.makepyfile(test_x=LAST["under an if"], test_y=GATED)
    suite.runpytest("--editmetrics-update=missing")
    suite.makepyfile(test_y=HEAD + VALUE)
    result = suite.runpytest("--editmetrics-run-dir=run")
    gone = "goldens/test_y.py/test_image-*.png: its test test_image is gone"
    result.stdout.fnmatch_lines(
        ["obsolete golden images (`editmetrics prune run*: 2", PICTURE, f"  {gone}"]
    )
    capsys.readouterr()
    for words in (["1 to remove; nothing was*"], ["removed 1"]):
        yes = ["--yes"] if words == ["removed 1"] else []
        assert main(["prune", str(suite.path / "run"), "--rootdir", str(suite.path), *yes]) == 0
        out, _ = capsys.readouterr()
        lines = pytest.LineMatcher(out.splitlines())
        lines.fnmatch_lines(
            [gone, "left: 1 golden image of test files that are there and gave no *", *words]
        )
        lines.no_fnmatch_line("*test_x.py/*")
    assert len(list(suite.path.glob("goldens/*/*.png"))) == 1
    assert main(["prune", str(suite.path / "run"), "--rootdir", str(suite.path)]) == 0
    assert "\nnothing to remove" in capsys.readouterr().out


def test_where_the_file_still_gives_a_test_the_others_are_gone(suite):
    suite.makepyfile(test_x=HEAD + "def test_other(): pass\n")
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        ["obsolete golden images (to remove them*", "*.png: its test test_image is gone"]
    )
    result.stdout.fnmatch_lines(
        ["obsolete goldens: 1 entry of a test, or fixture, that no longer exists*"]
    )
    result.stdout.no_fnmatch_line("*skipif*")


def test_so_does_a_file_that_is_run_alone(suite):
    suite.makepyfile(test_x=LAST["renamed"])
    result = suite.runpytest(STRICT, "test_x.py")
    assert result.ret == 1
    result.stdout.fnmatch_lines([PICTURE, ENTRY])


UNKNOWN = {
    "skipped": ("pytest.skip('no GPU', allow_module_level=True)", (), 0),
    "importorskip": ("pytest.importorskip('no_such_module')", (), 0),
    "cannot be collected": ("1 / 0", ("--continue-on-collection-errors",), 1),
    "--ignore": ("", ("--ignore=test_x.py",), 0),
    "another file": ("", ("test_plain.py",), 0),
    "another folder": ("", ("other",), 0),
    "norecursedirs": ("", ("-o", "norecursedirs=tests", "-o", "python_files=test_p*.py"), 0),
    "a part": ("", ("-k", "plain"), 0),
    "a node id": ("", ("test_plain.py::test_plain",), 0),
    "doctests of a conftest": (GATED, ("--doctest-modules",), 0),
}


@with_two
@pytest.mark.parametrize("how", UNKNOWN)
def test_of_a_file_that_was_not_looked_at_nothing_is_said(suite, mode, how):
    text, options, status = UNKNOWN[how]
    suite.mkdir("other").joinpath("test_other.py").write_text("def test_other(): pass\n")
    suite.makepyfile(test_x="import pytest\n" + text)
    result = suite.runpytest(STRICT, *options, *mode)
    assert result.ret == status
    result.stdout.no_fnmatch_line("*obsolete*")
    result.stdout.no_fnmatch_line("*is gone*")


SLOW = "import pytest\n" + HEAD + "@pytest.mark.slow\n" + VALUE + "@pytest.mark.slow\n" + IMAGE
ADDOPTS = {"-m": '-m "not slow"', "-k": '-k "not value and not image"',
           "--deselect": "--deselect=test_x.py::test_value --deselect=test_x.py::test_image"}  # fmt: skip


def addopts(suite, how):
    suite.makeini(f"[pytest]\nmarkers = slow\naddopts = {ADDOPTS[how]}\n")


@with_two
@pytest.mark.parametrize("how", ADDOPTS)
def test_what_addopts_deselects_was_found_and_the_rest_is_gone(suite, mode, how):
    addopts(suite, how)
    suite.makepyfile(test_x=SLOW)
    result = suite.runpytest(STRICT, "--editmetrics-run-dir=run", *mode)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("obsolete*")
    end = json.loads((suite.path / "run/results.jsonl").read_text().splitlines()[-1])
    assert (end["full"], end["obsolete"]) == (False, [])
    text = SLOW.replace("test_value", "test_value_b").replace("test_image", "test_image_b")
    suite.makepyfile(test_x=text)
    result = suite.runpytest(STRICT, *mode, *(("--deselect=x",) if how == "--deselect" else ()))
    assert result.ret == int(how != "--deselect")  # a typed one makes a part
    if how == "--deselect":
        result = suite.runpytest(STRICT, *mode)
        assert result.ret == 1
    result.stdout.fnmatch_lines([GONE, ENTRY])


@pytest.mark.parametrize("typed", [("-m", "not slow"), ("-mnot slow",), ("-k", "plain"), ("--lf",)])
def test_a_run_that_was_asked_for_less_says_nothing(suite, typed):
    addopts(suite, "-m")
    suite.makepyfile(test_x=SLOW.replace("test_value", "test_value_b"))
    if typed == ("--lf",):
        suite.makepyfile(test_plain="def test_plain(): assert 0\n")
        suite.runpytest()
    result = suite.runpytest(STRICT, *typed)
    result.stdout.no_fnmatch_line("*obsolete*")


def test_a_plugin_that_deselects_too_makes_a_part(suite):
    addopts(suite, "-m")
    suite.makeconftest(
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=items[:1])\n"
        "    del items[:1]\n"
    )
    suite.makepyfile(test_x=SLOW.replace("test_value", "test_value_b"))
    result = suite.runpytest(STRICT)
    result.stdout.no_fnmatch_line("*obsolete*")


def test_what_standing_options_leave_out_is_still_a_part_for_fixtures(suite):
    """A test that was deselected may ask for a fixture as it runs."""
    made = HEAD + ("import pytest\n@pytest.fixture(scope='module')\ndef made(request): return 1\n")
    suite.makepyfile(test_x=made + "@pytest.mark.slow\ndef test_value(request): pass\n" + IMAGE)
    addopts(suite, "-m")
    golden = suite.path / "goldens/test_x.py.yaml"
    golden.write_text(golden.read_text() + '"fixture made":\n  unedit_max_diff: {max: 1}\n')
    result = suite.runpytest(STRICT)
    result.stdout.no_fnmatch_line("*obsolete goldens*")


LINTER = """
import pytest
class Linted(pytest.Item):
    def runtest(self): pass
class LintedFile(pytest.File):
    def collect(self): yield Linted.from_parent(self, name="lint")
def pytest_collect_file(file_path, parent):
    return LintedFile.from_parent(parent, path=file_path) if file_path.suffix == ".py" else None
"""


@with_two
@pytest.mark.parametrize("gone", [False, True])
def test_an_item_that_a_linter_gives_each_file_tells_nothing_of_its_tests(suite, mode, gone):
    suite.makeconftest(LINTER)
    suite.makepyfile(test_x="" if gone else "import pytest\npytest.importorskip('no_such_module')")
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == int(gone)
    if gone:
        result.stdout.fnmatch_lines([GONE, ENTRY])
    else:
        result.stdout.no_fnmatch_line("*obsolete*")


def test_a_fixture_may_be_of_a_file_that_is_skipped(suite):
    golden = suite.path / "goldens/conftest.py.yaml"
    golden.write_text('"fixture made":\n  unedit_max_diff: {max: 1}\n')
    suite.makepyfile(test_y="def test_y(): pass\n")
    assert suite.runpytest(STRICT).ret == 1
    suite.makepyfile(test_y="import pytest\npytest.skip('no GPU', allow_module_level=True)\n")
    result = suite.runpytest(STRICT)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*obsolete goldens*")
