"""A renamed test that an edit gate failed before it came to its golden image: one advice of both."""

from __future__ import annotations

import pytest

BOTH = """
import numpy as np
import pytest

def image(value): return np.full((8, 8, 3), value, np.uint8)

def test_badge(edit_gate, golden_image):
    edit_gate.check(image(0), image(20), metrics=["unedit_max_diff"])
    golden_image.check(image(20))
"""


@pytest.mark.parametrize(
    ("test", "now"),
    [
        ("test_badge_here(", "test_badge_here"),
        ("test_other_name(", "test_other_name"),
        ('@pytest.mark.parametrize("seed", [7, 8])\ndef test_badge(seed, ', "test_badge[7]"),
    ],
)
@pytest.mark.parametrize("keep", [(), ("--editmetrics-run-dir=run",)])
def test_the_image_of_a_test_that_an_edit_gate_failed_first_is_not_to_be_pruned(
    pytester, test, now, keep
):
    pytester.makepyfile(test_x=BOTH)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    old = "def test_badge(" if test.startswith("@") else "test_badge("
    pytester.makepyfile(test_x=BOTH.replace(old, test))
    result = pytester.runpytest(*keep)
    result.stdout.fnmatch_lines(
        [
            "obsolete golden images (move or rename what a test looks for, *",
            f"  goldens/test_x.py/test_badge-*.png: is it {now.replace('[', '[[]')} now? Then git mv"
            " goldens/test_x.py/test_badge-*.png *",
        ]
    )
    result.stdout.fnmatch_lines(
        [f"  *.yaml:1: test_badge (is it '{now.replace('[', '[[]')}' now? *"]
    )
    result.stdout.no_fnmatch_line("*prune *")
