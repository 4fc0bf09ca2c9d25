"""Something ends the test or the session after its gate"""

from __future__ import annotations

import pytest

EXIT = "pytest.exit('enough', returncode=0)"
LATE = (
    "@pytest.fixture\ndef late(check):\n    yield\n    {}\ndef test_it(late): pass\n",
    "@pytest.fixture\ndef late(check):\n    {}\ndef test_it(late): pass\n",
)
BAD = f"try: check(30, 0.1)\n    finally: {EXIT}"
LOST = "FAILED: a gate reached no report: test_it.py::test_it: *score 0.300 > max 0.100*"


@pytest.fixture
def run(suite):
    """``run(test, *args, conftest="")`` runs a test file in a process of its own."""

    def run(test: str, *args: str, conftest: str = "") -> pytest.RunResult:
        suite.makepyfile(test_it=f"import pytest\n{test}")
        path = suite.path / "conftest.py"
        path.write_text(f"{path.read_text()}\n{conftest}\n")
        return suite.runpytest_subprocess(*args)

    return run


def hook(name: str) -> str:
    return f"@pytest.hookimpl(tryfirst=True)\ndef {name}:\n    {EXIT}\n"


def test_exit_in_the_call(run, assert_came):
    """A gate fails, and the test calls `pytest.exit(returncode=0)` in a `finally`."""
    assert_came(run(f"def test_it(check):\n    {BAD}\n"), 1, LOST)


def test_exit_in_a_teardown(run, assert_came):
    """The same in the teardown of a fixture."""
    assert_came(run(LATE[0].format(BAD)), 1, LOST)


def test_exit_in_a_set_up(run, assert_came):
    """The same in the set-up of a fixture."""
    assert_came(run(LATE[1].format(BAD)), 1, LOST)


def test_exit_with_a_soft_failure(run, assert_came):
    """The same with a soft failure."""
    came = run(f"def test_it(check):\n    check(255, 0.1)\n    {EXIT}\n")
    assert_came(came, 1, "FAILED: a gate reached no report: *score unmeasured (no-value)*")


def test_exit_before_the_report(run, assert_came):
    """A `conftest.py` calls `pytest.exit(returncode=0)` when the report is to be made."""
    conftest = hook("pytest_runtest_makereport(item, call)").replace(
        EXIT, f"if call.when == 'call': {EXIT}"
    )
    assert_came(run("def test_it(check): check(30, 0.1)", conftest=conftest), 1, LOST)


def test_exit_after_the_report(run, assert_came):
    """A `conftest.py` calls `pytest.exit(returncode=0)` when a test with a failing gate is over."""
    conftest = hook("pytest_runtest_logfinish(nodeid)")
    came = run("def test_it(check): check(30, 0.1)", conftest=conftest)
    assert_came(came, 1, "FAILED: pytest.exit(returncode=0) ended the session, in which gates*")


def test_exit_before_any_test(run, assert_came):
    """`pytest.exit(returncode=0)` ends the collection, under `--editmetrics-require=1`."""
    conftest = hook("pytest_collection_modifyitems()")
    came = run("def test_it(check): check(30, 0.1)", "--editmetrics-require=1", conftest=conftest)
    assert_came(came, 1, "FAILED: fewer gates were measured than *: 0 of 1 in all*")


def test_exit_before_the_test(run, assert_came):
    """`pytest.exit(returncode=0)` ends the session between tests, under `--editmetrics-require=2`."""
    test = f"def test_a(check): check(3, 1)\ndef test_b(): {EXIT}\ndef test_it(check): check(3, 1)"
    came = run(test, "--editmetrics-require=2")
    assert_came(came, 1, "FAILED: fewer gates were measured than *: 1 of 2 in all*")


SOFT = [
    "def test_it(check): check(255, 1); pytest.skip('enough')\n",
    "@pytest.fixture\ndef made(check): check(255, 1); pytest.skip('enough')\n"
    "def test_it(made): pass\n",
    "import unittest\n@pytest.mark.usefixtures('given')\nclass TestIt(unittest.TestCase):\n"
    "    def test_it(self): self.check(255, 1); self.skipTest('enough')\n"
    "@pytest.fixture\ndef given(check, request): request.instance.check = check\n",
]


@pytest.mark.parametrize("test", SOFT, ids=["test", "fixture", "unittest"])
def test_a_skip_under_strict(run, assert_came, workers, test):
    """A soft failure, then a skip, under `--editmetrics-strict=all`."""
    test = f"def test_a(check): check(3, 1)\n{test}"
    came = run(test, "--editmetrics-strict=all", *workers)
    assert_came(came, 1, "E *score unmeasured (no-value)*")


def test_a_skip_under_review(suite, run, assert_came, workers):
    """A value beyond its `review`, then a skip, under `--editmetrics-review=fail`."""
    suite.mkdir("goldens").joinpath("test_it.py.yaml").write_text(
        '"test_it": {score: {max: 0.3, review: 0.1}}\n'
    )
    test = "def test_it(check): check(20, None); pytest.skip('enough')\n"
    came = run(test, "--editmetrics-review=fail", *workers)
    assert_came(came, 1, "*score 0.200 > review 0.100, inside max 0.300*")


ZERO = [
    "def pytest_sessionfinish(session): session.exitstatus = 0",
    "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_sessionfinish(session):\n    yield\n    session.exitstatus = 0",
    f"def pytest_sessionfinish(): {EXIT}",
    "def pytest_sessionfinish(): raise SystemExit(0)",
    "def pytest_sessionstart(session): session.config.held = session\n"
    "def pytest_unconfigure(config): config.held.exitstatus = 0",
    "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_cmdline_main():\n    yield\n    return 0",
    "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
    "def pytest_runtestloop(session):\n    yield\n    session.testsfailed = 0\n    return True",
]
SET_TO_0 = "*ERROR: a plugin or conftest.py set the exit status to 0, and {}: exit status 1"


@pytest.mark.parametrize("conftest", ZERO)
def test_exit_status_set_to_0(run, assert_came, conftest):
    """A `conftest.py` makes 0 of the exit status of a session in which a gate failed."""
    came = run("def test_it(check): check(30, 0.1)", conftest=conftest)
    assert_came(came, 1, SET_TO_0.format("gates failed 1 test, test_it.py::test_it"))


def test_exit_status_of_an_unmeasured_session_set_to_0(run, assert_came, workers):
    """The same of a session of which nothing could be measured."""
    came = run("def test_it(check): check(255, 0.1)", *workers, conftest=ZERO[0])
    assert_came(came, 1, SET_TO_0.format("not one gate of this session could be measured, so*"))


@pytest.mark.parametrize("when", ["setup", "call", "teardown"])
def test_exit_while_a_report_is_made(run, assert_came, when):
    """A `conftest.py` calls `pytest.exit(returncode=0)` around the making of any report."""
    conftest = (
        "@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n"
        f"    report = yield\n    if call.when == '{when}': {EXIT}\n    return report\n"
    )
    test = "@pytest.fixture\ndef made(check): check(30, 0.1)\ndef test_it({}): check(30, 0.1)"
    test = test.format("made" if when == "setup" else "check")
    assert_came(run(test, conftest=conftest), 1, "FAILED: *test_it.py::test_it*")
