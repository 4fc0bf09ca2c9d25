"""A plugin changes the ids of tests, and with them their goldens"""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest

GOLDEN = '"test_it":\n  score: {max: 0.04}\n'
TEST = """
import pytest

@pytest.mark.xdist_group("gpu")
def test_it(check): check(30)
"""


@pytest.fixture
def strict(suite):
    """A golden that the test does not keep, and a default that it does."""
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens/test_x.py.yaml").write_text(GOLDEN)
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 60}}\n")
    suite.makepyfile(test_x=TEST)
    return suite


def test_loadgroup(strict, assert_came):
    """--dist loadgroup appends @gpu to the ids (pytest 8), and a default of 60 holds."""
    result = strict.runpytest_subprocess("-n2", "--dist=loadgroup")
    assert_came(result, 1, "*score 0.300 > max 0.040*")
    result.stdout.no_fnmatch_line("*obsolete*")


def test_pytest_repeat(strict, assert_came, workers):
    """pytest-repeat's --count=3 adds a parameter to every id."""
    pytest.importorskip("pytest_repeat")
    result = strict.runpytest_subprocess("-p", "pytest_repeat", "--count=3", *workers)
    assert_came(result, 1, "*score 0.300 > max 0.040*")
    result.assert_outcomes(failed=3)


def test_pytest_flakefinder(strict, assert_came, workers):
    """pytest-flakefinder's --flake-finder adds a parameter to every id."""
    pytest.importorskip("pytest_flakefinder")
    finder = ("-p", "pytest_flakefinder", "--flake-finder", "--flake-runs=3")
    result = strict.runpytest_subprocess(*finder, *workers)
    assert_came(result, 1, "*score 0.300 > max 0.040*")
    result.assert_outcomes(failed=3)


def test_a_conftest_that_repeats(strict, assert_came, workers):
    """A conftest repeats every test by a parameter that no test asks for."""
    add_to_conftest(
        strict,
        "def pytest_generate_tests(metafunc):\n"
        "    metafunc.fixturenames.append('tmp_ct')\n"
        "    metafunc.parametrize('tmp_ct', range(3))\n",
    )
    result = strict.runpytest_subprocess(*workers)
    assert_came(result, 1, "*score 0.300 > max 0.040*")
    result.assert_outcomes(failed=3)


def test_every_worker_runs_every_test(strict, assert_came):
    """--dist each runs each test in each worker: recording keeps the worst value."""
    (strict.path / "test_x.py").write_text(
        "import os\n"
        "def test_it(check): check(20 + 5 * int(os.environ['PYTEST_XDIST_WORKER'][2:]))\n"
    )
    each = ("--dist=each", "--tx", "2*popen")
    result = strict.runpytest_subprocess(*each, "--editmetrics-update=failed")
    assert_came(result, 0, "recorded: goldens/test_x.py.yaml; review the change and commit it")
    text = (strict.path / "goldens/test_x.py.yaml").read_text()
    assert "{max: 0.275, measured: 0.25, " in text
