"""Every gate reaches its own test's report, or the session fails and names it."""

from __future__ import annotations

import sys

import pytest
from conftest_text import add_to_conftest, check_in_hook
from parameters import first_of

from pytest_editmetrics.runs.folder import read_run

FOREIGN = """

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if item.name == "test_new": return pytest.TestReport.from_item_and_call(item, call)
    if item.name == "test_odd" and call.when == "call": report.outcome = "odd"
    return report
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_gates_of_forked_processes_are_their_tests(suite):
    suite.makepyfile(
        test_x="""
        import multiprocessing
        from conftest import NOT_FOUND, MISSING

        def elsewhere(*args):
            process = multiprocessing.get_context("fork").Process(target=args[0], args=args[1:])
            process.start()
            process.join()
        def twice(check):
            check(1, 0.1)
            check(1, 0.1)

        def test_bad(check): elsewhere(check, 20, 0.1)
        def test_soft(check): elsewhere(check, NOT_FOUND, 0.1)
        def test_error(check): elsewhere(check, MISSING, 0.1)
        def test_good(check): elsewhere(check, 1, 0.1)
        def test_two_of_one_name(check):
            elsewhere(check, 1, 0.1)
            elsewhere(check, 1, 0.1)
        def test_named(check):
            elsewhere(check, 1, 0.1, "score", "one")
            check(1, 0.1)
        """
    )
    result = suite.runpytest("--editmetrics-results=r.jsonl")
    result.assert_outcomes(failed=3, passed=2, xfailed=1)
    result.stdout.fnmatch_lines(["*a second score gate in one test*"])
    gates = [
        (one.nodeid.rpartition("_")[2], one.gate.verdict)
        for one in read_run(suite.path / "r.jsonl").gates
    ]
    assert gates == [
        ("bad", "fail"), ("soft", "unmeasured"), ("error", "error"), ("good", "pass"),
        ("name", "pass"), ("name", "error"), ("named", "pass"), ("named", "pass"),
    ]  # fmt: skip


LATE = """
    import threading
    from conftest import *
    from pytest_editmetrics import assert_unedit_lpips_below

    begun, over = threading.Event(), threading.Event()
    threads = []

    class Waits:
        def __call__(self, reference, edited, *args, **params):
            begun.set()
            over.wait(20)
            return edited[0, 0, 0] / 100

    def started(target, *args):
        threads.append(threading.Thread(target=target, args=args))
        threads[-1].start()
"""
WAITING = """

@pytest.hookimpl(trylast=True)
def pytest_editmetrics_register_pipes(registry):
    registry.register("pixel-pipe", PixelPipe, metrics=[Metric("score", "lower")])
    def waits(**init):
        import test_x
        return test_x.Waits()
    registry.register("waiting-pipe", waits, metrics=[Metric("waits", "lower")])
"""


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("workers", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_gates_that_end_late_or_begin_late_fail_the_session(suite, workers):
    add_to_conftest(suite, WAITING)
    suite.makepyfile(
        test_x=LATE
        + """
    def test_late(check):
        check(1, 0.1)
        started(check, 20, 0.1, "waits")
        begun.wait(20)
    def test_stale(check):
        gone.append(check)
        check(1, 0.1)
    def test_context(check):
        import contextvars
        gone.append(contextvars.copy_context())
        check(1, 0.1)
    gone = []
    def test_last(check):
        over.set()
        threads[0].join()
        started(gone[0], 20, 0.1)
        started(gone[1].run, assert_unedit_lpips_below, 0, 0, None)
        started(assert_unedit_lpips_below, 0, 0, None)
        for thread in threads: thread.join()
        check(1, 0.1)
    """
    )
    result = suite.runpytest("--editmetrics-results=r.jsonl", *workers)
    assert result.ret == 1
    result.assert_outcomes(passed=4, warnings=None)
    result.stdout.fnmatch_lines_random(
        [
            "FAILED: a gate reached no report: test_x.py::test_late: * waits 0.200 > max 0.100*"
            " (it ended after its test's reports were made*; called *)",
            "FAILED: a gate reached no report: test_x.py::test_stale: *its test is over*(called *)",
            "FAILED: a gate reached no report: test_x.py::test_context: *its test is over*",
            "FAILED: a gate reached no report: test_x.py::test_last: *no test was found*",
        ]
    )
    assert not read_run(suite.path / "r.jsonl").complete


def test_a_gate_between_call_and_teardown_is_an_error_of_the_teardown(suite):
    add_to_conftest(suite, WAITING)
    suite.makepyfile(
        test_x=LATE
        + """
    @pytest.fixture
    def waits():
        yield
        over.set()
        threads[0].join()
    def test_it(waits, check):
        check(1, 0.1)
        started(check, 20, 0.1, "waits")
        begun.wait(20)
    """
    )
    result = suite.runpytest()
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(
        ["*ERROR at teardown of test_it*", "E *GateFailure: unedit waits 0.200*"]
    )


def test_an_error_gate_is_no_expected_failure_whatever_lies_on_top(suite):
    suite.makepyfile(
        test_x="""
        import threading, unittest
        import numpy as np
        from conftest import *
        from pytest_editmetrics import assert_unedit_lpips_below

        class Broken:
            shape = (64, 64, 3)
            def __array__(self, *args, **kwargs): raise RuntimeError("lost")

        @pytest.mark.xfail
        def test_wrapped(check):
            try: check(MISSING, 1)
            except Exception as error: raise AssertionError("no") from error
        @pytest.mark.xfail
        def test_thread(check):
            thread = threading.Thread(target=check, args=(MISSING, 1))
            thread.start()
            thread.join()
            assert False
        def test_called_off(check):
            try: check(MISSING, 1)
            except Exception: pytest.xfail("known")
        @pytest.mark.xfail
        def test_raw(edit_gate): edit_gate.check(image(0), Broken())
        class TestIt(unittest.TestCase):
            @unittest.expectedFailure
            def test_expected(self): assert_unedit_lpips_below(image(0), image(0)[:4], None, 1)
        @pytest.mark.xfail
        def test_a_failure_is_one(check): check(20, 0.1)
        """
    )
    result = suite.runpytest("-W", "ignore")
    assert result.parseoutcomes() == {"failed": 5, "xfailed": 1}
    result.stdout.fnmatch_lines_random(
        [
            f"FAILED test_x.py::{test} - *"
            for test in (
                "test_wrapped", "test_thread", "test_called_off", "test_raw", "TestIt::test_expected"
            )
        ]
    )  # fmt: skip


@pytest.mark.parametrize("workers", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_a_foreign_report_hides_no_gate_and_a_foreign_word_can_be_read(suite, workers):
    add_to_conftest(suite, FOREIGN)
    suite.makepyfile(
        test_x="from conftest import *\ndef test_new(check): check(NOT_FOUND, 1)\n"
        "def test_odd(check): check(1, 1)"
    )
    result = suite.runpytest("--editmetrics-results=r.jsonl", *workers)
    assert result.ret == 1
    line = "FAILED: test_x.py::test_new ended as passed, and its gate did not: *unmeasured*"
    result.stdout.fnmatch_lines([line])
    run = read_run(suite.path / "r.jsonl")
    assert {one.nodeid.rpartition("_")[2]: one.outcome for one in run.gates} == {
        "new": "passed",
        "odd": "odd",
    }


def test_an_error_is_no_expected_failure_whoever_says_so(suite):
    (sub := suite.mkdir("sub")).joinpath("conftest.py").write_text(
        "import pytest\n\n"
        "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
        "def pytest_runtest_makereport(item, call):\n"
        "    report = yield\n"
        "    if report.failed: report.outcome, report.wasxfail = 'skipped', 'known'\n"
        "    return report\n"
    )
    sub.joinpath("test_x.py").write_text(
        "def test_error(check): check(253, 1)\n"
        "def test_failure(check): check(20, 0.1)\n"
        "def test_good(check): check(1, 0.1)\n"
    )
    result = suite.runpytest()
    assert result.ret == 1
    result.assert_outcomes(xfailed=2, passed=1)
    result.stdout.fnmatch_lines(["FAILED: *::test_error ended as xfailed, and its gate did not: *"])
    result.stdout.no_fnmatch_line("*::test_failure ended as*")


def test_helpers_find_their_test_in_every_loop_of_unittest_and_of_a_wider_fixture(suite):
    suite.makepyfile(
        test_x="""
        import asyncio, unittest
        from conftest import *
        from pytest_editmetrics import assert_unedit_lpips_below as below

        BLACK, WHITE = (np.full((48, 48, 3), value, np.uint8) for value in (0, 255))
        async def bad(): below(BLACK, WHITE, None, 0.01)
        class TestIt(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self): below(BLACK, BLACK.copy(), None, 0.01, name="setup")
            async def test_task(self):
                await asyncio.gather(asyncio.create_task(bad()), return_exceptions=True)
            async def test_thread(self): await asyncio.to_thread(below, BLACK, BLACK.copy(), None, 1)

        @pytest.fixture(scope="module")
        def loop():
            loop = asyncio.new_event_loop()
            async def works():
                while True:
                    work, done = await queue.get()
                    try: await work()
                    except Exception: pass
                    done.set()
            queue = asyncio.Queue()
            worker = loop.create_task(works())
            def run(work):
                async def runs():
                    done = asyncio.Event()
                    await queue.put((work, done))
                    await done.wait()
                loop.run_until_complete(runs())
            yield run
            worker.cancel()
            loop.run_until_complete(asyncio.gather(worker, return_exceptions=True))
            loop.close()
        def test_first(loop): loop(bad)
        def test_second(loop): loop(bad)
        """
    )
    result = suite.runpytest("-W", "ignore")
    assert result.parseoutcomes() == {"failed": 3, "passed": 1}
    result.stdout.fnmatch_lines(["FAILED test_x.py::test_second - *"])


def test_threads_that_run_one_test_are_repetitions_of_which_the_worst_counts(suite):
    add_to_conftest(
        suite,
        """
import functools, threading

def pytest_itemcollected(item):
    function = item.obj
    @functools.wraps(function)
    def often(**kwargs):
        for _ in range(2):
            threads = [threading.Thread(target=function, kwargs=kwargs) for _ in range(3)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
    item.obj = often
""",
    )
    suite.makepyfile(
        test_x="""
        import itertools
        import numpy as np
        from pytest_editmetrics import assert_unedit_lpips_below

        numbers = itertools.count()
        BLACK = np.zeros((48, 48, 3), np.uint8)
        def test_it(check): check(7 if next(numbers) == 2 else 1, 0.1)
        def test_function(): assert_unedit_lpips_below(BLACK, BLACK.copy(), None, 0.1)
        def test_two(check):
            check(1, 0.1)
            check(1, 0.1)
        """
    )
    result = suite.runpytest("-W", "ignore", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*a second score gate in one test*"])
    gates = [one.gate for one in read_run(suite.path / "r.jsonl").gates]
    told = [(gate.value, gate.details.get("repetitions")) for gate in gates[:2]]
    assert told == [(0.07, 6), (0.0, 6)]


AGAIN = """
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(3):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if all(report.passed for report in reports):
            break
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    return True
"""


def test_gates_that_a_workers_reports_lose_on_their_way_fail_the_session(suite):
    add_to_conftest(
        suite,
        """
@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(config, data):
    report = yield
    vars(report).pop("_editmetrics", None)
    report.outcome, report.longrepr = "passed", None
    return report
""",
    )
    suite.makepyfile("def test_it(check): check(20, 0.1)\ndef test_two(check): check(1, 0.1)")
    result = suite.runpytest("-n1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: * reports of the worker gw0 came without gates: *"])


def test_examples_of_hypothesis_are_repetitions_of_which_the_worst_counts(suite):
    suite.makepyfile(
        """
        from hypothesis import HealthCheck, given, settings, strategies as st

        @settings(max_examples=4, deadline=None, database=None, suppress_health_check=HealthCheck)
        @given(value=st.sampled_from([1, 2, 3]))
        def test_good(check, value): check(value, 0.1)

        @settings(max_examples=9, deadline=None, database=None, suppress_health_check=HealthCheck)
        @given(value=st.sampled_from([1, 20]))
        def test_bad(check, value): check(value, 0.1)

        @settings(max_examples=2, deadline=None, database=None, suppress_health_check=HealthCheck)
        @given(value=st.sampled_from([1, 2]))
        def test_two(check, value):
            check(value, 0.1)
            check(value, 0.1)
        """
    )
    result = suite.runpytest("-v")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "FAIL *::test_bad: *score 0.200 > max 0.100*",
            "ERROR *::test_two: *a second score gate in one test*",
        ]
    )


def test_a_test_that_was_run_again_without_a_report_is_named(suite):
    add_to_conftest(suite, AGAIN)
    suite.makepyfile(
        "seen = []\ndef test_it(check):\n    seen.append(1)\n"
        "    check(1 if len(seen) == 3 else 20 * len(seen), 0.1)"
    )
    result = suite.runpytest("--editmetrics-run-dir=run")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["passed only after a rerun: 1", "  *::test_it"])
    result.stdout.no_fnmatch_line("asked for a gate and made none*")
    run = read_run(suite.path / "run")
    told = [(one.attempt, one.final, one.gate.value) for one in run.gates]
    assert told == [(1, False, 0.2), (2, False, 0.4), (3, True, 0.01)]


@pytest.mark.parametrize("hook", ["addoption", "configure"])
def test_a_check_in_a_hook_before_the_session_is_no_pass(suite, hook, monkeypatch):
    monkeypatch.delenv("EDITMETRICS_JOURNAL", raising=False)  # of the session that runs this
    check_in_hook(suite, hook)
    suite.makepyfile("def test_it(check): check(1, 0.5)")
    result = suite.runpytest_subprocess()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: *: a helper was called before the session began*"])


def test_a_check_in_a_notebook_fails_no_session_that_its_process_runs_later(suite, monkeypatch):
    monkeypatch.delenv("EDITMETRICS_JOURNAL", raising=False)  # of the session that runs this
    suite.makepyfile(test_x="def test_it(check): check(1, 0.5)")
    script = suite.makepyfile(
        cell="""
        import sys
        import pytest
        from pytest_editmetrics import assert_unedit_lpips_below
        from pytest_editmetrics.errors import InputError
        with pytest.raises(InputError, match="no pytest test is running here"):
            assert_unedit_lpips_below(None, None, None, 0.1)
        sys.exit(pytest.main(["test_x.py"] + sys.argv[1:]))
        """
    )
    result = suite.runpython(script)
    assert result.ret == 0, result.stdout.str() + result.stderr.str()


@pytest.mark.parametrize("hook", ["sessionfinish", "terminal_summary", "unconfigure"])
def test_a_check_in_a_hook_after_the_session_is_no_pass(suite, hook):
    check_in_hook(suite, hook)
    suite.makepyfile("def test_it(check): check(1, 0.5)")
    result = suite.runpytest_subprocess()
    assert result.ret == 1
    result.stderr.fnmatch_lines(["pytest-editmetrics: ERROR: a check came after*exit status 1"])
