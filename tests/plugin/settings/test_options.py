"""Options, their ini twins and what pytest lists of the plugin."""

from __future__ import annotations

import pytest


def test_help_fixtures_and_markers_list_the_plugin(pytester):
    result = pytester.runpytest("--help")
    result.stdout.fnmatch_lines(
        ["image-editing metrics:", "*--editmetrics-update=*", "*editmetrics_strict *"]
    )
    result = pytester.runpytest("--fixtures")
    for name in (
        "clip_pipe*",
        "sam_pipe*",
        "lpips_pipe*",
        "edit_gate*",
        "assert_object_sim_above*",
    ):
        result.stdout.fnmatch_lines([name])
    pytester.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.editmetrics(*"])


@pytest.mark.parametrize("where", ["command", "ini"])
def test_a_value_outside_its_choices_is_refused_with_the_nearest(pytester, where):
    args = ["--editmetrics-strict=al"] if where == "command" else []
    if where == "ini":
        pytester.makeini("[pytest]\neditmetrics_strict = al\n")
    result = pytester.runpytest(*args)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--editmetrics-strict*cannot be 'al' (did you mean 'all'?)*"])


def test_the_command_line_wins_over_the_ini_file(suite):
    suite.makeini("[pytest]\neditmetrics_strict = all\n")
    suite.makepyfile(
        "from conftest import *\ndef test_it(check): check(NOT_FOUND, 1)\ndef test_ok(check): check(1, 1)"
    )
    suite.runpytest().assert_outcomes(failed=1, passed=1)
    suite.runpytest("--editmetrics-strict=none").assert_outcomes(xfailed=1, passed=1)


def test_booleans_can_be_turned_off_again(suite, monkeypatch):
    monkeypatch.setenv("CI", "1")
    suite.makeini("[pytest]\neditmetrics_force_update = true\neditmetrics_update = missing\n")
    suite.makepyfile(test_x="def test_it(check): check(1)")
    suite.runpytest().assert_outcomes(passed=1)
    result = suite.runpytest("--no-editmetrics-force-update")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_pyproject_holds_the_options(suite):
    suite.makepyprojecttoml(
        '[tool.pytest.ini_options]\neditmetrics_skip_missing = ["pixel-pipe"]\n'
    )
    suite.makepyfile(
        "from conftest import *\ndef test_it(check): check(MISSING, 1)\ndef test_ok(check): check(1, 1)"
    )
    suite.runpytest().assert_outcomes(skipped=1, passed=1)


def test_a_named_configuration_that_is_missing_is_an_error(suite):
    suite.makeini("[pytest]\neditmetrics_config = conf/em.yaml\n")
    suite.makepyfile("def test_it(check): check(1, 1)")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*conf/em.yaml*no such configuration file*"])


def test_an_unknown_device_names_what_is_there(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        def test_it(assert_unedit_lpips_below):
            a = np.zeros((64, 64, 3), np.uint8)
            assert_unedit_lpips_below(a, a.copy(), None, 1)
        """
    )
    result = pytester.runpytest("--editmetrics-device=tpu")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*tpu*"])


@pytest.mark.parametrize("name", ["goldens", "strict", "review", "config", "results", "run-dir"])
def test_an_option_that_a_shell_left_empty_is_refused(suite, name):
    suite.makepyfile("def test_it(check): check(1, 1)")
    result = suite.runpytest(f"--editmetrics-{name}=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --editmetrics-{name} is empty, as of a shell variable*"])
    suite.runpytest("-o", f"editmetrics_{name.replace('-', '_')}=").assert_outcomes(passed=1)
