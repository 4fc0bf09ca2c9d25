"""Suite gates at the end of a session: what many gates come to together."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from conftest_text import add_to_conftest

from pytest_editmetrics.cli.main import main

both = pytest.mark.parametrize("mode", [(), ("-n2",)], ids=["serial", "xdist"])

SUITE = """\
suite:
  base: base.jsonl
  score:
    mean: {max: 0.20}
    p95: {max: 0.30}
    regressions: {max: 2, by: 0.015}
    paired: {alpha: 0.01}
"""
TESTS = """
    import os
    import pytest
    from conftest import *

    SHIFT = [int(n) for n in os.environ["SHIFT"].split(",")]

    @pytest.mark.parametrize("n", range(8))
    def test_edit(check, n): check(10 + n + SHIFT[n % len(SHIFT)], 1.0)
"""


@pytest.fixture
def edits(suite, monkeypatch):
    """A suite whose values are shifted by the environment; its base is recorded."""
    (suite.path / "editmetrics.yaml").write_text(SUITE)
    suite.makepyfile(test_x=TESTS)
    monkeypatch.setenv("SHIFT", "0")
    result = suite.runpytest("--editmetrics-results=base.jsonl")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["suite: this run writes the base base.jsonl, so nothing is compared with it; review*"]
    )
    return suite


def end(path):
    return json.loads(path.read_text(encoding="utf-8").splitlines()[-1])


@both
def test_a_suite_that_did_not_move_passes_and_says_so(edits, mode):
    result = edits.runpytest("--editmetrics-results=r.jsonl", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "suite score mean 0.135 <= max 0.200 (-0.065), 8 gates, editmetrics.yaml:4",
            "suite score p95 0.167 <= max 0.300 (-0.133), 8 gates, editmetrics.yaml:5",
            "suite score regressions 0 <= max 2, worse by more than 0.015, 8 pairs, *:6",
            "suite score paired p 1 >= alpha 0.01, not shown to be worse, 8 pairs, *:7",
        ]
    )
    told = end(edits.path / "r.jsonl")["suite"]
    assert (told["base"], told["why"]) == ("base.jsonl", None)
    assert [gate["verdict"] for gate in told["gates"]] == ["pass"] * 4


@both
def test_small_regressions_of_all_fail_together(edits, monkeypatch, mode):
    monkeypatch.setenv("SHIFT", "1")
    result = edits.runpytest("--editmetrics-results=r.jsonl", *mode)
    result.assert_outcomes(passed=8)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "suite score regressions 0 <= max 2*",
            "suite score against the base:",
            "  change  mean 0.01 worse [[]+0.01, +0.01], median 0.01 worse [[]+0.01, +0.01]*",
            "  pairs   8: 8 worse, 0 better, 0 unchanged",
            "  moved   0.1* -> 0.1*, 0.01 worse: test_x.py::test_edit[[]*] score",
            "  to accept make a new base: pytest --editmetrics-results=base.jsonl",
            "FAILED: suite score paired p 0.00391 < alpha 0.01, worse, 8 pairs, *",
        ]
    )
    assert end(edits.path / "r.jsonl")["suite"]["gates"][3]["verdict"] == "fail"


def test_a_few_large_ones_are_counted(edits, monkeypatch):
    monkeypatch.setenv("SHIFT", "0,5")
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: suite score regressions 4 > max 2, worse by more than*"])
    result.stdout.no_fnmatch_line("FAILED: suite score paired*")


def test_a_mean_and_a_percentile_are_held_without_a_base(edits, monkeypatch):
    (edits.path / "editmetrics.yaml").write_text("suite: {score: {mean: 0.2, p95: {max: 0.2}}}\n")
    monkeypatch.setenv("SHIFT", "5")
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "suite score mean 0.185 <= max 0.200*",
            "suite score, the worst values:",
            "  0.220: test_x.py::test_edit[[]7[]] score",
            "  0.210: test_x.py::test_edit[[]6[]] score",
            "FAILED: suite score p95 0.216 > max 0.200 (+0.016), 8 gates, editmetrics.yaml:1",
        ]
    )


@pytest.mark.parametrize(
    "args",
    [("-k", "edit and not 3"), ("test_x.py::test_edit",), ("test_x.py",), ("-x", "--maxfail=1")],
    ids=["-k", "node id", "file", "stopped"],
)
def test_a_partial_run_is_not_judged_and_says_so(edits, monkeypatch, args):
    monkeypatch.setenv("SHIFT", "1" if "-x" not in args else "1,95")
    result = edits.runpytest("--editmetrics-results=r.jsonl", *args)
    assert result.ret == (1 if "-x" in args else 0)
    result.stdout.fnmatch_lines(["suite gates not judged: only a part of the suite ran (-k, *"])
    result.stdout.no_fnmatch_line("*suite score*")
    told = end(edits.path / "r.jsonl")
    if "-x" in args:  # a run that was stopped has no end
        assert told["record"] == "gate"
        return
    assert told["suite"]["gates"] == []
    assert told["suite"]["why"].startswith("only a part")


def test_a_folder_that_leaves_files_of_the_base_out_is_a_part(edits, monkeypatch):
    (edits.path / "more").mkdir()
    (edits.path / "more/test_y.py").write_text("def test_it(check): check(1, 1)\n")
    edits.runpytest("--editmetrics-results=base.jsonl")
    monkeypatch.setenv("SHIFT", "1")
    result = edits.runpytest("more")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["suite gates not judged: this run left out test_x.py; run pytest without a path, or set*"]
    )
    (edits.path / "test_x.py").unlink()
    result = edits.runpytest("more")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: suite score paired cannot be judged: 1 pair is too few*"])
    result.stdout.fnmatch_lines(["  pairs   1: 0 worse, 0 better, 1 unchanged; 8 only in the base"])


def test_what_is_the_whole_suite_without_a_base(edits, monkeypatch):
    (edits.path / "editmetrics.yaml").write_text("suite: {score: {mean: {max: 0}}}\n")
    for folder in ("a", "b"):
        (edits.path / folder).mkdir()
        (edits.path / folder / f"test_{folder}.py").write_text("def test_it(check): check(1, 9)\n")
    (edits.path / "test_x.py").unlink()
    fails = "FAILED: suite score mean * > max 0.000*"
    for args in (("a",), ("--ignore=b",), ("--ignore-glob=b*",)):
        result = edits.runpytest(*args)
        assert result.ret == 0, args
        result.stdout.fnmatch_lines(["suite gates not judged: *"])
    for args in ((), (".",), ("a", "b")):
        result = edits.runpytest(*args)
        assert result.ret == 1, args
        result.stdout.fnmatch_lines([fails])
    edits.makeini("[pytest]\naddopts = --ignore=b\n")
    result = edits.runpytest("a")
    assert result.ret == 1
    result.stdout.fnmatch_lines([fails])
    edits.makeini("[pytest]\n")
    monkeypatch.chdir(edits.path / "a")
    result = edits.runpytest(f"--rootdir={edits.path}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite gates not judged: this run left out b/test_b.py; *"])
    monkeypatch.chdir(edits.path)
    edits.makeini("[pytest]\ntestpaths = a/test_a.py\n")
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines([fails])


@both
def test_tests_that_a_plugin_deselects_are_missed(edits, mode):
    add_to_conftest(
        edits,
        "def pytest_collection_modifyitems(config, items):\n"
        "    config.hook.pytest_deselected(items=[items.pop()])\n",
    )
    result = edits.runpytest("--editmetrics-results=r.jsonl", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite gates not judged: only a part of the suite ran*"])
    result.stdout.no_fnmatch_line("obsolete goldens*")
    assert end(edits.path / "r.jsonl")["full"] is False


def test_a_suite_of_which_no_test_made_a_gate_fails(edits):
    edits.makepyfile(test_x="import pytest\ndef test_it(): pytest.skip('no GPU')\n")
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: suite score mean cannot be judged: no gate of score*"])
    result = edits.runpytest("test_x.py")
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*suite*not judged*")


def test_a_gate_that_is_measured_in_another_way_is_no_pair(edits):
    base = edits.path / "base.jsonl"
    lines = [json.loads(line) for line in base.read_text().splitlines()]
    for line in lines:
        if line["record"] == "gate":
            line["details"] = {"framing": "center-crop"}
    base.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: * 8 of 8 pairs are measured in another way * (framing center-crop, then no fra*"]
    )


def test_a_base_that_is_missing_cut_off_or_of_others_fails(edits):
    base = edits.path / "base.jsonl"
    text = base.read_text()
    base.unlink()
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAILED: suite score paired cannot be judged: there is no base base.jsonl"
            " (editmetrics.yaml:2); make it with: pytest --editmetrics-results=base.jsonl, *:7"
        ]
    )
    base.write_text(text[: text.index('{"record": "end"')])
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*cannot be judged: the base base.jsonl was cut off*"])
    base.write_text(text.replace("test_x.py::", "test_gone.py::"))
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no gate is measured in both the base and this run*"])
    base.write_text("no results\n")
    result = edits.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*the base cannot be used: *base.jsonl:1: not a record*"])


def test_a_file_without_a_base_fails_only_the_run_that_is_judged(edits):
    """``compare --suite`` takes that file, whose base is on the command line."""
    (edits.path / "editmetrics.yaml").write_text(SUITE.replace("  base: base.jsonl\n", ""))
    result = edits.runpytest("-k", "0 or 1")
    result.assert_outcomes(passed=2, deselected=6)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite gates not judged: only a part of the suite ran (-k, *"])
    result = edits.runpytest()
    result.assert_outcomes(passed=8)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "suite score mean 0.135 <= max 0.200*",
            "FAILED: suite score regressions cannot be judged: no base is named to compare with:"
            " write `base: results/base.jsonl` in suite*editmetrics.yaml:5",
        ]
    )


def test_a_gate_that_is_not_measured_any_more_fails(edits):
    edits.makepyfile(
        test_x=TESTS.replace("10 + n + SHIFT[n % len(SHIFT)]", "10 + n if n else NOT_FOUND")
    )
    result = edits.runpytest()
    result.assert_outcomes(passed=7, xfailed=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED:*: 1 gate of the base not measured any more*"])


def test_writing_the_base_is_refused_in_ci(edits, monkeypatch):
    monkeypatch.setenv("CI", "1")
    result = edits.runpytest("--editmetrics-results=base.jsonl")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: this run writes the base base.jsonl*refused because CI is set*"]
    )
    assert (
        edits.runpytest("--editmetrics-results=base.jsonl", "--editmetrics-force-update").ret == 0
    )


def test_a_run_directory_may_be_the_base(edits):
    (edits.path / "editmetrics.yaml").write_text(SUITE.replace("base.jsonl", "kept"))
    edits.runpytest("--editmetrics-run-dir=kept").stdout.fnmatch_lines(
        ["suite: this run writes the base kept, *"]
    )
    result = edits.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite score paired p 1 >= alpha 0.01*"])


@pytest.mark.parametrize("base", ["../results/base.jsonl", "../link/base.jsonl", "../link"])
def test_a_base_above_or_behind_a_link_is_made_as_the_message_says(suite, monkeypatch, base):
    for folder in ("conf", "results"):
        suite.mkdir(folder)
    (suite.path / "link").symlink_to("results", target_is_directory=True)
    (suite.path / "conf/editmetrics.yaml").write_text(SUITE.replace("base.jsonl", base))
    suite.makeini("[pytest]\neditmetrics_config = conf/editmetrics.yaml\n")
    suite.makepyfile(test_x=TESTS)
    monkeypatch.setenv("SHIFT", "0")
    if not base.endswith("link"):
        result = suite.runpytest()
        assert result.ret == 1
        told = base.removeprefix("../")
        result.stdout.fnmatch_lines(
            [f"*there is no base {told} *make it with: pytest --editmetrics-results={told}, *"]
        )
    option = "run-dir" if base.endswith("link") else "results"
    result = suite.runpytest(f"--editmetrics-{option}={base.removeprefix('../')}")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite: this run writes the base *, so nothing is compared*"])
    assert suite.runpytest().ret == 0


def test_only_the_last_attempt_counts(edits, monkeypatch):
    edits.makepyfile(
        test_x=TESTS.replace("check(10", "check(90 if not seen(n) else 10").replace("1.0)", "0.5)")
        + """
    import pathlib

    def seen(n):
        path = pathlib.Path(f"seen{n}")
        return path.exists() or path.touch()
    """
    )
    result = edits.runpytest("--reruns", "1")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["suite score mean 0.135 *, 8 gates*"])


def test_a_typo_is_a_usage_error(edits):
    (edits.path / "editmetrics.yaml").write_text(SUITE.replace("paired", "piared"))
    result = edits.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*editmetrics.yaml:7: unknown key 'piared' in suite.score*"])


def test_a_suite_that_failed_in_a_shard_stays_failed_when_merged(edits, monkeypatch, capsys):
    monkeypatch.setenv("SHIFT", "50")
    assert edits.runpytest("--editmetrics-run-dir=run").ret == 1
    monkeypatch.chdir(edits.path)
    assert main(["merge", "run", "-o", "all"]) == 0
    told = end(edits.path / "all/results.jsonl")["suite"]
    assert [gate["statistic"] for gate in told["gates"]][:2] == ["mean", "p95"]
    assert told["why"].startswith("merged; judge the whole with: editmetrics compare")
    assert main(["report", "all"]) == 0
    assert "4 suite gates failed" in (edits.path / "all/report.html").read_text()


def test_every_test_twice_is_not_judged_as_one(edits):
    result = edits.runpytest("-n2", "--dist=each")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*ran twice (--dist each), so there is no telling which*"])


LIGHT = """
import json, sys
import pytest
code = pytest.main(["-p", "pytest_editmetrics.plugin", "-q"])
print("RESULT", json.dumps([int(code), "scipy" in sys.modules, "pytest_editmetrics.suites.judge" in sys.modules]))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "loaded"),
    [("metrics: [score]\n", [False, False]), ("suite: {score: {mean: 1}}\n", [False, True]),
     (SUITE, [True, True])],
    ids=["none", "mean", "paired"],
)  # fmt: skip
def test_scipy_is_loaded_only_for_what_compares(edits, text, loaded, no_other_plugin):
    (edits.path / "editmetrics.yaml").write_text(text)
    process = subprocess.run(
        [sys.executable, "-c", LIGHT], cwd=edits.path, capture_output=True, text=True, check=False
    )
    assert json.loads(process.stdout.rpartition("RESULT ")[2]) == [0, *loaded], process.stdout


@both
def test_a_session_that_only_its_suite_fails_ends_red_and_annotated(edits, monkeypatch, mode):
    """The last line alone says passed: a line of the short summary and its colour say failed."""
    (edits.path / "editmetrics.yaml").write_text("suite: {score: {mean: 0.1}}\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = edits.runpytest("--color=yes", *mode)
    assert result.ret == 1
    plain = [re.sub("\x1b.*?m", "", line) for line in result.outlines]
    place = next(n for n, line in enumerate(plain) if "short test summary info" in line)
    assert plain[place + 1].startswith("FAILED editmetrics - suite score mean 0.135 > max 0.100")
    assert "8 passed" in plain[place + 2]
    assert "\x1b[31m" in result.outlines[place + 2]
    assert "\x1b[32m=" not in result.outlines[place + 2]
    annotated = "::error title=editmetrics::suite score mean 0.135 > max 0.100*"
    result.stdout.fnmatch_lines([annotated])


def test_what_fails_a_session_beside_a_test_is_in_the_same_short_summary(edits):
    (edits.path / "editmetrics.yaml").write_text("suite: {score: {mean: 0.1}}\n")
    edits.makepyfile(test_y="def test_bad(): assert 0")
    result = edits.runpytest()
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(
        ["*short test summary info*", "FAILED test_y.py::test_bad*", "FAILED editmetrics - suite *"]
    )
    assert result.stdout.str().count("short test summary info") == 1
