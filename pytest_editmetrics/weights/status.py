"""What is here and what is not, for people and for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pytest_editmetrics.errors import MissingResourceError, WeightsError
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import PACKAGED, fetch_command, split_revision
from pytest_editmetrics.weights.find import REINSTALL, FoundWeights, find

State = Literal["packaged", "present", "missing", "damaged"]


@dataclass(frozen=True)
class WeightsStatus:
    """One line of ``editmetrics weights list``.

    ``size`` is in bytes: that of the file if it is here, else the published one, else ``None``.
    ``problem`` says why the weights cannot be used; ``command`` puts that right. Both are ``None``
    for weights that are here and whole.
    """

    name: str
    state: State
    size: int | None
    size_text: str
    path: str | None = None
    sha256: str | None = None
    problem: str | None = None
    command: str | None = None


def status(name: str, revision: str | None = None) -> WeightsStatus:
    """Look for ``name`` on this machine, hash included, without the network.

    Raises:
        InputError: an unknown name.

    >>> status("lpips:alex").state
    'packaged'
    """
    known = PACKAGED.get(name) or catalog.PUBLISHED.get(name)
    try:
        found = find(name, revision)
    except (MissingResourceError, WeightsError) as error:
        return WeightsStatus(
            name,
            "missing" if isinstance(error, MissingResourceError) else "damaged",
            known.size if known else None,
            known.size_text if known else "-",
            problem=str(error),
            command=REINSTALL if name in PACKAGED else fetch_command(name, revision),
        )
    size = _size(found)
    return WeightsStatus(
        name,
        "packaged" if name in PACKAGED else "present",
        size,
        known.size_text if known else f"{size / 1e6:,.0f} MB",
        path=str(found.path),
        sha256=found.sha256,
    )


def _size(found: FoundWeights) -> int:
    return sum(file.stat().st_size for file in found.files)


def verify(names: Sequence[str]) -> list[WeightsStatus]:
    """Hash weights again: those of ``names`` (``name@revision``), or of the catalogue what is here.

    Raises:
        InputError: an unknown name.

    >>> [row.name for row in verify(["lpips:alex"]) if row.problem is None]
    ['lpips:alex']
    """
    if names:
        return [status(*split_revision(name)) for name in names]
    rows = (status(name) for name in catalog.known_names())
    return [row for row in rows if row.state != "missing"]
