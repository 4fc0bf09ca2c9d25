"""Tests that ask for gates and are skipped measure nothing: the end of the session says so."""

from __future__ import annotations

import pytest
from parameters import first_of

SKIPPED = """
import pytest

@pytest.fixture
def model(): pytest.skip("no GPU")

def test_in_its_fixture(model, check): check(5, 0.1)

@pytest.mark.skip
def test_by_a_mark(check): check(5, 0.1)

def test_by_itself(check): pytest.skip("no GPU")

@pytest.mark.parametrize("one", [])
def test_of_no_parameter(one, check): check(5, 0.1)

def test_plain(): pass
"""
SAID = "skipped, so not measured: 4 tests with gates"


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_they_are_named(suite, mode):
    suite.makepyfile(test_x=SKIPPED, test_y="def test_good(check): check(5, 0.1)")
    for strict in ("none", "regressed"):
        result = suite.runpytest(f"--editmetrics-strict={strict}", *mode)
        assert result.ret == 0
        why = [
            "  test_x.py::test_* and 1 more: no GPU",
            "  test_x.py::test_by_a_mark: unconditional skip",
            "  test_x.py::test_of_no_parameter[*: got empty parameter set for (one)",
        ]
        result.stdout.fnmatch_lines([SAID])
        result.stdout.fnmatch_lines_random(why)


@pytest.mark.parametrize(("strict", "status"), [("none", 0), ("regressed", 1), ("all", 1)])
def test_a_strict_session_of_nothing_else_is_no_pass(suite, strict, status):
    suite.makepyfile(test_x=SKIPPED)
    result = suite.runpytest(f"--editmetrics-strict={strict}")
    assert result.ret == status
    nothing = f"FAILED: {SAID}, and nothing else was measured: exit status 1"
    result.stdout.fnmatch_lines([nothing if status else SAID])
    result.stdout.fnmatch_lines(["  test_x.py::test_in_its_fixture and 1 more: no GPU"])


def test_of_tests_without_gates_nothing_is_said(suite):
    suite.makepyfile(test_x="import pytest\n@pytest.mark.skip\ndef test_plain(): pass")
    suite.runpytest().stdout.no_fnmatch_line("*editmetrics ==*")


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("pytest.importorskip('gone')", "could not import 'gone': *"),
        ("pytest.skip('x\\ny', allow_module_level=True)", "x"),
    ],
)
def test_a_file_that_is_skipped_as_a_whole_is_named(suite, how, why, mode):
    suite.makepyfile(
        test_x=f"import pytest\n{how}\ndef test_it(edit_gate): pass",
        test_y="def test_good(check): check(5, 0.1)",
    )
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["skipped, so not measured: 1 whole file with gates", f"  test_x.py: {why}"]
    )
