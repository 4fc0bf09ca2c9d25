"""The Markdown summary: what it says, and that no string from a test gets out of its place."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.markdown import SessionEnd, markdown_summary
from pytest_editmetrics.report.tally import Tally, TestGates

FAIL = Gate(
    "lpips", "fail", value=0.142, scope="unedit_area", bound_kind="max", bound=0.1,
    origin="golden", source="goldens/test_x.py.yaml:12", distance=0.042, device_name="cpu",
    region={"coords": [[1, 2, 3, 4]], "width": 8, "height": 8},
)  # fmt: skip
PASS = replace(FAIL, verdict="pass", value=0.05, distance=-0.05)
SOFT = Gate("emd", "unmeasured", reason="no-valid-patch", message="no patch", approved=7.5)
HOSTILE = [
    "a|b",
    "`x`",
    "<script>alert(1)</script>",
    "x\ny\n\n# heading",
    "</pre></details><img src=x onerror=y>",
    "**bold** __b__ _i_ ~~s~~ [a](http://b) ![i](j)",
    "&lt;b&gt; &#60;",
    "\\|\\` a\\",
    "```\ncode\n```",
    "@octocat :smile: $x$",
    "\x1b[31m\u202e\udc80",
    "<!-- ",
    "| a | b |\n|---|---|",
]
TAGS = {
    "h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "details", "summary", "br",
    "pre", "ul", "li", "sub", "strong",
}  # fmt: skip


class Page(HTMLParser):
    """Tags, the text of each tag, and the cells of each table row of a rendered page."""

    def __init__(self, markdown: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.texts: dict[str, list[str]] = {}
        self.cells: list[int] = []
        renderer = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
        self.feed(renderer.render(markdown))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert set(dict(attrs)) <= {"style"}, attrs
        self.tags.add(tag)
        if tag == "br":
            return
        self.open.append(tag)
        self.texts.setdefault(tag, []).append("")
        if tag == "tr":
            self.cells.append(0)
        self.cells[-1:] = [self.cells[-1] + 1] if tag in ("td", "th") else self.cells[-1:]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    def handle_decl(self, decl):
        raise AssertionError(f"a declaration: {decl}")

    def handle_pi(self, data):
        raise AssertionError(f"a processing instruction: {data}")


def tally(*gates: Gate, outcome: str = "failed", nodeid: str = "test_x.py::test_a") -> Tally:
    return Tally([TestGates(nodeid, 1, True, outcome, outcome == "failed", gates)])


def verdict(*args, **kwargs) -> str:
    return markdown_summary(*args, **kwargs).splitlines()[0]


def shown(text: str, line_break: str) -> str:
    """What a reader sees of a string: control characters as their escapes."""
    return "".join(
        c if c.isprintable()
        else line_break if c == "\n"
        else " " if c in "\r\t"
        else c.encode("unicode_escape").decode()
        for c in text
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings_are_shown_as_they_are(text):
    check_hostile(text)


@given(st.text(st.sampled_from("|`<>&\\*_[]()!~$#-+=:@\"' \n\r\tab1é\u202e"), max_size=30))
def test_any_string_is_shown_as_it_is(text):
    check_hostile(text)


def check_hostile(text: str) -> None:
    nodeid = f"test_x.py::test_a[{text}]"
    gates = (
        replace(FAIL, name=text, source=text),
        Gate("emd", "error", message=text),
        replace(SOFT, metric=f"m{text}", message=text),
        replace(FAIL, name="r" + text, verdict="recorded", proposal=0.2),
    )
    made = tally(*gates, nodeid=nodeid)
    made.crashed.append(nodeid)
    end = SessionEnd({"torch": text or None}, notes=[f"n {text}"], problems=[f"p {text}"])
    page = Page(markdown_summary(made, end))
    assert page.tags <= TAGS
    assert page.cells == [8] * 4
    codes = page.texts["code"]
    assert shown(nodeid, " ") in codes
    assert shown(f"p {text}", " ") in codes
    assert shown(f"m{text}", " ") in codes
    assert any(shown(f"unedit lpips@{text} 0.142", " ") in code for code in codes)
    assert any(shown(f"judged: {text}", "\n") in pre for pre in page.texts["pre"])


def test_a_failure_tells_its_headline_and_how_to_accept_it():
    page = Page(markdown_summary(tally(FAIL, PASS), SessionEnd({"torch": "2.6", "lpips": None})))
    assert page.texts["summary"] == ["test_x.py::test_aunedit lpips 0.142 > max 0.100"]
    assert "to accept pytest test_x.py::test_a --editmetrics-update=failed" in page.texts["pre"][0]
    assert page.texts["td"][:5] == ["lpips", "2", "1", "1", "0"]
    assert page.texts["sub"] == ["torch 2.6"]


@pytest.mark.parametrize(
    ("made", "end", "line"),
    [
        (tally(PASS, outcome="passed"), SessionEnd(), "## ✅ editmetrics passed: 1 gate"),
        (tally(PASS, FAIL), SessionEnd(failed_tests=1), "## ❌ editmetrics failed: 1 of 2 gates failed"),
        (
            tally(FAIL, outcome="xfailed"),
            SessionEnd(),
            "## ✅ editmetrics passed: 1 gate, 1 failed as expected",
        ),
        (
            tally(PASS, SOFT, outcome="xfailed"),
            SessionEnd(),
            "## ✅ editmetrics passed: 2 gates, 1 unmeasured",
        ),
        (
            tally(SOFT, outcome="xfailed"),
            SessionEnd(problems=["nothing was measured"]),
            "## ❌ editmetrics failed: 1 gate, 1 unmeasured",
        ),
        (
            tally(PASS, outcome="passed"),
            SessionEnd(failed_tests=3),
            "## ❌ editmetrics failed: 1 gate, 3 failed tests of the session",
        ),
        (
            tally(PASS, outcome="passed"),
            SessionEnd(cut="interrupted"),
            "## ❌ editmetrics failed: 1 gate, interrupted, so not every test ran",
        ),
        (
            Tally(crashed=["test_x.py::test_a"]),
            SessionEnd(),
            "## ❌ editmetrics failed: 0 gates, 1 test crashed",
        ),
    ],
)  # fmt: skip
def test_the_first_line_is_the_verdict(made, end, line):
    assert verdict(made, end) == line


def test_every_section_is_there_when_it_has_something_to_say():
    tests = [
        TestGates("t::passes", 1, True, "passed", False, (PASS,)),
        TestGates("t::flaky", 1, False, "rerun", True, (FAIL,)),
        TestGates("t::flaky", 2, True, "passed", False, (PASS,)),
        TestGates("t::hidden", 1, True, "xfailed", True, (replace(FAIL, smoke=True),)),
        TestGates("t::soft", 1, True, "xfailed", False, (SOFT,)),
        TestGates("t::new", 1, True, "passed", False, (replace(PASS, verdict="recorded", proposal=1),)),
    ]  # fmt: skip
    made = Tally(tests, ["t::dead"])
    page = Page(markdown_summary(made, SessionEnd(notes=["recorded: goldens/t.yaml"])))
    assert page.texts["h3"] == [
        "Failing, but did not fail the test (xfail mark or caught): 1",
        "Crashed, so not measured to the end: 1",
        "Unmeasured: 1",
        "Passed only after a rerun: 1",
        "Recorded: 1",
        "Notes: 1",
    ]
    assert "smoke weights: 1 of 5 gates" in " ".join(page.texts["p"])
    assert any("was 7.500 when approved" in item for item in page.texts["li"])


@pytest.mark.parametrize("limit", [3_000, 20_000, 600_000])
def test_what_passes_the_limit_is_left_out_and_said(limit):
    made = Tally(
        [TestGates(f"test_é.py::test_{n}", 1, True, "failed", True, (FAIL,)) for n in range(2_000)]
    )
    text = markdown_summary(made, SessionEnd({"torch": "2.6"}), limit)
    assert limit - 1_000 < len(text.encode()) <= limit
    page = Page(text)
    left_out = 2_001 - len(page.texts.get("details", ())) - len(page.texts.get("h3", ()))
    assert f"Truncated: {left_out} more entries" in " ".join(page.texts["p"])
    assert text.startswith("## ❌ editmetrics failed: 2000 of 2000 gates failed\n")
    assert page.texts["td"][:2] == ["lpips", "2000"]
    assert page.texts["sub"] == ["torch 2.6"]


def test_what_just_fits_is_whole():
    made, end = tally(FAIL, PASS, SOFT), SessionEnd({"torch": "2.6"})
    whole = markdown_summary(made, end)
    assert markdown_summary(made, end, len(whole.encode())) == whole
    assert "Truncated" in markdown_summary(made, end, len(whole.encode()) - 1)


def test_an_endless_message_is_shortened():
    text = markdown_summary(tally(Gate("emd", "error", message="x" * 1_000_000)), SessionEnd())
    assert len(text) < 30_000
    assert "x…" in text
