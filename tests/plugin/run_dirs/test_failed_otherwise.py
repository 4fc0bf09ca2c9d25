"""A session that failed for more than its gates is green on no surface that is made of its run."""

from __future__ import annotations

import json
import re

import pytest
from parameters import first_of
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates import written
from pytest_editmetrics.runs.folder import read_run

OTHER = "1 other failure"
FAILING_GATE = ("1 of 2 gates failed", "1 of 2 cases failed")
GOOD = "def test_good(check): check(5, 0.1)\n"
TEARDOWN = """
import pytest

@pytest.fixture
def model():
    yield
    raise OSError("no disk")

"""
FAULTS = {
    "raises": ("def test_bad(check): raise RuntimeError('out of memory')", (), "out of memory"),
    "asserts after its gate": (
        "def test_bad(check):\n    check(5, 0.1)\n    assert 1 == 2, 'a word'",
        (),
        "a word",
    ),
    "the model is not there": (
        "import pytest\n@pytest.fixture\ndef model(): raise OSError('no weights')\n"
        "def test_bad(model, check): check(5, 0.1)",
        (),
        "no weights",
    ),
    "teardown": (
        TEARDOWN + "def test_bad(model, check): check(5, 0.1)",
        (),
        "no disk",
    ),
    "without gates": ("def test_bad(): assert 1 == 2, 'a word'", (), "a word"),
    "strict xpass": (
        "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_bad(check): check(5, 0.1)",
        (),
        "XPASS(strict)",
    ),
    "review": (
        "def test_bad(check): check(8, {'max': 0.1, 'review': 0.05})",
        ("--editmetrics-review=fail",),
        "review",
    ),
    "unmeasured": (
        "from conftest import *\ndef test_bad(check): check(NOT_FOUND, 1)",
        ("--editmetrics-strict=all",),
        "unmeasured",
    ),
    "another file": (None, ("--continue-on-collection-errors",), "no_such_module"),
}
MODES = pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])


def ran(suite, *options):
    result = suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-summary=s.md", *options)
    assert result.ret != 0
    return result


def surfaces(suite, capsys) -> dict[str, str]:
    """Return what each surface says of the run, and of one that it was merged into."""
    assert main(["report", "run", "-o", "r.html"]) in (0, 1)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    said = {"comment": capsys.readouterr().out}
    main(["merge", "run", "-o", "merged", "--shards", "1"])
    said["merge"] = capsys.readouterr().out
    main(["comment", "merged"])
    said["comment of the merged run"] = capsys.readouterr().out
    main(["report", "merged", "-o", "m.html"])
    for name, file in {"summary": "s.md", "report": "r.html", "merged report": "m.html"}.items():
        said[name] = (suite.path / file).read_text(encoding="utf-8")
    return said


def is_green(text: str) -> bool:
    return "editmetrics passed" in text or "case passed<" in text or "cases passed<" in text


WORKER = ("raises", "strict xpass", "another file")


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("fault", "mode"), [*((fault, ()) for fault in FAULTS), *((one, ("-n1",)) for one in WORKER)]
)
def test_no_surface_is_green(suite, capsys, fault, mode):
    bad, options, word = FAULTS[fault]
    suite.makepyfile(test_good=GOOD)
    suite.makepyfile(test_bad="import no_such_module" if bad is None else bad)
    ran(suite, *options, *mode)
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        # what an option makes fail is a failing gate
        told = FAILING_GATE if fault in ("review", "unmeasured") else (OTHER, "failed otherwise: 1")
        assert any(one in text for one in told) or name == "merge", name
        assert word is None or word in text, name
        assert "test_bad" in text, name


@MODES
def test_what_fails_a_session_besides_its_tests_is_told(suite, capsys, mode):
    suite.makepyfile(test_good=GOOD)
    ran(suite, "--editmetrics-require=9", *mode)
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        assert "--editmetrics-require" in text, name


def test_a_failing_gate_is_told_once(suite):
    suite.makepyfile(test_x="def test_bad(check): check(19, 0.1)")
    ran(suite)
    lines = (suite.path / "run/results.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["record"] for record in records] == ["session", "gate", "end"]
    assert records[-1]["failed_tests"] == 1


def test_a_test_that_passes_when_it_is_run_again_did_not_fail(suite):
    suite.makepyfile(
        test_x="""
        import pathlib
        def test_flaky(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            assert not first
            check(5, 0.1)
        """
    )
    result = suite.runpytest("--reruns=1", "--editmetrics-run-dir=run")
    result.stdout.fnmatch_lines(["* 1 passed, 1 rerun in *"])
    assert '"failed", "nodeid"' not in (suite.path / "run/results.jsonl").read_text()


@MODES
def test_github_gets_a_line_of_each(suite, monkeypatch, mode):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_x="import pytest\n@pytest.fixture(scope='session')\n"
        "def model(): raise OSError('no, weights')\n"
        "def test_a(model, check): check(5, 0.1)\n\ndef test_b(check):\n    raise KeyError('b')\n"
    )
    result = ran(suite, *mode)
    lines = sorted(line for line in result.outlines if line.startswith("::"))
    assert lines == [
        "::error file=test_x.py,line=3,title=failed in setup"
        "::test_x.py::test_a (setup): OSError: no, weights",
        "::error file=test_x.py,line=7,title=failed in call"
        "::test_x.py::test_b (call): KeyError: 'b'",
    ]


def test_tests_that_ask_for_no_gate_are_left_to_others(suite, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "step.md"))
    suite.makepyfile("def test_plain(): assert 1 == 2")
    result = suite.runpytest()
    result.stdout.no_fnmatch_line("*editmetrics*failed*")
    assert not [line for line in result.outlines if line.startswith("::")]
    assert not (suite.path / "step.md").exists()


def test_compare_tells_a_gate_that_was_lost_since_its_test_failed(suite, capsys):
    suite.makepyfile(test_x=GOOD + "def test_other(check): check(5, 0.1)")
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=2)
    suite.makepyfile(test_x=GOOD + "def test_other(check): raise OSError")
    ran(suite)
    capsys.readouterr()
    assert main(["compare", "base", "run", "--fail", "score:5%"]) == 1
    out = capsys.readouterr().out
    assert "FAILED: score: 1 test that measured it failed before a gate was made" in out
    assert main(["compare", "base", "run"]) == 0
    assert ": 1 gate, 1 other failure" in capsys.readouterr().out


def test_a_run_that_is_scored_again_keeps_what_failed(suite, capsys):
    suite.makepyfile(test_x="def test_bad(check):\n    check(5, 0.1)\n    raise OSError('lost')")
    ran(suite)
    capsys.readouterr()
    assert main(["score", "run", "-o", "again"]) == 1
    assert "FAILED: 1 other failure of the run" in capsys.readouterr().out
    main(["comment", "again"])
    assert "OSError: lost" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"record": "failed", "nodeid": "a", "when": "call"}', "message is None, not a text"),
        (
            '{"record": "failed", "nodeid": "a", "when": "call", "message": "b", "asks": 1}',
            "asks is 1, not true or false",
        ),
        ('{"record": "problem", "text": 1}', "text is 1, not a text"),
        ('{"record": "end", "failed_tests": -1}', "failed_tests is -1, not a number from 0"),
    ],
)
def test_a_record_that_makes_no_sense_is_named(tmp_path, capsys, line, said):
    head = '{"record": "session", "schema": "pytest-editmetrics/results", "version": 1}'
    (tmp_path / "r.jsonl").write_text(f"{head}\n{line}\n")
    assert main(["report", str(tmp_path / "r.jsonl"), "-o", str(tmp_path / "r.html")]) == 1
    assert f"r.jsonl:2: {said}" in capsys.readouterr().err


def merged(suite, *runs) -> str:
    main(["merge", *runs, "-o", "all", "--shards", str(len(runs))])
    main(["report", "all", "-o", "all.html"])
    return (suite.path / "all.html").read_text(encoding="utf-8")


def test_a_shard_whose_workers_never_come_to_their_tests_is_no_pass(suite, capsys):
    suite.makepyfile(test_good=GOOD)
    suite.runpytest("--editmetrics-run-dir=s1").assert_outcomes(passed=1)
    with (suite.path / "conftest.py").open("a") as file:
        file.write("\nimport os\nif 'PYTEST_XDIST_WORKER' in os.environ: raise OSError('no GPU')\n")
    result = suite.runpytest_subprocess("-n1", "--editmetrics-run-dir=s2")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["FAILED: no test was collected: * of pytest-xdist ended*"])
    assert not is_green(merged(suite, "s1", "s2"))


WIDER = """
import os
import numpy as np
import pytest
from pytest_editmetrics import assert_unedit_lpips_below as below

BLACK = np.zeros((48, 48, 3), np.uint8)

@pytest.fixture(scope="module")
def measured():
    fault = os.environ.get("FAULT")
    if fault == "raises":
        raise OSError("no weights")
    below(BLACK, BLACK + np.uint8(255 * (fault == "fails")), None, 0.01)

def test_1(measured): pass
def test_2(measured): pass
"""


@MODES
@pytest.mark.parametrize("what", ["file", "folder", "test", "cases"])
def test_compare_tells_gates_that_were_lost_with_what_holds_them(suite, capsys, what, mode):
    inner = suite.mkdir("inner")
    (inner / "test_b.py").write_text("def test_b(check): check(5, 0.1)\n")
    suite.makepyfile(test_good=GOOD)
    cases = "cases: [{id: a, reference: a.png, edited: b.png, metrics: [score], thresholds: {score: 9}}]"
    if what == "cases":
        (inner / "test_b.py").unlink()
        (inner / "test_b.edit.yaml").write_text(cases)
        for name, level in {"a.png": 0, "b.png": 5}.items():
            Image.new("RGB", (8, 8), (level,) * 3).save(inner / name)
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=2)
    file, text = {
        "file": ("test_b.py", "import no_such_module"),
        "folder": ("conftest.py", "import no_such_module"),
        "test": ("test_b.py", "def test_b(check): raise OSError"),
        "cases": ("test_b.edit.yaml", f"{cases[:-1]}"),
    }[what]
    (inner / file).write_text(text)
    ran(suite, "--continue-on-collection-errors", *mode)
    capsys.readouterr()
    assert main(["compare", "base", "run", "--fail", "score:5%"]) == 1
    out = capsys.readouterr().out
    assert "FAILED: score: 1 test that measured it failed before a gate was made" in out


def test_of_a_wider_fixture_the_gate_is_told_and_what_raises_in_it(suite, capsys, monkeypatch):
    suite.makepyfile(test_x=WIDER)
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=2)
    monkeypatch.setenv("FAULT", "fails")
    ran(suite)
    capsys.readouterr()
    main(["comment", "run"])
    out = capsys.readouterr().out
    assert "editmetrics failed: 1 of 1 gate failed\n" in out
    assert "Failed otherwise" not in out
    monkeypatch.setenv("FAULT", "raises")
    ran(suite)
    capsys.readouterr()
    assert main(["compare", "base", "run", "--fail", "lpips:5%"]) == 1
    assert "1 test that measured it failed before a gate was made" in capsys.readouterr().out


def test_a_suite_gate_is_not_judged_where_tests_failed_before_their_gates(suite, capsys):
    suite.makefile(".yaml", suite="suite: {score: {mean: 1}}")
    suite.makepyfile(test_x=GOOD + "def test_other(check): check(5, 0.1)\ndef test_plain(): pass")
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=3)
    suite.makepyfile(test_x=GOOD + "def test_other(check): raise OSError\ndef test_plain(): pass")
    ran(suite)
    capsys.readouterr()
    assert main(["compare", "base", "run", "--suite", "suite.yaml"]) == 1
    assert "1 failure of the head came before a gate was made" in capsys.readouterr().out
    suite.makepyfile(
        test_x=GOOD + "def test_other(check): check(5, 0.1)\ndef test_plain(): assert 0"
    )
    ran(suite)
    assert main(["compare", "base", "run", "--suite", "suite.yaml"]) == 0


@MODES
def test_a_file_that_cannot_be_collected_is_named_though_nothing_ran(suite, capsys, mode):
    suite.makepyfile(test_good=GOOD, test_bad="import no_such_module")
    result = ran(suite, *mode)
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.TESTS_FAILED)
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        assert "no_such_module" in text, name
    assert 'class="unmeasured">No gate' not in (suite.path / "r.html").read_text(encoding="utf-8")


def test_a_failing_gate_hides_no_other_failure_of_its_test(suite, capsys):
    suite.makepyfile(
        test_x=TEARDOWN + "from pytest_editmetrics.errors import GateFailure\n"
        "@pytest.mark.xfail(raises=GateFailure)\n"
        "def test_bad(model, check): check(19, 0.1)\n"
    )
    ran(suite)
    for name, text in surfaces(suite, capsys).items():
        assert "no disk" in text, name


CAUGHT = """
import pytest
from conftest import *
from pytest_editmetrics.errors import EditMetricsError, GateFailure

def caught(check, value):
    with pytest.raises((GateFailure, EditMetricsError)):
        check(value)

def test_bad(check):
    caught(check, {value})
    {end}
"""


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize(
    ("value", "end"),
    [
        (19, "pytest.skip('why')"),
        (19, "import unittest; raise unittest.SkipTest('why')"),
        (19, "pass"),
        ("MISSING", "pytest.skip('why')"),
        ("MISSING", "pytest.xfail('why')"),
    ],
)
def test_a_gate_that_was_caught_before_a_skip_is_told_once(
    suite, monkeypatch, capsys, value, end, mode
):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.1}\n")
    suite.makepyfile(test_x=CAUGHT.replace("{value}", str(value)).replace("{end}", end))
    result = suite.runpytest("--editmetrics-run-dir=run", *mode)
    result.assert_outcomes(failed=1)
    run = read_run(suite.path / "run")
    assert [record.nodeid for record in run.gates] == ["test_x.py::test_bad"]
    assert run.failed == ()
    monkeypatch.chdir(suite.path)
    assert main(["approve", "run"]) == 0
    said = capsys.readouterr().out
    assert ("approved: test_x.py::test_bad score 0.190" in said) == (value == 19)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests are a fixture of pytest 9")
def test_each_failing_subtest_is_told(suite, capsys):
    suite.makepyfile(
        test_x="""
        def test_it(check, subtests):
            with subtests.test("gate"): check(19, 0.1)
            with subtests.test("memory"): raise RuntimeError("out of memory")
            with subtests.test("disk"): raise OSError("no disk")
        """
    )
    ran(suite)
    for name, text in surfaces(suite, capsys).items():
        assert "out of memory" in text, name
        assert "no disk" in text, name


def test_approve_leaves_a_gate_whose_test_failed_in_its_teardown(suite, capsys):
    suite.mkdir("goldens").joinpath("test_x.py.yaml").write_text("test_bad:\n  score: {max: 0.1}\n")
    suite.makepyfile(test_x=TEARDOWN + "def test_bad(model, check): check(19)")
    ran(suite)
    assert main(["approve", "run"]) == 0
    assert "its test failed for another reason, too" in capsys.readouterr().out
    assert "max: 0.1}" in (suite.path / "goldens/test_x.py.yaml").read_text()


def test_a_message_that_no_file_takes_loses_no_run(suite, capsys):
    suite.makepyfile(
        test_x="import os\ndef test_bad(check): raise ValueError('no ' + os.fsdecode(b'\\xe9.png'))\n"
        + GOOD
    )
    ran(suite)
    for name, text in surfaces(suite, capsys).items():
        assert "udce9.png" in text, name
    assert len((suite.path / "run/results.jsonl").read_text().splitlines()) == 4


def test_compare_tells_gates_that_a_failing_gate_before_them_kept_from_being_made(suite, capsys):
    two = "def test_two(check):\n    check({}, 0.1)\n    check(90, 0.8, 'likeness'){}"
    for number, more in ((5, ""), (19, ""), (5, ", treshold=1")):
        suite.makepyfile(test_x=two.format(number, "\n    check(1, 1, name='b'" + more + ")"))
        suite.runpytest(f"--editmetrics-run-dir={number}{len(more)}")
    capsys.readouterr()
    assert main(["compare", "50", "190", "--fail", "likeness:5%"]) == 1
    said = "FAILED: likeness: 1 test that measured it failed before a gate was made"
    assert said in capsys.readouterr().out
    suite.makepyfile(
        test_x="from conftest import *\ndef test_two(edit_gate): edit_gate.check(image(0), image(1), box=1)"
    )
    suite.runpytest("--editmetrics-run-dir=wrong")
    capsys.readouterr()
    assert main(["compare", "50", "wrong", "--fail", "likeness:5%"]) == 1
    assert said in capsys.readouterr().out


def test_in_ci_an_earlier_run_does_not_stand_for_one_that_could_not_be_collected(
    suite, capsys, monkeypatch
):
    suite.makepyfile(test_good=GOOD)
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    suite.makepyfile(test_good="import no_such_module")
    ran(suite)
    capsys.readouterr()
    main(["comment", "run"])
    assert is_green(capsys.readouterr().out)
    monkeypatch.setenv("CI", "true")
    ran(suite)
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        assert "no_such_module" in text, name


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("test_bad.py", "\n\ndef test_bad(:\n    pass\n", 3),
        ("test_bad.py", "import os\nimport no_such_module\n", 2),
        ("test_bad.edit.yaml", "cases:\n- {id: a,\n   refrence: a.png}\n", 3),
        ("bad_test.py", "\nimport no_such_module  # not in a_bad_test.py:9\n", 2),
    ],
)
def test_a_file_that_cannot_be_collected_is_marked_at_its_line(
    suite, monkeypatch, file, text, line
):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(test_good=GOOD)
    (suite.path / file).write_text(text)
    result = ran(suite, "--continue-on-collection-errors")
    (mark,) = [one for one in result.outlines if one.startswith("::error")]
    assert mark.startswith(f"::error file={file},line={line},title=failed in collect::{file}")
    assert f"{file}:{line}: " in mark.replace("%3A", ":")


@pytest.mark.parametrize(
    ("bad", "good", "told"),
    [
        ("import no_such_module", GOOD, True),
        ("import no_such_module\ndef test_bad(golden_image): pass", "def test_good(): pass", True),
        ("import no_such_module", "def test_good(): pass", False),
    ],
)
def test_a_file_that_keeps_all_from_running_is_told(suite, monkeypatch, bad, good, told):
    """By default pytest stops at it; no surface of a suite with gates may be empty then."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "step.md"))
    suite.makepyfile(test_good=good, test_bad=bad)
    result = suite.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    marks = [line for line in result.outlines if line.startswith("::error file=test_bad.py,line=1")]
    page = suite.path / "step.md"
    assert [len(marks), page.exists()] == [told, told]
    assert not told or "no_such_module" in page.read_text(encoding="utf-8")


def test_what_is_required_is_no_advice_after_a_failure(suite):
    suite.makepyfile(test_good=GOOD + "def test_other(check): check(5, 0.1)")
    ok = suite.runpytest("--editmetrics-require=1")
    ok.stdout.fnmatch_lines(["*for a run of all tests state --editmetrics-require=2"])
    for options in (("-k", "good"), ()):
        suite.makepyfile(
            test_good=GOOD + "def test_other(check): check(5, 0.1)\n"
            "def test_third(check):\n    check(5, 0.1)\n    raise OSError"
        )
        result = suite.runpytest("--editmetrics-require=1", *options)
        result.stdout.no_fnmatch_line("*for a run of all tests state*")


def test_merge_says_what_failed(suite, capsys):
    suite.makepyfile(
        test_x="def test_bad(check): check(19, 0.1)\n"
        "def test_wrong(edit_gate): edit_gate.check('no.png', 'such.png')"
    )
    ran(suite)
    capsys.readouterr()
    main(["merge", "run", "-o", "all", "--shards", "1"])
    out = capsys.readouterr().out
    assert "1 gate failed: 1 without a cause" in out
    assert "could not be judged: " in out


def test_a_scored_run_keeps_what_failed_its_session(suite, capsys):
    suite.makepyfile(test_good=GOOD)
    ran(suite, "--editmetrics-require=9")
    assert main(["score", "run", "-o", "again"]) == 1
    capsys.readouterr()
    main(["comment", "again"])
    assert not is_green(capsys.readouterr().out)


def test_a_test_that_failed_at_last_did_not_pass_after_a_rerun(suite):
    suite.makepyfile(
        test_x="""
        import pathlib
        def test_flaky(check):
            first = not pathlib.Path("seen").exists()
            pathlib.Path("seen").touch()
            check(19 if first else 5, 0.1)
            raise OSError
        """
    )
    result = ran(suite, "--reruns=1")
    result.stdout.no_fnmatch_line("*passed only after a rerun*")


def test_a_problem_is_in_a_merged_run_that_lacks_a_shard(suite, capsys):
    suite.makepyfile(test_good=GOOD)
    ran(suite, "--editmetrics-require=9")
    assert main(["merge", "run", "-o", "all", "--shards", "2"]) == 1
    capsys.readouterr()
    main(["comment", "all"])
    assert "--editmetrics-require" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("def test_bad(check): raise ValueError('\\nsecond')", "ValueError: second"),
        ('def test_bad(check): """none"""\nclass A:\n    """\n    >>> 1\n    2\n    """', "DocTestFailure"),
    ],
)  # fmt: skip
def test_the_line_that_tells_most_is_kept(suite, file, said):
    suite.makepyfile(test_x=file)
    ran(suite, "--doctest-modules")
    assert said in (suite.path / "run/results.jsonl").read_text()


def test_a_run_that_x_ended_at_the_last_test_is_whole(suite, capsys):
    suite.makepyfile(test_x=GOOD + "def test_last(check): check(19, 0.1)")
    ran(suite, "-x")
    main(["comment", "run"])
    out = capsys.readouterr().out
    assert "editmetrics failed: 1 of 2 gates failed\n" in out
    suite.makepyfile(test_x="def test_first(check): check(19, 0.1)\n" + GOOD)
    ran(suite, "-x")
    capsys.readouterr()
    main(["comment", "run"])
    assert "interrupted, so not every test ran" in capsys.readouterr().out


def test_gates_that_pass_when_they_are_scored_again_leave_no_failure(suite, capsys):
    suite.makepyfile(test_x="def test_bad(check): check(19)")
    suite.makefile(".yaml", editmetrics="thresholds: {score: 0.1}")
    ran(suite)
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.5}")
    assert main(["score", "run", "-o", "again", "--config", "editmetrics.yaml"]) == 0
    capsys.readouterr()
    main(["comment", "again"])
    assert is_green(capsys.readouterr().out)


def test_in_ci_an_earlier_run_does_not_stand_for_one_that_ran_nothing(suite, capsys, monkeypatch):
    suite.makepyfile(test_good=GOOD)
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    monkeypatch.setenv("CI", "true")
    ran(suite, "-k", "no_such_test", "--editmetrics-require=1")
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        assert "--editmetrics-require" in text, name


def test_a_failure_of_a_suite_without_gates_loads_nothing(suite, cold_processes):
    suite.makepyfile(
        "import sys\ndef test_bad(): assert 0\ndef test_then():\n"
        "    assert not {'pytest_editmetrics.gates.verdict', 'numpy'} & set(sys.modules)"
    )
    suite.makeconftest("")
    suite.runpytest_subprocess().assert_outcomes(passed=1, failed=1)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="subtests are a fixture of pytest 9")
def test_gates_of_failing_subtests_are_looked_at_once(suite, monkeypatch):
    """Ten times the subtests are ten times the looks, not a hundred times."""
    suite.makefile(".yaml", editmetrics="thresholds: {score: {max: 0.1}}")
    seen = []
    recordable = written.recordable
    monkeypatch.setattr(written, "recordable", lambda gate: seen.append(1) or recordable(gate))

    def looks(number: int) -> int:
        seen.clear()
        suite.makepyfile(
            test_it=f"""
            def test_it(check, subtests):
                for one in range({number}):
                    with subtests.test(str(one)): check(19, name=str(one))
            """
        )
        suite.runpytest("-q").assert_outcomes(failed=number + 1)
        return len(seen)

    few, many = looks(4), looks(40)
    assert 0 < many <= 10 * few


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_a_configuration_that_cannot_be_used_is_on_every_surface_in_ci(
    suite, monkeypatch, capsys, mode
):
    """Only the terminal told it, and an earlier run's report stayed."""
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(suite.path / "step.md"))
    suite.makepyfile(test_it=GOOD)
    outputs = (
        "--editmetrics-run-dir=run",
        "--editmetrics-html=r.html",
        "--editmetrics-summary=s.md",
    )
    suite.runpytest(*outputs).assert_outcomes(passed=1)
    suite.makefile(".yaml", editmetrics="thresholdz: {}\n")
    (suite.path / "step.md").unlink()
    result = suite.runpytest(*mode, *outputs)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = "editmetrics.yaml:1: unknown key 'thresholdz' (did you mean 'thresholds'?)"
    result.stdout.fnmatch_lines([f"::error title=editmetrics::{said}".replace("[", "[[]")])
    result.stderr.fnmatch_lines([f"ERROR: {said}"])
    for name in ("s.md", "step.md"):
        text = (suite.path / name).read_text()
        assert said in text
        assert "editmetrics failed" in text
    page = (suite.path / "r.html").read_text()
    assert "unknown key" in page
    assert "thresholdz" in page
    capsys.readouterr()
    main(["comment", "run"])
    assert said in capsys.readouterr().out


def test_tests_that_fail_in_the_same_words_are_told_together(suite, monkeypatch, capsys):
    """A model that cannot be loaded fails every test: that is one annotation, not ten and a rest."""
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    suite.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.parametrize("number", range(14))
        def test_raises(check, number): raise OSError("no model")

        @pytest.mark.parametrize("number", range(12))
        def test_errs(check, number): check(1, 2, metric="none")
        """
    )
    result = suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-summary=s.md")
    result.assert_outcomes(failed=26)
    annotated = [line for line in result.outlines if line.startswith("::error")]
    assert len(annotated) == 2
    assert "test_it.py::test_errs[0] and 11 more: " in annotated[0]
    assert "test_it.py::test_raises[0] and 13 more (call): OSError: no model" in annotated[1]
    result.stdout.no_fnmatch_line("*are not annotated*")
    summary = (suite.path / "s.md").read_text()
    assert "### Could not be judged: 12" in summary
    assert "and of test_it.py::test_errs[11]" in summary
    assert "### Failed otherwise: 14" in summary
    assert summary.count("no model") == 1
    capsys.readouterr()
    for command in ("comment", "approve"):
        main([command, "run"])
        out = capsys.readouterr().out
        assert out.count("no model") == 1
        assert " and 13 more (call)" in out
        assert "  and 13 more\n" not in out
    assert (
        "could not be judged, which no golden mends: 12\n  test_it.py::test_errs[0] and 11 mo"
        in out
    )


def test_what_raised_is_not_gone_too(suite, capsys):
    suite.makepyfile(test_it="def test_a(check): check(1, 2)\ndef test_b(check): check(1, 2)")
    suite.runpytest("--editmetrics-run-dir=base").assert_outcomes(passed=2)
    suite.makepyfile(test_it="def test_a(check): raise OSError('no disk')")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    main(["comment", "run", "--base", "base"])
    out = capsys.readouterr().out
    assert "### Gone: 1\n- <code>test_it.py::test_b score</code>" in out
    assert "### Failed otherwise: 1" in out


def test_the_comment_sets_apart_what_failed_unseen(suite, capsys):
    suite.makepyfile(
        test_it="""
        import pytest

        def test_fails(check): check(19, 0.1)

        @pytest.mark.xfail
        def test_meant(check): check(18, 0.1)

        @pytest.mark.xfail
        def test_errs(check): check(18, 0.1, metric="none")
        """
    )
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2, xfailed=1)
    capsys.readouterr()
    main(["comment", "run"])
    failing, unseen = capsys.readouterr().out.partition("### Failing, but did not fail")[::2]
    assert "### Failing, the worst first: 1\n- <code>test_it.py::test_fails" in failing
    assert "test_meant" not in failing
    assert unseen.count("test_meant") == 1


def test_the_tests_that_fail_in_the_same_words_are_all_named(suite, capsys, monkeypatch):
    """Those whose model is not there, and those whose gates have one error."""
    suite.makepyfile(
        test_x="import pytest\nfrom conftest import *\n"
        "@pytest.fixture\ndef model(): raise OSError('no weights')\n"
        "@pytest.mark.parametrize('n', range(4))\ndef test_model(model, check, n): check(5, 0.1)\n"
        "@pytest.mark.parametrize('n', range(4))\ndef test_gate(check, n): check(MISSING, 0.1)\n"
    )
    ran(suite, "--editmetrics-html=r.html")
    monkeypatch.chdir(suite.path)
    assert main(["comment", "run"]) == 0
    texts = {"comment": capsys.readouterr().out}
    for name in ("s.md", "r.html"):
        texts[name] = (suite.path / name).read_text(encoding="utf-8")
    for name, text in texts.items():
        for test in (
            f"test_x.py::test_{what}[{n}]" for what in ("model", "gate") for n in range(4)
        ):
            shown = test.replace("[", "&#91;"), test
            found = any(one in text for one in shown) or test.partition("::")[2] in text
            assert found, (name, test)
    assert texts["comment"].count("<details><summary>3 more tests in these words</summary>") == 2
    assert "<li>and test_x.py::test_model[3]</li>" in texts["r.html"]


@pytest.mark.long
def test_the_names_of_many_tests_leave_room_for_the_rest(suite, capsys, monkeypatch):
    suite.makepyfile(
        test_x="import pytest\n@pytest.fixture\ndef model(): raise OSError('no weights')\n"
        f"@pytest.mark.parametrize('n', ['{'n' * 90}' + str(i) for i in range(300)])\n"
        "def test_model(model, check, n): check(5, 0.1)\n"
        "def test_bad(check): check(30, 0.1)\n"
    )
    ran(suite)
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    out = capsys.readouterr().out
    told = out.count("test_x.py::test_model[")
    assert 20 < told < 300
    (more,) = re.findall(r"\nand (\d+) more\n</pre>", out)
    assert told + int(more) == 299, "the first stands above"
    assert "### Next" in out
