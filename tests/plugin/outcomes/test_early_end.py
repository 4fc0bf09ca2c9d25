"""``pytest.exit(returncode=0)`` ends a session early; it makes no pass of gates that did not hold."""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest

EXIT = "pytest.exit('enough', returncode=0)"
LOST = "FAILED: a gate reached no report: test_x.py::test_it: *score 0.300 > max 0.100*"


@pytest.mark.parametrize(
    ("test", "said"),
    [
        (f"def test_it(check):\n    try: check(30, 0.1)\n    finally: {EXIT}\n", LOST),
        (
            "@pytest.fixture\ndef late(check):\n    yield\n    try: check(30, 0.1)\n"
            f"    finally: {EXIT}\ndef test_it(late): pass\n",
            LOST,
        ),
        (
            f"def test_it(check): check(30, 0.1)\ndef test_next(): {EXIT}\n",
            "FAILED: pytest.exit(returncode=0) ended the session, in which gates failed 1 test,"
            " test_x.py::test_it: exit status 1",
        ),
    ],
    ids=["call", "teardown", "next"],
)
def test_a_gate_that_failed_stays_a_failure(suite, test, said):
    suite.makepyfile(test_x=f"import pytest\n{test}")
    result = suite.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines([said])


ZERO = """
import pytest
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main():
    result = yield
    return 0 if result in (0, 1) else result
def pytest_sessionfinish(session): session.exitstatus = 0
"""


def test_nobody_makes_0_of_the_exit_status_of_failed_gates(suite):
    add_to_conftest(suite, ZERO)
    suite.makepyfile(test_x="def test_it(check): check(30, 0.1)\ndef test_other(): assert 0\n")
    result = suite.runpytest()
    assert result.ret == 1
    (line,) = [line for line in result.errlines if "exit status" in line]
    assert line == (
        "pytest-editmetrics: ERROR: a plugin or conftest.py set the exit status to 0, and gates"
        " failed 1 test, test_x.py::test_it: exit status 1"
    )
    result = suite.runpytest("-k", "other")  # no gate failed: what a project makes of it, holds
    assert (result.ret, result.errlines) == (0, [])


def test_a_test_that_did_not_run_is_left_to_the_number_that_is_required(suite):
    suite.makepyfile(
        test_x=f"import pytest\ndef test_a(check): check(3, 0.1)\ndef test_b(): {EXIT}\n"
        "def test_c(check): check(30, 0.1)\n"
    )
    assert suite.runpytest().ret == 0
    short = "FAILED: fewer gates were measured than --editmetrics-require asks for: {}*"
    result = suite.runpytest("--editmetrics-require=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines([short.format("1 of 2 in all")])
    add_to_conftest(suite, f"def pytest_collection_modifyitems(): {EXIT}\n")
    assert suite.runpytest().ret == 0
    assert suite.runpytest("--editmetrics-require=2", "--collect-only").ret == 0
    result = suite.runpytest("--editmetrics-require=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines([short.format("0 of 2 in all")])


@pytest.mark.parametrize("option", ["strict=all", "strict=regressed", "review=fail"])
@pytest.mark.parametrize(
    "test",
    [
        "def test_it(check): check({}, None); pytest.skip('enough')\n",
        "@pytest.fixture\ndef made(check): check({}, None); pytest.skip('enough')\n"
        "def test_it(made): pass\n",
    ],
    ids=["test", "fixture"],
)
def test_a_skip_does_not_undo_strictness(suite, option, test):
    value = 20 if option == "review=fail" else 255
    suite.makepyfile(test_x=f"import pytest\ndef test_a(check): check(3, 1)\n{test.format(value)}")
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text(
        '"test_it": {score: {max: 0.3, measured: 0.1, review: 0.15}}\n'
    )
    assert suite.runpytest().ret == 0
    result = suite.runpytest(f"--editmetrics-{option}")
    result.assert_outcomes(passed=1, **{"errors" if "made" in test else "failed": 1})
