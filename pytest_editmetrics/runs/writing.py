"""A run directory while it is written: an earlier run stays until something replaces it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_editmetrics.runs.folder import IMAGES, REPORT, RunDir, image_names
from pytest_editmetrics.runs.results import ResultsFile

_MADE_BY = b'<meta name="generator" content="pytest-editmetrics">'
_HEAD = 4096


class RunResults(ResultsFile):
    """The results file of a run directory, which takes the images along.

    Images of the new run lie beside those of the earlier one, named by their content. When the new
    run begins, the earlier one's results and report go; when it ends, so do images that no gate of
    the new one names. A process that is killed before leaves the earlier run whole, one that is
    killed after that a run that says it was cut off.

    Args:
        run_dir: made where it is not there.
        versions: of the packages that a measurement depends on.
        started: when, as ISO 8601.
        more: what the session line tells besides.

    Raises:
        EditMetricsError: the folder holds something else than a run, cannot be written, or is being
            written by another session.
    """

    def __init__(
        self, run_dir: RunDir, versions: Mapping[str, str | None], started: str, **more: Any
    ):
        self._run_dir = run_dir
        self._images: set[str] = set()
        run_dir.prepare()
        super().__init__(run_dir.results_path, versions, started, **more)
        with suppress(OSError):  # an image that cannot be saved says so
            (run_dir.path / IMAGES).mkdir(exist_ok=True)

    def begin(self) -> None:
        """Replace the earlier run, now that something runs."""
        if not self.begun:
            report = self._run_dir.path / REPORT
            with suppress(OSError):
                if is_report(report):
                    report.unlink()
        super().begin()

    def gate(
        self,
        nodeid: str,
        attempt: int,
        final: bool,
        outcome: str,
        gate: Any,
        other_failure: bool = False,
    ) -> None:
        """Append one gate, and keep its images."""
        self._images.update(image_names(gate.images))
        super().gate(nodeid, attempt, final, outcome, gate, other_failure)

    def leave(self) -> None:
        """Close the file as it is, and remove the images that it does not name."""
        if self.begun:
            with suppress(OSError):  # what stays costs room and nothing else
                self._run_dir.tidy(self._images)
        super().leave()


def is_report(page: Path) -> bool:
    """Tell whether a file is a page of an HTML report of ours."""
    try:
        with page.open("rb") as file:
            return _MADE_BY in file.read(_HEAD)
    except OSError:
        return False
