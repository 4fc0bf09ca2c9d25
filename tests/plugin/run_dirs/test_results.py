"""The machine-readable results file."""

from __future__ import annotations

import json

import pytest
from parameters import first_of


def lines(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_every_gate_of_every_attempt_is_a_line(suite, mode):
    suite.makepyfile(
        test_x="""
        import pathlib
        from conftest import *
        def test_flaky(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(14 if first else 5, 0.1)
        def test_soft(check): check(NOT_FOUND, 1, name="hat")
        def test_nan(check): check(NAN, 1)
        """
    )
    suite.runpytest("--reruns", "1", "--editmetrics-results=out/r.jsonl", *mode)
    records = lines(suite.path / "out" / "r.jsonl")
    assert records[0]["schema"] == "pytest-editmetrics/results"
    assert records[0]["versions"]["pytest-editmetrics"]
    told = records[-1].pop("unheld")
    assert (told["files"], told["entries"]) == ({}, [])
    assert told["found"] == told["ran"]
    assert records[-1] == {
        "record": "end", "gates": 3, "passed": 1, "review": 0, "recorded": 0, "failed": 1, "expected": 0, "errors": 0, "unmeasured": 1,
        "crashed": 0, "failed_tests": 1, "full": True, "obsolete": [],
    }  # fmt: skip
    gates = [r for r in records if r["record"] == "gate"]
    seen = {
        (g["nodeid"], g["name"], g["metric"], g["attempt"]): (
            g["verdict"], g["value"], g["final"], g["outcome"],
        )
        for g in gates
    }  # fmt: skip
    assert seen == {
        ("test_x.py::test_flaky", None, "score", 1): ("fail", 0.14, False, "rerun"),
        ("test_x.py::test_flaky", None, "score", 2): ("pass", 0.05, True, "passed"),
        ("test_x.py::test_soft", "hat", "score", 1): ("unmeasured", None, True, "xfailed"),
        ("test_x.py::test_nan", None, "score", 1): ("fail", "NaN", False, "rerun"),
        ("test_x.py::test_nan", None, "score", 2): ("fail", "NaN", True, "failed"),
    }


def test_a_path_that_cannot_be_written_stops_before_the_first_test(suite):
    suite.makepyfile("def test_it(check): check(1, 1)")
    (suite.path / "file").write_text("")
    result = suite.runpytest("--editmetrics-results=file/r.jsonl")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*cannot write the results file*"])


def test_a_crashed_test_is_a_line_of_its_own(suite):
    suite.makepyfile(test_x="import os\ndef test_dies(check): os._exit(3)")
    suite.runpytest("-n1", "--editmetrics-results=r.jsonl")
    assert {"record": "crashed", "nodeid": "test_x.py::test_dies", "again": False} in lines(
        suite.path / "r.jsonl"
    )


def test_the_summary_table(suite):
    suite.makepyfile(
        test_x="""
        from conftest import *
        def test_a(check): check(5, 0.1)
        def test_b(check): check(9, 0.1)
        def test_c(check): check(NOT_FOUND, 0.1)
        def test_d(check): check(90, 0.8, metric="likeness")
        """
    )
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        [
            "*= editmetrics =*",
            "metric    gates  passed  failed  unmeasured  worst value",
            "score         3       2       0           1  0.090 (max 0.100, 0.010 inside): test_x.py::test_b",
            "likeness      1       1       0           0  0.900 (min 0.800, 0.100 inside): test_x.py::test_d",
            "unmeasured: 1",
            "  test_x.py::test_c: unedit score unmeasured (no-value)*",
        ]
    )


LEFT = {
    "dumps": "import functools, json; json.dumps = functools.partial(json.dumps, indent=2)",
    "folder": "import os, tempfile; os.chdir(tempfile.mkdtemp()); os.rmdir(os.getcwd())",
}


@pytest.mark.parametrize("left", LEFT.values(), ids=LEFT)
def test_what_a_test_leaves_behind_breaks_no_output(suite, left):
    suite.makepyfile(test_x=f"def test_it(check):\n    check(5, 0.1)\n    {left}\n")
    outputs = ("--editmetrics-results=r.jsonl", "--editmetrics-html=r.html")
    result = suite.runpytest_subprocess(*outputs)
    assert result.ret == 0
    gates = [one for one in lines(suite.path / "r.jsonl") if one["record"] == "gate"]
    assert [gate["value"] for gate in gates] == [0.05]
    assert (suite.path / "r.html").is_file()
