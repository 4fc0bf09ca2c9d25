"""A test that asked for gates and made none is no pass."""

from __future__ import annotations

import ast

import pytest
from parameters import first_of
from PIL import Image

SAID = "*this test asked for gates and made none, so it proves nothing*"
HEAD = """
import pytest

NO_GATES = pytest.mark.editmetrics(gates="none")

@pytest.fixture
def wrapped(check):
    return lambda value: check(value, 1)
"""
IMPORT = "from pytest_editmetrics import assert_unedit_lpips_below as below\n"
BESIDE = "def test_beside(check): check(1, 1)\n"


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(edit_gate): pass",
        "def test_it(golden_image): pass",
        "def test_it(assert_unedit_lpips_below): pass",
        "def test_it(wrapped): [wrapped(1) for _ in []]",
        "@pytest.mark.editmetrics(metrics='score')\ndef test_it(): pass",
        "@pytest.mark.usefixtures('wrapped')\ndef test_it(): pass",
        "@pytest.mark.parametrize('n', [pytest.param(1, marks=pytest.mark.editmetrics)])\n"
        "def test_it(n): pass",
        "@pytest.mark.xfail\ndef test_it(wrapped): pass",
        "@pytest.fixture\ndef edit_gate(edit_gate): return edit_gate\ndef test_it(edit_gate): pass",
        "@pytest.mark.editmetrics(gates='one')\ndef test_it(wrapped): pass",
    ],
    ids=["gate", "image", "helper", "wrapped", "marker", "use", "param", "xfail", "own", "value"],
)
def test_one_that_asked_and_made_none_fails(suite, test):
    suite.makepyfile(HEAD + BESIDE + test)
    result = suite.runpytest()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["*has gates='one'; what it can say*" if "'one'" in test else SAID])


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ("@NO_GATES\ndef test_it(wrapped): pass", "passed"),
        ("pytestmark = NO_GATES\ndef test_it(wrapped): pass", "passed"),
        ("@NO_GATES\ndef test_it(request): request.getfixturevalue('wrapped')", "passed"),
        ("def test_it(wrapped): pytest.skip('not here')", "skipped"),
        ("@pytest.mark.skip\ndef test_it(wrapped): pass", "skipped"),
        ("def test_it(wrapped): pytest.xfail('not yet')", "xfailed"),
        ("@pytest.mark.xfail\ndef test_it(wrapped): assert 0", "xfailed"),
        ("@pytest.fixture\ndef golden_image(): return 'a.png'\ndef test_it(golden_image): pass", "passed"),
        ("def test_it(lpips_pipe): pass", "passed"),
        ("@pytest.mark.parametrize('wrapped', [1])\ndef test_it(wrapped): pass", "passed"),
        ("@pytest.fixture\ndef late(wrapped):\n    yield\n    wrapped(1)\ndef test_it(late): pass", "passed"),
        ("@pytest.fixture\ndef late(request, wrapped): request.addfinalizer(lambda: wrapped(1))\n"
         "def test_it(late): pass", "passed"),
        ("@pytest.fixture(autouse=True)\ndef late(wrapped):\n    yield\n    wrapped(1)\n"
         "def test_it(check): pass", "passed"),
    ],
)  # fmt: skip
def test_one_that_did_not_ask_or_says_so_or_measures_late_is_left_alone(suite, test, outcome):
    suite.makepyfile(HEAD + test)
    result = suite.runpytest("--editmetrics-strict=regressed")
    result.assert_outcomes(**{outcome: 1})
    result.stdout.no_fnmatch_line("*made none*")


def test_one_whose_fixture_could_have_measured_late_errs_after_its_teardown(suite):
    suite.makepyfile(
        HEAD + BESIDE + "@pytest.fixture\ndef late(wrapped): yield\ndef test_it(late): pass"
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=2, errors=1)
    result.stdout.fnmatch_lines([SAID])


@pytest.mark.quick(3)
@pytest.mark.parametrize(
    "test",
    [
        "pytestmark = pytest.mark.editmetrics\ndef test_it(): pass",
        "@pytest.mark.editmetrics\nclass TestIt:\n    def test_it(self): pass",
        "@pytest.fixture(autouse=True)\ndef auto(wrapped): pass\ndef test_it(): pass",
        "def test_it(request): request.getfixturevalue('wrapped')",
        "def test_it(request): request.getfixturevalue('assert_object_sim_above')",
        "@pytest.mark.usefixtures('wrapped')\nclass TestIt:\n    def test_it(self): pass",
        f"{IMPORT}def test_it(): below if pytest else 0",
        f"{IMPORT}def test_it():\n    async def later(): below(1, 2, None)\n    later().close()",
        "import pytest_editmetrics as em\ndef test_it():\n"
        "    for one in []: em.assert_unedit_lpips_below(one, one, None)",
        "class TestIt:\n    def test_it(self):\n"
        "        from pytest_editmetrics import assert_object_sim_above",
    ],
    ids=[
        *("module", "class", "autouse", "getfixturevalue", "helper", "usefixtures"),
        *("named", "coroutine", "attribute", "local"),
    ],
)
def test_what_holds_for_many_tests_is_named_and_fails_under_strict(suite, test):
    suite.makepyfile(test_x=HEAD + test, test_y=BESIDE)
    named = ["asked for a gate and made none: 1, *", "  test_x.py::*test_it"]
    result = suite.runpytest()
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(named)
    result = suite.runpytest("--editmetrics-strict=regressed")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: asked for a gate and made none: 1, *"])


CALLED = """
import functools, pytest, helped
from helped import through
bare = functools.partial(through, 2)
class Helped:
    def check(self, edited): return through(2, edited)
class Strange:
    def __getattribute__(self, name): raise RuntimeError(name)
strange = Strange()
@pytest.fixture
def given(): return lambda edited: through(2, edited)
def test_plain(): assert type(strange) is Strange and functools and helped.plain()
"""


@pytest.mark.parametrize(
    "test",
    [
        "def test_it(): through(2, None)",
        "def test_it(): helped.through(2, None)",
        "def test_it(): bare(None)",
        "def test_it(given): given(None)",
        "class TestIt(Helped):\n    def test_it(self): self.check(None)",
        "@pytest.mark.parametrize('call', [through])\ndef test_it(call): call(2, None)",
    ],
    ids=["function", "module", "partial", "fixture", "method", "parameter"],
)
def test_one_whose_calls_name_a_helper_is_named_and_fails_no_session_but_a_strict_one(suite, test):
    suite.makepyfile(
        helped=f"{IMPORT}def through(reference, edited):\n"
        "    if edited is not None: below(reference, edited, None)\n"
        "def plain(): return True\n",
        test_x=CALLED + test,
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["asked for a gate and made none: 1, *", "  test_x.py::*test_it*"])
    assert suite.runpytest("--editmetrics-strict=regressed").ret == 1


@pytest.mark.parametrize("option", ["--setup-only", "--setup-plan"])
def test_a_look_at_the_fixtures_is_no_failure_and_says_that_nothing_was_measured(suite, option):
    suite.makepyfile(HEAD + BESIDE + f"{IMPORT}def test_it(): below(1, 2, None)\n")
    result = suite.runpytest(option)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["nothing was measured in 2 tests: --setup-only and --setup-*"])
    assert suite.runpytest(option, "--editmetrics-require=1").ret == 1


@pytest.mark.parametrize("gone", ["setuponly", "setupplan"])
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_plugins_of_pytest_that_are_switched_off_are_not_missed(suite, gone, mode):
    suite.makepyfile(
        "def test_value(check): check(5, 0.1)\n"
        "def test_image(golden_image): golden_image.check('a.png')\n"
        "def test_may(request): request.getfixturevalue('edit_gate')\n"
    )
    Image.new("RGB", (8, 8)).save(suite.path / "a.png")
    options = ("-p", f"no:{gone}", *mode)
    suite.runpytest(*options, "--editmetrics-update=missing").assert_outcomes(passed=3)
    result = suite.runpytest(*options)
    assert result.ret == 0
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["asked for a gate and made none: 1, *"])


def test_workers_tell_of_both(suite):
    suite.makepyfile(
        HEAD + BESIDE + "def test_it(wrapped): pass\n"
        "def test_dynamic(request): request.getfixturevalue('wrapped')"
    )
    result = suite.runpytest("-n1")
    result.assert_outcomes(failed=1, passed=2)
    result.stdout.fnmatch_lines([SAID, "asked for a gate and made none: 1, *"])


def test_a_test_case_of_unittest_is_left_alone(suite):
    suite.makepyfile(
        HEAD + BESIDE + "import unittest\nclass TestIt(unittest.TestCase):\n"
        "    def test_it(self): pass"
    )
    suite.runpytest("--editmetrics-strict=all").assert_outcomes(passed=2)


def test_a_function_that_wraps_a_builtin_is_nothing_to_look_into(suite):
    suite.makepyfile(
        f"import functools, pytest\n{IMPORT}"
        "own = functools.wraps(len)(lambda *given: len(*given))\n"
        "@pytest.mark.parametrize('call', [own])\n"
        "def test_it(call): assert call('a') == own('b')\n"
    )
    suite.runpytest().assert_outcomes(passed=1)


def test_files_are_not_parsed_anew_for_each_test_that_made_none(pytester, monkeypatch):
    parsed, parse = [], ast.parse
    monkeypatch.setattr(
        ast, "parse", lambda *args, **options: parsed.append(1) or parse(*args, **options)
    )

    def parses(tests: int) -> int:
        pytester.makepyfile(
            test_x=f"import pytest\n@pytest.mark.parametrize('number', range({tests}))\n"
            "def test_it(edit_gate, number):\n    pass\n"
        )
        parsed.clear()
        result = pytester.runpytest_inprocess()
        result.assert_outcomes(failed=tests)
        result.stdout.fnmatch_lines(
            [f"E   InputError: {SAID[1:]}", "FAILED test_x.py::* - this test*"]
        )
        return len(parsed)

    assert parses(9) == parses(1)
