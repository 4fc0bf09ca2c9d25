"""Goldens that nothing is held to, whatever is left of the suite that recorded them."""

from __future__ import annotations

import shutil

import pytest
from parameters import first_of
from PIL import Image

from pytest_editmetrics.cli.main import main

with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
STRICT = "--editmetrics-strict=regressed"
GATED = """
import numpy as np

def test_image(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))
def test_value(edit_gate):
    edit_gate.check(*np.zeros((2, 32, 32, 3), np.uint8), None, metrics=["unedit_max_diff"])
"""
PLAIN = "def test_plain(): pass\n"


@pytest.fixture
def suite(pytester):
    """A suite with goldens, of an image and of a value, in ``tests/edits``; and a plain test."""
    for folder, name, text in (("edits", "test_x", GATED), ("", "test_plain", PLAIN)):
        path = pytester.path / "tests" / folder / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makeini("[pytest]\n")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    return pytester


@with_two
@pytest.mark.parametrize("left", ["beside", "elsewhere"])
def test_when_the_last_test_with_gates_is_gone_its_goldens_are_named(suite, mode, left):
    (suite.path / "tests/edits/test_x.py").unlink()
    if left == "beside":
        (suite.path / "tests/edits/test_other.py").write_text(PLAIN)
    found = [
        "obsolete golden images (to remove them, run with --editmetrics-run-dir=run, then `edit*",
        "  tests/edits/goldens/test_x.py/test_image-*.png: its test file is gone",
        "obsolete goldens: 1 entry of a test*",
        "  tests/edits/goldens/test_x.py.yaml:1: test_value",
    ]
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(found)
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: " + found[0], found[1], "FAILED: " + found[2], found[3]], consecutive=True
    )


BROKEN = {
    "conflict": "<<<<<<< HEAD\n{}=======\n{}>>>>>>> main\n",
    "bracket": '{}"test_b": {{lpips: {{max: 1\n',
    "tab": "{}\t- 1\n",
}


@with_two
@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_golden_file_that_cannot_be_read_hides_no_other(suite, mode, text):
    (suite.path / "tests/edits/test_x.py").rename(suite.path / "tests/edits/test_y.py")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    goldens = suite.path / "tests/edits/goldens"
    for path in (goldens / "test_x.py.yaml", goldens / "test_x.py/provenance.yaml"):
        path.write_text(text.format(*2 * [path.read_text()]))
    (suite.path / "tests/edits/test_y.py").unlink()
    found = [
        "not checked for obsolete golden images: tests/edits/goldens/test_x.py/provenance.yaml*",
        "  tests/edits/goldens/test_y.py/test_image-*.png: its test file is gone",
        "not checked for obsolete goldens: tests/edits/goldens/test_x.py.yaml*",
        "  tests/edits/goldens/test_y.py.yaml:1: test_value",
    ]
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(found)
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: {found[0]}", found[1], f"FAILED: {found[2]}", found[3]])


@with_two
def test_they_are_named_in_the_folder_of_all_goldens_too(suite, mode):
    shutil.rmtree(suite.path / "tests/edits/goldens")
    suite.makeini("[pytest]\neditmetrics_goldens = approved\n")
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    shutil.rmtree(suite.path / "tests/edits")
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "  approved/tests/edits/test_x.py/test_image-*.png: its test file is gone",
            "  approved/tests/edits/test_x.py.yaml:1: test_value",
        ]
    )


@pytest.mark.parametrize("shared", [True, False])
def test_entries_of_another_project_in_the_same_folder_are_told_to_be_maybe_its(
    suite, monkeypatch, shared
):
    other = suite.path / "other"
    (other / "tests").mkdir(parents=True)
    (other / "pytest.ini").write_text("[pytest]\n")
    (other / "tests/test_x.py").write_text(GATED.replace("test_value", "test_other"))
    approved = suite.path / "approved"
    option = f"--editmetrics-goldens={approved}"
    monkeypatch.chdir(other)
    suite.runpytest(option, "--editmetrics-update=missing").assert_outcomes(passed=2)
    if shared:
        with (approved / "tests/test_x.py.yaml").open("a") as golden:
            golden.write('"test_value":\n  lpips: {max: 0.1}\n')
        result = suite.runpytest(option, STRICT)
        assert result.ret == 1
        result.stdout.fnmatch_lines(
            [
                "FAILED: obsolete goldens: 1 entry of a test*",
                "  *approved/tests/test_x.py.yaml:3: test_value*",
                f"  {approved} lies outside the rootdir {other}: if another project keeps *",
            ]
        )
    else:
        assert suite.runpytest(option, STRICT).ret == 0


@with_two
@pytest.mark.parametrize(
    "named", [(), ("tests/edits/test_x.py::test_image",)], ids=["all", "partial"]
)
def test_a_test_that_compares_with_its_golden_image_no_more_fails_where_it_is_strict(
    suite, mode, named
):
    test = suite.path / "tests/edits/test_x.py"
    test.write_text(test.read_text().replace("(golden_image): golden_image.check", "(): print"))
    what = "approved but not measured: golden images" if named else "obsolete golden images"
    when = "in this run" if named else "any more"
    line = f"  tests/edits/goldens/test_x.py/test_image-*.png: no test compares with it {when}"
    result = suite.runpytest(*named, *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"{what}*(--editmetrics-strict=regressed fails): 1", line])
    result = suite.runpytest(STRICT, *named, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: {what}*: 1", line], consecutive=True)


@with_two
def test_a_part_of_the_suite_says_nothing_of_the_golden_images_of_the_rest(suite, mode):
    result = suite.runpytest(STRICT, "tests/edits/test_x.py::test_value", *mode)
    assert result.ret == 0
    result = suite.runpytest(STRICT, "-k", "plain", *mode)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*golden images*")


@with_two
def test_cases_of_a_wrong_name_are_named_where_nothing_else_has_gates(suite, mode):
    shutil.rmtree(suite.path / "tests/edits")
    (suite.path / "tests/cats.edit.yaml").write_text("cases: []\n")
    what = "not read: tests/cats.edit.yaml; files of cases are called test_[*].edit.yaml: rename it"
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines([what])
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"FAILED: {what}"])


def test_a_folder_of_goldens_of_something_else_is_left_alone(pytester):
    (pytester.path / "tests/goldens/images").mkdir(parents=True)
    (pytester.path / "tests/goldens/answers.yaml").write_text("- what: ever\n- ]")
    (pytester.path / "tests/goldens/images/a.png").write_bytes(b"no picture")
    (pytester.path / "tests/test_plain.py").write_text(PLAIN)
    result = pytester.runpytest(STRICT)
    result.assert_outcomes(passed=1)
    assert result.ret == 0
    result.stdout.no_fnmatch_line("*editmetrics*")


def test_prune_finds_them_from_a_folder_below(suite, monkeypatch, capsys):
    (suite.path / "tests/edits/test_x.py").unlink()
    suite.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    monkeypatch.chdir(suite.path / "tests")
    assert main(["prune", "../run", "--yes"]) == 0
    assert "removed 1" in capsys.readouterr().out
    assert list((suite.path / "tests/edits").rglob("*.png")) == []
    assert main(["prune", "../run"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("left: 1 golden image that the run lists, and that")
    assert said[1] == "nothing to remove"


def test_where_no_test_runs_nothing_is_said_of_goldens(suite):
    for option in ("--setup-only", "--setup-plan"):
        result = suite.runpytest(STRICT, option)
        result.stdout.no_fnmatch_line("*compares with it*")
        result.stdout.no_fnmatch_line("*approved but not measured*")


@with_two
@pytest.mark.parametrize("left", ["", " {}", " null"])
def test_an_entry_that_lost_its_metrics_is_named(suite, mode, left):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: {max: 90}}\n")
    golden = suite.path / "tests/edits/goldens/test_x.py.yaml"
    golden.write_text(f"test_value:{left}\ntest_other: {{unedit_max_diff: {{max: 1}}}}\n")
    (suite.path / "tests/edits/test_x.py").write_text(
        GATED.partition("def test_image")[0] + "def test_value" + GATED.partition("test_value")[2]
    )
    found = "  tests/edits/goldens/test_x.py.yaml:1: test_value, of which no metric is left"
    result = suite.runpytest(*mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["approved but not measured: 1 golden *", found], consecutive=True)
    result = suite.runpytest(STRICT, *mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: approved but not measured: 1 golden *", found])
    suite.runpytest("--editmetrics-update=missing", *mode).stdout.no_fnmatch_line(found)
    suite.runpytest(*mode).stdout.no_fnmatch_line("*approved but not measured*")


# Tests that moved and left their goldens behind


@with_two
@pytest.mark.parametrize("record", [(), ("--editmetrics-update=missing",)], ids=["", "recorded"])
def test_goldens_that_a_moved_file_left_behind_are_to_be_moved(suite, mode, record):
    new = suite.path / "tests/moved/test_x.py"
    new.parent.mkdir()
    (suite.path / "tests/edits/test_x.py").rename(new)
    old, target = "tests/edits/goldens/test_x.py.yaml", "tests/moved/goldens/test_x.py.yaml"
    how = (
        f"if they moved, give their entries to {target}, in place of what it has of them"
        if record
        else f"move the file (mkdir -p tests/moved/goldens && git mv {old} {target})"
    )
    found = [
        "*obsolete goldens: 1 entry*; rename, move or delete it (--editmetrics-strict=*",
        f"  {old}:1: test_value",
        f"  tests/moved/test_x.py has 1 of these tests: {how}",
    ]
    for _ in range(2):  # what was recorded in between hides nothing
        suite.runpytest(*mode, *record).stdout.fnmatch_lines(found, consecutive=True)


def test_a_golden_of_a_test_that_moved_to_another_file(suite):
    """Not if two files have a test of its name, nor if that was there before, with a golden."""
    beside = suite.path / "tests/edits"
    value = "import numpy as np\n" + GATED[GATED.index("def test_value") :]
    (beside / "test_x.py").write_text(GATED[: GATED.index("def test_value")])
    (beside / "test_y.py").write_text(value)
    result = suite.runpytest("--editmetrics-update=missing")
    result.stdout.fnmatch_lines(
        [
            "  tests/edits/test_y.py has 1 of these tests: if they moved, give their entries to *test_y.py.yaml*"
        ]
    )
    result = suite.runpytest()
    result.stdout.fnmatch_lines(["obsolete goldens: 1 entry*"])
    result.stdout.no_fnmatch_line("*of these tests*")
    (beside / "goldens/test_y.py.yaml").unlink()
    (beside / "test_z.py").write_text(value)
    result = suite.runpytest()
    result.stdout.fnmatch_lines(["obsolete goldens: 1 entry*"])
    result.stdout.no_fnmatch_line("*of these tests*")


def test_goldens_of_tests_that_stayed_are_not_moved_along(suite):
    edits = suite.path / "tests/edits"
    value = "import numpy as np\n" + GATED[GATED.index("def test_value") :]
    (edits / "test_x.py").write_text(GATED + "\n" + value.replace("test_value", "test_more"))
    suite.runpytest("--editmetrics-update=missing")
    (edits / "test_x.py").write_text(GATED)
    (edits / "test_y.py").write_text(value.replace("test_value", "test_more"))
    suite.runpytest().stdout.fnmatch_lines(
        ["  tests/edits/test_y.py has 1 of these tests: move the entries to *test_y.py.yaml"]
    )


def test_a_file_that_was_renamed_is_found_beside_one_with_a_test_of_that_name(suite):
    edits = suite.path / "tests/edits"
    (edits / "test_y.py").write_text((edits / "test_x.py").read_text())
    suite.runpytest("--editmetrics-update=missing")
    (edits / "test_x.py").rename(edits / "test_z.py")
    suite.runpytest().stdout.fnmatch_lines(
        ["  tests/edits/test_z.py has 1 of these tests: move the file (git mv *test_z.py.yaml)"]
    )


def test_a_file_that_is_only_called_as_goldens_are_fails_no_session_without_gates(pytester):
    pytester.makepyfile(test_b="def test_z(): pass\n")
    (pytester.path / "goldens").mkdir()
    (pytester.path / "goldens/test_b.py.yaml").write_text("response:\n  status: 200\n")
    assert pytester.runpytest(STRICT).ret == 0
    (pytester.path / "goldens/test_b.py.yaml").write_text("test_z: {lpisp: {max: 1}}\n")
    result = pytester.runpytest()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: goldens that cannot be read: *unknown metric 'lpisp'*"])


def test_recording_a_renamed_test_does_not_hide_its_old_golden(suite):
    text = GATED.replace("test_value", "test_values")
    (suite.path / "tests/edits/test_x.py").write_text(text)
    result = suite.runpytest("--editmetrics-update=missing")
    result.stdout.fnmatch_lines(
        ["  *test_x.py.yaml:1: test_value (is it 'test_values' now[?] Then compare it with *)"]
    )


NAMED = """
import numpy as np, pytest

@pytest.mark.parametrize("one", ["cup", "boat"])
def test_image(golden_image, one): golden_image.check(np.zeros((8, 8, 3), np.uint8))
def test_alone(golden_image):
    golden_image.check(np.zeros((8, 8, 3), np.uint8), name="a")
    golden_image.check(np.zeros((8, 8, 3), np.uint8), name="b")
"""
NEXT = ("zeros", "ones")


@pytest.fixture
def images(pytester):
    """A suite with golden images of parametrized tests, and of a test with two of them."""
    (pytester.path / "tests").mkdir()
    (pytester.path / "tests/test_x.py").write_text(NAMED)
    (pytester.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    pytester.makeini("[pytest]\n")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=3)
    return pytester


@with_two
def test_golden_images_that_a_moved_file_left_behind_are_to_be_moved(images, mode, capsys):
    (images.path / "tests/sub").mkdir()
    new = images.path / "tests/sub/test_x.py"
    (images.path / "tests/test_x.py").rename(new)
    new.write_text(NAMED.replace(*NEXT))
    gone = "  tests/goldens/test_x.py/test_image-cup-*.png: its test file is gone ("
    look = (
        "  tests/goldens/test_x.py/test_alone*.png: a test looks for it in"
        " tests/sub/goldens/test_x.py: move the folder there: mkdir -p tests/sub/goldens && git mv"
        " tests/goldens/test_x.py tests/sub/goldens/test_x.py (its test file is gone)"
    )
    result = images.runpytest(*mode)
    moves = look.partition("/test_alone")[0] + "/test_image-cup-*.png: it moves with its folder (*"
    result.stdout.fnmatch_lines([look, moves])
    assert result.stdout.str().count("git mv") == 1
    moved = gone + "did it move? tests/sub/goldens/test_x.py/test_image-cup-*.png is of such*"
    for options in (["--editmetrics-update=missing"], ["--editmetrics-results=r"]):
        images.runpytest(*mode, *options).stdout.fnmatch_lines([moved])
    capsys.readouterr()
    assert main(["prune", str(images.path / "r"), "--rootdir", str(images.path)]) == 0
    assert "did it move?" in capsys.readouterr().out


@with_two
@pytest.mark.parametrize("record", [(), ("--editmetrics-update=missing",)], ids=["", "recorded"])
def test_golden_images_of_a_renamed_test_are_to_be_renamed(images, mode, record):
    text = NAMED.replace("test_image", "test_picture").replace("test_alone", "test_single")
    (images.path / "tests/test_x.py").write_text(text.replace(*NEXT))
    told = (
        "its test *is gone (is it {} now, recorded as {}-*.png? Then compare the two*"
        if record
        else "is it {} now? Then git mv *.png tests/goldens/test_x.py/{}-*.png, and in *.yaml make its key *"
    )
    names = [
        ("alone-a", "test_single", "test_single-a"),
        ("alone-b", "test_single", "test_single-b"),
        ("image-boat", "test_picture[[]boat]", "test_picture-boat"),
        ("image-cup", "test_picture[[]cup]", "test_picture-cup"),
    ]
    file = "  tests/goldens/test_x.py/test_{}-*.png: "
    lines = [file.format(old) + told.format(test, new) for old, test, new in names]
    images.runpytest(*mode, *record).stdout.fnmatch_lines(lines)


def test_a_golden_image_that_may_be_of_one_of_two_tests_names_both(images):
    """All pictures are the same: each image of a test's own name is offered another one first."""
    text = NAMED.replace("test_alone", "test_one") + NAMED[NAMED.index("def test_alone") :].replace(
        "test_alone", "test_two"
    )
    (images.path / "tests/test_x.py").write_text(text.replace("cup", "mug").replace("boat", "ship"))
    result = images.runpytest()
    alike = (
        "  *.png: tests/test_x.py::{} makes this picture now: git mv *; or likewise of {}, which"
        " makes it, too (its test * is gone)"
    )
    pairs = ("test_one", "test_two"), ("test_image[[]mug]", "test_image[[]ship]")
    tests = "test_image[[]mug] or tests/test_x.py::test_image[[]ship] or * or 1 more"
    result.stdout.fnmatch_lines(
        [
            alike.format(*pairs[0]),
            f"  *test_alone-b-*.png: tests/test_x.py::{tests} make this picture now (its test *)",
            alike.format(*pairs[1]),
            alike.format(*reversed(pairs[1])),
        ]
    )


CHECK = 'edit_gate.check(*np.zeros((2, 32, 32, 3), np.uint8), None, metrics=["unedit_max_diff"])'
PARAMETERS = '@pytest.mark.parametrize("{}", [{}])\ndef {}({}, edit_gate): {}\n'


def renamed(suite, *tests: str) -> str:
    """What a session says of the golden of ``test_value`` where these tests are there instead."""
    image = GATED[: GATED.index("def test_value")].replace("np\n", "np, pytest\n", 1)
    # an image's test, of a name that is closer, is none of those that may be meant
    image = image.replace("test_image", "test_value_image")
    (suite.path / "tests/edits/test_x.py").write_text(image + "".join(tests))
    lines = suite.runpytest("-p", "no:cacheprovider").outlines
    return next(line for line in lines if "yaml:1: test_value" in line).partition(": ")[2]


def test_a_test_that_has_parameters_now_is_the_one_that_is_meant(suite):
    with_hat = PARAMETERS.format("prompt", "'a hat on the cat'", "test_value", "prompt", CHECK)
    other = f"def test_values(edit_gate): {CHECK}\n"
    assert renamed(suite, other, with_hat).startswith(
        "test_value (is it 'test_value[a hat on the cat]' now?"
    )
    two = PARAMETERS.format("prompt", "'a hat', 'a cup'", "test_value", "prompt", CHECK)
    assert "is it 'test_value[a " in renamed(suite, other, two)


def test_the_only_test_without_a_golden_is_the_one_that_is_meant(suite):
    one = f"def test_another_name(edit_gate): {CHECK}\n"
    assert "(is it 'test_another_name' now?" in renamed(suite, one)
    assert renamed(suite, one, one.replace("another", "third")) == "test_value"
    assert renamed(suite) == "test_value"


def test_a_test_that_has_parameters_no_more(suite):
    golden = suite.path / "tests/edits/goldens/test_x.py.yaml"
    golden.write_text(golden.read_text().replace("test_value", "test_value[a hat on the cat]"))
    lines = suite.runpytest().outlines
    assert any("(is it 'test_value' now? Then rename the entry)" in line for line in lines)


def test_a_golden_image_of_a_test_that_has_parameters_now(images):
    """Though another test without parameters looks for one, too."""
    text = NAMED.replace("def test_alone(golden_image)", "def test_alone(golden_image, size)")
    text = text.replace(
        "def test_alone", '@pytest.mark.parametrize("size", ["big"])\ndef test_alone'
    )
    text += "def test_more(golden_image):\n    golden_image.check(np.zeros((8, 8, 3), np.uint8), name='a')\n"
    (images.path / "tests/test_x.py").write_text(text)
    images.runpytest().stdout.fnmatch_lines(["  *test_alone-a-*: is it test_alone[[]big] now?*"])


def test_goldens_of_cases_whose_file_is_misnamed_are_not_to_be_deleted(suite):
    cases = suite.path / "tests/edits/test_photos.edit.yaml"
    for name in "ab":
        Image.new("RGB", (32, 32), "red").save(cases.with_name(f"{name}.png"))
    cases.write_text(
        "cases:\n  - {id: cup, reference: a.png, edited: b.png, metrics: [unedit_max_diff]}\n"
    )
    suite.runpytest("--editmetrics-update=missing")
    cases.rename(cases.with_name("photos.edit.yaml"))
    result = suite.runpytest()
    result.stdout.fnmatch_lines(
        [
            "obsolete goldens: 1 entry *; rename, move or delete it*",
            "  *goldens/test_photos.edit.yaml.yaml:1: cup",
            "  tests/edits/photos.edit.yaml is not read, and may have these cases: rename it first",
            "not read: tests/edits/photos.edit.yaml; *: rename it",
        ]
    )


@pytest.mark.parametrize("merged", [False, True])
def test_nothing_says_that_goldens_of_misnamed_cases_are_to_be_deleted(
    suite, capsys, monkeypatch, merged
):
    cases = suite.path / "tests/edits/test_photos.edit.yaml"
    Image.new("RGB", (32, 32), "red").save(cases.with_name("a.png"))
    cases.write_text(
        "cases:\n  - {id: cup, reference: a.png, edited: a.png, metrics: [unedit_max_diff]}\n"
    )
    golden = cases.with_name("goldens") / "test_photos.edit.yaml.yaml"
    golden.write_text("cup: {unedit_max_diff: {max: 1}}\n")
    shutil.copytree(cases.with_name("goldens") / "test_x.py", golden.with_suffix(""))
    cases.rename(cases.with_name("photos.edit.yaml"))
    why = "tests/edits/photos.edit.yaml is not read, and may have these cases: rename it first"
    result = suite.runpytest("--editmetrics-run-dir=run")
    result.stdout.fnmatch_lines(
        [
            "obsolete golden images (move or rename what a test looks for, as is said of them)*: 1",
            f"  tests/edits/goldens/test_photos.edit.yaml/*.png: {why} (its test file is gone)",
            "obsolete goldens: 1 entry *; rename, move or delete it*",
            f"  {why}",
        ]
    )
    monkeypatch.chdir(suite.path)
    run = "run"
    if merged:
        assert main(["merge", "run", "-o", "all", "--shards", "1"]) == 0
        run = "all"
    capsys.readouterr()
    assert main(["comment", run]) == 0
    said = capsys.readouterr().out
    assert said.count(why) == 2
    assert "delete them" not in said
    assert "prune" not in said
