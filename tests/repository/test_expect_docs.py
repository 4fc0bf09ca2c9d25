"""What docs/explanation/background.md shows of ``editmetrics expect`` is what it prints: bounds, some faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_editmetrics.background.faults import OF_AN_EXPECTATION
from pytest_editmetrics.checks import strengths
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.config.expect import EXPECTATIONS

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "background.md"
TRIED = ("colour-cast", "edit-undone")


def shown() -> dict[str, list[str]]:
    """Return the lines of the page's block under each expectation, their spaces made one."""
    block = PAGE.read_text(encoding="utf-8").partition("$ editmetrics expect\n")[2]
    found: dict[str, list[str]] = {}
    for line in block.partition("```")[0].splitlines():
        if line in EXPECTATIONS:
            found[line] = []
        elif line.strip() and line.startswith("  "):
            found[list(found)[-1]].append(" ".join(line.split()))
    return found


def test_all_of_them_are_shown():
    of_faults = {fault.text for fault in OF_AN_EXPECTATION.values()}
    assert list(shown()) == list(EXPECTATIONS)
    for lines in shown().values():
        assert {text for text in of_faults for line in lines if line.startswith(text)} == of_faults


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPECTATIONS)
def test_what_is_shown_is_what_is_printed(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        strengths, "OF_AN_EXPECTATION", {one: OF_AN_EXPECTATION[one] for one in TRIED}
    )
    assert main(["expect", name]) == 0
    printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    lines = [line for line in printed[1:-1] if line]
    assert lines == [
        line
        for line in shown()[name]
        if not any(
            line.startswith(fault.text)
            for key, fault in OF_AN_EXPECTATION.items()
            if key not in TRIED
        )
    ]
