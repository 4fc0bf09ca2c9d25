"""What was built: links and anchors lead somewhere, and everything that is declared is in it."""

from __future__ import annotations

import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from site_page import SITE

import pytest_editmetrics
from pytest_editmetrics import testing
from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.gates.verdict import VERDICTS
from pytest_editmetrics.measurement import SOFT_REASONS
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.session import hookspec
from pytest_editmetrics.session.option_list import OPTIONS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from reference_pages.surface import declared_fixtures, leaves  # noqa: E402


class Built(HTMLParser):
    """The anchors of a page, where its links lead, its words, and what a reader cannot hear."""

    def __init__(self, path: Path):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text = ""
        self._in: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {value for name in ("id", "name") if (value := given.get(name))}
        self.links += [value for name in ("href", "src") if (value := given.get(name))]
        if tag == "img":
            self.images.append(given)
        if tag in ("script", "style"):
            self._in.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._in.pop()

    def handle_data(self, data: str) -> None:
        if not self._in:
            self.text += data


PAGES = {path.relative_to(SITE).as_posix(): Built(path) for path in SITE.rglob("*.html")}


def lost(name: str) -> list[str]:
    """Return the links of a page that lead to no page, file or anchor of the site."""
    found = []
    for link in PAGES[name].links:
        target = urlsplit(link)
        if target.scheme or target.netloc:
            continue
        if name == "404.html" and target.path.startswith("/"):  # served at every depth
            path = SITE / target.path.lstrip("/")
        else:
            path = (SITE / name).parent / unquote(target.path) if target.path else SITE / name
        path = path.resolve() / "index.html" if path.is_dir() else path.resolve()
        page = PAGES.get(path.relative_to(SITE).as_posix())
        anchor = unquote(target.fragment)
        if not path.is_file() or (page and anchor and anchor not in page.anchors):
            found.append(link)
    return found


def test_there_is_a_page_for_every_document():
    documents = [path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")]
    names = {path.with_suffix(".html").as_posix() for path in documents}
    names = {name.replace("README.html", "index.html") for name in names}
    assert len(names) > 40
    assert PAGES.keys() == names | {"404.html", "changelog.html", "security-policy.html"}


@pytest.mark.parametrize("name", PAGES)
def test_every_link_and_anchor_leads_somewhere(name):
    assert len(PAGES[name].links) > 10
    assert lost(name) == []


def test_every_picture_is_told_in_words():
    images = [(name, image) for name, page in PAGES.items() for image in page.images]
    assert len(images) > 4
    assert [name for name, image in images if len(image.get("alt") or "") < 20] == []


def test_every_column_of_a_table_has_a_name():
    for name in PAGES:
        text = (SITE / name).read_text(encoding="utf-8")
        assert not re.search(r"<th[^>]*></th>", text), name


def test_every_option_and_command_is_in_the_reference():
    assert {option.flag for option in OPTIONS} <= PAGES["reference/options.html"].anchors
    anchors = PAGES["reference/commands.html"].anchors
    names = [name for name, _ in leaves(make_parser())]
    assert len(names) > 20
    assert {name.replace(" ", "-") for name in names} <= anchors


def test_every_metric_and_pipe_is_in_the_reference():
    registry = PipeRegistry()
    assert set(registry.metrics) <= PAGES["reference/metrics.html"].anchors
    text = PAGES["reference/pipes.html"].text
    assert [name for name in registry.pipes if name not in text] == []


def test_every_fixture_and_hook_is_in_the_reference():
    anchors = PAGES["reference/plugin.html"].anchors
    names = {name for name, _, _ in declared_fixtures()}
    hooks = {name for name in vars(hookspec) if name.startswith("pytest_")}
    assert len(names) > 8
    assert hooks
    for name in names | hooks:
        assert any(anchor == name or anchor.startswith(f"{name}check") for anchor in anchors), name


def test_every_verdict_and_reason_is_in_the_reference():
    text = PAGES["reference/outcomes.html"].text
    assert [name for name in (*VERDICTS, *SOFT_REASONS) if name not in text] == []


def test_every_public_name_is_in_the_api_with_its_docstring():
    page = PAGES["reference/api.html"]
    for module in (pytest_editmetrics, testing):
        for name in module.__all__:
            assert f"{module.__name__}.{name}" in page.anchors
            doc = (getattr(module, name).__doc__ or "").strip().splitlines()[0]
            words = re.sub(r"[`*]", "", doc).split()
            assert " ".join(words[:4]) in " ".join(page.text.split()), name


def test_the_changelog_has_this_version():
    page = PAGES["changelog.html"]
    version = pytest_editmetrics.__version__
    assert f"pytest-editmetrics {version}" in page.text
    assert re.search(rf"\b{re.escape(version)}\b.*¶", page.text)
    assert any(anchor.startswith(version.replace(".", "")) for anchor in page.anchors)


def test_the_search_knows_every_page_and_heading():
    index = json.loads((SITE / "search" / "search_index.json").read_text(encoding="utf-8"))
    known = {entry["location"] for entry in index["docs"]}
    assert {name for name in PAGES if name != "404.html"} <= known
    assert "reference/options.html#--editmetrics-require" in known
