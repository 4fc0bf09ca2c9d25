"""What a session says, and ends as, when gates were not measured: each way of it."""

from __future__ import annotations

import pytest

from pytest_editmetrics.measurement import SoftReason

REASONS = SoftReason.__args__  # type: ignore[attr-defined]
PIPE = """
import numpy as np
import pytest
from pytest_editmetrics import Measurement, Metric, errors
from pytest_editmetrics.measurement import SoftFailure

ERRORS = {
    "EditMetricsError": errors.EditMetricsError("out of memory"),
    "InputError": errors.InputError("no such thing"),
    "ImageError": errors.ImageError("no image"),
    "RegionError": errors.RegionError("no box"),
    "ConfigError": errors.ConfigError("no key", "editmetrics.yaml", 3),
    "MissingResourceError": errors.MissingResourceError("no weights", "my-pipe"),
    "WeightsError": errors.WeightsError("another hash"),
    "MemoryError": MemoryError("none left"),
    "RuntimeError": RuntimeError("GPU lost"),
}

class Pipe:
    def __call__(self, reference, edited, coords, mask_mode, metric, what=None):
        raise ERRORS[what]

    def measure(self, reference, edited, coords, mask_mode, metric, what=None):
        if what in ERRORS:
            raise ERRORS[what]
        return Measurement("m", None, "unedit_area", SoftFailure(what, "because"))

def pytest_editmetrics_register_pipes(registry):
    registry.register("my-pipe", Pipe, metrics=[Metric("m", "lower", params=("what",))])

@pytest.fixture
def pair():
    a = np.zeros((8, 8, 3), np.uint8)
    return a, a.copy()
"""


def of_each(pytester, names):
    """Make a suite with a test for each: what the pipe comes to."""
    pytester.makeconftest(PIPE)
    pytester.makepyfile(
        test_x="\n".join(
            f"import pytest\n@pytest.mark.xfail\n"
            f"@pytest.mark.editmetrics(metrics='m', thresholds={{'m': 1}}, what={name!r})\n"
            f"def test_{number}(edit_gate, pair): edit_gate.check(*pair)\n"
            for number, name in enumerate(names)
        )
    )


def test_each_soft_failure_is_listed_and_a_session_of_nothing_else_fails(pytester):
    of_each(pytester, REASONS)
    result = pytester.runpytest()
    result.assert_outcomes(xfailed=len(REASONS))
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            f"unmeasured: {len(REASONS)}",
            *(f"  test_x.py::test_{n}: * unmeasured ({r}): *" for n, r in enumerate(REASONS)),
            "FAILED: not one gate of this session could be measured*exit status 1",
        ]
    )


ERRORS = (
    "EditMetricsError",
    "InputError",
    "ImageError",
    "RegionError",
    "ConfigError",
    "MissingResourceError",
    "WeightsError",
    "MemoryError",
    "RuntimeError",
)


def test_each_error_fails_its_test_although_it_is_marked_xfail(pytester):
    of_each(pytester, ERRORS)
    result = pytester.runpytest("-rA")
    result.assert_outcomes(failed=len(ERRORS))
    assert result.ret == 1
    said = [line for line in result.outlines if line.startswith("E   ") and "could not be" in line]
    assert len(said) == len(ERRORS)
    assert all("EditMetricsError: m could not be judged: " in line for line in said)


NEVER_RUN = {
    "mark": "@pytest.mark.skip\ndef test_it(check): check(1, 1)",
    "fixture": "@pytest.fixture\ndef gpu(): pytest.skip('no GPU')\ndef test_it(gpu, check): check(1, 1)",
    "empty": "@pytest.mark.parametrize('n', [])\ndef test_it(check, n): check(1, 1)",
    "first-line": "def test_it(check):\n    pytest.skip('not today')\n    check(1, 1)",
}


@pytest.mark.parametrize("body", NEVER_RUN.values(), ids=NEVER_RUN.keys())
def test_a_test_that_is_skipped_before_its_gate_measures_nothing_and_is_no_pass(suite, body):
    suite.makepyfile(f"import pytest\n{body}\n")
    result = suite.runpytest("--editmetrics-require=1")
    result.assert_outcomes(skipped=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: fewer gates *: 0 of 1 in all: exit status 1"])


def test_without_a_number_that_is_required_a_skipped_suite_is_what_pytest_says(suite):
    suite.makepyfile("import pytest\n" + NEVER_RUN["mark"])
    result = suite.runpytest()
    result.assert_outcomes(skipped=1)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*editmetrics*passed*")


def test_what_an_exit_status_of_0_leaves_unmeasured_or_failing_is_named(suite):
    (suite.path / "goldens").mkdir()
    (suite.path / "goldens" / "test_x.py.yaml").write_text(
        '"test_ok":\n  score: {max: 0.3}\n  score@hat: {max: 0.3}\n'
    )
    suite.makepyfile(
        test_x="""
        import pathlib
        import pytest
        from conftest import *
        def test_ok(check): check(1)
        def test_soft(check): check(NOT_FOUND, 1)
        @pytest.mark.xfail
        def test_hidden(check): check(14, 0.1)
        def test_flaky(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(14 if first else 5, 0.1)
        def test_missing(check): check(MISSING, 1)
        def test_unused(request): request.getfixturevalue("edit_gate")
        """
    )
    result = suite.runpytest("--reruns", "1", "--editmetrics-skip-missing=pixel-pipe")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "unmeasured: 2",
            "  test_x.py::test_soft: unedit score unmeasured (no-value)*",
            "  test_x.py::test_missing: * (skipped-missing)*",
            "failing gates that did not fail their test*: 1",
            "  test_x.py::test_hidden: *",
            "passed only after a rerun: 1",
            "  test_x.py::test_flaky",
            "asked for a gate and made none: 1, *",
            "  test_x.py::test_unused",
            "approved but not measured: 1 golden that no gate was held to*",
        ]
    )


@pytest.mark.parametrize(
    "args", [("-k", "nothing"), ("--deselect", "test_x.py")], ids=["k", "deselect"]
)
def test_nothing_selected_is_exit_status_5(suite, args):
    suite.makepyfile(test_x="def test_it(check): check(1, 1)")
    assert suite.runpytest(*args).ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_strict_xfail_mark_hides_a_failing_gate_by_name_only_and_no_passing_one(suite):
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.xfail(strict=True)
        def test_hidden(check): check(14, 0.1)
        @pytest.mark.xfail(strict=True)
        def test_better(check): check(5, 0.1)
        """
    )
    result = suite.runpytest()
    result.assert_outcomes(xfailed=1, failed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "failing gates that did not fail their test*: 1",
            "  test_x.py::test_hidden: unedit score*",
        ]
    )


def test_a_fixture_that_breaks_before_the_gate_is_an_error(suite):
    suite.makepyfile(
        "import pytest\n@pytest.fixture\ndef model(): raise RuntimeError('no model')\n"
        "def test_it(model, check): check(1, 1)\ndef test_ok(check): check(1, 1)\n"
    )
    result = suite.runpytest()
    result.assert_outcomes(errors=1, passed=1)
    assert result.ret == 1


def test_a_project_that_does_not_use_the_plugin_is_left_alone(pytester, monkeypatch):
    step = pytester.path / "step.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(step))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("CI", "1")
    pytester.makepyfile("def test_it(): pass\ndef test_bad(): assert 0\n")
    said = {}
    for plugin in ("no:pytest_editmetrics.plugin", "pytest_editmetrics.plugin"):
        monkeypatch.setenv("PYTEST_PLUGINS", plugin.replace("no:pytest_editmetrics.plugin", ""))
        result = pytester.runpytest("-p", plugin, "-p", "no:cacheprovider", "-vv")
        said[plugin] = (result.ret, [line for line in result.outlines if " in 0." not in line])
        assert sorted(
            path.name for path in pytester.path.iterdir() if path.name != "__pycache__"
        ) == ["test_a_project_that_does_not_use_the_plugin_is_left_alone.py"]
    without, with_it = said.values()
    assert with_it == without
    assert with_it[0] == 1
