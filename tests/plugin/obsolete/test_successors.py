"""Goldens of tests that are gone are offered to tests that can be theirs now, each to one."""

from __future__ import annotations

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

HEAD = """
import numpy as np
import pytest

def picture(n, shift=0):
    made = np.random.default_rng(n).integers(20, 200, (16, 16, 3), np.uint8)
    return made + np.uint8(shift)
"""
IMAGE = "def {}(golden_image): golden_image.check(picture({}{}))\n"
GATE = (
    "def {}(edit_gate):\n"
    "    edit_gate.check(np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), {}, np.uint8),"
    " metrics={})\n"
)
ONE, BOTH = ["unedit_max_diff"], ["unedit_max_diff", "unedit_psnr"]
SHIFTED = ", shift=9"
STILL_GONE = "its test {} is gone"


def suite_of(pytester, *tests):
    (pytester.path / "test_x.py").write_text(HEAD + "".join(tests))


@pytest.fixture
def recorded(pytester):
    """Record the goldens of some tests, then put others in their place and run these."""
    (pytester.path / "editmetrics.yaml").write_text(
        "golden_images: {comparator: exact}\nthresholds: {unedit_max_diff: 90, unedit_psnr: 1}\n"
    )

    def run(before, after, *options, passed=0):
        suite_of(pytester, *before)
        pytester.runpytest("--editmetrics-update=missing").assert_outcomes(
            passed=passed or len(before)
        )
        suite_of(pytester, *after)
        return pytester.runpytest(*options)

    return run


def line_of(result, name):
    return next(
        one for one in result.outlines if name in one and (".yaml:" in one or ".png: " in one)
    )


CAT = IMAGE.format("test_cat_ball", 1, "")
MUG = IMAGE.format("test_mug", 2, "")
HAT = GATE.format("test_rocket_hat", 20, BOTH)
NEW_CAT = IMAGE.format("test_cat_with_ball", 1, SHIFTED)


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
@pytest.mark.parametrize("record", [(), ("--editmetrics-update=missing",)], ids=["", "recorded"])
def test_the_image_of_a_renamed_test_is_not_that_of_a_test_without_images(recorded, record, mode):
    """Two tests renamed and one with a golden image deleted, of which a gate fails too."""
    rocket = GATE.format("test_cat_bell", 120, BOTH)
    result = recorded([CAT, MUG, HAT], [NEW_CAT, rocket], *record, *mode)
    said = line_of(result, "test_cat_ball-")
    assert "is it test_cat_with_ball now" in said
    assert ("git mv" in said) == (not record)
    assert line_of(result, "test_mug-").endswith(f": {STILL_GONE.format('test_mug')}")
    assert "is it 'test_cat_bell' now?" in line_of(result, "test_rocket_hat")


def test_a_stopped_test_that_has_its_own_image_is_no_other_one(recorded):
    both = HAT.replace("(edit_gate)", "(edit_gate, golden_image)")
    both += "    golden_image.check(picture(3))\n"
    result = recorded([IMAGE.format("test_rocket_hut", 1, ""), both], [both.replace("20", "120")])
    assert line_of(result, "test_rocket_hut-").endswith(STILL_GONE.format("test_rocket_hut"))


@pytest.mark.parametrize("record", [(), ("--editmetrics-update=missing",)], ids=["", "recorded"])
def test_where_it_is_unclear_whose_image_it_is_all_are_named(recorded, record, pytester, capsys):
    zebra = IMAGE.format("test_zebra", 1, SHIFTED)
    run = "--editmetrics-run-dir=run"
    result = recorded([IMAGE.format("test_dog", 1, ""), MUG], [zebra], run, *record)
    for own, other in (("test_dog", "test_mug"), ("test_mug", "test_dog")):
        said = line_of(result, f"/{own}-")
        assert "unclear: test_zebra may be its test now, or that of " + other in said
        assert ("git mv" in said) == (not record)
        assert ("compare them before you remove this one" in said) == bool(record)
    capsys.readouterr()
    assert main(["prune", "run", "--yes"]) == 0
    assert ("left: 2 golden images" in capsys.readouterr().out) == (not record)


def test_an_image_of_two_tests_that_look_for_one_is_not_to_be_pruned(recorded):
    result = recorded([MUG], [IMAGE.format(f"test_{n}", 1, "") for n in ("dog", "zebra")])
    said = line_of(result, "test_mug-")
    assert "unclear: test_dog or test_zebra may be its test now;" in said
    result.stdout.no_fnmatch_line("*editmetrics prune*")


def test_of_two_entries_the_one_that_fits_is_offered(recorded):
    """By its metrics; the other one is that of a deleted test."""
    tone = GATE.format("test_rocket_tone", 20, ONE)
    result = recorded([HAT, tone], [GATE.format("test_rocket_cap", 20, BOTH)])
    assert "(is it 'test_rocket_cap' now? Then rename" in line_of(result, ": test_rocket_hat")
    assert line_of(result, ": test_rocket_tone").endswith(": test_rocket_tone")


def test_an_entry_is_not_offered_to_a_test_of_other_metrics(recorded):
    other = GATE.format("test_rocket_cap", 20, ["unedit_psnr"])
    result = recorded([GATE.format("test_rocket_hat", 20, ONE)], [other])
    assert line_of(result, "test_rocket_hat").endswith(": test_rocket_hat")
    assert result.ret == 0


def test_of_two_entries_that_fit_alike_both_are_named(recorded):
    cup = HAT.replace("hat", "cup")
    result = recorded([HAT, cup], [HAT.replace("hat", "cap")])
    assert result.ret == 1
    for own, other in (("hat", "cup"), ("cup", "hat")):
        said = line_of(result, f": test_rocket_{own}")
        may = f"'test_rocket_cap' may be this one, renamed, or 'test_rocket_{other}'"
        assert f"(unclear: {may}; rename the entry if it is this one)" in said


def test_of_parameters_each_has_its_own(recorded):
    """One of a name and two parameters was renamed and lost a parameter."""
    levels = '@pytest.mark.parametrize("level", {})\n'
    test = levels + HAT.replace("(edit_gate)", "(edit_gate, level)").replace("20", "level")
    before, new = test.format([7, 8]), test.format([8]).replace("hat", "hats")

    result = recorded([before, MUG], [new, MUG], passed=3)
    assert "is it 'test_rocket_hats[8]' now?" in line_of(result, "test_rocket_hat[8]")
    assert "is it" not in line_of(result, "test_rocket_hat[7]")


BY_HAND = "@pytest.mark.editmetrics(thresholds={'unedit_psnr': 5})\n" + GATE.format(
    "test_coffee_manual", 9, ["unedit_psnr"]
)
COFFEE = """
def test_coffee_both(edit_gate, golden_image):
    golden_image.check(picture(1))
    edit_gate.check(picture(1), picture(1), metrics=["unedit_psnr"])
"""


def test_a_test_whose_bound_somebody_wrote_is_no_new_name(recorded):
    """Nor where the one that is meant failed before it came to its gate."""
    test = COFFEE.replace("(edit", "(seed, edit").replace("picture(1))", "picture(seed))", 1)
    new = '@pytest.mark.parametrize("seed", [7, 8])' + test
    result = recorded([BY_HAND, COFFEE], [BY_HAND, new])
    assert "is it test_coffee_both[7] now?" in line_of(result, "test_coffee_both-")
    assert "(is it 'test_coffee_both[7]' now?" in line_of(result, ".yaml:1: test_coffee_both")
    result.stdout.no_fnmatch_line("*test_coffee_manual*now*")


def test_approve_tells_of_what_a_renamed_test_left(recorded, pytester, capsys, monkeypatch):
    """The session says to rename it before anything is accepted, in this order."""
    new_hat = HAT.replace("hat", "hats").replace("20", "120")
    result = recorded([CAT, HAT], [NEW_CAT, new_hat], "--editmetrics-run-dir=run")
    result.stdout.fnmatch_lines(
        [
            "first rename or move what stands above as obsolete: *",
            "to accept *: editmetrics approve *",
        ]
    )
    monkeypatch.chdir(pytester.path)
    for options in (["--dry-run"], []):
        capsys.readouterr()
        assert main(["approve", "run", *options]) == 0
        said = capsys.readouterr().out
        assert "goldens that renamed or moved tests of the run may have left; " in said
        assert "test_cat_ball-" in said
        assert "test_rocket_hat (is it 'test_rocket_hats' now?" in said
    (pytester.path / "goldens/test_x.py.yaml").unlink()
    next(pytester.path.glob("goldens/test_x.py/test_cat_ball-*")).unlink()
    assert main(["approve", "run"]) == 0
    assert "may have left" not in capsys.readouterr().out


@pytest.mark.parametrize("before", [[CAT], [CAT, MUG]], ids=["one", "unclear"])
def test_a_part_of_the_suite_that_records_says_what_it_may_be(recorded, before):
    zebra = IMAGE.format("test_zebra", 1, SHIFTED)
    result = recorded(before, [zebra, HAT], "--editmetrics-update=missing", "-k", "zebra")
    assert "recorded as test_zebra-" in line_of(result, "test_cat_ball-")
    assert "before you remove this one" in line_of(result, "test_cat_ball-")
    result.stdout.no_fnmatch_line("*prune *")


def test_a_part_of_the_suite_tells_of_a_parameter_that_was_renamed(recorded):
    """Other machines may have it, so that it fails nothing."""
    test = "@pytest.mark.parametrize('one', {})\n" + HAT.replace("(edit_gate", "(one, edit_gate")
    before, after = test.format(["cup", "mug"]), test.format(["cup", "red mug"])
    for options in ((), ("-k", "red")):
        result = recorded([before], [after], *options, passed=2)
        said = line_of(result, "test_rocket_hat[mug] (")
        assert "is it 'test_rocket_hat[red mug]' now?" in said
        assert result.ret == 0
