"""``--editmetrics-profile``: where the session's time went, and which gates were slowest."""

from __future__ import annotations

import re

import pytest

from pytest_editmetrics.report import profile

TESTS = """
from scene import *

def test_shifted(edit_gate):
    edit_gate.check(scene(), np.roll(edited(), 2, axis=1), BOX, metrics=["lpips"], name="whole")

def test_two(edit_gate):
    same = edited()
    edit_gate.check(scene(), same, BOX, metrics=["unedit_psnr", "unedit_max_diff"])
"""
SETTINGS = "thresholds: {lpips: 0.0001, unedit_psnr: 1, unedit_max_diff: 254}\n"
GATES = {
    "test_it.py::test_shifted: lpips@whole",
    "test_it.py::test_two: unedit_psnr",
    "test_it.py::test_two: unedit_max_diff",
}


@pytest.fixture
def scenes(scene: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setattr(profile, "_LEAST", 1e-9)
    scene.makefile(".yaml", editmetrics=SETTINGS)
    scene.makepyfile(test_it=TESTS)
    return scene


def section(result: pytest.RunResult) -> str:
    return result.stdout.str().partition("editmetrics profile")[2]


def kinds(result: pytest.RunResult) -> dict[str, float]:
    """Return the printed seconds by kind."""
    lines = re.findall(r"^  ([a-z ]+?) +(\d+\.\d\d) s +\d+ %$", section(result), re.MULTILINE)
    return {kind: float(taken) for kind, taken in lines}


def gates(result: pytest.RunResult) -> set[str]:
    lines = section(result).partition("slowest gates")[2].partition("costliest metrics")[0]
    return set(re.findall(r"^  \d+\.\d\d s  (.*)$", lines, re.MULTILINE))


def metrics(result: pytest.RunResult) -> dict[str, float]:
    """Return the printed seconds by metric, in the order of the lines."""
    lines = section(result).partition("costliest metrics")[2]
    found = re.findall(r"^  (\d+\.\d\d) s +\d+ %  (\S+)$", lines, re.MULTILINE)
    return {metric: float(taken) for taken, metric in found}


def test_the_summary_says_where_the_time_went(scenes):
    result = scenes.runpytest("--editmetrics-profile")
    result.assert_outcomes(failed=1, passed=1)
    found = kinds(result)
    assert {"encoding", "loading models", "comparing", "diagnosis", "pictures"} <= set(found)
    taken = float(re.search(r"the session took (\d+\.\d\d) s", section(result))[1])
    assert sum(found.values()) == pytest.approx(taken, abs=0.01 * len(found))
    assert gates(result) == GATES
    assert "slowest gates: 3\n" in section(result)


def test_workers_bring_theirs(scenes):
    result = scenes.runpytest("-n2", "--editmetrics-profile")
    result.assert_outcomes(failed=1, passed=1)
    found = kinds(result)
    assert {"encoding", "loading models", "comparing", "diagnosis", "pictures"} <= set(found)
    assert "everything else" not in found
    assert gates(result) == GATES
    assert re.search(r"its (worker|2 workers together) spent on checks:\n", section(result))
    assert "  not told: what else workers did, as running the model; " in section(result)


def test_golden_images_and_goldens_count(scenes):
    scenes.makepyfile(
        test_it="""
        from scene import *

        def test_image(golden_image):
            golden_image.check(scene(), name="one", comparator="exact")

        def test_edit(edit_gate):
            edit_gate.check(scene(), edited(), BOX, metrics=["unedit_max_diff"])
        """
    )
    scenes.makefile(".yaml", editmetrics="metrics: [lpips]\n")
    result = scenes.runpytest("--editmetrics-profile", "--editmetrics-update=missing")
    assert "goldens" in kinds(result)  # the last part of a session writes them
    assert gates(result) == {
        "test_it.py::test_image: golden_image@one",
        "test_it.py::test_edit: unedit_max_diff",
    }


def test_the_ini_file_asks_for_it_and_the_command_line_takes_it_back(scenes):
    scenes.makeini("[pytest]\npythonpath = .\neditmetrics_profile = true\n")
    assert gates(scenes.runpytest("-k", "two")) == GATES - {"test_it.py::test_shifted: lpips@whole"}
    assert section(scenes.runpytest("-k", "two", "--no-editmetrics-profile")) == ""
    assert section(scenes.runpytest("--collect-only", "-q")) == ""


def test_a_test_without_gates_counts_too(scenes):
    scenes.makepyfile(
        test_it="""
        from scene import *

        def test_pipe(lpips_pipe):
            assert lpips_pipe(scene(), edited(), BOX, "inner") > 0
        """
    )
    result = scenes.runpytest("--editmetrics-profile")
    result.assert_outcomes(passed=1)
    assert {"encoding", "loading models"} <= set(kinds(result))
    assert "slowest gates" not in section(result)


def test_each_attempt_of_a_rerun_counts(scenes):
    result = scenes.runpytest("--editmetrics-profile", "-k", "shifted", "--reruns=1")
    assert gates(result) == {"test_it.py::test_shifted: lpips@whole"}
    assert "encoding" in kinds(result)


def test_self_tests_are_gates_too(scenes):
    """Most of the time goes there, and the list of gates said nothing of it."""
    scenes.makepyfile(
        test_it="""
        from scene import *

        def test_one(edit_gate): edit_gate.check(scene(), edited(), BOX, metrics="unedit_psnr")
        def test_two(golden_image): golden_image.check(edited())
        """
    )
    scenes.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    result = scenes.runpytest("--editmetrics-selftest", "--editmetrics-profile")
    assert {"test_it.py::test_one: selftest", "test_it.py::test_two: selftest"} <= gates(result)


def test_gates_in_threads_add_up_to_more_than_the_session_and_it_says_so(suite):
    suite.makepyfile(
        """
        import time
        from concurrent.futures import ThreadPoolExecutor
        from conftest import image, PixelPipe

        def test_it(check, monkeypatch):
            plain = PixelPipe.__call__
            def slow(*args, **options):
                time.sleep(0.5)
                return plain(*args, **options)
            monkeypatch.setattr(PixelPipe, "__call__", slow)
            with ThreadPoolExecutor(8) as pool:
                list(pool.map(lambda number: check(number, 0.5, name=f"n{number}"), range(8)))
        """
    )
    result = suite.runpytest("--editmetrics-profile")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["the session took *; gates ran in several threads, whose *:"])
    result.stdout.no_fnmatch_line("*everything else*")


SLOW = """
import time
from conftest import image, PixelPipe
import pytest

@pytest.fixture(autouse=True)
def slow(monkeypatch):
    plain = PixelPipe.__call__
    def sleeping(self, *args, **options):
        time.sleep(0.1)
        return plain(self, *args, **options)
    monkeypatch.setattr(PixelPipe, "__call__", sleeping)

@pytest.mark.parametrize("number", range(6))
def test_it(edit_gate, number):
    edit_gate.check(image(10), image(12), metrics=["unedit_max_diff", "score"], name="a: b")
"""


@pytest.mark.parametrize("workers", ["-n0", pytest.param("-n2", marks=pytest.mark.long)])
def test_what_all_gates_of_a_metric_took_is_added_up(suite, monkeypatch, workers):
    """Of many tests each gate takes little, and no list of slow gates says which metric costs."""
    monkeypatch.setattr(profile, "_LEAST", 1e-9)
    suite.makefile(".yaml", editmetrics="thresholds: {score: 100, unedit_max_diff: 254}\n")
    suite.makepyfile(SLOW)
    result = suite.runpytest("--editmetrics-profile", workers)
    result.assert_outcomes(passed=6)
    found = metrics(result)
    assert list(found) == ["score", "unedit_max_diff"]
    assert found["score"] >= 0.6
    assert (
        "costliest metrics: 2 (shares of all metrics; what several need counts for the first)\n"
        in section(result)
    )


def test_what_explains_a_failure_is_no_metrics_cost(scenes):
    """The first gate that fails would pay for the cause of all."""
    result = scenes.runpytest("--editmetrics-profile", "-k", "shifted")
    result.assert_outcomes(failed=1)
    listed = re.search(
        r"^  (\d+\.\d\d) s  test_it.py::test_shifted: lpips@whole$", section(result), re.M
    )
    assert kinds(result)["diagnosis"] > 0.02
    assert metrics(result)["lpips"] < float(listed[1])


def test_a_clock_that_stands_still_breaks_no_summary():
    """As under freezegun."""
    lines = profile.profile_lines({}, {"test_it: lpips": 0.0}, {"lpips": 0.0}, 1.0, 0)
    assert not [line for line in lines if "costliest" in line]


def test_only_the_first_metrics_are_listed():
    spent = {f"m{number}": float(number + 1) for number in range(12)}
    lines = profile.profile_lines({}, {}, spent, 78.0, 0)
    at = lines.index(
        "costliest metrics: 8 of 12 (shares of all metrics; what several need counts for the first)"
    )
    assert lines[at + 1 :][0] == "  12.00 s   15 %  m11"
    assert len(lines[at + 1 :]) == 8
