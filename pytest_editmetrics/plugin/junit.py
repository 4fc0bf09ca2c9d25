"""What pytest's JUnit XML tells of gates, so that every reader of it takes the file.

Totals are properties of the test suite; the pictures of a failing test are lines that GitLab and
Jenkins show; what fails the session besides its tests is a test case of its own. With
``editmetrics_junit = full`` each gate is a property of its test case as well (see
``session.record``), which strict schemas refuse.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.session.property_text import PROPERTY_PREFIX
from pytest_editmetrics.session.state import EditSession
from pytest_editmetrics.session.unread import is_case_file


class JUnit:
    """Adds to the XML that ``--junitxml`` writes; does nothing without it."""

    def __init__(self, session: EditSession):
        self._session = session

    @property
    def _xml(self) -> Any:
        """Return pytest's writer, if it writes and is to be told."""
        config = self._session.config
        if not getattr(config.option, "xmlpath", None) or self._session.options["junit"] == "off":
            return None
        from _pytest.junitxml import xml_key

        return config.stash.get(xml_key, None)

    def close_case(self, report: pytest.TestReport, gates: Iterable[Mapping[str, Any]]) -> None:
        """Name the pictures of a test's gates, before its test case is closed.

        The cases of a YAML file are one class: readers take what follows the last dot for it. Their
        ids are names as they are: pytest takes brackets in them for a parameter's.
        """
        path, _, case = report.nodeid.partition("::")
        if is_case_file(Path(path)) and (xml := self._xml) is not None:
            folder, _, name = path.rpartition("/")
            grouped = [*folder.split("/"), name.replace(".", "_")]
            from _pytest.junitxml import bin_xml_escape

            attributes = xml.node_reporter(report).attrs
            attributes["classname"] = ".".join(filter(None, grouped))
            attributes["name"] = bin_xml_escape(case)
        told = [str(gate["picture"]) for gate in gates if gate["picture"]]
        if not told:
            return
        from pytest_editmetrics.measurement import NO_PICTURE

        pictures = dict.fromkeys(
            one.partition(" (")[0] for one in told if not one.startswith(NO_PICTURE)
        )
        if not pictures or (xml := self._xml) is None:
            return
        lines = "\n".join(f"[[ATTACHMENT|{self._placed(name)}]]" for name in pictures)
        _say(xml.node_reporter(report), lines)

    def _placed(self, picture: str) -> str:
        """Return a picture's path: from the project for GitLab, else whole, as Jenkins wants it."""
        path = self._session.rootdir / picture
        project = os.environ.get("CI_PROJECT_DIR")
        if project and path.is_relative_to(Path(project)):
            return path.relative_to(Path(project)).as_posix()
        return str(path)

    def totals(self, counts: Mapping[str, int]) -> None:
        """State the session's counts."""
        if (xml := self._xml) is None:
            return
        for name, number in counts.items():
            xml.add_global_property(f"{PROPERTY_PREFIX}{name}", number)

    def problems(self, problems: Sequence[str]) -> None:
        """Make an error of what fails the session besides its tests, as pytest does of its own.

        Else a reader of this file alone takes the session for a pass.
        """
        if not problems or (xml := self._xml) is None:
            return
        case = xml.node_reporter("editmetrics")
        case.attrs.update(classname="editmetrics", name="session")
        case._add_simple("error", "the session fails besides its tests", "\n\n".join(problems))


def _say(case: Any, lines: str) -> None:
    """Give a test case its one ``system-out``: GitLab reads no second, as of captured output."""
    from xml.etree.ElementTree import Element

    said = Element("system-out")
    said.text = lines
    case.append(said)
    append = case.append

    def together(node: Element) -> None:
        if node.tag == said.tag:
            said.text = f"{said.text}\n{node.text or ''}"
        else:
            append(node)

    case.append = together
