"""What mkdocs does besides: the navigation, the pages that lie outside docs/, links that leave it.

The index page of a folder is its part of the navigation: the pages that its lists and headings
begin with, in that order, a heading above a list being a group. A page that no index has is a
warning, and so an error.

A page is written so that its links hold where the code is read. In the site a link to a file of the
repository becomes one to the page made of it, or to the public repository.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
PAGES = {"CHANGELOG.md": "changelog.md", "SECURITY.md": "security-policy.md"}
SECTIONS = {
    "Tutorials": "tutorials/index.md",
    "How-to": "how-to/index.md",
    "Reference": "reference/README.md",
    "Explanation": "explanation/index.md",
}
FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}).*?^(?P=indent)(?P=fence)", re.M | re.S)
LINK = re.compile(r"(?<=\]\()(?P<target>[^)\s#:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def _declared(pattern: str, file: str) -> str:
    found = re.search(pattern, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None, (pattern, file)
    return found[1]


REPOSITORY = _declared(r'^Repository = "(.*)"', "pyproject.toml")
VERSION = _declared(r'^version = "(.*)"', "pyproject.toml")


def slug(heading: str, separator: str) -> str:
    """Return the anchor of a heading as GitHub makes it, so that a link holds there and here."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Say which release the site describes, and where the code lies."""
    config.mdx_configs["toc"]["slugify"] = slug
    config.nav = [
        {"Home": "index.md"},
        *({name: _section(page)} for name, page in SECTIONS.items()),
        {"Changelog": [{"Changelog": "changelog.md"}, {"Security policy": "security-policy.md"}]},
    ]
    # a link of ours: the theme's own asks GitHub for numbers on every page
    config.extra["social"] = [
        {"icon": "fontawesome/brands/github", "link": REPOSITORY, "name": "The code"}
    ]
    config.copyright = f"pytest-editmetrics {VERSION}"
    config.site_name = f"pytest-editmetrics {VERSION}"
    return config


def _section(index: str) -> list[Any]:
    """Return the navigation of a folder: its index page, then what that links to, each once."""
    folder = posixpath.dirname(index)
    found: list[Any] = [index]
    into = found
    for line in (ROOT / "docs" / index).read_text(encoding="utf-8").splitlines():
        if line.startswith("## ") and "](" not in line:
            into = []
            found.append({line.removeprefix("## "): into})
        # an item of a list, or a heading, that begins with a link to a page
        if link := re.match(r"(?:- |## )\[([^]]+)\]\(([\w-]+\.md)\)", line):
            into.append({link[1].replace("`", ""): f"{folder}/{link[2]}"})
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside docs/."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Turn links that leave docs/ into links of the site or of the public repository."""
    made = {there: here for here, there in PAGES.items()}
    # where the file lies in the repository, and where its page lies in the site
    source = made.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def lead(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), link["target"]))
        anchor = link["anchor"] or ""
        if target in PAGES:
            there = PAGES[target]
        elif target.startswith("docs/"):
            there = target.removeprefix("docs/")
        else:
            kind = "tree" if (ROOT / target).is_dir() else "blob"
            return f"{REPOSITORY}/{kind}/main/{target}{anchor}"
        folder = posixpath.dirname(page.file.src_uri) or "."
        return posixpath.relpath(there, folder) + anchor

    parts, end = [], 0
    for block in FENCE.finditer(markdown):
        parts += [LINK.sub(lead, markdown[end : block.start()]), block[0]]
        end = block.end()
    return "".join([*parts, LINK.sub(lead, markdown[end:])])
