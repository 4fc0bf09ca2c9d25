"""What Jenkins' xUnit plugin takes of a JUnit file, as a check of our own.

The rules are those that its schema states (jenkinsci/xunit-plugin,
``src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd`` at commit 031e285):
which elements and attributes an element may have, and how a time is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


@dataclass(frozen=True)
class Rule:
    """What an element holds: attributes that it must and may have, and children."""

    must: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()
    children: frozenset[str] = frozenset()
    text: bool = False


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SAID = Rule(may=_words("type message"), text=True)
_AGAIN = Rule(
    _words("type"), _words("message"), _words("stackTrace system-out system-err"), text=True
)
_TEXT = Rule(text=True)
RULES = {
    "testsuites": Rule(may=_words("name time tests failures errors"), children=_words("testsuite")),
    "testsuite": Rule(
        _words("name tests failures errors"),
        _words("group time skipped timestamp hostname id package file log url"),
        _words("testsuite properties testcase system-out system-err"),
    ),
    "testcase": Rule(
        _words("name"),
        _words("time classname group"),
        _words(
            "skipped error failure rerunFailure rerunError flakyFailure flakyError system-out"
            " system-err"
        ),
    ),
    "properties": Rule(children=_words("property")),
    "property": Rule(_words("name value")),
    **dict.fromkeys(("failure", "error", "skipped"), _SAID),
    **dict.fromkeys(("rerunFailure", "rerunError", "flakyFailure", "flakyError"), _AGAIN),
    **dict.fromkeys(("system-out", "system-err", "stackTrace"), _TEXT),
}
_TIMED = ("testsuite", "testsuites")


def broken_rules(element: Element, where: str = "") -> Iterator[str]:
    """Yield each rule that a file breaks, none for one that Jenkins' xUnit plugin takes."""
    where = f"{where}/{element.tag}"
    rule = RULES[element.tag]
    given = frozenset(element.attrib)
    for name in sorted(rule.must - given):
        yield f"{where} without {name}"
    for name in sorted(given - rule.must - rule.may):
        yield f"{where} has {name}"
    if element.tag in _TIMED and not TIME.fullmatch(element.get("time", "")):
        yield f"{where} took {element.get('time')}"
    if not rule.text and "".join(filter(None, [element.text, *(c.tail for c in element)])).strip():
        yield f"{where} has text"
    for child in element:
        if child.tag in rule.children:
            yield from broken_rules(child, where)
        else:
            yield f"{where} holds {child.tag}"
