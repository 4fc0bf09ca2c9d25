"""One record, one process, one time"""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest, check_in_hook
from reruns import ends_again_with

from pytest_editmetrics.runs.folder import read_run

STRAY = "FAILED: a gate reached no report: "

HELPERS = """
import contextvars, pathlib, threading, time
import multiprocessing
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import numpy as np
import pytest
from conftest import image, NOT_FOUND, MISSING
from pytest_editmetrics import assert_unedit_lpips_below

A = np.random.default_rng(0).integers(0, 200, (64, 64, 3), dtype=np.uint8)

def changed(n):
    made = A.copy()
    made[:8, :8] += n
    return made

def bad(name=None): assert_unedit_lpips_below(A, 255 - A, None, 0.01, name=name)
def good(name=None): assert_unedit_lpips_below(A, A.copy(), None, 0.01, name=name)
def soft(name=None): assert_unedit_lpips_below(A, A.copy(), [(0, 0, 64, 64)], 0.01, name=name)

def measured(edit_gate, value, name):
    edit_gate.check(image(0), image(value), metrics="score", name=name)
"""
SLOW = """

import os
import pathlib
import time

class SlowPipe(PixelPipe):
    def __call__(self, reference, edited, *args, **params):
        if edited[0, 0, 1] == 255:
            os._exit(0)
        pathlib.Path("began").touch()
        time.sleep(edited[0, 0, 1] / 10)
        return super().__call__(reference, edited, *args, **params)

@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    class Slow:
        def pytest_editmetrics_register_pipes(self, registry):
            registry.register("slow-pipe", SlowPipe, metrics=[Metric("slow", "lower")])
    config.pluginmanager.register(Slow())
"""


@pytest.fixture
def ways(suite, monkeypatch):
    """A suite whose tests may do ``from ways import *``."""
    suite.makepyfile(ways=HELPERS)
    add_to_conftest(suite, SLOW)
    suite.makeini("[pytest]\npythonpath = .\n")
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.1, slow: 0.1}\n")
    monkeypatch.setenv("PYTHONPATH", str(suite.path), prepend=":")
    return suite


def tried(suite, code, *options):
    """Run the tests; those of one file by one worker, so that one outlives another there too."""
    suite.makepyfile(test_it=f"from ways import *\n{code}")
    options = ("--dist=loadfile", *options) if "-n2" in options else options
    return suite.runpytest_subprocess("-p", "no:cacheprovider", *options)


def test_forked_process(ways, assert_came, workers):
    """A failing helper in a forked process that the test waits for."""
    code = """
def test_it():
    process = multiprocessing.get_context("fork").Process(target=bad)
    process.start()
    process.join()
"""
    assert_came(
        tried(ways, code, *workers),
        1,
        "FAILED test_it.py::test_it - whole-image lpips*",
    )


def test_forked_pool(ways, assert_came, workers):
    """A failing helper in a forked ProcessPoolExecutor whose result nobody asks for."""
    code = """
def test_it():
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        pool.submit(bad)
"""
    assert_came(
        tried(ways, code, *workers),
        1,
        "FAILED test_it.py::test_it - whole-image lpips*",
    )


def test_forked_edit_gate(ways, assert_came, workers):
    """An edit_gate that fails in a forked process, beside another test that measures."""
    code = """
def test_it(edit_gate):
    process = multiprocessing.get_context("fork").Process(
        target=measured, args=(edit_gate, 20, "x"))
    process.start()
    process.join()
def test_other(check): check(1, 0.1)
"""
    assert_came(tried(ways, code, *workers), 1, "FAILED test_it.py::test_it - *score*")


def test_forked_soft_failure(ways, assert_came, workers):
    """A soft failure in a forked process, under --editmetrics-strict=all."""
    code = """
def test_it():
    process = multiprocessing.get_context("fork").Process(target=soft)
    process.start()
    process.join()
def test_other(check): check(1, 0.1)
"""
    result = tried(ways, code, "--editmetrics-strict=all", *workers)
    assert_came(result, 1, "FAILED test_it.py::test_it - unedit lpips unmeasured*")


def test_forked_golden_image(ways, assert_came):
    """A golden image that fails in a forked process."""
    code = """
def look(golden_image): golden_image.check(A)
def test_it(golden_image):
    process = multiprocessing.get_context("fork").Process(target=look, args=(golden_image,))
    process.start()
    process.join()
"""
    assert_came(
        tried(ways, code),
        1,
        "FAILED test_it.py::test_it - golden_lpips, golden_structure, golden_tone have*",
    )


def test_forked_and_late(ways, assert_came, workers):
    """A forked process that measures after its test's reports were made."""
    code = """
def later():
    time.sleep(1)
    bad()
def test_it():
    multiprocessing.get_context("fork").Process(target=later).start()
def test_other(check):
    check(1, 0.1)
    time.sleep(2.5)
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}test_it.py::test_it: whole-image lpips *")


def test_forked_and_killed(ways, assert_came, workers):
    """A forked process that ends in the middle of a check."""
    code = """
def dies(edit_gate):
    edit_gate.check(image(0), image(255), metrics="slow")
def test_it(edit_gate, check):
    check(1, 0.1)
    process = multiprocessing.get_context("fork").Process(target=dies, args=(edit_gate,))
    process.start()
    process.join()
def test_other(check): check(1, 0.1)
"""
    assert_came(
        tried(ways, code, *workers), 1, f"{STRAY}test_it.py::test_it: a check *process*did not end*"
    )


def test_spawned_process(ways, assert_came, workers):
    """A helper in a spawned process, which knows of no test."""
    code = """
def test_it():
    process = multiprocessing.get_context("spawn").Process(target=bad)
    process.start()
    process.join()
def test_other(check): check(1, 0.1)
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}*test_it.py::test_it*another process*")


def test_pickled_edit_gate(ways, assert_came):
    """An edit_gate that is sent to a spawned process."""
    code = """
def test_it(edit_gate):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        pool.submit(measured, edit_gate, 20, "x")
def test_other(check): check(1, 0.1)
"""
    assert_came(
        tried(ways, code), 1, "*EditMetricsError: edit_gate could not be judged: *another process*"
    )


LATE = """
@pytest.fixture(scope="session")
def pool():
    with ThreadPoolExecutor(1) as pool:
        yield pool
def late(edit_gate, value, seconds):
    time.sleep(seconds)
    measured(edit_gate, value, "late")
def began():
    while not pathlib.Path("began").exists(): time.sleep(0.02)
def slow(edit_gate, value, seconds):
    picture = image(value)
    picture[..., 1] = 10 * seconds
    edit_gate.check(image(0), picture, metrics="slow", name="late")
"""


@pytest.mark.parametrize("value", ["20", "NOT_FOUND", "MISSING"], ids=["fails", "soft", "errs"])
def test_late_gate(ways, assert_came, value, workers):
    """A check in a session-wide thread pool ends after its test, and nobody asks for its result."""
    code = f"""{LATE}
def test_it(edit_gate, check, pool):
    check(1, 0.1)
    pool.submit(slow, edit_gate, {value}, 1)
    began()
def test_other(check):
    check(1, 0.1)
    time.sleep(1.5)
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}test_it.py::test_it: *slow@late*")


def test_late_gate_of_the_last_test(ways, assert_came):
    """A check of the last test ends after it, in a thread that nobody waits for."""
    code = f"""{LATE}
def test_it(edit_gate, check):
    check(1, 0.1)
    threading.Thread(target=slow, args=(edit_gate, 20, 2)).start()
    began()
"""
    assert_came(tried(ways, code), 1, f"{STRAY}test_it.py::test_it: *slow@late*")


def test_endless_check(ways, assert_came):
    """A check that does not end within ten seconds of the session's last test."""
    code = f"""{LATE}
def test_it(edit_gate, check):
    check(1, 0.1)
    threading.Thread(target=slow, args=(edit_gate, 20, 20), daemon=True).start()
    began()
"""
    assert_came(tried(ways, code), 1, f"{STRAY}test_it.py::test_it: a check *did not end*")


@pytest.mark.parametrize("value", ["20", "NOT_FOUND", "MISSING"], ids=["fails", "soft", "errs"])
def test_gate_between_call_and_teardown(ways, assert_came, value):
    """A check ends between its test's call and its teardown, under --editmetrics-strict=all."""
    code = f"""{LATE}
@pytest.fixture
def waits():
    yield
    time.sleep(2)
def test_it(edit_gate, check, pool, waits):
    check(1, 0.1)
    pool.submit(slow, edit_gate, {value}, 1)
    began()
"""
    result = tried(ways, code, "--editmetrics-strict=all")
    assert_came(result, 1, "ERROR test_it.py::test_it - *slow@late*")


def test_check_after_the_session(ways, assert_came):
    """A check that a thread begins after the session's end is an error on stderr."""
    code = f"""{LATE}
def test_it(edit_gate, check):
    check(1, 0.1)
    threading.Thread(target=late, args=(edit_gate, 20, 4)).start()
"""
    assert_came(
        tried(ways, code), 0, "pytest-editmetrics: ERROR: *test_it.py::test_it*after the session*"
    )


@pytest.mark.parametrize("hook", ["sessionfinish", "terminal_summary", "unconfigure"])
def test_check_in_a_hook_after_the_session(ways, assert_came, workers, hook):
    """A conftest checks in `pytest_sessionfinish`, `pytest_terminal_summary` or
    `pytest_unconfigure`, and catches what it raises."""
    check_in_hook(ways, hook)
    result = tried(ways, "def test_it(check): check(1, 0.1)", *workers)
    assert_came(result, 1, "pytest-editmetrics: ERROR: a check came after the session's end*")


def test_object_of_an_earlier_test(ways, assert_came, workers):
    """A thread of one test checks with that test's edit_gate while another test runs."""
    code = f"""{LATE}
def test_it(edit_gate, check, pool):
    check(1, 0.1)
    pool.submit(late, edit_gate, 20, 1)
def test_other(check):
    check(1, 0.1)
    time.sleep(2)
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}test_it.py::test_it: *is over*")


def test_copied_context(ways, assert_came, workers):
    """A thread that was started with contextvars.copy_context() in one test and outlives it."""
    code = """
def later():
    time.sleep(0.6)
    good()
def test_it(check):
    check(1, 0.1)
    threading.Thread(target=contextvars.copy_context().run, args=(later,)).start()
def test_other(check):
    check(1, 0.1)
    time.sleep(2)
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}test_it.py::test_it: *is over*")


def test_thread_without_context(ways, assert_came, workers):
    """A helper in a bare thread, which finds no test."""
    code = """
def test_it(check):
    check(1, 0.1)
    thread = threading.Thread(target=good)
    thread.start()
    thread.join()
"""
    assert_came(tried(ways, code, *workers), 1, f"{STRAY}*no test was found*copy_context*")


def test_error_wrapped(ways, assert_came):
    """An error gate whose exception an xfailed test wraps in another."""
    code = """
@pytest.mark.xfail
def test_it(check):
    try: check(MISSING, 1)
    except Exception as error: raise AssertionError("no") from error
"""
    assert_came(tried(ways, code), 1, "FAILED test_it.py::test_it - *")


@pytest.mark.skipif("sys.version_info < (3, 11)")
def test_error_in_a_group(ways, assert_came):
    """An error gate whose exception arrives in an ExceptionGroup, under an xfail mark."""
    code = """
@pytest.mark.xfail
def test_it(check):
    try: check(MISSING, 1)
    except Exception as error: raise ExceptionGroup("tasks", [error])
"""
    assert_came(tried(ways, code), 1, "FAILED test_it.py::test_it - *")


def test_error_in_a_thread_of_an_xfailed_test(ways, assert_came):
    """An error gate in a thread of an xfailed test that then fails by itself."""
    code = """
@pytest.mark.xfail
def test_it(check):
    thread = threading.Thread(target=check, args=(MISSING, 1))
    thread.start()
    thread.join()
    assert False
"""
    assert_came(tried(ways, code), 1, "FAILED test_it.py::test_it - *")


def test_error_then_xfail(ways, assert_came, workers):
    """An error gate, then pytest.xfail()."""
    code = """
def test_it(check):
    try: check(MISSING, 1)
    except Exception: pytest.xfail("known")
"""
    assert_came(tried(ways, code, *workers), 1, "FAILED test_it.py::test_it - *")


def test_error_in_an_expected_failure(ways, assert_came):
    """An error gate in a unittest.expectedFailure."""
    code = """
import unittest
class TestIt(unittest.TestCase):
    @unittest.expectedFailure
    def test_it(self): assert_unedit_lpips_below(A, A[:8], None, 0.01)
"""
    assert_came(tried(ways, code), 1, "FAILED test_it.py::TestIt::test_it - *")


@pytest.mark.parametrize(
    "picture", ["np.matrix([[1, 2], [3, 4]])", "Broken()"], ids=["matrix", "raises"]
)
@pytest.mark.parametrize("fixture", ["edit_gate.check(A, {})", "golden_image.check({})"])
def test_raw_exception_while_reading(ways, assert_came, picture, fixture):
    """A picture whose reading raises what it likes, in an xfailed test."""
    code = f"""
class Broken:
    shape = (64, 64, 3)
    def __array__(self, *args, **kwargs): raise RuntimeError("lost")
@pytest.mark.xfail
def test_it(edit_gate, golden_image): {fixture.format(picture)}
"""
    assert_came(tried(ways, code), 1, "FAILED test_it.py::test_it - *")


NEW_REPORT = """
@pytest.hookimpl(wrapper=True{order})
def pytest_runtest_makereport(item, call):
    yield
    return pytest.TestReport.from_item_and_call(item, call)
"""


@pytest.mark.parametrize("order", ["", ", tryfirst=True"], ids=["usual", "outermost"])
def test_new_report(ways, assert_came, order, workers):
    """A conftest's wrapper makes reports anew: the only soft failure would be a pass."""
    add_to_conftest(ways, NEW_REPORT.format(order=order))
    code = """
def test_it(check): check(NOT_FOUND, 1)
def test_other(check): check(1, 1)
"""
    result = tried(ways, code, *workers)
    assert_came(result, 1, "FAILED: test_it.py::test_it ended as passed, and its gate did not: *")


def test_failure_made_a_pass(ways, assert_came, workers):
    """A conftest calls failed reports passed."""
    add_to_conftest(
        ways,
        """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.outcome, report.longrepr = "passed", None
    return report
""",
    )
    result = tried(ways, "def test_it(check): check(20, 0.1)", *workers)
    assert_came(result, 1, "FAILED: test_it.py::test_it ended as passed, and its gate did not: *")


def test_error_called_an_expected_failure(ways, assert_came, workers):
    """A folder's conftest calls failed reports expected failures, outside of all other hooks."""
    sub = ways.mkdir("sub")
    (sub / "conftest.py").write_text(
        """
import pytest

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.outcome, report.wasxfail = "skipped", "known"
    return report
"""
    )
    (sub / "test_it.py").write_text(
        "def test_it(check): check(253, 1)\ndef test_other(check): check(1, 1)\n"
    )
    result = ways.runpytest_subprocess(*workers)
    assert_came(result, 1, "FAILED: sub/test_it.py::test_it ended as xfailed, and its gate did*")


@pytest.mark.parametrize("hook", ["addoption", "configure"])
def test_check_in_a_hook_before_the_session(suite, assert_came, monkeypatch, hook):
    """A conftest checks in `pytest_addoption` or `pytest_configure`, and catches what it raises."""
    monkeypatch.delenv("EDITMETRICS_JOURNAL", raising=False)
    check_in_hook(suite, hook)
    suite.makepyfile("def test_it(check): check(1, 1)")
    result = suite.runpytest_subprocess()
    assert_came(result, 1, "FAILED: *a helper was called before the session began*")


@pytest.mark.parametrize("last", ["pytest.skip('x')", "return", "check(NOT_FOUND, 1); return"])
def test_rerun_that_measures_nothing(ways, assert_came, workers, last):
    """A failing test is run again, and then skips, returns or cannot be measured."""
    pytest.importorskip("pytest_rerunfailures")
    result = tried(ways, ends_again_with(last), "--reruns=1", *workers)
    assert_came(result, 1, "FAILED: test_it.py::test_it failed its gate, was run again, ended as *")


def test_swallowed_report(ways, assert_came):
    """A conftest runs tests by a protocol of its own and logs no report of their calls."""
    add_to_conftest(
        ways,
        """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    runtestprotocol(item, nextitem=nextitem, log=False)
    return True
""",
    )
    result = tried(ways, "def test_it(check): check(20, 0.1)")
    assert_came(result, 1, f"{STRAY}test_it.py::test_it: *score*")


def test_renamed_report(ways, assert_came):
    """A conftest changes the node id of reports; gates stay with them."""
    add_to_conftest(
        ways,
        """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    report.nodeid += "-changed"
    return report
""",
    )
    result = tried(ways, "def test_it(check): check(20, 0.1)")
    assert_came(result, 1, "FAILED *score*")


def test_retried(ways, assert_came):
    """pytest-retry: the second attempt is a soft failure, which its own report calls passed."""
    pytest.importorskip("pytest_retry")
    code = """
import pathlib
@pytest.mark.flaky(retries=1)
def test_it(check):
    seen = pathlib.Path("seen")
    first = not seen.exists()
    seen.touch()
    check(20 if first else NOT_FOUND, 0.1)
"""
    options = (
        "-p",
        "no:pytest_rerunfailures",
        "-p",
        "pytest_retry.retry_plugin",
        "--editmetrics-run-dir=run",
    )
    result = tried(ways, code, *options)
    run = read_run(ways.path / "run")
    assert [(one.attempt, one.final, one.outcome) for one in run.gates] == [
        (1, False, "retried"), (2, True, "xfailed")
    ]  # fmt: skip
    assert_came(result, 0, "unmeasured: 1")


def test_run_again_by_a_protocol(ways, assert_came, workers):
    """A conftest runs a test until it passes and logs the last attempt's reports only."""
    add_to_conftest(
        ways,
        """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
""",
    )
    code = (
        "seen = []\ndef test_it(check):\n    seen.append(1)\n    check(30 - 10 * len(seen), 0.1)\n"
    )
    result = tried(ways, code, *workers)
    assert_came(result, 0, "passed only after a rerun: 1")


def test_run_again_by_flaky(ways, assert_came, workers):
    """flaky runs a test again, logs no report of the call that failed, and is told to say nothing."""
    pytest.importorskip("flaky")
    code = """
from flaky import flaky
seen = []
@flaky
def test_it(check):
    seen.append(1)
    check(30 - 10 * len(seen), 0.1)
"""
    options = (
        "-p",
        "flaky.flaky_pytest_plugin",
        "--no-flaky-report",
        "-p",
        "no:pytest_rerunfailures",
    )
    assert_came(tried(ways, code, *options, *workers), 0, "passed only after a rerun: 1")


ASYNC = """
import asyncio
async def helper(): bad()
"""


@pytest.mark.parametrize("loop", ["function", "class", "module", "package", "session"])
def test_asyncio_loops(ways, assert_came, loop, workers):
    """pytest-asyncio, with loops of every scope: each gate lands on its own test."""
    pytest.importorskip("pytest_asyncio")
    code = f"""{ASYNC}
pytestmark = pytest.mark.asyncio(loop_scope="{loop}")
class TestIt:
    async def test_one(self): good()
    async def test_task(self):
        await asyncio.gather(asyncio.create_task(helper()), return_exceptions=True)
    async def test_thread(self):
        await asyncio.gather(asyncio.to_thread(bad), return_exceptions=True)
    async def test_last(self): good()
"""
    result = tried(ways, code, "-p", "pytest_asyncio.plugin", *workers)
    result.assert_outcomes(passed=2, failed=2)
    assert_came(result, 1, "FAILED test_it.py::TestIt::test_t*whole-image lpips*")


@pytest.mark.parametrize("scope", ["function", "class", "module", "session"])
def test_anyio_backends(ways, assert_came, scope, workers):
    """anyio, with backends and fixtures of every scope: each gate lands on its own test."""
    pytest.importorskip("anyio")
    code = f"""{ASYNC}
import anyio
pytestmark = pytest.mark.anyio
@pytest.fixture(scope="{scope}")
def anyio_backend(): return "asyncio"
@pytest.fixture(scope="{scope}")
async def held(anyio_backend): yield 1
class TestIt:
    async def test_one(self, held): good()
    async def test_group(self, held):
        try:
            async with anyio.create_task_group() as group: group.start_soon(helper)
        except BaseException: pass
    async def test_thread(self, held):
        try: await anyio.to_thread.run_sync(bad)
        except AssertionError: pass
    async def test_last(self, held): good()
"""
    result = tried(ways, code, "-p", "anyio", *workers)
    result.assert_outcomes(passed=2, failed=2)
    assert_came(result, 1, "FAILED test_it.py::TestIt::test_*whole-image lpips*")


def test_isolated_asyncio_test_case(ways, assert_came, workers):
    """A helper in unittest.IsolatedAsyncioTestCase, and in a task of it."""
    code = """
import asyncio, unittest
class TestIt(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self): good("setup")
    async def test_one(self): good()
    async def test_it(self):
        await asyncio.gather(asyncio.create_task(asyncio.to_thread(bad)), return_exceptions=True)
"""
    result = tried(ways, code, *workers)
    result.assert_outcomes(passed=1, failed=1)
    assert_came(result, 1, "FAILED test_it.py::TestIt::test_it - whole-image lpips*")


def test_task_that_outlives_its_test(ways, assert_came):
    """A task of one test goes on in the module's loop while another test runs."""
    pytest.importorskip("pytest_asyncio")
    code = """
import asyncio
pytestmark = pytest.mark.asyncio(loop_scope="module")
tasks = []
async def later():
    await asyncio.sleep(0.2)
    good()
async def test_it():
    good("one")
    tasks.append(asyncio.create_task(later()))
async def test_other():
    good()
    await asyncio.sleep(0.5)
"""
    result = tried(ways, code, "-p", "pytest_asyncio.plugin")
    assert_came(result, 1, f"{STRAY}test_it.py::test_it: *is over*")


def test_run_parallel(ways, assert_came):
    """pytest-run-parallel: threads that run one test are repetitions, and the worst one counts."""
    pytest.importorskip("pytest_run_parallel")
    code = """
import itertools
numbers = itertools.count()
def test_it(check): check(20 if next(numbers) == 2 else 1, 0.1)
def test_helper(): good()
def test_second(check):
    check(1, 0.1)
    check(1, 0.1)
"""
    options = ("-p", "pytest_run_parallel.plugin", "--parallel-threads=3", "--iterations=2")
    result = tried(ways, code, *options, "--editmetrics-results=r.jsonl")
    result.stdout.fnmatch_lines(["*a second score gate in one test*"])
    assert_came(result, 1, "*FAILED test_it.py::test_it - unedit score 0.200*")


FORKED = """

import json
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    hook = item.config.hook
    read, write = os.pipe()
    if not (child := os.fork()):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        told = [hook.pytest_report_to_serializable(config=item.config, report=r) for r in reports]
        with open(write, "w") as file: json.dump(told, file)
        os._exit(0)
    os.close(write)
    with open(read) as file: told = json.load(file)
    os.waitpid(child, 0)
    for one in told:
        report = hook.pytest_report_from_serializable(config=item.config, data=one)
        hook.pytest_runtest_logreport(report=report)
    return True
"""


def test_tests_in_processes_of_their_own(ways, assert_came):
    """Each test runs in a forked process, as under pytest-forked, and carries its gates."""
    add_to_conftest(ways, FORKED)
    code = f"""{LATE}
def test_it(check): check(NOT_FOUND, 0.1)
def test_bad(check): check(20, 0.1)
def test_late(edit_gate, check):
    threading.Thread(target=slow, args=(edit_gate, 20, 5)).start()
    began()
    check(1, 0.1)
"""
    result = tried(ways, code)
    result.assert_outcomes(passed=1, failed=1, xfailed=1)
    assert_came(
        result, 1, f"{STRAY}test_it.py::test_late: a check *in another process*did not end*"
    )
