"""docs/how-to/ci.md: its workflows are YAML, and every command and option in it exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.session.option_list import OPTIONS

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "ci.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S))


def scripts() -> list[str]:
    steps = [step for job in GITHUB["jobs"].values() for step in job["steps"]]
    github = [step["run"] for step in steps if "run" in step]
    gitlab = [line for job in ("edits", "report") for line in GITLAB[job]["script"]]
    shell = re.findall(r"```bash\n(.*?)```", TEXT, re.S)
    return [*github, *gitlab, *shell, *re.findall(r"`(editmetrics [^`]+)`", TEXT)]


COMMANDS = [
    re.split(r" (?:\|\||>>) ", line.strip())[0]
    for script in scripts()
    for line in script.replace("\\\n", " ").splitlines()
    if line.strip().startswith("editmetrics ")
]


def test_there_is_something_to_check():
    assert {command.split()[1] for command in COMMANDS} == {
        "weights", "merge", "report", "compare", "approve", "comment", "review", "prune",
    }  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_one_that_the_parser_takes(command):
    assert callable(make_parser().parse_args(shlex.split(command)[1:]).run)


def test_every_option_of_pytest_exists():
    named = set(re.findall(r"--editmetrics-[a-z-]+", TEXT))
    assert named
    assert named <= {option.flag for option in OPTIONS}


def test_the_gate_needs_every_other_job_and_always_runs():
    jobs = GITHUB["jobs"]
    gate = jobs["gate"]
    assert set(gate["needs"]) == set(jobs) - {"gate"}
    assert gate["if"] == "${{ always() }}"
    for job in gate["needs"]:
        assert f"needs.{job}.result" in gate["steps"][0]["env"]["RESULTS"]


def test_what_is_downloaded_was_uploaded():
    uploads = {
        step["with"]["name"]
        for job in GITHUB["jobs"].values()
        for step in job["steps"]
        if "upload-artifact" in step.get("uses", "")
    }
    assert uploads == {
        "editmetrics-shard-${{ matrix.shard }}", "editmetrics-run", "editmetrics-report",
    }  # fmt: skip
    (compare,) = [
        step["run"]
        for step in GITHUB["jobs"]["report"]["steps"]
        if step.get("name") == "compare with main"
    ]
    assert "--name editmetrics-run " in compare
    assert GITHUB["name"] == "edits"
    assert "gh run list --workflow edits " in compare


def test_a_merge_that_fails_fails_the_job_at_its_end():
    steps = GITHUB["jobs"]["report"]["steps"]
    (merge,) = [step for step in steps if "editmetrics merge" in step.get("run", "")]
    assert merge["continue-on-error"] is True
    failing = f"steps.{merge['id']}.outcome == 'failure'"
    assert steps[-1] == {"if": "${{ !cancelled() && " + failing + " }}", "run": "exit 1"}
    assert GITLAB["report"]["script"][-1] == "exit ${failed:-0}"


def test_each_shard_is_strict_and_held_to_its_goldens():
    (github,) = [
        step["run"]
        for step in GITHUB["jobs"]["tests"]["steps"]
        if "pytest -n" in step.get("run", "")
    ]
    for command in (github, GITLAB["edits"]["script"][-1]):
        assert "--editmetrics-strict=regressed --editmetrics-require=golden=all" in command


def test_the_merged_run_is_on_the_page_of_the_job():
    steps = [step.get("run", "") for step in GITHUB["jobs"]["report"]["steps"]]
    (summary,) = [step for step in steps if "GITHUB_STEP_SUMMARY" in step]
    assert summary == 'editmetrics comment run >> "$GITHUB_STEP_SUMMARY"'
    (merge,) = [number for number, step in enumerate(steps) if "editmetrics merge" in step]
    assert steps.index(summary) == merge + 1
