"""Workflows, actions, forms and the citation: valid, safe, and of one mind about versions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from page_walk import blocks

from pytest_editmetrics.goldens.file_names import holds_provenance, holds_thresholds
from pytest_editmetrics.session.unread import looks_like_cases, looks_like_settings
from tools import run_tool

ROOT = Path(__file__).parents[2]
GITHUB = ROOT / ".github"
EXAMPLE = ROOT / "examples" / "editing-model"
OWN = "pytest-editmetrics/"
ACTIONS = sorted(GITHUB.glob("actions/*/action.yml"))
WORKFLOWS = [*sorted(GITHUB.glob("workflows/*")), *sorted(EXAMPLE.glob(".github/workflows/*"))]
BLOCKS = {
    f"{page.parent.name}-{page.stem}-{number}.yml": block.text
    for page in sorted((ROOT / "docs").rglob("*.md"))
    for number, block in enumerate(blocks(page.read_text("utf-8")))
    if block.language == "yaml"
}
IN_PAGES = {
    name: text
    for name, text in BLOCKS.items()
    if re.search(r"^jobs:$", text, re.M) and re.search(r"^on:", text, re.M)
}
OF_GITLAB = {name: text for name, text in BLOCKS.items() if re.search(r"^  script:", text, re.M)}
DATA = ROOT / "pytest_editmetrics" / "cli" / "starter" / "data"
IN_PAGES["starter.yml"] = (DATA / "github.yml").read_text("utf-8")
OF_GITLAB["starter.yml"] = (DATA / "gitlab.yml").read_text("utf-8")


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The workflows of the documents, and the one that `init` writes, as files."""
    folder = tmp_path_factory.mktemp("pages") / ".github" / "workflows"
    folder.mkdir(parents=True)
    for name, text in IN_PAGES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_there_are_workflows_in_the_documents():
    assert len(IN_PAGES) >= 5


def test_zizmor_finds_nothing(pages):
    config = GITHUB / "zizmor.yml"
    options = ("--offline", "--persona", "pedantic", "--config", config, "--no-progress")
    status, said = run_tool("zizmor", *options, GITHUB, EXAMPLE)
    assert status == 0, said
    # what is to be copied is short: no name for each job, no limit of how many run at once
    status, said = run_tool("zizmor", "--offline", "--no-progress", "--config", config, pages)
    assert status == 0, said


SCHEMAS = {
    "github-workflows": WORKFLOWS,
    "github-actions": ACTIONS,
    "dependabot": [GITHUB / "dependabot.yml"],
    "github-issue-forms": [p for p in GITHUB.glob("ISSUE_TEMPLATE/*") if p.stem != "config"],
    "github-issue-config": [GITHUB / "ISSUE_TEMPLATE" / "config.yml"],
    "citation-file-format": [ROOT / "CITATION.cff"],
    "readthedocs": [ROOT / ".readthedocs.yaml"],
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("schema", SCHEMAS)
def test_each_file_is_of_its_schema(schema, pages):
    files = SCHEMAS[schema] + (sorted(pages.iterdir()) if schema == "github-workflows" else [])
    assert files
    status, said = run_tool("check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    assert status == 0, said


def test_files_for_gitlab_in_the_documents_are_of_its_schema(tmp_path):
    assert len(OF_GITLAB) >= 3
    for name, text in OF_GITLAB.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    status, said = run_tool("check-jsonschema", *options, *tmp_path.iterdir())
    assert status == 0, said


def uses() -> dict[str, set[str]]:
    """Return each action of others with what follows its `@`."""
    texts = [path.read_text("utf-8") for path in (*ACTIONS, *WORKFLOWS)]
    found: dict[str, set[str]] = {}
    for text in (*texts, *IN_PAGES.values()):
        for name, version in re.findall(r"uses: ([^@\s]+)@(.+)", text):
            if not name.startswith(OWN):
                found.setdefault(name, set()).add(version.strip())
    return found


def test_every_action_is_pinned_to_one_commit_with_its_version():
    found = uses()
    assert {"actions/checkout", "actions/cache", "actions/upload-artifact"} <= set(found)
    for name, versions in found.items():
        assert len(versions) == 1, (name, versions)
        assert re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", *versions), (name, versions)


def test_every_python_that_is_promised_is_tested():
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    promised = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    told = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text("utf-8"))
    assert told["jobs"]["test"]["strategy"]["matrix"]["python"] == promised
    assert f'requires-python = ">={promised[0]}"' in project


def test_ci_makes_what_check_makes():
    """Among it `coverage`, which holds how much of the code the tests run, where `test` does not."""
    recipe = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.M)
    assert recipe is not None
    jobs = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text("utf-8"))["jobs"]
    made = {step["run"] for step in jobs["test"]["steps"] if "run" in step}
    made |= {f"make {target}" for target in jobs["check"]["strategy"]["matrix"]["target"]}
    targets = re.findall(r"\$\(MAKE\) (.+)", recipe[1])
    assert "coverage" in targets
    assert {f"make {target}" for target in targets} <= made


def test_forms_for_faults_ask_for_the_doctor():
    for name in ("fault", "number"):
        told = yaml.safe_load((GITHUB / "ISSUE_TEMPLATE" / f"{name}.yml").read_text("utf-8"))
        (doctor,) = [part for part in told["body"] if part.get("id") == "doctor"]
        assert "editmetrics doctor --json" in doctor["attributes"]["label"]
        assert doctor["validations"] == {"required": True}


def test_the_citation_is_of_this_version():
    version = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))["version"]
    assert f'\nversion = "{version}"\n' in (ROOT / "pyproject.toml").read_text("utf-8")


HOOKS = {
    hook["id"]: hook
    for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
}


def test_the_page_and_the_example_name_the_hooks_that_there_are():
    config = EXAMPLE / ".pre-commit-config.yaml"
    told = yaml.safe_load(config.read_text("utf-8"))
    (page,) = re.findall(
        r"```yaml\n# \.pre-commit-config\.yaml\n(.*?)```",
        (ROOT / "docs" / "how-to" / "audit.md").read_text("utf-8"),
        re.S,
    )
    assert yaml.safe_load(page) == told
    assert [hook["id"] for hook in told["repos"][0]["hooks"]] == list(HOOKS)
    for command, path in (("config", config), ("manifest", ROOT / ".pre-commit-hooks.yaml")):
        status, said = run_tool("pre-commit", f"validate-{command}", path)
        assert status == 0, said


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("editmetrics.yaml", True),
        ("a/editmetrics.yml", True),
        ("a/edit-metrics.yaml", True),
        ("tests/test_a.edit.yaml", True),
        ("tests/a.edits.yml", True),
        ("tests/goldens/test_a.py.yaml", True),
        ("goldens/_fixtures.yaml", True),
        ("tests/goldens/test_a.edit.yml/provenance.yaml", True),
        ("provenance.yaml", False),
        ("config.yaml", False),
        ("tests/goldens/test_a.py/a.png", False),
        ("myeditmetrics.yaml", False),
    ],
)
def test_the_hook_takes_the_files_that_check_knows(path, ours):
    known = (looks_like_settings, looks_like_cases, holds_thresholds, holds_provenance)
    assert any(is_it(Path(path)) for is_it in known) is ours
    assert bool(re.search(HOOKS["editmetrics-check"]["files"], path)) is ours


@pytest.mark.long
def test_pre_commit_runs_both_hooks(tmp_path, monkeypatch):
    """In a repository of its own, with the hooks of this checkout as `repo: local`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    project = tmp_path / "project"
    (project / "tests" / "goldens").mkdir(parents=True)
    golden = project / "tests" / "goldens" / "test_a.py.yaml"
    golden.write_text('"test_a":\n  lpips: {max: 0.1}\n')
    (project / "pytest.ini").write_text("[pytest]\n")
    local = {"repos": [{"repo": "local", "hooks": list(HOOKS.values())}]}
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(local))

    def git(*args: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *who, *args], cwd=project, check=True, capture_output=True)

    def hooks(text: str) -> tuple[int, str]:
        golden.write_text(text)
        git("add", "-A")
        return run_tool("pre-commit", "run", "--all-files", "--color=never", cwd=project)

    git("init", "-q")
    git("add", "-A")
    git("commit", "-q", "-m", "first")
    status, said = hooks('"test_a":\n  lpips: {max: 0.05}\n')
    assert (status, said.count("Passed")) == (0, 2), said
    status, said = hooks('"test_a":\n  lpips: {max: 0.2}\n')
    assert (status, said.count("Passed"), said.count("Failed")) == (1, 1, 1), said
    assert "max 0.1 -> 0.2, looser by 0.1" in said
    status, said = hooks('"test_a":\n  lpips: {maxx: 0.1}\n')
    assert status == 1
    assert "tests/goldens/test_a.py.yaml:2: " in said
