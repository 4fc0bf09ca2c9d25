"""What `editmetrics init` finds in a project, and what it writes there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pytest_editmetrics.cli.main import main, make_parser
from pytest_editmetrics.cli.starter import write
from pytest_editmetrics.session.option_list import OPTIONS

ROOT = Path(__file__).parents[2]
LFS = "filter=lfs diff=lfs merge=lfs -text"
DIFFUSERS = '.from_pretrained("...")'


@pytest.fixture
def init(tmp_path, monkeypatch, capsys):
    """Make files, run `editmetrics init` in a folder of them, and return what it says."""
    monkeypatch.chdir(tmp_path)

    def run(*args, files=(), folder=".", status=0):
        for name, text in dict(files).items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.chdir(tmp_path / folder)
        assert main(["init", *args]) == status
        said = capsys.readouterr()
        return said.out if status == 0 else said.err

    return run


def written(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_an_empty_folder(init, tmp_path):
    assert init().splitlines() == [
        "found  no ini file of pytest",
        "wrote  editmetrics.yaml: settings, for a model that encodes the whole picture"
        " (expect: reencoded)",
        "wrote  tests/test_first_edit.py: a test that runs, and one for your model",
        "next   pytest tests/test_first_edit.py",
        "then   load your model in the fixture `model` of tests/test_first_edit.py, and record it:",
        "       pytest tests/test_first_edit.py --editmetrics-update=missing",
    ]
    assert written(tmp_path) == {"editmetrics.yaml", "tests/test_first_edit.py"}
    assert DIFFUSERS not in (tmp_path / "tests/test_first_edit.py").read_text()


INI = (
    '[tool.pytest.ini_options]\ntestpaths = ["checks/unit", "more"]\npython_files = "check_*.py"\n'
)


def test_a_project_of_diffusers_with_an_ini_file_and_a_src_folder(init, tmp_path):
    said = init(
        files={
            "pyproject.toml": '[project]\ndependencies = [\n  "Diffusers>=0.30",\n]\n' + INI,
            "src/bluer/__init__.py": "",
            "checks/unit/check_a.py": "",
            ".github/workflows/lint.yml": "# editmetrics: not yet\n",
        }
    )
    assert "found  pyproject.toml: testpaths = checks/unit more\n" in said
    assert "found  diffusers, in pyproject.toml\n" in said
    assert "found  the package bluer, in src\n" in said
    assert "found  CI: .github/workflows/lint.yml\n" in said
    assert "note   tests cannot import bluer yet: pip install -e ., or" in said
    assert "pythonpath = src\n" in said
    assert said.endswith("then   for CI: editmetrics init --ci github\n")
    assert DIFFUSERS in (tmp_path / "checks/unit/check_first_edit.py").read_text()


CUP = "def test_cup(edit_gate):\n    edit_gate.check(1, 2)\n"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"tests/test_cup.py": CUP}, "tests/test_cup.py uses edit_gate"),
        ({"tests/deep/er/test_b.py": "def test(golden_image): ..."}, "test_b.py uses golden_image"),
        (
            {"tests/test_c.py": "def test(assert_unedit_emd_below): ..."},
            "test_c.py uses assert_unedit_emd_below",
        ),
        ({"tests/test_d.edit.yaml": "cases: []"}, "tests/test_d.edit.yaml holds cases"),
        ({"tests/conftest.py": "def held(edit_gate): ..."}, "tests/conftest.py uses edit_gate"),
        ({"pytest.ini": "[pytest]\ntestpaths = a b\n", "b/test_e.py": CUP}, "b/test_e.py uses"),
        ({"pytest.ini": "[pytest]\ntestpaths = a\n", "b/test_e.py": CUP, "a/x.py": ""}, None),
        ({"pytest.ini": "[pytest]\npython_files = check_*.py\n", "check_f.py": CUP}, "check_f.py"),
        ({"tests/test_g.py": "# edit_gate\nmy_edit_gate = edit_gates = x.edit_gate = 1"}, None),
        ({".venv/lib/test_h.py": CUP, "env/pyvenv.cfg": "", "env/test_h.py": CUP}, None),
        ({"models/cup.py": CUP}, None),
    ],
)
def test_a_suite_that_has_tests_of_edits_is_given_no_sample(init, tmp_path, files, why):
    said = init("--ci", "github", files=files)
    assert (tmp_path / ".github/workflows/edits.yml").is_file()
    samples = list(tmp_path.rglob("*first_edit*"))
    if why is None:
        assert len(samples) == 1
        assert "no sample" not in said
    else:
        (line,) = (line for line in said.splitlines() if line.startswith("kept   no sample: "))
        assert why in line
        assert "\nnext   pytest\nthen   give --editmetrics-require in the job" in said
        assert not samples


def test_a_sample_that_is_there_is_kept_as_one(init):
    init()
    assert "kept   tests/test_first_edit.py\n" in init()


def test_tests_of_another_package_do_not_count(init, tmp_path):
    (tmp_path / "one").mkdir()
    files = {"pytest.ini": "[pytest]\n", "two/tests/test_cup.py": CUP, "one/pyproject.toml": ""}
    assert "wrote  tests/test_first_edit" in init(files=files, folder="one")


CHECKS = '[tool.pytest.ini_options]\ntestpaths = ["checks"]\n'


@pytest.mark.parametrize("there", [True, False])
def test_the_test_of_a_subfolder_goes_where_plain_pytest_collects_it(
    pytester, capsys, monkeypatch, there
):
    pytester.makepyprojecttoml(CHECKS)
    sub = pytester.mkdir("sub")
    if there:
        pytester.mkdir("checks")
    (pytester.path / ".git").mkdir()
    for folder in (sub, sub, pytester.path):
        monkeypatch.chdir(folder)
        assert main(["init", "--ci", "github"]) == 0
    monkeypatch.chdir(pytester.path)
    said = capsys.readouterr().out
    assert said.count(f"wrote  {pytester.path}/checks/test_first_edit_sub.py: ") == 1
    assert said.count(f"wrote  {pytester.path}/editmetrics.yaml: ") == 1
    assert "kept   no sample: checks/test_first_edit_sub.py uses " in said
    assert "note   plain pytest" not in said
    assert [path.name for path in pytester.path.rglob("*first_edit*")] == ["test_first_edit_sub.py"]
    workflow = (pytester.path / ".github/workflows/edits.yml").read_text()
    assert " pytest --editmetrics-run-dir=run" in workflow
    pytester.runpytest().assert_outcomes(passed=1, skipped=1)


@pytest.mark.parametrize(
    ("testpaths", "file"),
    [("checks", "sub/tests/test_a.py"), ("sub2/tests", ""), ("checks/test_it.py", "")],
)
def test_a_test_that_plain_pytest_does_not_collect_is_told(init, tmp_path, testpaths, file):
    files = {"pytest.ini": f"[pytest]\ntestpaths = {testpaths}\n", "checks/test_it.py": ""}
    files |= {file or "sub/x.py": "", "sub2/tests/test_b.py": ""}
    said = init(files=files, folder="sub")
    assert (
        f"note   plain pytest in {tmp_path} looks into {testpaths} only (testpaths): add sub/tests"
        " to them\n"
    ) in said
    assert "wrote  tests/test_first_edit_sub.py" in said


@pytest.mark.parametrize(
    ("name", "text", "needs"),
    [
        ("requirements.txt", "torch\ndiffusers[torch]==0.30  # pinned\n", True),
        ("requirements/dev.txt", "diffusers\n", True),
        ("environment.yml", "dependencies:\n  - pip:\n    - diffusers>=0.30\n", True),
        ("setup.py", 'setup(install_requires=["diffusers"])', True),
        ("requirements.txt", "# diffusers\nmy-diffusers-fork\ndiffusers-helper\n", False),
        ("requirements.txt", "", False),
    ],
)
def test_diffusers_is_found_where_it_is_required_and_only_there(init, name, text, needs):
    assert (f"found  diffusers, in {name}" in init(files={name: text})) == needs


@pytest.mark.parametrize(
    ("files", "can"),
    [
        ({"bluer/__init__.py": ""}, False),
        ({"bluer/__init__.py": "", "conftest.py": ""}, True),
        ({"bluer/__init__.py": "", "pytest.ini": "[pytest]\npythonpath = .\n"}, True),
        ({"src/bluer/__init__.py": "", "pytest.ini": "[pytest]\npythonpath = src\n"}, True),
        ({"pytest/__init__.py": ""}, True),  # stands for what is installed
        ({"tests/__init__.py": ""}, True),
        ({"one/__init__.py": "", "two/__init__.py": ""}, True),
    ],
)
def test_a_package_that_tests_cannot_import_is_told(init, files, can):
    assert ("note   tests cannot import bluer yet" in init(files=files)) != can


def test_a_package_of_a_monorepo_is_held_by_the_settings_at_pytests_rootdir(init, tmp_path):
    files = {"pytest.ini": "[pytest]\n", ".git/HEAD": "", "apps/my-editor/setup.py": ""}
    said = init("--ci", "github", "--lfs", files=files, folder="apps/my-editor")
    new = written(tmp_path) - files.keys()
    assert new == {
        "editmetrics.yaml", "apps/my-editor/tests/test_first_edit_my_editor.py",
        ".github/workflows/edits.yml", ".gitattributes",
    }  # fmt: skip
    assert "next   pytest tests/test_first_edit_my_editor.py\n" in said
    workflow = (tmp_path / ".github/workflows/edits.yml").read_text()
    assert "run: pip install -e ./apps/my-editor pytest-editmetrics\n" in workflow
    assert " pytest apps/my-editor --editmetrics-run-dir=run" in workflow


@pytest.mark.parametrize(
    ("files", "installed"),
    [
        ({"pyproject.toml": "[project]"}, "-e . pytest-editmetrics"),
        ({"requirements.txt": "torch"}, "-r requirements.txt pytest-editmetrics"),
        ({}, "pytest-editmetrics"),
    ],
)
@pytest.mark.parametrize("system", ["github", "gitlab"])
def test_a_workflow_installs_what_there_is(init, tmp_path, system, files, installed):
    init("--ci", system, files=files)
    (path,) = (*tmp_path.glob(".github/workflows/*"), *tmp_path.glob(".gitlab-ci.yml"))
    text = path.read_text()
    assert f" pip install {installed}\n" in text
    assert isinstance(yaml.safe_load(text), dict)


@pytest.mark.parametrize(
    ("files", "branch"),
    [
        ({}, "main"),
        ({".git/refs/heads/master": ""}, "master"),
        ({".git/packed-refs": "# pack-refs\n1234 refs/heads/master\n"}, "master"),
        ({".git/refs/heads/main": "", ".git/refs/heads/master": ""}, "main"),
        (
            {
                ".git/refs/heads/main": "",
                ".git/refs/remotes/origin/HEAD": "ref: refs/remotes/origin/dev/next\n",
            },
            "dev/next",
        ),
        ({".git/HEAD": "ref: refs/heads/trunk\n"}, "trunk"),  # as `git init -b trunk` leaves it
        ({".git/HEAD": "ref: refs/heads/next\n", ".git/refs/heads/next": ""}, "next"),
        ({".git/HEAD": "ref: refs/heads/mine\n", ".git/refs/heads/trunk": ""}, "trunk"),
        ({".git/HEAD": "ref: refs/heads/mine\n", ".git/refs/heads/main": ""}, "main"),
        ({".git/HEAD": "0123456789abcdef\n"}, "main"),
        ({".git/HEAD": "ref: refs/heads/.invalid\n"}, "main"),
        (
            {
                ".git": "gitdir: other/.git/worktrees/w\n",
                "other/.git/worktrees/w/HEAD": "ref: refs/heads/mine\n",
                "other/.git/worktrees/w/commondir": "../..\n",
                "other/.git/refs/heads/trunk": "",
            },
            "trunk",
        ),
    ],
)
def test_a_workflow_runs_on_the_branch_that_there_is(init, tmp_path, files, branch):
    init("--ci", "github", files=files)
    assert f"branches: [{branch}]\n" in (tmp_path / ".github/workflows/edits.yml").read_text()


def test_what_a_run_leaves_is_to_be_kept_out_of_git(init, tmp_path):
    said = init("--ci", "github", files={".git/HEAD": ""})
    assert "then   give --editmetrics-require in the job what a run there says at its end" in said
    assert "then   keep out of git what a run leaves, in .gitignore: run/ report.html\n" in said
    (tmp_path / ".gitignore").write_text("*.pyc\n/run\n")
    assert "in .gitignore: report.html\n" in init("--ci", "github")
    for lines in ("run/\nreport.html\n", "**/run*/\nreport*.html\n"):
        (tmp_path / ".gitignore").write_text(lines)
        assert ".gitignore" not in init("--ci", "github")


def test_a_gitlab_file_that_is_there_is_told_what_to_include(init, tmp_path):
    said = init("--ci", "gitlab", files={".gitlab-ci.yml": "mine"})
    assert "wrote  .gitlab/edits.yml: a job; add to .gitlab-ci.yml: include: " in said
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "mine"


def test_what_is_there_is_kept_and_what_is_missing_written(init, tmp_path):
    files = {
        "editmetrics.yaml": "# mine\n",
        "tests/test_first_edit.py": "# mine\n",
        ".github/workflows/edits.yml": "run: pytest --editmetrics-report=r.html\n",
        ".gitattributes": f"**/goldens/**/*.png {LFS}\n",
    }
    said = init("--ci", "github", "--lfs", files=files)
    assert {name: (tmp_path / name).read_text() for name in written(tmp_path)} == files
    assert said.count("kept   ") == 4
    assert f"kept   .gitattributes; add to it: **/goldens/**/*.webp {LFS}\n" in said
    assert "wrote" not in said
    assert "for CI" not in init()


def test_a_link_to_nowhere_is_not_followed(init, tmp_path):
    (tmp_path / "editmetrics.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    assert "kept   editmetrics.yaml\n" in init()
    assert not (tmp_path / "elsewhere.yaml").exists()


def test_the_configuration_that_holds_already_stays_the_only_one(init, tmp_path):
    ini = "[pytest]\neditmetrics_config = conf/edits.yaml\neditmetrics_goldens = approved\n"
    said = init("--lfs", files={"pytest.ini": ini})
    assert "wrote  conf/edits.yaml: settings" in said
    assert not (tmp_path / "editmetrics.yaml").exists()
    assert (tmp_path / ".gitattributes").read_text().startswith(f"approved/**/*.png {LFS}\n")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"editmetrics.yml": ""}, "editmetrics.yml: it is not read: the configuration is called"),
        ({"tests": "a file"}, "cannot write tests/test_first_edit.py: tests is no folder"),
        ({"pytest.ini": "[pytest]\naddopts = --nonsense\n"}, "pytest cannot start in this project"),
        ({"pytest.ini": "[pytest]\neditmetrics_strict = x\n"}, "editmetrics_strict) cannot be 'x'"),
    ],
)
def test_where_nothing_can_be_written_it_says_why(init, tmp_path, files, said):
    assert said in init(files=files, status=1)
    assert written(tmp_path) - {"editmetrics.yaml"} == files.keys()


def test_a_conftest_is_run_only_where_pytest_cannot_start_without(init):
    broken = {"conftest.py": "raise AssertionError('run')"}
    assert "wrote  editmetrics.yaml" in init(files=broken)
    option = "def pytest_addoption(parser):\n    parser.addoption('--slow', action='store_true')\n"
    ini = "[pytest]\naddopts = --slow\n"
    assert "kept   editmetrics.yaml" in init(files={"conftest.py": option, "pytest.ini": ini})


@pytest.mark.parametrize(
    ("name", "title"),
    [("github.yml", ".github/workflows/edits.yml"), ("gitlab.yml", ".gitlab-ci.yml")],
)
def test_a_workflow_is_the_one_that_the_tutorial_shows(name, title):
    page = (ROOT / "docs" / "tutorials" / "ci.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf'```yaml title="{re.escape(title)}"\n(.*?)```', page, re.S)
    assert block == write.template(name)


@pytest.mark.parametrize("name", ["github.yml", "gitlab.yml"])
def test_what_a_workflow_runs_exists(name):
    text = write.template(name)
    named = set(re.findall(r"--editmetrics-[a-z-]+", text))
    assert named
    assert named <= {option.flag for option in OPTIONS}
    assert not re.findall(r"^ *- (?:run: )?editmetrics .*", text, re.M)


def test_the_command_takes_what_is_written():
    assert callable(make_parser().parse_args(["init", "--ci", "gitlab", "--lfs", "x"]).run)
