"""The README's links: all absolute, as PyPI needs them, and each leads to what the checkout has."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_links import slugs

if sys.version_info >= (3, 11):
    import tomllib
else:
    tomllib = pytest.importorskip("tomli")

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
URLS = PROJECT["urls"]
BASE = URLS["Repository"]
PREFIX = {f"{BASE}/{kind}/main/": kind for kind in ("blob", "tree", "raw")}


def links(markdown: str) -> list[str]:
    """Return where links and pictures of a page lead, those of HTML among them."""
    found = []
    for token in MarkdownIt().parse(markdown):
        for child in (token, *(token.children or ())):
            found += [str(child.attrs[name]) for name in ("href", "src") if name in child.attrs]
            if child.type in ("html_block", "html_inline"):
                found += re.findall(r"(?:href|src)=\"([^\"]*)\"", child.content)
    return found


LINKS = links(README)


def problem(link: str) -> str | None:
    """Return what is wrong with a link, or None."""
    if link.startswith("#"):
        return None if link[1:] in slugs(ROOT / "README.md") else "no such heading"
    if urlsplit(link).scheme != "https":
        return "not absolute: PyPI resolves no other links"
    ours = [(prefix, kind) for prefix, kind in PREFIX.items() if link.startswith(prefix)]
    if not ours:
        return (
            f"another place of the repository than {list(PREFIX)}"
            if link.startswith(BASE)
            else None
        )
    ((prefix, kind),) = ours
    path, _, anchor = link.removeprefix(prefix).partition("#")
    target = ROOT / path
    if not (target.is_dir() if kind == "tree" else target.is_file()):
        return f"the checkout has no {path}"
    return "no such heading" if anchor and anchor not in slugs(target) else None


def test_there_is_something_to_check():
    assert len(LINKS) > 10
    assert [link for link in LINKS if "/raw/" in link]


@pytest.mark.parametrize("link", sorted(set(LINKS)))
def test_a_link_is_absolute_and_leads_to_what_is_there(link):
    assert problem(link) is None


@pytest.mark.parametrize("link", sorted(URLS.values()))
def test_so_does_each_address_of_the_project(link):
    assert link.startswith(BASE)
    assert link in (BASE, f"{BASE}/issues") or problem(f"{link}") is None


@pytest.mark.parametrize(
    ("link", "wrong"),
    [
        ("docs/how-to/weights.md", "not absolute"),
        ("#no-such-heading", "no such heading"),
        (f"{BASE}/blob/main/docs/nothing.md", "the checkout has no docs/nothing.md"),
        (f"{BASE}/blob/main/docs", "the checkout has no docs"),
        (f"{BASE}/blob/main/SECURITY.md#nowhere", "no such heading"),
        (f"{BASE}/wiki", "another place"),
    ],
)
def test_what_leads_nowhere_is_found(link, wrong):
    assert wrong in (problem(link) or "")


def test_the_readme_is_one_page():
    assert len(README.splitlines()) <= 150
