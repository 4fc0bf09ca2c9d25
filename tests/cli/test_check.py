"""`editmetrics check`: the YAML files of a project are read as a run would read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_editmetrics.cli.main import main

CONFTEST = """\
from pytest_editmetrics import Metric

class Sharpness:
    def __call__(self, *args, **params):
        return 0.0

def pytest_editmetrics_register_pipes(registry):
    registry.register("sharpness-pipe", Sharpness, metrics=[Metric("sharpness", "lower")])
"""
GOOD = {
    "editmetrics.yaml": "metrics: [lpips]\nthresholds: {lpips: 0.1}\n",
    "test_a.edit.yaml": "cases: [{id: one, reference: not_there.png}]\n",
    "goldens/test_a.py.yaml": '"test_a":\n  lpips: {max: 0.1}\n',
    "goldens/_fixtures.yaml": '"fixture out":\n  lpips: {max: 0.1}\n',
    "goldens/test_a.py/provenance.yaml": "a.png: {test: test_a, sha256: abc}\n",
}
BAD = {
    "editmetrics.yaml": ("metrics: [lpips]\nthreshold: {lpips: 0.1}\n", 2, "threshold"),
    "gpu/editmetrics.yaml": ("pipes_default:\n  lpips-pipe: {device: cudaa}\n", 2, "cudaa"),
    "sub/editmetrics.yaml": ("suite:\n  lpips: {meen: 1}\n", 2, "meen"),
    "test_a.edit.yaml": ("cases:\n  - {id: one, referense: a.png}\n", 2, "referense"),
    "test_b.edit.yaml": ("cases:\n  - {id: setup_module, reference: a.png}\n", 2, "setup_module"),
    "goldens/test_a.py.yaml": ('"test_a":\n  lpips: {min: 0.1}\n', 2, "min"),
    "goldens/_fixtures.yaml": ('"fixture out":\n  lpips: {maxx: 0.1}\n', 2, "maxx"),
    "goldens/test_a.py/provenance.yaml": ("a.png:\n  sha256: 3\n", 2, "sha256"),
    "editmetrics.yml": ("metrics: [lpips]\n", None, "read are editmetrics.yaml"),
    "cases.edit.yaml": ("cases: []\n", None, "test_*.edit.yaml"),
}


@pytest.fixture
def project(tmp_path, monkeypatch, capsys):
    """An empty project; writes files into it and checks it."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)

    def check(files: dict[str, str], *args: str) -> tuple[int, str, str]:
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        status = main(["check", *args])
        return status, *capsys.readouterr()

    return check


def test_each_kind_of_file_is_read_and_an_image_is_only_missed(project):
    missed = "goldens/test_a.py/a.png: provenance.yaml has its entry, and it is not there\n"
    assert project(GOOD) == (0, f"{len(GOOD)} files are right\n", missed)


def test_golden_images_that_git_lfs_keeps_are_noted_and_pass(project, tmp_path):
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
    (tmp_path / "goldens/test_a.py").mkdir(parents=True)
    (tmp_path / "goldens/test_a.py/a.png").write_text(pointer)
    assert project(GOOD) == (
        0,
        f"{len(GOOD)} files are right\n",
        "goldens/test_a.py: 1 golden image is in Git LFS, not here; to compare: git lfs pull\n",
    )


@pytest.mark.parametrize("name", BAD)
def test_each_kind_of_mistake_is_told_with_its_line(project, name):
    text, line, word = BAD[name]
    status, out, err = project({**GOOD, name: text}, name)
    assert (status, out) == (1, "")
    where = name if line is None else f"{name}:{line}"
    assert err.startswith(f"editmetrics: error: {where}: ")
    assert word in err
    assert err.endswith("FAILED: 1 of 1 file cannot be used\n")


def test_all_files_are_read_and_every_mistake_is_told(project):
    status, _, err = project({name: text for name, (text, *_) in BAD.items()})
    assert status == 1
    assert all(f"error: {name}:" in err for name in BAD)
    assert err.endswith(f"FAILED: {len(BAD)} of {len(BAD)} files cannot be used\n")


def test_a_folder_is_all_below_it_and_a_file_counts_once(project):
    status, out, _ = project(GOOD, "goldens", "goldens/test_a.py.yaml", "editmetrics.yaml")
    assert (status, out) == (0, "4 files are right\n")


def test_hidden_folders_and_environments_are_not_the_projects(project):
    bad = "thresholds: {lpisp: 1}\n"
    files = {".tox/editmetrics.yaml": bad, "env/editmetrics.yaml": bad, "env/pyvenv.cfg": ""}
    assert project({**GOOD, **files})[:2] == (0, "5 files are right\n")


def test_nothing_to_check_is_no_pass(project):
    status, _, err = project({})
    assert status == 1
    assert "there is no file to check; read are editmetrics.yaml, " in err


@pytest.mark.parametrize("name", ["notes.yaml", "editmetrics.yaml", "gone/test_a.py.yaml"])
def test_a_file_that_is_not_there_or_none_of_ours_is_no_pass(project, name):
    status, _, err = project({"notes.yaml": "a: 1\n"}, name)
    assert status == 1
    assert f"error: {name}: " in err


def test_a_configuration_of_another_name_is_one_where_pytest_is_told_so(project):
    ini = "[pytest]\neditmetrics_config = mine.yaml\n"
    status, _, err = project({"pytest.ini": ini, "mine.yaml": "metrics: [lpisp]\n"}, "mine.yaml")
    assert status == 1
    assert "mine.yaml:1: " in err


@pytest.mark.parametrize("place", ["conftest.py", "tests/conftest.py"])
def test_metrics_that_a_conftest_registers_are_known(project, place):
    golden = str(Path(place).parent / "goldens/test_a.py.yaml")
    files = {golden: '"test_a":\n  sharpness: {max: 0.1}\n'}
    assert project(files)[0] == 1
    assert project({**files, place: CONFTEST}, golden)[:2] == (0, "1 file is right\n")


def test_goldens_that_state_no_bound_are_named(project):
    text = "test_a:\ntest_b: {lpips: {}, emd: {max: 1}}\ntest_c: {lpips: {env: {cpu: {max: 1}}}}\n"
    status, said, noted = project({"goldens/test_a.py.yaml": text})
    assert (status, said) == (0, "1 file is right\n")
    waits = "states no bound: restore it, or record one"
    assert noted.splitlines() == [
        f"goldens/test_a.py.yaml:1: test_a {waits}",
        f"goldens/test_a.py.yaml:2: test_b lpips {waits}",
    ]


def test_metrics_that_leave_out_what_expect_would_hold_are_noted(project):
    text = "expect: composited\nmetrics: [lpips, edit_lpips]\n"
    status, out, err = project({"editmetrics.yaml": text})
    assert (status, out) == (0, "1 file is right\n")
    told = "expect composited would also hold unedit_max_diff: metrics of editmetrics.yaml leaves it out"
    assert err == f"{told}\n"


@pytest.mark.parametrize("stated", ["at the top", "in its cases"])
def test_what_the_metrics_of_cases_leave_out_of_their_expect_is_noted_once(project, stated):
    top = "expect: composited\n" if stated == "at the top" else ""
    own = "" if top else ", expect: composited"
    cases = "".join(f"  - {{id: {name}, reference: a.png{own}}}\n" for name in "ab")
    text = f"{top}metrics: [lpips, edit_lpips]\ncases:\n{cases}"
    status, out, err = project({"test_a.edit.yaml": text})
    assert (status, out) == (0, "1 file is right\n")
    told = "expect composited would also hold unedit_max_diff: metrics in test_a.edit.yaml leaves it out"
    assert err == f"{told}\n"
