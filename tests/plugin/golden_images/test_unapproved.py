"""A golden image that nobody recorded, in the place of one that was: session, audit and check tell."""

from __future__ import annotations

import html
import re
import shutil
import subprocess

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens.provenance import PROVENANCE

TEST = """
import os
import numpy as np
from PIL import Image

def picture(by):
    grey = np.add.outer(np.arange(64), np.arange(64) + by).astype(np.uint8)
    return np.stack([grey] * 3, axis=2)

def test_it(golden_image): golden_image.check(picture(int(os.environ.get("BY", "0"))))
"""
CHECKOUT = "bring back what was recorded (`git checkout`)"


@pytest.fixture
def project(pytester, monkeypatch):
    """One recorded golden image, committed; the model is another since."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    pytester.makeini("[pytest]\n")
    pytester.makepyfile(test_x=TEST)
    settings = "golden_images: {comparator: [exact, pixel]}\n"
    (pytester.path / "editmetrics.yaml").write_text(settings)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (pytester.path / "editmetrics.yaml").write_text("metrics: [unedit_psnr]\n")
    (pytester.path / ".gitignore").write_text("*cache*\n")
    subprocess.run(["git", "init", "-q"], cwd=pytester.path, check=True)
    commit(pytester)
    monkeypatch.setenv("BY", "9")
    return pytester


def commit(project):
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for args in (["add", "-A"], ["commit", "-q", "-m", "change"]):
        subprocess.run(["git", *who, *args], cwd=project.path, check=True)


@pytest.fixture
def audited(project, capsys, monkeypatch):
    """Audit the commit before, and what is on disk; revisions and folder tell the same."""
    monkeypatch.chdir(project.path)

    def run():
        commit(project)
        capsys.readouterr()
        told = []
        for head in ("HEAD", "."):
            status = main(["audit", "HEAD^1", head, "--fail-on-loosening"])
            told.append((status, "".join(capsys.readouterr()).splitlines()[2:]))
        assert told[0] == told[1]
        return told[0][0], "\n".join(told[0][1])

    return run


def image_of(project):
    (image,) = (project.path / "goldens/test_x.py").glob("*.png")
    return image


def overwrite(project, name):
    """Let today's model write an image there."""
    image = image_of(project)
    target = image.with_name(image.stem + name)
    made = {}
    exec(TEST, made)
    made["Image"].fromarray(made["picture"](9)).save(target, lossless=True)
    return target


WAYS = {
    ".png": "it is not the file that its entry in provenance.yaml was recorded of",
    "@cpu.png": "provenance.yaml has no entry of it, and it holds in the place of *, which was recorded",
    ".webp": "provenance.yaml has no entry of it, and it holds in the place of *, which was recorded",
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("name", WAYS)
def test_an_image_in_the_place_of_a_recorded_one_fails_test_audit_and_check(
    project, audited, capsys, name
):
    if name == ".webp":
        (project.path / "editmetrics.yaml").write_text("golden_images: {format: webp}\n")
        commit(project)
    target = overwrite(project, name)
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    shown = target.relative_to(project.path).as_posix()
    result.stdout.fnmatch_lines(
        [f"*the golden image {shown} was not approved: {WAYS[name]}; {CHECKOUT}*"]
    )
    assert main(["check"]) == 1
    said = "".join(capsys.readouterr())
    pytest.LineMatcher(said.splitlines()).fnmatch_lines([f"*{shown}: {WAYS[name]}: {CHECKOUT}*"])
    status, said = audited()
    assert status == 1
    pytest.LineMatcher(said.splitlines()).fnmatch_lines(
        [
            "golden images: 1",
            f"  unapproved: {shown} ({WAYS[name]})",
            "*, 1 golden image unapproved",
        ]
    )
    project.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    project.runpytest().assert_outcomes(passed=1)
    capsys.readouterr()
    assert main(["check"]) == 0


def test_no_xfail_mark_hides_it(project):
    overwrite(project, ".png")
    project.makepyfile(
        test_x=TEST.replace("def test", "import pytest\n@pytest.mark.xfail\ndef test")
    )
    assert project.runpytest().ret == 1


def test_an_image_that_was_put_there_by_hand_is_a_note_and_no_more(project, audited, capsys):
    (image_of(project).parent / PROVENANCE).unlink()
    target = overwrite(project, ".png")
    result = project.runpytest()
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["warning: golden images of which provenance.yaml has no entry*"])
    capsys.readouterr()
    assert main(["check"]) == 0
    assert f"{target.name}: provenance.yaml has no entry of it\n" in "".join(capsys.readouterr())
    status, said = audited()
    assert status == 1
    assert f"{target.name} (provenance.yaml has no entry of it)" in said


def test_what_waits_to_be_recorded_and_what_git_lfs_keeps_is_no_other_image(
    project, audited, capsys
):
    image = image_of(project)
    image.with_name(image.stem + "@cpu.png").touch()
    (entries,) = (project.path / "goldens/test_x.py").glob(PROVENANCE)
    (sha256,) = re.findall(r'sha256: "(\w+)"\n', entries.read_text())
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 99\n"
    image.write_text(pointer.format(sha256))
    assert "unapproved" not in audited()[1]
    assert main(["check"]) == 0
    image.write_text(pointer.format("0" * 64))
    assert "1 golden image unapproved" in audited()[1]
    capsys.readouterr()
    assert main(["check"]) == 1


def test_an_image_that_was_unapproved_before_is_no_change(project, audited):
    overwrite(project, ".png")
    assert audited()[0] == 1
    (project.path / "test_y.py").write_text("")
    assert audited()[0] == 0


@pytest.mark.parametrize(
    ("now", "status", "told"),
    [
        ('["exact"]', 1, "held by exact, pixel -> exact, and not by pixel"),
        ('["exact", "pixel", "tone"]', 0, "held by exact, pixel -> exact, pixel, tone"),
        ("", 1, "held by exact, pixel -> lpips, and not by exact, pixel"),
        ('["pixel", "exact"]', 0, ""),
    ],
)
def test_fewer_comparators_of_an_entry_loosen(project, audited, now, status, told):
    entries = image_of(project).with_name(PROVENANCE)
    line = f"  comparator: {now}\n" if now else ""
    entries.write_text(re.sub(r"  comparator: .*\n", line, entries.read_text()))
    found, said = audited()
    assert found == status
    if told:
        assert f"goldens/test_x.py/provenance.yaml: {image_of(project).name}: {told}\n" in said
        assert "1 comparator changed" in said
    else:
        assert "comparator" not in said


@pytest.mark.parametrize("how", ["ini", "addopts"])
def test_goldens_that_are_looked_for_elsewhere_are_told(project, audited, how):
    option = {
        "ini": "editmetrics_goldens = loose",
        "addopts": "addopts = --editmetrics-goldens=loose",
    }
    project.makeini(f"[pytest]\n{option[how]}\n")
    shutil.copytree(project.path / "goldens", project.path / "loose")
    status, said = audited()
    assert status == 1
    assert "\ngolden folders: 1\n" in said
    assert (
        ".: editmetrics_goldens: beside the tests -> loose, so that 1 golden file elsewhere, as"
        " goldens/test_x.py, may hold nothing\n" in said
    )
    project.makeini("[pytest]\n")
    status, said = audited()
    assert (
        "editmetrics_goldens: loose -> beside the tests, so that 1 golden file elsewhere, as loose"
        in said
    )
    assert status == 1


def test_goldens_that_moved_to_where_they_are_looked_for_are_no_loosening(project, audited):
    project.makeini("[pytest]\neditmetrics_goldens = all/of/them\n")
    (project.path / "all/of").mkdir(parents=True)
    (project.path / "goldens").rename(project.path / "all/of/them")
    status, said = audited()
    assert status == 0
    assert "editmetrics_goldens: beside the tests -> all/of/them\n" in said


def test_one_whose_entry_alone_is_left_was_dropped(project, audited, capsys):
    image = image_of(project)
    image.unlink()
    (project.path / "test_x.py").write_text("def test_other(): pass\n")
    status, said = audited()
    assert status == 1
    assert f"dropped: goldens/test_x.py/{image.name} (its entry in provenance.yaml is left)" in said
    capsys.readouterr()
    assert main(["check"]) == 0
    assert f"{image.name}: provenance.yaml has its entry, and it is not there" in "".join(
        capsys.readouterr()
    )


def test_what_takes_one_for_good_says_what_it_took(project, monkeypatch):
    target = overwrite(project, ".png")
    result = project.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*not reached*")
    result = project.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["approved: 1 golden image in goldens/test_x.py, which nobody had recorded; look at *"]
    )
    result.stdout.no_fnmatch_line("comparators named*")
    assert target.exists()


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("name", [".png", "@cpu.png", "no entry at all"])
def test_the_comment_names_what_was_taken_for_good(project, capsys, mode, name):
    if name.startswith("no"):
        (image_of(project).parent / PROVENANCE).unlink()
        name = ".png"
    target = overwrite(project, name).relative_to(project.path).as_posix()
    run = ("--editmetrics-run-dir=run", *mode)
    project.runpytest("--editmetrics-update=missing", *run).assert_outcomes(passed=1)
    title = "### Approved golden images that nobody had recorded (look at what is there): 1"
    assert f"{title}\n- <code>test_x.py::test_it: {target}</code>\n" in commented(capsys)
    project.runpytest(*run).assert_outcomes(passed=1)
    assert "nobody had recorded" not in commented(capsys)


def test_the_comment_names_what_still_has_no_entry(project, capsys):
    (image_of(project).parent / PROVENANCE).unlink()
    overwrite(project, ".png")
    project.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    title = "### Golden images of which provenance.yaml has no entry (nothing tells *): 1"
    pytest.LineMatcher(commented(capsys).splitlines()).fnmatch_lines(
        [title, "- <code>test_x.py::test_it: goldens/test_x.py/test_it-*.png</code>"]
    )


def commented(capsys):
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    return html.unescape(capsys.readouterr().out)
