"""The numbers of docs/explanation/metrics.md are those that tools/metric_traps.py prints."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import metric_traps  # noqa: E402


def number(pattern: str, text: str) -> float:
    (found,) = re.findall(pattern, text, re.MULTILINE)
    return float(found)


def test_the_page_says_what_is_measured(capsys):
    metric_traps.main()
    printed = capsys.readouterr().out
    page = " ".join((ROOT / "docs" / "explanation" / "metrics.md").read_text("utf-8").split())
    told = {
        **{rf"([\d.]+) at {px} px": rf"^ +{px} px: ([\d.]+)" for px in (1, 16, 64, 128)},
        r"An unedited image scores ([\d.]+) inside a box": r"patches all: ([\d.]+)",
        r"`center-crop` measures an excess of ([\d.]+)": r"center-crop: ([\d.]+)",
        r"`stretch`, measures ([\d.]+)\.": r"stretch: ([\d.]+)",
    }
    for on_page, in_print in told.items():
        measured = number(in_print, printed)
        # the last digit may be another on another processor
        assert number(on_page, page) == pytest.approx(measured, rel=0.01, abs=0.005), on_page
