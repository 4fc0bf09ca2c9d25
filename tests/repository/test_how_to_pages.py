"""The tests that how-to pages show run as they stand, and come as the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from page_walk import blocks

FOLDER = Path(__file__).parents[2] / "docs" / "how-to"


def shown(name: str) -> list[str]:
    """Return the files of tests that a page shows: blocks that begin with an import."""
    found = blocks((FOLDER / f"{name}.md").read_text(encoding="utf-8"))
    return [
        block.text
        for block in found
        if block.language == "python"
        and "def test_" in block.text
        and block.text.startswith(("import ", "from "))
    ]


@pytest.mark.parametrize(
    ("name", "passed"), [("inpainting-mask", 1), ("hand-written-gates", 2), ("flaky-models", 6)]
)
def test_the_tests_of_a_page_run(name, passed, pytester):
    for number, test in enumerate(shown(name)):
        pytester.path.joinpath(f"test_{number}.py").write_text(test, encoding="utf-8")
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=passed)


def test_a_known_fault_is_held_to_today_and_told_once_it_is_mended(pytester):
    (test,) = shown("known-faults")
    pytester.makepyfile(test_hat=test)
    result = pytester.runpytest("--editmetrics-require=golden=all")
    result.assert_outcomes(passed=1, xfailed=1)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["metric*expected*", "1 gate failed as expected (xfail)"])
    pytester.makepyfile(test_hat=test.replace("SHIFT = 1", "SHIFT = 9"))
    pytester.runpytest().assert_outcomes(failed=1, xfailed=1)
    pytester.makepyfile(test_hat=test.replace("SHIFT = 1", "SHIFT = 0"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["[[]XPASS(strict)[]] the background moves*"])


def test_of_seeds_that_a_median_holds_one_may_be_bad(pytester):
    page = (FOLDER / "flaky-models.md").read_text(encoding="utf-8")
    test = shown("flaky-models")[1]
    (suite,) = (b.text for b in blocks(page) if b.language == "yaml" and "suite:" in b.text)
    (said,) = (b.text for b in blocks(page) if b.text.startswith("suite lpips median"))
    pytester.path.joinpath("editmetrics.yaml").write_text(suite, encoding="utf-8")
    pytester.makepyfile(test_seeds=test)
    result = pytester.runpytest()
    result.assert_outcomes(passed=5)
    assert said.strip() in result.outlines
    pytester.makepyfile(test_seeds=test.replace("seed == 3", "seed > 1"))
    result = pytester.runpytest()
    assert result.ret == 1
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["suite lpips, the worst values:", "  0.*: test_seeds.py::test_*"])
    pytester.makepyfile(test_seeds=test.replace('{"lpips": 0.6}', '{"lpips": 0.25}'))
    pytester.runpytest().assert_outcomes(passed=4, failed=1)


def test_without_room_for_the_models_blur_the_gate_tells_a_seam(pytester):
    (test,) = shown("inpainting-mask")
    assert "dilate=8" in test
    pytester.makepyfile(test.replace("dilate=8", "dilate=0"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    page = (FOLDER / "inpainting-mask.md").read_text(encoding="utf-8")
    (said,) = re.findall(r"`(a seam[^`]*)`", page)
    result.stdout.fnmatch_lines([f"*{said}*"])


@pytest.mark.long
def test_the_suite_of_the_page_on_self_tests_goes_through_its_cycle(
    pytester, programs, monkeypatch
):
    page = (FOLDER / "selftest.md").read_text(encoding="utf-8")
    (plugins,) = (text for text in page.splitlines() if text.startswith("pytest_plugins = "))
    (test,) = shown("selftest")
    pytester.makeconftest(plugins)
    pytester.makepyfile(test)
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    pytester.runpytest().assert_outcomes(passed=1)
