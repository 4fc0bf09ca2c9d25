"""Whether a golden is still the one that a run's gate was judged by: only that may be replaced."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import ConfigError, EditMetricsError
from pytest_editmetrics.gates.verdict import UNSTATED
from pytest_editmetrics.measurement import bound_kind_of
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces, Stated

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.approved import GoldenAddress
    from pytest_editmetrics.runs.folder import GateRecord

_ELSEWHERE = frozenset({UNSTATED, "golden_under", "golden_left_under"})
"""Details of a gate whose own entry stated no bound: another one held it."""


def check_bound(
    places: GoldenPlaces, record: GateRecord, address: GoldenAddress, written: Iterable[Stated]
) -> None:
    """Refuse to replace a golden threshold that the gate was not judged by.

    Args:
        places: of the project.
        record: the gate.
        address: where its golden lies.
        written: what accepting the gate, or one that shares its golden, writes there, its own
            first: it may be there already.

    Raises:
        EditMetricsError: the golden is another.
    """
    gate = record.gate
    own = gate.origin == "golden" and _ELSEWHERE.isdisjoint(gate.details)
    then = (gate.bound, gate.approved) if own and gate.bound is not None else None
    try:
        now = places.stated(address, gate.env)
    except ConfigError:  # nothing is written to such a file, and whoever writes says why
        return
    if now == then or (now is not None and now in written):
        return
    kind = bound_kind_of(gate.better)
    raise _refused(
        record,
        f"the golden of {gate.label} in {address.file.as_posix()} is {_told(kind, now)} now, and"
        f" was {_told(kind, then)} when the run was judged by it",
    )


def check_image(
    places: GoldenPlaces, record: GateRecord, target: Path, written: Iterable[str]
) -> None:
    """Refuse to replace a golden image that the gate was not judged by.

    Args:
        places: of the project.
        record: the gate.
        target: the golden image, whatever its format.
        written: what the run calls the images that may be it, the gate's own first: one may lie
            there already.

    Raises:
        EditMetricsError: the golden is another.
    """
    from pytest_editmetrics.goldens.images import SUFFIXES, sha256_of

    then = dict(record.gate.snapshot or {}).get("sha256")
    files = [target.with_suffix(suffix) for suffix in SUFFIXES]
    there = [path for path in files if path.is_file() and path.stat().st_size > 0]
    if then in map(sha256_of, there) if there else then is None:
        return
    names = {_name_in_runs(path) for path in there}
    if any(name in names for name in written):
        return
    how = "is gone" if not there else "was not there" if then is None else "was another"
    shown = places.session.shown(there[0] if there else target).as_posix()
    when = "" if not there else " when the run was judged"
    raise _refused(record, f"the golden image {shown} {how}{when}")


def _name_in_runs(path: Path) -> str | None:
    """Return what a run calls an image, which its pixels decide; ``None`` if it is none."""
    from pytest_editmetrics.images.load import read_pixels
    from pytest_editmetrics.runs.writing import image_name

    try:
        pixels = read_pixels(path, colour="numbers")
    except EditMetricsError:
        return None
    return PurePath(image_name(pixels.bare, pixels.icc)).name


def _refused(record: GateRecord, why: str) -> EditMetricsError:
    return EditMetricsError(
        f"nothing was written: {record.nodeid}: {why}, so what was looked at is no longer what it"
        " would replace; run the tests again, or leave it out with -k"
    )


def _told(kind: str, stated: Stated | None) -> str:
    if stated is None:
        return "none"
    bound, measured = stated
    return f"{kind} {bound:g}" + ("" if measured is None else f" (measured {measured:g})")
