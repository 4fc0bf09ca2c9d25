"""``editmetrics expect``: from which strength a fault fails under an expectation."""

from __future__ import annotations

import json

import pytest

from pytest_editmetrics.background.faults import OF_AN_EXPECTATION
from pytest_editmetrics.checks import strengths
from pytest_editmetrics.cli.main import main


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty project, small photos, and few faults."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(strengths, "EDGE", 128)
    few = {name: OF_AN_EXPECTATION[name] for name in ("exposure", "edit-undone")}
    monkeypatch.setattr(strengths, "OF_AN_EXPECTATION", few)
    return tmp_path


def rows(capsys) -> dict[str, dict]:
    ((told),) = json.loads(capsys.readouterr().out)
    return {row["fault"]: row for row in told["faults"]}


@pytest.mark.long
def test_a_stronger_fault_fails_where_a_weaker_one_does(here, capsys):
    assert main(["expect", "reencoded", "--json"]) == 0
    found = rows(capsys)
    darker = found["background darker"]
    assert darker["tried"] == [1, 2, 5, 10, 20]
    assert darker["by"] == ["tone"]
    assert 2 <= darker["one_fails_from"] <= darker["both_fail_from"] <= 10
    assert found["the edit area as in the reference"]["by"] == ["edit_lpips", "edit_ratio"]


@pytest.mark.long
def test_the_table_says_what_is_held_and_what_passes(here, capsys):
    assert main(["expect", "generative"]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "generative"
    assert "tone reported, held to no bound" in lines
    assert "altered max 0.1 %" in lines
    assert "background darker 1 to 20 % passes passes" in lines
    assert any(line.endswith("fails fails edit_lpips") for line in lines)


@pytest.mark.long
def test_the_bounds_of_the_project_are_those_it_tells_of(here, capsys):
    (here / "editmetrics.yaml").write_text("thresholds: {tone: 50, tone_max: 90}\n")
    assert main(["expect", "reencoded", "--json"]) == 0
    assert rows(capsys)["background darker"]["one_fails_from"] is None
    (here / "editmetrics.yaml").write_text("thresholds: {edit_lpips: {min: 50}}\n")
    assert main(["expect", "reencoded"]) == 1
    assert "edit_lpips is fail before there is a fault" in capsys.readouterr().err


def test_a_name_that_is_none_is_told_the_nearest(here, capsys):
    assert main(["expect", "composited_jpeg"]) == 2
    assert "(did you mean 'composited-jpeg'?)" in capsys.readouterr().err
