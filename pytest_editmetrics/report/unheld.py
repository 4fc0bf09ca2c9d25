"""Goldens that no test uses any more, as a saved run tells of them."""

from __future__ import annotations

from pytest_editmetrics.goldens.renamed import obsolete_lines
from pytest_editmetrics.report.listed import Headed, listed
from pytest_editmetrics.runs.unheld import Unheld


def obsolete_texts(unheld: Unheld | None) -> list[Headed]:
    """Return what the end of a session says of them: a headed list of images, one of thresholds."""
    found = []
    if unheld is not None and unheld.images:
        title = "obsolete golden images (`editmetrics prune RUN` removes them)"
        lines = listed(title, [f"{one.file}: {one.reason}" for one in unheld.images])
        found.append(Headed(lines[0], lines[1:]))
    if unheld is not None and unheld.entries:
        head, *lines = obsolete_lines(unheld.entries)
        found.append(Headed(f"obsolete goldens: {head}", [f"  {line}" for line in lines]))
    return found
