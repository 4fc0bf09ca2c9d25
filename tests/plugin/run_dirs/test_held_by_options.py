"""A gate that fails as an option asks, for review or unmeasured: one gate, one count, one annotation."""

from __future__ import annotations

import json

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

WAYS = {
    "review": (
        "def test_it(check): check(8, {'max': 0.1, 'review': 0.05})\n",
        "--editmetrics-review=fail",
        "unedit score 0.080 > review 0.050, inside max 0.100",
        "for review",
    ),
    "unmeasured": (
        "from conftest import *\ndef test_it(check): check(NOT_FOUND, 1); check(3, 1, name='b')\n",
        "--editmetrics-strict=all",
        "score unmeasured (",
        "unmeasured",
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_it_is_one_failure_on_every_surface(suite, monkeypatch, capsys, way, mode):
    test, option, said, kind = WAYS[way]
    gates = test.count("check(")
    suite.makepyfile(test_x=test)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    outputs = "--editmetrics-run-dir=run", "--editmetrics-html=r.html", "--editmetrics-summary=s.md"
    result = suite.runpytest(option, *outputs, *mode)
    result.assert_outcomes(failed=1)
    screen = result.stdout.str()
    (annotation,) = (line for line in result.outlines if line.startswith("::"))
    assert annotation.startswith("::error file=test_x.py,line=")
    assert f"::test_x.py::test_it: {'unedit ' * (way == 'unmeasured')}{said}" in annotation
    assert f"1 gate failed: 1 {kind}" in screen
    assert "for review: " not in screen
    assert "unmeasured: 1" not in screen
    report = (suite.path / "r.html").read_text(encoding="utf-8")
    assert f">1 of {gates} case{'s' * (gates > 1)} failed<" in report
    summary = (suite.path / "s.md").read_text(encoding="utf-8")
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    for text in (report, summary, capsys.readouterr().out):
        assert "other failure" not in text
        assert "Failed otherwise" not in text
    of = "1 of 1 gate" if gates == 1 else f"1 of {gates} gates"
    assert f"❌ editmetrics failed: {of} failed\n" in summary
    assert "### For review" not in summary
    assert "### Unmeasured" not in summary
    assert "### Failing, the worst first: 1" in summary
    records = [
        json.loads(line) for line in (suite.path / "run/results.jsonl").read_text().splitlines()
    ]
    assert [record["record"] for record in records] == ["session", *["gate"] * gates, "end"]
    assert records[1]["details"]["fails_its_test"] == option
    assert (records[-1]["failed"], records[-1][way]) == (1, 0)


def test_a_failure_of_its_own_beside_a_review_is_told(suite):
    suite.makepyfile(
        test_x="def test_it(check):\n    check(8, {'max': 0.1, 'review': 0.05})\n    assert 1 == 2\n"
    )
    suite.runpytest("--editmetrics-review=fail", "--editmetrics-summary=s.md")
    summary = (suite.path / "s.md").read_text(encoding="utf-8")
    assert "1 gate, 1 for review, 1 other failure" in summary
