"""Every link of the repository's Markdown leads to a file and, where it names one, to a heading."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from markdown_links import FENCE, slugs

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    ROOT / name
    for name in subprocess.check_output(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        text=True,
    ).splitlines()
    if (ROOT / name).is_file()
)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def lost(path):
    """Give the links of a page that lead nowhere."""
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        there = (path.parent / target).resolve() if target else path
        if not there.exists() or (anchor and anchor not in slugs(there)):
            yield link


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(path):
    assert list(lost(path)) == []


def test_a_link_to_nowhere_is_seen(tmp_path):
    page = tmp_path / "a.md"
    page.write_text(
        "# One `--two`\n\n[a](#one---two) [b](#one) [c](b.md) [d](https://x.org/y)\n\n"
        "```\n# no heading\n[e](nowhere.md)\n```\n"
    )
    assert list(lost(page)) == ["#one", "b.md"]


def test_a_path_of_docs_that_is_named_anywhere_exists():
    named = set()
    for path in (*ROOT.glob("*.md"), *(ROOT / "pytest_editmetrics").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        named |= {(path.name, name) for name in re.findall(r"\bdocs/[\w./-]+\w", text)}
    assert len(named) > 20
    assert not {(page, name) for page, name in named if not (ROOT / name).exists()}
