"""A gate in a fixture that serves more than one test belongs to the fixture."""

from __future__ import annotations

import pytest
import yaml
from conftest_text import add_to_conftest

GATES = """
from pathlib import Path

import numpy as np
import pytest
from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.session.running import running_record

def image(value): return np.full((8, 8, 3), value, np.uint8)

def gate(value=None):
    value = int(Path({root!r}, "model").read_text()) if value is None else value
    EditGate(running_record()).run(Check(image(0), image(value), metrics="score"))
    return value
"""
EDITED = "from gates import *\n@pytest.fixture(scope='module')\ndef edited(): return gate()\n"
A_B = "def test_a(edited): pass\ndef test_b(edited): pass\n"


@pytest.fixture
def wide(suite):
    """A suite with a ``gate`` that wider fixtures can make, of what the file ``model`` says."""
    suite.makeini("[pytest]\npythonpath = .\n")
    suite.path.joinpath("gates.py").write_text(GATES.format(root=str(suite.path)))
    suite.path.joinpath("editmetrics.yaml").write_text("thresholds: {score: {max: 0.6}}\n")
    suite.path.joinpath("model").write_text("3")
    return suite


def goldens(wide, file):
    return yaml.safe_load((wide.path / file).read_text())


def test_a_fixtures_golden_holds_whichever_test_runs(wide):
    wide.makepyfile(test_x=EDITED + A_B)
    wide.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    assert list(goldens(wide, "goldens/test_x.py.yaml")) == ["fixture edited"]
    wide.path.joinpath("model").write_text("30")
    result = wide.runpytest("-k", "test_b", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(
        [
            "E*bound     golden goldens/test_x.py.yaml:*",
            "E*fixture   test_x.py::fixture edited, set up for test_x.py::test_b, used by"
            " test_x.py::test_b, test_x.py::test_a",
            "E*to accept pytest test_x.py::test_b --editmetrics-update=failed",
        ]
    )
    from pytest_editmetrics.runs.folder import read_run

    (record,) = read_run(wide.path / "r.jsonl").gates
    assert (record.nodeid, record.outcome) == ("test_x.py::fixture edited", "failed")


def test_a_fixture_is_filed_with_the_file_and_the_class_that_define_it(wide):
    made = "@pytest.fixture(scope={0!r}, name={1!r}, params={2})\ndef _{1}({3}): return gate()\n"
    site = wide.mkdir("site-packages")
    (site / "vendor.py").write_text(
        "from gates import *\n" + made.format("session", "out", None, "")
    )
    wide.makeini("[pytest]\npythonpath = . site-packages\n")
    add_to_conftest(wide, "pytest_plugins = ['vendor']\n")
    folder = wide.mkdir("sub")
    head = "from gates import *\n"
    (folder / "conftest.py").write_text(
        head
        + made.format("session", "model", ["sdxl"], "request").replace("gate()", "1")
        + made.format("package", "edited", None, "model")
    )
    (folder / "test_x.py").write_text(
        head
        + made.format("module", "edited", None, "edited")
        + made.format("module", "twice", ["a", {}], "request, edited")
        + "class TestHat:\n    @pytest.fixture(scope='class')\n    def edited(self): gate()\n"
        "    def test_a(self, edited): pass\n"
        "def setup_module(): gate()\n"
        "def test_a(edited, out, model): pass\n"
        "def test_b(twice, model): pass\n"
    )
    wide.runpytest("--editmetrics-update=missing").assert_outcomes(passed=4)
    assert list(goldens(wide, "goldens/_fixtures.yaml")) == ["fixture out"]
    assert list(goldens(wide, "sub/goldens/conftest.py.yaml")) == ["fixture edited[sdxl]"]
    assert set(goldens(wide, "sub/goldens/test_x.py.yaml")) == {
        "TestHat::fixture edited",
        "fixture setup_module",
        "fixture edited[sdxl]",
        "fixture twice[a-sdxl]",
        "fixture twice[twice1-sdxl]",
    }
    wide.runpytest("--editmetrics-strict=regressed").stdout.no_fnmatch_line("obsolete goldens*")


def test_an_entry_under_a_test_holds_until_the_fixture_has_one(wide):
    wide.makepyfile(test_x=EDITED + A_B)
    path = wide.mkdir("goldens") / "test_x.py.yaml"
    path.write_text("test_a:\n  score: {max: 0.04}\ntest_b:\n  score: {max: 0.05}\n")
    result = wide.runpytest("-k", "test_b", "--editmetrics-strict=regressed")
    result.stdout.fnmatch_lines(
        ["*held to goldens/test_x.py.yaml:2 of 'test_a', which an earlier*"]
    )
    assert result.ret == 0
    wide.path.joinpath("model").write_text("30")
    result = wide.runpytest("test_x.py::test_b", "--editmetrics-update=missing")
    result.stdout.fnmatch_lines(["E*bound     golden goldens/test_x.py.yaml:2"])
    wide.path.joinpath("model").write_text("3")
    wide.runpytest("--editmetrics-update=missing")
    assert goldens(wide, "goldens/test_x.py.yaml")["fixture edited"]["score"]["max"] == 0.033


def test_the_xfail_mark_of_one_test_speaks_for_no_other(wide):
    caught = EDITED.replace("return gate()", "\n    try: gate(90)\n    except Exception: pass\n")
    marked = A_B.replace("def", "@pytest.mark.xfail\ndef")
    wide.makepyfile(test_x=caught + marked)
    assert wide.runpytest().ret == 0
    wide.makepyfile(test_x=caught + marked.split("\n", 2)[0] + "\n" + A_B)
    result = wide.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: test_x.py::fixture edited: *score 0.900 > max 0.600; test_x.py::test_b used it*"]
    )


def test_a_gate_in_a_wider_fixtures_teardown_is_an_error(wide):
    wide.makepyfile(
        test_x="from gates import *\n@pytest.fixture(scope='session')\ndef edited():\n"
        "    yield 1\n    gate()\n" + A_B
    )
    result = wide.runpytest()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines(["*a gate in the teardown of the fixture 'edited', which serves*"])


@pytest.mark.parametrize("last", ["test_gate", "test_mark"])
def test_a_fixtures_gate_is_none_of_a_test_that_asks_for_its_own(wide, last):
    tests = {
        "test_gate": "def test_gate(edited, edit_gate): pass\n",
        "test_mark": "@pytest.mark.editmetrics\ndef test_mark(edited): pass\n",
    }
    second = tests.pop(last)
    wide.makepyfile(test_x=EDITED + "".join(tests.values()) + second)
    result = wide.runpytest("--editmetrics-strict=regressed")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["FAILED test_x.py::test_gate - *asked for gates*"])


def test_a_fixture_that_measures_no_more_is_named_and_one_that_is_gone_is_obsolete(wide):
    conftest = wide.path / "conftest.py"
    before = conftest.read_text() + "\n" + EDITED.replace("module", "session")
    conftest.write_text(before)
    wide.makepyfile(test_x=A_B, test_y="def test_c(edited): pass")
    wide.runpytest("--editmetrics-update=missing")
    conftest.write_text(before.replace("return gate()", "return 1"))
    result = wide.runpytest("-k", "test_b", "--editmetrics-strict=regressed")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["  goldens/conftest.py.yaml:2: fixture edited score"])
    conftest.write_text(before.replace("def edited", "def made"))
    wide.makepyfile(test_x="def test_a(made): pass", test_y="")
    wide.runpytest("test_x.py").stdout.no_fnmatch_line("*obsolete goldens*")
    result = wide.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["  goldens/conftest.py.yaml:1: fixture edited (is it 'fixture made' now[?]*"]
    )


def test_a_case_that_is_called_as_a_fixtures_golden_is_not_obsolete(wide):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (8, 8)).save(wide.path / name)
    wide.path.joinpath("test_c.edit.yaml").write_text(
        "metrics: [score]\ncases:\n  - {id: fixture edited, reference: a.png, edited: b.png}\n"
    )
    wide.runpytest("--editmetrics-update=missing").stdout.no_fnmatch_line("obsolete goldens*")
    assert list(goldens(wide, "goldens/test_c.edit.yaml.yaml")) == ["fixture edited"]
    wide.path.joinpath("test_c.edit.yaml").write_text(
        "metrics: [score]\ncases:\n  - {id: another, reference: a.png, edited: b.png}\n"
    )
    wide.runpytest().stdout.fnmatch_lines(
        ["obsolete goldens: 1 *", "*.yaml.yaml:1: fixture edited"]
    )
