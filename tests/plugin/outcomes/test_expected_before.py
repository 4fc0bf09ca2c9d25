"""A test that is expected to fail and ends before its gate measures nothing: the end says so."""

from __future__ import annotations

import pytest
from parameters import first_of

EXPECTED = """
import pytest

@pytest.mark.xfail(reason="issue 77")
def test_model(check):
    raise RuntimeError("out of memory\\nmore")

@pytest.mark.xfail
def test_model_too(check):
    raise RuntimeError("out of memory\\nmore")

@pytest.mark.xfail(run=False, reason="hangs")
def test_hangs(check): check(5, 0.1)

def test_by_itself(check): pytest.xfail("no such prompt")

@pytest.mark.xfail
def test_plain(): assert False
"""
SAID = "expected to fail (xfail), and ended before a gate, so not measured: 4 tests with gates; *"
EACH = [
    "  test_x.py::test_model and 1 more: RuntimeError: out of memory",
    "  test_x.py::test_hangs: [[]NOTRUN] hangs",
    "  test_x.py::test_by_itself: no such prompt",
]


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_they_are_named(suite, mode):
    suite.makepyfile(test_x=EXPECTED, test_y="def test_good(check): check(5, 0.1)")
    for strict in ("none", "regressed"):
        result = suite.runpytest(f"--editmetrics-strict={strict}", *mode)
        assert result.ret == 0
        result.stdout.fnmatch_lines([SAID])
        result.stdout.fnmatch_lines_random(EACH)


@pytest.mark.parametrize(("strict", "status"), [("none", 0), ("regressed", 1)])
def test_a_strict_session_of_nothing_else_is_no_pass(suite, strict, status):
    suite.makepyfile(test_x=EXPECTED)
    result = suite.runpytest(f"--editmetrics-strict={strict}")
    assert result.ret == status
    failed = f"FAILED: {SAID}, and nothing else was measured: exit status 1"
    result.stdout.fnmatch_lines([failed if status else SAID])
    result.stdout.fnmatch_lines_random(EACH)


def test_one_that_made_its_gate_is_listed_as_such(suite):
    suite.makepyfile(
        "import pytest\n@pytest.mark.xfail\ndef test_it(check): check(50, 0.1); assert False"
    )
    suite.runpytest().stdout.no_fnmatch_line("*ended before a gate*")


def test_raises_takes_nothing_but_the_gate_for_the_known_fault(suite):
    suite.makepyfile(
        """
        import pytest
        from pytest_editmetrics import GateFailure

        @pytest.mark.xfail(raises=GateFailure)
        def test_gate(check): check(50, 0.1)

        @pytest.mark.xfail(raises=GateFailure)
        def test_model(check): raise RuntimeError("out of memory")
        """
    )
    suite.runpytest().assert_outcomes(xfailed=1, failed=1)
