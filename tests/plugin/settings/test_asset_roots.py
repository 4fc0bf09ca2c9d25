"""Images and goldens that lie outside the rootdir: ``asset_roots``, and what is said without it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main

CASE = """\
cases:
  - id: cat
    reference: {reference}
    edited: {edited}
    coords: {coords}
"""
SETTINGS = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 0}\n"


@pytest.fixture
def repo(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A monorepo: two packages with an ini file each, images in one and beside both."""
    root = pytester.path
    (root / ".git").mkdir()
    for name in ("pkga", "pkgb"):
        (root / name / "tests").mkdir(parents=True)
        (root / name / "pytest.ini").write_text("[pytest]\n")
        (root / name / "editmetrics.yaml").write_text(SETTINGS)
    (root / "shared images").mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    for folder in (root / "pkgb" / "tests", root / "shared images", root / "pkga" / "tests"):
        for name in ("cat", "edited"):
            Image.fromarray(picture).save(folder / f"{name}.png")
        Image.fromarray(np.eye(16, dtype=bool)).save(folder / "mask.png")
    monkeypatch.chdir(root / "pkga")
    return root


def write(path: Path, reference="cat.png", edited="edited.png", coords="") -> Path:
    path.write_text(CASE.format(reference=reference, edited=edited, coords=coords))
    return path


def add(path: Path, text: str) -> None:
    path.write_text(path.read_text() + text)


OTHER = "../../pkgb/tests/cat.png"


@pytest.mark.quick(6)
@pytest.mark.parametrize(
    "where",
    [
        {"reference": OTHER},
        {"edited": OTHER},
        {"coords": "{mask: ../../pkgb/tests/mask.png}"},
        {"coords": "{mask: {path: ../../pkgb/tests/mask.png, invert: true}}"},
        {"coords": "../../pkgb/tests/mask.png"},
    ],
    ids=["reference", "edited", "mask", "mask with more to it", "mask by its path"],
)
@pytest.mark.parametrize("way", ["none", "settings", "ini", "command line"])
def test_a_file_of_another_package_wants_its_folder_named(repo, pytester, where, way):
    case = write(repo / "pkga/tests/test_a.edit.yaml", **where)
    options = []
    if way == "settings":
        add(repo / "pkga/editmetrics.yaml", "asset_roots: [../pkgb]\n")
    elif way == "ini":
        add(repo / "pkga/pytest.ini", "editmetrics_asset_roots = ../nowhere ../pkgb\n")
    elif way == "command line":
        options = ["--editmetrics-asset-roots=../pkgb/tests"]
    result = pytester.runpytest("-q", case, *options)
    if way != "none":
        result.assert_outcomes(passed=1)
        return
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        [
            "*tests/test_a.edit.yaml:*lies outside *pkga, the rootdir; if it belongs to the project,"
            " write `asset_roots: [[]../pkgb/tests[]]` into editmetrics.yaml, or"
            " editmetrics_asset_roots into pytest's ini file"
        ]
    )


def test_what_the_message_says_to_write_is_right(repo, pytester):
    """Also where the configuration lies above the rootdir and a name has a space in it."""
    (repo / "pkga/editmetrics.yaml").unlink()
    (repo / "editmetrics.yaml").write_text(SETTINGS)
    case = write(repo / "pkga/tests/test_a.edit.yaml", "../../shared images/cat.png")
    text = pytester.runpytest("-q", case).stdout.str()
    said = text.partition("write `")[2].partition("`")[0]
    assert said == "asset_roots: [shared images]"
    add(repo / "editmetrics.yaml", said + "\n")
    pytester.runpytest("-q", case).assert_outcomes(passed=1)


def test_a_folder_that_is_named_and_not_the_right_one_is_said(repo, pytester):
    case = write(repo / "pkga/tests/test_a.edit.yaml", OTHER)
    add(repo / "pkga/editmetrics.yaml", "asset_roots: [../shared images, ../pkgc]\n")
    result = pytester.runpytest("-q", case)
    result.stdout.fnmatch_lines(
        [
            "*the rootdir and *shared images of asset_roots and *pkgc of asset_roots (no such folder);*"
        ]
    )


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("asset_roots: ../pkgb", "editmetrics.yaml:3: asset_roots must be a list*not text*"),
        ("asset_roots: ['']", "editmetrics.yaml:3: a folder of asset_roots is empty"),
        ("asset_roots: [7]", "editmetrics.yaml:3: a folder of asset_roots must be text, not 7"),
        ("asset_root: [../pkgb]", "*unknown key 'asset_root' (did you mean 'asset_roots'?)"),
    ],
)
def test_folders_that_make_no_sense_are_said_whether_or_not_they_matter(repo, pytester, line, says):
    add(repo / "pkga/editmetrics.yaml", line + "\n")
    case = write(repo / "pkga/tests/test_a.edit.yaml")
    result = pytester.runpytest("-q", case)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{says}"])
    write(case, OTHER)
    if "asset_roots:" in line:
        result = pytester.runpytest("-q", case)
        assert result.ret == 2
        result.stdout.fnmatch_lines([f"*{says}"])


def test_roots_of_a_base_lie_beside_it_and_variables_are_followed(repo, pytester, monkeypatch):
    (repo / "common").mkdir()
    (repo / "common/base.yaml").write_text("asset_roots: [../pkgb, '${env:ASSETS}']\n")
    text = "_base_: ../common/base.yaml\n" + SETTINGS
    (repo / "pkga/editmetrics.yaml").write_text(text)
    monkeypatch.setenv("ASSETS", str(repo / "shared images"))
    case = write(repo / "pkga/tests/test_a.edit.yaml", OTHER, "'../../shared images/cat.png'")
    pytester.runpytest("-q", case).assert_outcomes(passed=1)


def test_a_link_counts_by_where_it_leads(repo, pytester):
    link = repo / "pkga/tests/linked.png"
    link.symlink_to(repo / "pkgb/tests/cat.png")
    case = write(repo / "pkga/tests/test_a.edit.yaml", "linked.png")
    assert pytester.runpytest("-q", case).ret == 2
    (repo / "pkga/tests/way").symlink_to(repo / "pkgb", target_is_directory=True)
    write(case, "way/tests/cat.png")
    assert pytester.runpytest("-q", case).ret == 2
    add(repo / "pkga/editmetrics.yaml", "asset_roots: [tests/way]\n")
    pytester.runpytest("-q", case).assert_outcomes(passed=1)
    (repo / "shared images/out.png").symlink_to(repo / "pkgb/tests/cat.png")
    add(repo / "pkga/pytest.ini", "editmetrics_asset_roots = '../shared images'\n")
    (repo / "pkga/editmetrics.yaml").write_text(SETTINGS)
    write(case, "'../../shared images/cat.png'")
    pytester.runpytest("-q", case).assert_outcomes(passed=1)
    write(case, "'../../shared images/out.png'")
    assert pytester.runpytest("-q", case).ret == 2


def test_tests_of_two_packages_want_a_wider_rootdir(repo, pytester, monkeypatch):
    """pytest takes the first package's folder for the rootdir."""
    monkeypatch.chdir(repo)
    write(repo / "pkga/tests/test_a.edit.yaml")
    write(repo / "pkgb/tests/test_b.edit.yaml")
    folders = ["pkga/tests", "pkgb/tests"]
    result = pytester.runpytest("-q", *folders)
    assert result.ret == 2
    result.stdout.fnmatch_lines(
        [f"*test_b.edit.yaml:3: reference 'cat.png' lies outside *pkga, the rootdir, and so does this"
         f" file: pytest takes one package's folder for the rootdir; give --rootdir={repo}"]
    )  # fmt: skip
    (repo / "editmetrics.yaml").write_text(SETTINGS)
    pytester.runpytest("-q", f"--rootdir={repo}", *folders).assert_outcomes(passed=2)
    pytester.runpytest("-q", "pkga/tests").assert_outcomes(passed=1)


def test_goldens_of_two_packages_under_one_root_want_a_wider_rootdir(repo, pytester, monkeypatch):
    monkeypatch.chdir(repo)
    body = "def test_{0}(edit_gate):\n    edit_gate.check({1!r}, {2!r})\n"
    for name in ("pkga", "pkgb"):
        images = (str(repo / name / f"tests/{image}.png") for image in ("cat", "edited"))
        text = body.format(name, *images)
        (repo / name / f"tests/test_{name}.py").write_text(text.replace("pkgb/tests", "pkga/tests"))
    options = ["pkga/tests", "pkgb/tests", "--editmetrics-goldens=approved"]
    result = pytester.runpytest("-q", "--import-mode=importlib", *options)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [f"*test_pkgb.py lies outside the rootdir*; give --rootdir={repo}*"]
    )


def linked(path: Path, target: Path) -> Path:
    """Move a file and leave a link to it, as Bazel's tree of runfiles is made."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    path.symlink_to(target)
    return target


@pytest.fixture(params=["the same disk", "another disk"])
def tree(request, tmp_path_factory):
    """Where files lie to which links lead."""
    near, far = tmp_path_factory.mktemp("execroot"), Path("/dev/shm")
    if request.param == "the same disk":
        yield near
        return
    if not os.access(far, os.W_OK) or far.stat().st_dev == near.stat().st_dev:
        pytest.skip("there is no other disk here")
    with TemporaryDirectory(dir=far) as folder:
        yield Path(folder)


GOLDEN = """
import numpy as np

def test_it(check, golden_image):
    check(VALUE)
    golden_image.check(np.full((16, 16, 3), VALUE, np.uint8), comparator="exact")
"""


def test_goldens_that_bazel_links_are_read_and_written_through(suite, tree):
    suite.makepyfile(test_x=GOLDEN.replace("VALUE", "40"))
    suite.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    files = [path for path in (suite.path / "goldens").rglob("*") if path.is_file()]
    assert len(files) == 3
    real = [linked(path, tree / path.relative_to(suite.path)) for path in files]
    result = suite.runpytest("-q")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*a link leads to*under `asset_roots` in editmetrics.yaml (Bazel*"]
    )
    (suite.path / "editmetrics.yaml").write_text("asset_roots: ['${env:TREE}']\n")
    suite._monkeypatch.setenv("TREE", str(tree))
    suite.runpytest("-q").assert_outcomes(passed=1)

    suite.makepyfile(test_x=GOLDEN.replace("VALUE", "90"))
    suite.runpytest("-q").assert_outcomes(failed=1)
    before = [path.read_bytes() for path in real]
    suite.runpytest("-q", "--editmetrics-update=failed").assert_outcomes(passed=1)
    assert all(path.is_symlink() for path in files)
    assert all(path.read_bytes() != old for path, old in zip(real, before, strict=True))
    suite.runpytest("-q").assert_outcomes(passed=1)


def test_a_case_file_is_collected_alike_by_workers(repo, pytester):
    case = write(repo / "pkga/tests/test_a.edit.yaml", OTHER)
    add(repo / "pkga/editmetrics.yaml", "asset_roots: [../pkgb]\n")
    pytester.runpytest_subprocess("-q", "-n1", case).assert_outcomes(passed=1)


def test_a_run_of_strangers_widens_nothing(suite, tmp_path_factory, monkeypatch):
    """Its folder may hold a configuration, an ini file, and gates that name a linked golden."""
    suite.makepyfile(test_x="def test_it(check): check(40)\n")
    suite.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.makepyfile(test_x="def test_it(check): check(90)\n")
    suite.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(failed=1)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    foreign = Path(shutil.move(suite.path / "run", elsewhere / "run"))
    (foreign / "editmetrics.yaml").write_text("asset_roots: [/]\n")
    (foreign / "pytest.ini").write_text("[pytest]\neditmetrics_asset_roots = /\n")
    golden = suite.path / "goldens/test_x.py.yaml"
    secret = linked(golden, elsewhere / "secret.yaml")
    before = secret.read_bytes()
    monkeypatch.chdir(suite.path)
    assert main(["approve", str(foreign)]) == 1
    main(["score", str(foreign), "-o", "scored"])
    main(["report", str(foreign)])
    assert secret.read_bytes() == before
    results = (suite.path / "scored/results.jsonl").read_text()
    assert "a link leads to" in results
    assert os.path.islink(golden)
