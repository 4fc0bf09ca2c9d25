"""What README and docs show of a terminal is what their test and the demo print."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import demo_output  # noqa: E402


@pytest.mark.long
def test_the_output_that_is_shown_is_what_is_printed(programs, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    monkeypatch.setattr(sys, "argv", ["demo_output.py", "--check"])
    assert demo_output.main() == 0


def test_the_test_that_is_pasted_fails_by_its_fault_alone(pytester):
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (test,) = re.findall(r"```python\n(.*?)```\n", readme, re.DOTALL)
    pytester.makepyfile(test)
    pytester.runpytest().assert_outcomes(failed=1)
    mended = re.sub(r"return ImageChops\.offset\(.*", "return edited", test)
    assert mended != test
    pytester.makepyfile(mended)
    pytester.runpytest().assert_outcomes(passed=1)


def test_the_picture_tells_the_values_of_the_failure_that_the_demo_prints():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = (ROOT / "docs" / "how-to" / "read-a-failure.md").read_text(encoding="utf-8")
    value, bound = re.findall(r"unedit lpips ([\d.]+) > max ([\d.]+):", shown)[0]
    assert f'fails: lpips {value} is more than {bound}."' in readme
