"""A part of the suite is taken for the whole"""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest

SUITE = "suite: {score: {mean: {max: 0.01}}}\n"
FOUR = """
import pytest

@pytest.mark.parametrize("n", range(4))
def test_it(check, n): check(10, 1)
"""


@pytest.fixture
def four(suite):
    (suite.path / "editmetrics.yaml").write_text(SUITE)
    suite.makepyfile(test_a=FOUR, test_b=FOUR)
    return suite


def test_a_conftest_cuts_the_list(four, assert_came, workers):
    """A conftest keeps every second test in pytest_collection_modifyitems and tells nobody."""
    add_to_conftest(four, "def pytest_collection_modifyitems(items): del items[::2]\n")
    result = four.runpytest_subprocess(*workers)
    assert_came(
        result, 0, "suite gates not judged: only a part of the suite ran: 4 of 8 tests that*"
    )


def test_a_conftest_cuts_the_list_before_any_other(four, assert_came, workers):
    """A conftest does so before the other plugins see the list."""
    add_to_conftest(
        four,
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_collection_modifyitems(items):\n"
        "    del items[::2]\n"
        "    return (yield)\n",
    )
    result = four.runpytest_subprocess(*workers)
    assert_came(
        result, 0, "suite gates not judged: only a part of the suite ran: 4 of 8 tests that*"
    )


def test_a_conftest_runs_only_a_part(four, assert_came):
    """A conftest's pytest_runtest_protocol says of some tests that they ran."""
    add_to_conftest(
        four,
        "@pytest.hookimpl(tryfirst=True)\n"
        "def pytest_runtest_protocol(item): return True if '0' in item.name else None\n",
    )
    result = four.runpytest_subprocess()
    assert_came(
        result, 1, "suite gates not judged: only a part of the suite ran: 2 of 8 tests that*"
    )


def test_a_file_cannot_be_collected(four, assert_came, workers):
    """A test file cannot be imported, and --continue-on-collection-errors goes on without it."""
    (four.path / "test_c.py").write_text("import no_such_module\n")
    result = four.runpytest_subprocess("--continue-on-collection-errors", *workers)
    assert_came(
        result, 1, "suite gates not judged: only a part of the suite ran: not every file could*"
    )


def test_pytest_shard(four, assert_came, workers):
    """pytest-shard gives this machine every second test."""
    pytest.importorskip("pytest_shard")
    result = four.runpytest_subprocess(
        "-p", "pytest_shard.pytest_shard", "--num-shards=2", "--shard-id=0", *workers
    )
    assert_came(
        result, 0, "suite gates not judged: only a part of the suite ran: * tests that pytest*"
    )


def test_pytest_test_groups(four, assert_came, workers):
    """pytest-test-groups gives this machine one of two groups."""
    pytest.importorskip("pytest_test_groups")
    group = ("--test-group-count=2", "--test-group=1")
    result = four.runpytest_subprocess("-p", "pytest_test_groups", *group, *workers)
    assert_came(
        result, 0, "suite gates not judged: only a part of the suite ran: 4 of 8 tests that*"
    )


def test_pytest_split(four, assert_came, workers):
    """pytest-split gives this machine one of two groups, and says so."""
    pytest.importorskip("pytest_split")
    split = ("-p", "pytest_split.plugin", "--splits=2", "--group=1")
    result = four.runpytest_subprocess(*split, *workers)
    assert_came(result, 0, "suite gates not judged: only a part of the suite ran (-k, *")


def test_pytest_randomly_is_the_whole(four, assert_came):
    """pytest-randomly shuffles the whole suite, which is judged."""
    pytest.importorskip("pytest_randomly")
    result = four.runpytest_subprocess("-p", "pytest_randomly")
    assert_came(result, 1, "FAILED: suite score mean 0.100 > max 0.010 (+0.090), 8 gates*")


TAKEN_OVER = [
    "def pytest_runtest_protocol(item):\n    return True if item.name == 'test_it[0]' else None",
    "def pytest_runtestloop(session): return not hasattr(session.config, 'workerinput') or None",
]


@pytest.mark.parametrize("hook", TAKEN_OVER, ids=["protocol", "loop"])
def test_a_hook_takes_tests_over_and_runs_none(suite, assert_came, hook):
    """A conftest's hook says that it ran a test, or all of them, and did not."""
    add_to_conftest(suite, f"{hook}\n")
    suite.makepyfile(
        test_a="import pytest\n@pytest.mark.parametrize('n', range(3))\n"
        "def test_it(check, n): check(10, 0.2)\ndef test_other(): pass\n"
    )
    came = suite.runpytest()
    assert_came(
        came, 1, "FAILED: * never ran, though pytest was to run test_a.py::test_it[[]0[]]:*"
    )


def test_a_hook_takes_a_workers_test_over(suite, assert_came):
    """The same in a worker of pytest-xdist."""
    add_to_conftest(suite, f"{TAKEN_OVER[0]}\n")
    suite.makepyfile(
        test_a="import pytest\n@pytest.mark.parametrize('n', range(4))\n"
        "def test_it(check, n): check(10, 0.2)\n"
    )
    came = suite.runpytest_subprocess("-n2")
    assert_came(came, 1, "FAILED: 1 test with gates never ran, though pytest was to run *")
