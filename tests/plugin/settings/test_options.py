"""Options, their ini twins and what pytest lists of the plugin."""

from __future__ import annotations

import pytest
from parameters import first_of


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "device=gpu",
            "--editmetrics-device * cannot be 'gpu' (did you mean 'cuda'[?]); write auto",
        ),
        ("device=gpu:1", "--editmetrics-device * cannot be 'gpu:1' (did you mean 'cuda:1'[?]); *"),
        ("device=CPU", "--editmetrics-device * cannot be 'CPU' (did you mean 'cpu'[?]); write *"),
        ("device=cpu:0", "--editmetrics-device * cannot be 'cpu:0' (did you mean 'cpu'[?]); *"),
        ("device=cuda:x", "--editmetrics-device * cannot be 'cuda:x' *"),
        ("report-url=foo", "--editmetrics-report-url * cannot be 'foo': * write a whole address*"),
        ("report-url=https:///report", "--editmetrics-report-url * cannot be 'https:///report'*"),
        ("cache-dir=test_it.py", "--editmetrics-cache-dir *: test_it.py is a file, no folder"),
    ],
)
@pytest.mark.parametrize("where", ["command", "ini", "worker"])
def test_a_value_that_cannot_be_is_one_error_at_the_start(suite, given, said, where):
    suite.makepyfile(test_it="def test_it(check): check(1, 1)")
    name, _, value = given.partition("=")
    if where == "ini":
        suite.makeini(f"[pytest]\neditmetrics_{name.replace('-', '_')} = {value}\n")
    more = {"command": (), "ini": (), "worker": ("-n1",)}[where]
    result = suite.runpytest(*more, *(() if where == "ini" else (f"--editmetrics-{given}",)))
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said}*"])
    result.stdout.no_fnmatch_line("*FAILED test_it*")


@pytest.mark.parametrize("given", ["device=cuda:1", "device=xpu", "report-url=http://a.b/c?d"])
def test_what_may_be_meant_is_none(suite, given):
    suite.makepyfile(test_it="def test_it(check): check(1, 1)")
    suite.runpytest(f"--editmetrics-{given}").assert_outcomes(passed=1)


def test_a_report_address_of_the_environment_is_looked_at_too(suite, monkeypatch):
    suite.makepyfile(test_it="def test_it(check): check(1, 1)")
    monkeypatch.setenv("EDITMETRICS_REPORT_URL", "$CI_PAGES_URL/report")
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: EDITMETRICS_REPORT_URL cannot be '$CI_PAGES_URL/report'*"])
    suite.runpytest("--editmetrics-report-url=https://a.b").assert_outcomes(passed=1)


def test_a_folder_of_assets_that_is_not_there_is_said_and_no_error(suite):
    suite.makepyfile(test_it="def test_it(check): check(1, 1)")
    (suite.path / "there").mkdir()
    for strict in ("none", "all"):
        result = suite.runpytest(
            "--editmetrics-asset-roots=nosuch",
            "--editmetrics-asset-roots=there",
            f"--editmetrics-strict={strict}",
        )
        result.assert_outcomes(passed=1)
        said = "nosuch of editmetrics_asset_roots is no folder here"
        result.stdout.fnmatch_lines([f"editmetrics: {said}", said])
        result.stdout.no_fnmatch_line("*there of editmetrics_asset_roots*")


@pytest.mark.parametrize("name", ["goldens", "strict", "review", "config", "results", "run-dir"])
def test_an_option_that_a_shell_left_empty_is_refused(suite, name):
    suite.makepyfile("def test_it(check): check(1, 1)")
    result = suite.runpytest(f"--editmetrics-{name}=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: --editmetrics-{name} is empty, as of a shell variable*"])
    suite.runpytest("-o", f"editmetrics_{name.replace('-', '_')}=").assert_outcomes(passed=1)


@pytest.mark.parametrize("workers", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_configuration_that_cannot_be_used_is_said_once(suite, workers):
    if workers:
        pytest.importorskip("xdist")
    suite.makepyfile(test_it="def test_it(check): check(1, 1)")
    suite.makefile(".yaml", editmetrics="thresholds:\n  scor: 1\n  lpipss: 1\n")
    result = suite.runpytest_subprocess(*workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stdout.str() + result.stderr.str()
    for mistake in ("editmetrics.yaml:2: unknown metric 'scor'", "editmetrics.yaml:3: unknown"):
        assert said.count(mistake) == 1
    assert "summary info" not in said
