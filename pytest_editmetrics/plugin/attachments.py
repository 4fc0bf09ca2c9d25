"""Pictures and causes of failing gates in the reports of pytest-html and Allure.

Registered only where one of them is; neither is imported otherwise.
"""

from __future__ import annotations

import base64
from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_editmetrics.session.record import record_key
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate


class Attachments:
    """Gives each failing test's report the pictures of its gates."""

    def __init__(self, session: EditSession):
        self._session = session
        plugins = session.config.pluginmanager
        self._html = plugins.hasplugin("html")
        self._allure = plugins.hasplugin("allure_pytest")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[Any]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what the gates of this report show."""
        record = item.stash.get(record_key, None)
        report = yield
        if record is not None and report.failed:
            for gate in record.current:
                if gate.failing:
                    self._attach(report, gate)
        return report

    def _attach(self, report: pytest.TestReport, gate: Gate) -> None:
        from pytest_editmetrics.report.text import headline

        picture = self._session.rootdir / str(gate.picture or "").partition(" (")[0]
        shown = picture if gate.picture and picture.is_file() else None
        if self._html:
            _to_html(report, headline(gate), shown)
        if self._allure:
            _to_allure(gate.label, headline(gate), shown)


def _to_html(report: Any, text: str, picture: Path | None) -> None:
    from pytest_html import extras

    added = [extras.text(text, name="editmetrics")]
    if picture is not None:
        added.append(extras.png(base64.b64encode(picture.read_bytes()).decode()))
    report.extras = [*getattr(report, "extras", []), *added]


def _to_allure(label: str, text: str, picture: Path | None) -> None:
    import allure

    allure.attach(text, f"editmetrics {label}", allure.attachment_type.TEXT)
    if picture is not None:
        allure.attach.file(str(picture), f"{label} picture", allure.attachment_type.PNG)
