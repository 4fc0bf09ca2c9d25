"""A number stands before the word in the right number: ``errors.counted`` says both."""

from __future__ import annotations

import re
from pathlib import Path

from pytest_editmetrics.errors import counted

PACKAGE = Path(__file__).parents[2] / "pytest_editmetrics"
BY_HAND = re.compile(r"""\} [\w ]+\{(['"]s['"]|['"]{2}) if """)


def test_no_plural_is_made_by_hand():
    made = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if BY_HAND.search(line)
    ]
    assert made == []


def test_one_made_by_hand_is_found():
    assert BY_HAND.search("""f"{number} suite gate{'' if number == 1 else 's'} failed\"""")
    assert BY_HAND.search("""f"{len(found)} finding{'s' if len(found) > 1 else ''}\"""")
    assert counted(0, "gate") == "0 gates"
