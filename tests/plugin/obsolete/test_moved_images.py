"""A test file with golden images was renamed: the move is said first, of each image, and `prune` leaves them."""

from __future__ import annotations

import subprocess

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

PICTURES = """
import numpy as np

def made(seed): return np.random.default_rng(seed).integers(0, 255, (16, 16, 3), np.uint8)
def test_two(golden_image):
    golden_image.check(made(1), name="a")
    golden_image.check(made(2), name="b")
def test_one(golden_image): golden_image.check(made(3))
"""
STRICT, RUN = "--editmetrics-strict=regressed", "--editmetrics-run-dir=run"
OLD, NEW = "tests/goldens/test_golden.py", "tests/goldens/test_pictures.py"


@pytest.fixture
def golden(pytester, monkeypatch):
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests/test_golden.py").write_text(PICTURES)
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makeini("[pytest]\n")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    monkeypatch.chdir(pytester.path)
    return pytester


def rename(suite, text=PICTURES):
    (suite.path / "tests/test_golden.py").unlink()
    (suite.path / "tests/test_pictures.py").write_text(text)


def kept(suite) -> int:
    return len(list(suite.path.glob(f"{OLD}/*.png")))


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_the_move_is_said_first_and_the_folder_is_moved_once(golden, mode, capsys):
    rename(golden)
    move = f"a test looks for it in {NEW}: move the folder there: git mv {OLD} {NEW} ("
    result = golden.runpytest(STRICT, RUN, *mode)
    head = "obsolete golden images (move or rename what a test looks for, as is said of them): 3"
    names = ("test_one-*", "test_two-a-*", "test_two-b-*")
    how = (move, "it moves with its folder (", "it moves with its folder (")
    lines = [f"  {OLD}/{name}.png: {do}*" for name, do in zip(names, how, strict=True)]
    result.stdout.fnmatch_lines([f"FAILED: {head}", *lines])
    result.stdout.no_fnmatch_line("*prune*")
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    comment = capsys.readouterr().out
    assert comment.count("obsolete golden images") == 1
    assert main(["prune", "run", "--yes"]) == 0
    said = capsys.readouterr().out
    assert [said.count(f".png: {one}") for one in how] == [1, 2, 2]
    assert "left: 3 golden images that tests without one may mean: move or rename" in said
    assert "nothing to remove" in said
    assert kept(golden) == 3
    subprocess.run(["mv", OLD, NEW], cwd=golden.path, check=True)
    golden.runpytest(STRICT, *mode).assert_outcomes(passed=2)


def test_what_no_test_looks_for_is_removed_all_the_same(golden, capsys):
    rename(golden, PICTURES.partition("def test_one")[0])
    result = golden.runpytest(RUN)
    head = (
        "obsolete golden images (move or rename what a test looks for, as is said of them;"
        " `editmetrics prune run --yes` removes the others, where that is certain)*: 3"
    )
    result.stdout.fnmatch_lines([head, f"  {OLD}/test_one-*.png: its test file is gone"])
    capsys.readouterr()
    assert main(["prune", "run", "--yes"]) == 0
    assert "removed 1\n" in capsys.readouterr().out
    assert kept(golden) == 2


def test_a_test_that_did_not_come_to_its_check_may_look_for_it(golden, capsys):
    rename(golden, PICTURES.replace("def made(seed):", "def made(seed): 1 / 0;"))
    golden.runpytest(RUN).stdout.fnmatch_lines(
        [f"  {OLD}/test_one-*.png: a test looks for it in *"]
    )
    assert main(["prune", "run", "--yes"]) == 0
    assert kept(golden) == 3


@pytest.mark.parametrize("kept_run", [RUN, "--editmetrics-results=run.jsonl", None])
def test_a_picture_that_a_test_of_another_name_makes_is_to_be_moved(golden, capsys, kept_run):
    text = PICTURES.replace("test_one", "test_renamed").replace("test_two", "test_other")
    rename(golden, text)
    result = golden.runpytest(*([kept_run] if kept_run else []))
    said = [
        f"when its folder is in place (git mv {OLD} {NEW}), git mv {NEW}/{old}-*.png"
        f" {NEW}/{new}-*.png, and in {NEW}/provenance.yaml make its key '{old}-*.png' '{new}-*.png'"
        f" with test: '{test}' (its test file is gone)"
        for old, new, test in (
            ("test_one", "test_renamed", "test_renamed"),
            ("test_two-a", "test_other-a", "test_other"),
            ("test_two-b", "test_other-b", "test_other"),
        )
    ]
    lead = [
        f"tests/test_pictures.py::{one} makes this picture now: "
        for one in ("test_renamed", "test_other")
    ]
    lead.append("a test looks for *: ")  # test_other did not come to it
    result.stdout.fnmatch_lines(
        [
            "obsolete golden images (move or rename what a test looks for, as is said of them)*: 3",
            *(f"  {OLD}/*.png: {start}{end}" for start, end in zip(lead, said, strict=True)),
            "first rename or move what stands above as obsolete: *",
        ]
    )
    if kept_run:
        capsys.readouterr()
        assert main(["prune", kept_run.partition("=")[2], "--yes"]) == 0
        told = capsys.readouterr().out
        assert all(f"left: {OLD}/{one}" in told for one in ("test_one", "test_two-a", "test_two-b"))
        assert all(one in told for one in lead[:2])
        assert kept(golden) == 3


def test_one_that_is_renamed_beside_others_of_its_file(golden):
    """Its key, and its test, of provenance are named: then what was approved holds."""
    (golden.path / "tests/test_golden.py").write_text(PICTURES.replace("test_one", "test_zebra"))
    result = golden.runpytest()
    line = next(one for one in result.stdout.lines if "makes this picture now: git mv" in one)
    assert "tests/test_golden.py::test_zebra makes this picture now: git mv" in line
    old, new = line.partition("git mv ")[2].partition(",")[0].split()
    (golden.path / old).rename(golden.path / new)
    old, new = (one.rpartition("/")[2] for one in (old, new))
    assert f"in {OLD}/provenance.yaml make its key {old!r} {new!r} with test: 'test_zebra'" in line
    entries = golden.path / OLD / "provenance.yaml"
    text = entries.read_text().replace(old, new).replace("test_one", "test_zebra")
    entries.write_text(text)
    result = golden.runpytest(STRICT)
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*provenance*")


def test_recorded_anew_the_old_ones_are_removed(golden, capsys):
    rename(golden, PICTURES.replace("made(seed): return", "made(seed): return 255 -"))
    golden.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    golden.runpytest(RUN).stdout.fnmatch_lines(
        [f"  {OLD}/*.png: its test file is gone (did it move?*"]
    )
    assert main(["prune", "run", "--yes"]) == 0
    assert kept(golden) == 0


def test_a_renamed_test_that_is_skipped_here_keeps_its_image(golden, capsys):
    skipped = "import pytest\n" + PICTURES.replace(
        "def test_one(", "@pytest.mark.skip\ndef test_first("
    )
    (golden.path / "tests/test_golden.py").write_text(skipped)
    golden.runpytest(RUN)
    assert main(["prune", "run", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "tests/test_golden.py::test_first did not come to its golden images" in said
    assert kept(golden) == 3
    (golden.path / "tests/test_golden.py").write_text(PICTURES.partition("def test_one")[0])
    golden.runpytest(RUN)
    assert main(["prune", "run", "--yes"]) == 0
    assert kept(golden) == 2


LATE = {
    "skipped": """
def test_first(request):
    pytest.skip()
    request.getfixturevalue("golden_image").check(made(3))
""",
    "a helper": """
def images(request): return request.getfixturevalue("golden_image")
@pytest.mark.skip
def test_first(request, edit_gate): images(request).check(made(3))
""",
    "a fixture": """
@pytest.fixture
def images(request): return request.getfixturevalue("golden_image")
@pytest.mark.skip
def test_first(edit_gate, images): images.check(made(3))
""",
    "gates": """
@pytest.mark.editmetrics(gates="none")
def test_first(golden_image):
    if not made: golden_image.check(made(3))
""",
    "edit gate": """
@pytest.mark.editmetrics(thresholds={"unedit_psnr": 1})
def test_first(golden_image, edit_gate):
    edit_gate.check(made(1), made(1), metrics="unedit_psnr")
    if not made: golden_image.check(made(3))
""",
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("test", LATE.values(), ids=LATE)
def test_a_renamed_test_that_asks_for_its_image_as_it_runs_keeps_it(golden, capsys, test, mode):
    head = "import pytest\n" + PICTURES.partition("def test_one")[0]
    (golden.path / "tests/test_golden.py").write_text(head + test)
    assert golden.runpytest_subprocess(RUN, *mode).ret == 0
    capsys.readouterr()
    assert main(["prune", "run", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "tests/test_golden.py::test_first did not come to its golden images" in said
    assert kept(golden) == 3


def test_other_tests_that_ask_for_fixtures_as_they_run_keep_none(golden, capsys):
    head = "import pytest\n" + PICTURES.partition("def test_one")[0]
    other = """
@pytest.fixture
def model(request): return request.param
@pytest.mark.parametrize("model", [1], indirect=True)
def test_skipped(model, edit_gate, tmp_path): pytest.skip()
def test_passed(request): request.getfixturevalue("tmp_path")
"""
    (golden.path / "tests/test_golden.py").write_text(head + other)
    golden.runpytest(RUN)
    assert main(["prune", "run", "--yes"]) == 0
    assert kept(golden) == 2


@pytest.mark.quick(2)
@pytest.mark.parametrize("why", ["skip", "addopts", "fails", "module", "misnamed", "other file"])
def test_every_reason_why_a_renamed_test_did_not_look_for_its_image(golden, capsys, why):
    text = {
        "skip": "import pytest\n" + PICTURES.replace("def test", "@pytest.mark.skip\ndef test"),
        "addopts": "import pytest\n" + PICTURES.replace("def test", "@pytest.mark.slow\ndef test"),
        "fails": PICTURES.replace("def made(seed):", "def made(seed): 1 / 0;"),
        "module": f"import pytest\npytest.importorskip('no_such')\n{PICTURES}",
    }.get(why, PICTURES)
    rename(golden, text.replace("test_one", "test_first").replace("test_two", "test_second"))
    (golden.path / "tests/test_plain.py").write_text("def test_plain(): pass\n")
    if why == "addopts":
        golden.makeini("[pytest]\nmarkers = slow\naddopts = -m 'not slow'\n")
    if why == "misnamed":
        (golden.path / "tests/test_pictures.py").rename(golden.path / "tests/golden.edit.yaml")
    golden.runpytest(*(("tests/test_plain.py",) if why == "other file" else ()), RUN)
    capsys.readouterr()
    assert main(["prune", "run", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "removed" not in said
    why = "rename it first" if why == "misnamed" else "prune a run of the whole suite"
    assert why in said
    assert kept(golden) == 3


def test_a_run_of_some_files_does_not_say_that_there_is_nothing_to_remove(golden, capsys):
    golden.runpytest("tests/test_golden.py", RUN)
    assert main(["prune", "run", "--yes"]) == 0
    assert (
        "in the files that the run was asked for; it tells of no others" in capsys.readouterr().out
    )


def test_a_folder_whose_other_tests_stayed_is_not_moved(golden):
    one = "def test_one" + PICTURES.partition("def test_one")[2]
    head = PICTURES.partition("def test_two")[0]
    (golden.path / "tests/test_golden.py").write_text(PICTURES.replace(one, ""))
    (golden.path / "tests/test_pictures.py").write_text(head + one)
    result = golden.runpytest()
    result.stdout.fnmatch_lines(
        [
            f"  {OLD}/test_one-*.png: tests/test_pictures.py::test_one makes this picture now:"
            f" mkdir -p {NEW} && git mv {OLD}/test_one-*.png {NEW}/test_one-*.png, and move its entry from"
            f" {OLD}/provenance.yaml to {NEW}/provenance.yaml (its test test_one is gone)",
            "first rename or move what stands above as obsolete: *",
            "to record what is still without a golden then, if right: pytest *--editmetrics-update=*",
        ]
    )


def test_a_renamed_test_is_not_to_be_recorded_before_its_image_is_renamed(golden):
    (golden.path / "tests/test_golden.py").write_text(PICTURES.replace("test_one", "test_first"))
    result = golden.runpytest()
    result.stdout.fnmatch_lines(
        [
            f"  {OLD}/test_one-*.png: tests/test_golden.py::test_first makes this picture now:"
            f" git mv {OLD}/test_one-*.png {OLD}/test_first-*.png, and in {OLD}/provenance.yaml make"
            " its key 'test_one-*.png' 'test_first-*.png' with test: 'test_first' *",
            "first rename or move what stands above as obsolete: *",
        ]
    )


@pytest.mark.parametrize("values", ["1, 2", "1, 2, 4, 5"])
def test_an_image_whose_test_got_parameters_is_to_be_renamed_first(golden, capsys, values):
    one = PICTURES.splitlines()[-1]
    text = (
        f"import pytest\n{PICTURES}".replace(
            one, f"@pytest.mark.parametrize('n', [{values}])\n{one}"
        )
        .replace("test_one(golden_image)", "test_one(golden_image, n)")
        .replace("made(3)", "made(3 + n)")
    )
    (golden.path / "tests/test_golden.py").write_text(text)
    result = golden.runpytest(RUN)
    more = "test_one[[]2]" if values == "1, 2" else "test_one[[]2] or of 2 more"
    result.stdout.fnmatch_lines(
        [
            f"  {OLD}/test_one-*.png: is it test_one[[]1] now? Then git mv {OLD}/test_one-*.png"
            f" {OLD}/test_one-1-*.png, and in {OLD}/provenance.yaml make its key 'test_one-*.png'"
            f" 'test_one-1-*.png' with test: 'test_one[[]1]'; or likewise of {more} (*",
            "first rename or move what stands above as obsolete: *",
        ]
    )
    result.stdout.no_fnmatch_line("*prune*")
    capsys.readouterr()
    assert main(["prune", "run", "--yes"]) == 0
    assert "left: 1 golden image that" in capsys.readouterr().out
    assert kept(golden) == 3
    golden.runpytest("--editmetrics-update=missing")
    golden.runpytest(RUN)
    assert main(["prune", "run", "--yes"]) == 0
    assert "removed 1\n" in capsys.readouterr().out


FIRST = "first rename or move what stands above as obsolete: "


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("chosen", [("-k", "one"), ("tests/test_pictures.py::test_one",)])
def test_a_part_of_the_suite_offers_to_record_nothing_before_the_move(
    golden, mode, chosen, capsys, monkeypatch
):
    rename(golden)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(golden.path / "page.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = golden.runpytest(*chosen, RUN, *mode)
    result.stdout.fnmatch_lines(
        [
            "obsolete golden images (move or rename what a test looks for, as is said of them): 1",
            f"  {OLD}/test_one-*.png: tests/test_pictures.py::test_one makes this picture now: *git mv *",
            f"{FIRST}*",
            "to record what is still without a golden then, if right: *",
        ]
    )
    left = f"{OLD}/test_one-*.png lies there, and its test file is gone: move it first*"
    result.stdout.fnmatch_lines(
        [
            f"E   GateFailure: golden_exact has no golden image {NEW}/test_one-*.png; {left}",
            f"::error file=tests/test_pictures.py,*has no golden image *; {left}",
        ]
    )
    page = (golden.path / "page.md").read_text()
    assert "lies there, and its test file is gone: move it first" in page
    assert "makes this picture now: " in page
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    said = capsys.readouterr().out
    assert f"{OLD}/test_one-" in said
    assert FIRST in said
    assert "prune" not in said


def test_so_does_the_comment_of_the_whole_suite(golden, capsys):
    rename(golden)
    golden.runpytest(RUN)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    assert FIRST in capsys.readouterr().out


def test_a_part_of_the_suite_says_nothing_of_a_new_picture(golden):
    more = PICTURES + "\ndef test_three(golden_image): golden_image.check(made(9))\n"
    (golden.path / "tests/test_golden.py").write_text(more)
    golden.runpytest("-k", "three").stdout.no_fnmatch_line("*obsolete*")
