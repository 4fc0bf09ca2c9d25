"""A session that failed for more than its gates is green on no surface that is made of its run."""

from __future__ import annotations

import json

import pytest

from pytest_editmetrics.cli.main import main

WITHOUT = "1 failure without a failing gate"
GOOD = "def test_good(check): check(5, 0.1)\n"
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
        "import pytest\n@pytest.fixture\ndef model():\n    yield\n    raise OSError('no disk')\n"
        "def test_bad(model, check): check(5, 0.1)",
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
MODES = pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])


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


@MODES
@pytest.mark.parametrize("fault", FAULTS)
def test_no_surface_is_green(suite, capsys, monkeypatch, fault, mode):
    bad, options, word = FAULTS[fault]
    suite.makepyfile(test_good=GOOD)
    suite.makepyfile(test_bad="import no_such_module" if bad is None else bad)
    ran(suite, *options, *mode)
    for name, text in surfaces(suite, capsys).items():
        assert not is_green(text), name
        assert WITHOUT in text or "failed without a failing gate: 1" in text, name
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
    assert (records[-1]["failed_tests"], records[-1]["problems"]) == (1, [])


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
    assert ": 1 gate, 1 failure without a failing gate" in capsys.readouterr().out


def test_a_run_that_is_scored_again_keeps_what_failed(suite, capsys):
    suite.makepyfile(test_x="def test_bad(check):\n    check(5, 0.1)\n    raise OSError('lost')")
    ran(suite)
    capsys.readouterr()
    assert main(["score", "run", "-o", "again"]) == 1
    assert "FAILED: 1 failure of the run without a failing gate" in capsys.readouterr().out
    main(["comment", "again"])
    assert "OSError: lost" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"record": "failed", "nodeid": "a", "when": "call"}', "message is None, not a text"),
        ('{"record": "end", "problems": "text"}', "problems is 'text', not a list of texts"),
        ('{"record": "end", "failed_tests": -1}', "failed_tests is -1, not a number from 0"),
    ],
)
def test_a_record_that_makes_no_sense_is_named(tmp_path, capsys, line, said):
    head = '{"record": "session", "schema": "pytest-editmetrics/results", "version": 1}'
    (tmp_path / "r.jsonl").write_text(f"{head}\n{line}\n")
    assert main(["report", str(tmp_path / "r.jsonl"), "-o", str(tmp_path / "r.html")]) == 1
    assert f"r.jsonl:2: {said}" in capsys.readouterr().err
