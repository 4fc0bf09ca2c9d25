"""The walk of docs/how-to/walk.md: goldens are created, hold, fail a changed model, and are approved from a run."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest
from walk import walk


class Report(HTMLParser):
    """The headline of a report, its cases and what it embeds and asks for."""

    def __init__(self, path: Path):
        super().__init__()
        self.headline = ""
        self.cases: list[str] = []
        self.images = 0
        self.addresses: list[str] = []
        self._in_headline = False
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._in_headline = tag == "h1"
        if tag == "article":
            self.cases.append(given["class"] or "")
        self.images += (given.get("id") or "").startswith("i-")
        self.addresses += [given[name] or "" for name in ("src", "href") if name in given]

    def handle_data(self, data: str) -> None:
        if self._in_headline:
            self.headline += data

    def handle_endtag(self, tag: str) -> None:
        self._in_headline = False


def files(folder: Path) -> dict[str, bytes]:
    goldens = sorted(path for path in folder.joinpath("goldens").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in goldens}


@pytest.mark.slow
def test_what_the_walk_promises_is_what_happens(tmp_path, programs):
    steps = walk(tmp_path)

    def step(command: str, status: int) -> str:
        done = next(steps)
        assert done.command == command
        assert done.status == status, done.output
        assert done.promised, command
        assert all(words in done.output for words in done.promised), done.output
        return done.output

    assert files(tmp_path) == {}
    output = step("pytest --editmetrics-update=missing", 0)
    assert "recorded: 1 golden image in goldens/test_cup.py;" in output
    created = files(tmp_path)
    assert len(created) == 3
    step("pytest", 0)
    output = step("pytest --editmetrics-run-dir=run --editmetrics-html=report.html", 1)
    assert "GateFailure: unedit lpips 0." in output
    assert "GateFailure: golden_structure worst tile " in output
    assert files(tmp_path) == created
    report = Report(tmp_path / "report.html")
    assert report.headline == "2 of 2 cases failed"
    assert report.cases == ["case failed", "case failed"]
    assert report.images == len(list(tmp_path.glob("run/images/*.png")))
    assert [
        address for address in report.addresses if not address.startswith(("#", "data:image/"))
    ] == []
    step("editmetrics approve run", 0)
    approved = files(tmp_path)
    assert approved.keys() == created.keys()
    assert all(approved[name] != content for name, content in created.items())
    step("pytest", 0)
    assert files(tmp_path) == approved
    assert list(steps) == []
