"""Of which commit a run is: said where runs of several are merged, or one of another is pruned by."""

from __future__ import annotations

import json
import subprocess

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

IMAGES = """
import numpy as np
def test_a(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))
def test_b(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))
"""
WHO = ("-c", "user.name=a", "-c", "user.email=a@b.c")


@pytest.fixture
def suite(pytester, monkeypatch):
    """Two tests of a golden image each, committed."""
    monkeypatch.chdir(pytester.path)
    (pytester.path / ".gitignore").write_text("run*\n")
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makepyfile(test_x=IMAGES)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    subprocess.run(["git", "init", "-q"], check=True)
    commit()
    return pytester


def commit():
    subprocess.run(["git", "add", "-A"], check=True)
    subprocess.run(["git", *WHO, "commit", "-qm", "x"], check=True)
    done = subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def head_of(suite, run):
    return json.loads((suite.path / run / "results.jsonl").read_text().splitlines()[0])


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_run_tells_its_commit(suite, mode):
    suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-results=r.jsonl", *mode)
    found = commit()
    assert head_of(suite, "run")["commit"] != found
    suite.runpytest("--editmetrics-run-dir=run", "--editmetrics-results=run.jsonl", *mode)
    assert head_of(suite, "run")["commit"] == found
    line = (suite.path / "run.jsonl").read_text().splitlines()[0]
    assert json.loads(line)["commit"] == found


@pytest.mark.parametrize("how", ["no repository", "no commit", "no git"])
def test_without_git_or_a_repository_it_tells_none(suite, monkeypatch, how):
    subprocess.run(["rm", "-rf", ".git"], check=True)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(suite.path.parent))
    if how == "no commit":
        subprocess.run(["git", "init", "-q"], check=True)
    if how == "no git":
        monkeypatch.setenv("PATH", "")
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=2)
    assert head_of(suite, "run")["commit"] is None


def test_a_merge_says_that_the_shards_are_of_two_commits(suite, capsys):
    for number, test in enumerate("ab"):
        suite.runpytest(f"--editmetrics-run-dir=run{number}", "-k", f"test_{test}")
    first = head_of(suite, "run0")["commit"]
    assert main(["merge", "run0", "run1", "-o", "run", "--shards=2"]) == 0
    assert "commits" not in capsys.readouterr().err
    assert head_of(suite, "run")["commit"] == first
    (suite.path / "README").write_text("x")
    second = commit()
    suite.runpytest("--editmetrics-run-dir=run1", "-k", "test_b")
    assert main(["merge", "run0", "run1", "-o", "run", "--shards=2"]) == 0
    said = f"the runs are of 2 commits, {first[:12]} (run0), {second[:12]} (run1): none of them has"
    assert said in capsys.readouterr().err
    assert head_of(suite, "run")["commit"] is None


def test_prune_says_of_which_run_it_tells_and_that_it_is_of_another_commit(suite, capsys):
    suite.makepyfile(test_x=IMAGES.replace("test_b", "check_b"))
    other = commit()
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    started = head_of(suite, "run")["started"]
    capsys.readouterr()
    assert main(["prune", "run"]) == 0
    said = capsys.readouterr()
    head, image, _ = said.out.splitlines()
    assert head == f"in the run run, started {started}, at commit {other[:12]}:"
    assert image.endswith(": its test test_b is gone")
    assert said.err == ""
    suite.makepyfile(test_x=IMAGES)
    here = commit()
    assert main(["prune", "run", "--yes"]) == 0
    said = capsys.readouterr()
    assert f"the run is of another commit than this checkout, {here[:12]}, which may" in said.err
    assert "removed 1" in said.out
