"""A decimal comma gets advice wherever it makes a text, or a key, of a number."""

from __future__ import annotations

import pytest

POINT = "write a decimal with a point, no comma"
IN_SETTINGS = "thresholds:\n  score:\n    max: %s\n"
IN_GOLDEN = '"test_it":\n  score:\n    max: %s\n'
TEST = "def test_it(check): check(20)"


@pytest.mark.parametrize("number", ["0,05", "-0,5", "'0,05'"])
def test_a_bound_with_a_comma_is_told_of_the_point(suite, number):
    suite.makepyfile(test_x=TEST)
    (suite.path / "editmetrics.yaml").write_text(IN_SETTINGS % number)
    result = suite.runpytest()
    assert result.ret != 0
    shown = number.strip("'")
    result.stderr.fnmatch_lines(
        [f"*editmetrics.yaml:3: *must be a number, not text '{shown}'; {POINT}"]
    )


def test_so_is_one_of_a_golden_and_an_argument(suite):
    suite.makepyfile(test_x=TEST)
    golden = suite.path / "goldens" / "test_x.py.yaml"
    golden.parent.mkdir()
    golden.write_text(IN_GOLDEN % "0,05")
    suite.runpytest().stdout.fnmatch_lines([f"*goldens/test_x.py.yaml:3: *{POINT}*"])
    golden.write_text('"test_it":\n  score: {max: 0,05}\n')
    suite.runpytest().stdout.fnmatch_lines([f"*goldens/test_x.py.yaml:2: *{POINT}*"])
    golden.unlink()
    suite.makepyfile(test_x="def test_it(check): check(20, '0,05')")
    suite.runpytest().stdout.fnmatch_lines([f"*test_x.py:1: *{POINT}*"])


@pytest.mark.parametrize("text", ["1,2,3", "0.05,", "a,5", "0, 05"])
def test_another_text_is_not_told_of_it(suite, text):
    suite.makepyfile(test_x=TEST)
    (suite.path / "editmetrics.yaml").write_text(IN_SETTINGS % f"'{text}'")
    result = suite.runpytest()
    result.stderr.fnmatch_lines(["*editmetrics.yaml:3: *must be a number, not *"])
    result.stderr.no_fnmatch_line(f"*{POINT}*")
