"""What ``metrics`` leave out of what ``expect`` would hold: said, so that no gate is lost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.config.expect import left_out

if TYPE_CHECKING:
    from pytest_editmetrics.config.case_file import CaseFile, CaseSpec
    from pytest_editmetrics.config.expect import Expect
    from pytest_editmetrics.config.settings import MetricConfig
    from pytest_editmetrics.session.marker import Marker
    from pytest_editmetrics.session.state import EditSession


def say_left_out(
    session: EditSession,
    path: Path,
    expect: Expect | None,
    configs: Sequence[MetricConfig],
    marker: Marker,
) -> None:
    """Say what the marker or the configuration leaves out, for a check that names no metrics.

    A call that names its metrics asks for these. ``path`` is the test's file, ``configs`` are what
    is measured.
    """
    settings = session.settings
    if marker.metrics is not None:
        asked = [config.metric.name for config in configs]
        where = f"the marker's metrics in {session.shown(path)}"
        _say(session, left_out(asked, expect, where))
    elif settings.path is not None:
        _say(session, settings.narrowed(session.shown(settings.path)))


def say_left_out_of_case(session: EditSession, file: CaseFile, case: CaseSpec) -> None:
    """Say what the metrics of a case, or of its file, leave out."""
    expect = case.expect or session.settings.expect
    _say(session, file.left_out(case, expect, session.registry, session.shown(file.path)))


def _say(session: EditSession, told: str | None) -> None:
    if told is not None:
        session.say(told)
