"""What mkdocs does besides: the changelog and SECURITY.md become pages, links out of docs/ lead on.

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
PAGES = {"CHANGELOG.md": "changelog.md", "SECURITY.md": "security.md"}
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
    config.repo_url = REPOSITORY
    config.copyright = f"pytest-editmetrics {VERSION}"
    config.site_name = f"pytest-editmetrics {VERSION}"
    return config


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
