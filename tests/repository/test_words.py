"""Pages and messages do without the words of tools/words.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import words  # noqa: E402


@pytest.mark.long
def test_no_page_or_message_has_one():
    assert [str(found) for found in words.everywhere()] == []


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Just call it.", "Just"),
        ("2.3 is just noticeable, and it is just that", "just"),
        ("the golden is\nrecorded for CUDA\nanew", "recorded for CUDA\nanew"),
        ("a gate gave no verdict", "gave no verdict"),
        ("images, e.g. photos", "e.g."),
        ("Simply robust", "robust"),
    ],
)
def test_one_is_found(text, word):
    assert word in [found.word for found in words.in_text(text, "a.md")]


@pytest.mark.parametrize("text", ["drawn anew", "just noticeable", "adjust it", "a thusness"])
def test_what_only_looks_like_one_is_not(text):
    assert list(words.in_text(text, "a.md")) == []


def test_code_and_made_tables_of_a_page_are_not_read_and_lines_stay():
    page = (
        "# One\n\n```bash\nsimply\n```\n\n`simply`\n<!-- ways: written by make adversity -->\n"
        "| simply |\n<!-- end of ways -->\n[a](simply.md)\nsimply\n"
    )
    assert [str(found) for found in words.in_text(words.prose(page), "a.md")] == [
        "a.md:12: 'simply'; say: leave it out"
    ]


def test_texts_of_the_package_are_read_and_its_names_are_not():
    found = words.in_module(
        'def simply(x):\n    """Simply."""\n    return f"{x} via `via`"\n', "m.py"
    )
    assert [(one.line, one.word) for one in found] == [(2, "Simply"), (3, "via")]
