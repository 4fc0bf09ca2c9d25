"""The actions of `.github/actions`, run as GitHub would run them, with a made-up `gh`."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from workflow import Runner

ACTIONS = Path(__file__).parents[2] / ".github" / "actions"
RUN, REPORT = ACTIONS / "run" / "action.yml", ACTIONS / "report" / "action.yml"
SUITE = """\
import os
import numpy as np
import pytest

@pytest.mark.parametrize("name", ["a", "b"])
def test_it(edit_gate, name):
    reference = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)
    edited = reference.copy()
    edited[:4, :4] = 0
    edited[40] = edited[40] // int(os.environ.get("WORSE", "1"))
    edit_gate.check(reference, edited, [(0, 0, 4, 4)], metrics=["unedit_max_diff"])
"""
PULL = "github.event_name == 'pull_request'"
OURS = "github.event.pull_request.head.repo.full_name == github.repository"
# `gh run list` knows one run if there is a base, `gh api` the comments of a file
GH = """\
#!{python}
import json, os, pathlib, shutil, sys
home, args = pathlib.Path(os.environ["FAKE"]), sys.argv[1:]
with open(home / "gh.jsonl", "a") as log:
    log.write(json.dumps(args) + "\\n")
if args[:2] == ["run", "list"]:
    print("77" if (home / "base").exists() else "")
elif args[:2] == ["run", "download"]:
    shutil.copytree(home / "base", args[args.index("--dir") + 1])
elif "--jq" in args:
    print((home / "comments").read_text() if (home / "comments").exists() else "", end="")
"""


@pytest.fixture
def runner(tmp_path, programs):
    """A runner of a pull request of the repository's own, in an empty project."""
    (tmp_path / "test_it.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 1}\n")
    made_up = tmp_path / "programs"
    made_up.mkdir()
    (made_up / "gh").write_text(GH.format(python=sys.executable))
    (made_up / "gh").chmod(0o755)
    summary = tmp_path / "summary.md"
    conditions = {
        "inputs.weights != ''": False,
        PULL: True,
        f"{PULL} && inputs.comment == 'true' && {OURS}": True,
        f"{PULL} && inputs.fail != ''": True,
    }
    context = {
        "env.PYTEST_ADDOPTS": "", "runner.temp": str(tmp_path / "temp"), "github.token": "secret",
        "github.repository": "o/r", "github.event.pull_request.number": "5",
        "steps.report.outputs.artifact-url": "https://example.org/report",
    }  # fmt: skip
    environment = {
        "PATH": f"{made_up}{os.pathsep}{os.environ['PATH']}", "FAKE": str(tmp_path),
        "GITHUB_WORKFLOW": "edits", "GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(summary),
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    return Runner(tmp_path, context, conditions, environment)


def asked(runner) -> list[list[str]]:
    log = runner.home / "gh.jsonl"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def shards(runner, *, worse: str = "1") -> list[int]:
    runner.environment = {**runner.environment, "WORSE": worse}
    args = ("-k 'it and [a]'", "-k '[b]'")
    return [
        runner.run(RUN, {"shard": str(number), "args": text}) for number, text in enumerate(args, 1)
    ]


def test_two_shards_become_one_report_and_a_comment(runner):
    assert shards(runner) == [0, 0]
    assert runner.run(REPORT, {"shards": "2"}) == 0, runner.output
    artifacts = runner.home / "artifacts"
    assert {one.name for one in artifacts.iterdir()} == {
        "editmetrics-shard-1", "editmetrics-shard-2", "editmetrics-run", "editmetrics-report",
    }  # fmt: skip
    lines = (artifacts / "editmetrics-run" / "results.jsonl").read_text().splitlines()
    assert [json.loads(line)["record"] for line in lines].count("gate") == 2
    assert (artifacts / "editmetrics-report" / "report.html").is_file()
    assert "::warning::main has no green run to compare with" in runner.output
    (written,) = [args for args in asked(runner) if "POST" in args]
    assert "repos/o/r/issues/5/comments" in written
    comment = (runner.home / "temp/editmetrics/comment.md").read_text()
    assert comment.startswith("<!-- editmetrics: editmetrics -->\n")
    assert "https://example.org/report" in comment
    assert comment in (runner.home / "summary.md").read_text()


@pytest.mark.long
def test_a_failing_suite_is_uploaded_and_told_and_an_earlier_comment_replaced(runner):
    marks = (
        "41 some words",
        "42 <!-- editmetrics: editmetrics -->\r",
        "43 <!-- editmetrics: edits -->",
    )
    (runner.home / "comments").write_text("".join(f"{line}\n" for line in marks))
    assert shards(runner, worse="9") == [1, 1]
    assert runner.run(REPORT, {"shards": "2"}) == 0
    (written,) = [args for args in asked(runner) if "PATCH" in args]
    assert "repos/o/r/issues/comments/42" in written
    assert "2 of 2 gates failed" in (runner.home / "temp/editmetrics/comment.md").read_text()


@pytest.mark.long
def test_a_push_has_no_comment_and_its_page_tells_of_the_run(runner):
    runner.conditions = dict.fromkeys(runner.conditions, False)
    assert shards(runner) == [0, 0]
    (runner.home / "summary.md").unlink()
    assert runner.run(REPORT, {"shards": "2"}) == 0, runner.output
    assert "editmetrics passed: 2 gates" in (runner.home / "summary.md").read_text()
    assert not asked(runner)


@pytest.mark.long
def test_what_became_worse_than_the_base_fails(runner):
    shards(runner)
    assert runner.run(REPORT, {"shards": "2"}) == 0
    (runner.home / "artifacts/editmetrics-run").rename(runner.home / "base")
    for folder in ("artifacts", "temp"):
        (runner.home / folder).rename(runner.home / f"earlier-{folder}")
    (runner.home / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 254}\n")
    assert shards(runner, worse="9") == [0, 0]
    assert runner.run(REPORT, {"shards": "2", "fail": "unedit_max_diff:10%"}) == 1
    assert "unedit_max_diff: 2 of 2 gates are worse by more than 10 %" in runner.output


def test_an_obsolete_golden_is_told_in_the_comment_and_fails(runner):
    folder = runner.home / "goldens"
    folder.mkdir()
    (folder / "test_it.py.yaml").write_text("test_gone: {unedit_max_diff: {max: 1}}\n")
    strict = " --editmetrics-strict=regressed"
    for number, text in enumerate(("test_it.py::test_it[a]", "test_it.py::test_it[b]"), 1):
        assert runner.run(RUN, {"shard": str(number), "args": text + strict}) == 0, runner.output
    assert runner.run(REPORT, {"shards": "2"}) == 1
    comment = (runner.home / "temp/editmetrics/comment.md").read_text()
    assert "goldens/test_it.py.yaml:1: test_gone" in comment
    assert (runner.home / "artifacts/editmetrics-report/report.html").is_file()


def test_a_shard_that_is_missing_fails(runner):
    assert runner.run(RUN, {}) == 0
    assert runner.run(REPORT, {"shards": "2"}) == 1
    assert "1 shard is missing" in runner.output
    assert (runner.home / "artifacts/editmetrics-report/report.html").is_file()


def test_a_run_that_was_never_written_fails(runner):
    assert runner.run(RUN, {"args": "--no-such-option"}) != 0
    assert "no-such-option" in runner.output


def test_what_an_input_says_is_no_code(runner):
    evil = "x; touch evil $(touch evil) `touch evil` && touch evil"
    runner.run(RUN, {"args": f"-k '{evil}'"})
    runner.run(RUN, {"name": evil.replace(" ", "\t"), "shard": "3"})
    runner.run(REPORT, {"shards": evil})
    assert not list(runner.home.rglob("evil"))
