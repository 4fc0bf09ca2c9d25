"""The entry of a golden whose parameter is misspelt, or all of whose parameters are gone."""

from __future__ import annotations

import pytest
from parameters import first_of

with_two = pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
TESTS = """
import pytest

@pytest.mark.parametrize("p", {ids})
def test_it(check, p):
    check(30)

def test_other(check):
    check(1)
"""
LOST = "FAILED: obsolete goldens: *; {} may be one of them, under a new name, and only a default*"
FREE = "obsolete goldens: * (--editmetrics-strict=regressed fails)"


@pytest.fixture
def golden(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.95}\n")

    def golden(entries, ids):
        suite.makepyfile(test_a=TESTS.format(ids=ids))
        lines = [f"{entry!r}: {{score: {{max: 0.1}}}}\n" for entry in entries]
        suite.mkdir("goldens").joinpath("test_a.py.yaml").write_text("".join(lines), "utf-8")
        return suite

    return golden


@with_two
@pytest.mark.parametrize(
    ("entry", "own"),
    [
        ("test_it[kitchen] ", "kitchen"),
        ("test_it[ kitchen]", "kitchen"),
        ("test_it[kitchen", "kitchen"),
        ("test_it [kitchen]", "kitchen"),
        ("test_it[[kitchen]]", "kitchen"),
        ("test_it(kitchen)", "kitchen"),
        ('test_it["kitchen"]', "kitchen"),
        ("test_it[Kitchen]", "kitchen"),
        ("test_it[kitchne]", "kitchen"),
        ("test_it[kitchenn]", "kitchen"),
        ("test_it[kithen-3]", "kitchen-3"),
        ("test_it[kotchen]", "kitchen"),
        ("test_it[caf\u00e9]", "caf\u00e9"),
        ("test_it[cafe\u0301]", "caf\u00e9"),
        ("Test_it[kitchen]", "kitchen"),
    ],
)
def test_a_misspelt_parameter_fails(golden, entry, own, mode):
    """Beside a parameter whose entry holds, as others of the test may come and go."""
    suite = golden([entry, "test_it[x]"], [own])
    suite.makepyfile(
        test_a=TESTS.format(ids=[own, "x"]).replace("check(30)", "check(30 if p != 'x' else 1)")
    )
    result = suite.runpytest(*mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([LOST.format("'test_it[[]*]'")])


@pytest.mark.parametrize(
    ("gone", "new"), [("1", "2"), ("seed-a", "seed-b"), ("-1", "1"), ("512", "51"), ("cat", "cut")]
)
def test_another_value_is_no_misspelt_one(golden, gone, new):
    suite = golden([f"test_it[{gone}]", "test_it[held]"], [new, "held"])
    suite.makepyfile(
        test_a=TESTS.format(ids=[new, "held"]).replace("30", "30 if p != 'held' else 1")
    )
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines([FREE])


def test_a_misspelt_entry_of_a_test_that_has_its_own_is_only_left_over(golden):
    suite = golden(["test_it[A]", "test_it[a]"], ["a"])
    text = (suite.path / "test_a.py").read_text().replace("30", "3")
    (suite.path / "test_a.py").write_text(text)
    result = suite.runpytest()
    assert result.ret == 0
    result.stdout.fnmatch_lines([FREE])


@with_two
def test_a_test_none_of_whose_entries_is_left_lost_its_golden(golden, mode):
    result = golden(["test_it[b]", "test_it[c]"], ["a"]).runpytest(*mode)
    assert result.ret == 1
    result.stdout.fnmatch_lines([LOST.format("'test_it[[]a]'")])


def test_a_part_of_the_suite_knows_it_too(golden):
    result = golden(["test_it[b]"], ["a"]).runpytest("-k", "test_it")
    assert result.ret == 1
    result.stdout.fnmatch_lines([LOST.format("'test_it[[]a]'")])


def test_a_merge_knows_it_too(golden, capsys):
    from pytest_editmetrics.cli.main import main

    suite = golden(["test_it[b]"], ["a"])
    suite.runpytest("test_a.py::test_it", "--editmetrics-run-dir=one")
    suite.runpytest("test_a.py::test_other", "--editmetrics-run-dir=two")
    assert main(["merge", "one", "two", "-o", "all", "--shards=2"]) == 1
    assert "'test_it[a]' may be one of them" in capsys.readouterr().out


def test_what_was_recorded_holds_the_test(golden):
    result = golden(["test_it[b]"], ["a"]).runpytest("--editmetrics-update=missing")
    assert result.ret == 0
