"""Accept what a run measured: its values become golden thresholds, its images golden images."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.measurement import bound_kind_of
from pytest_editmetrics.saved_runs.acceptance import (
    NewBound,
    NewGolden,
    SharedGoldens,
    accepted,
    beyond_default,
    to_accept,
)
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces
from pytest_editmetrics.saved_runs.other_failures import OtherFailures
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.changes import Change
    from pytest_editmetrics.runs.folder import GateRecord, Run

_PATIENCE = 20


@dataclass(frozen=True)
class Prepared:
    """Golden files as they are to be.

    ``images`` are those that are written, ``left`` those that are not, with the reason;
    ``problems`` says of golden files what cannot be written to them.
    """

    changes: tuple[Change, ...] = ()
    images: tuple[NewGolden, ...] = ()
    left: tuple[tuple[GateRecord, str], ...] = ()
    problems: dict[Path, str] = field(default_factory=dict)


def selected(runs: Sequence[Run], expression: str | None) -> list[GateRecord]:
    """Return the gates of each test's last attempt, run by run, that ``-k`` selects.

    ``expression`` is a whole test id, or an expression as pytest's ``-k`` takes it, whose names are
    searched for in the test id and the gate's label (``lpips@sky``), case ignored.

    Raises:
        InputError: the expression cannot be read, or selects nothing.
    """
    records = [record for run in runs for record in run.gates if record.final]
    if expression is None:
        return records
    found = matching(records, expression)
    if not found:
        where = ", ".join(str(run.shown) for run in runs)
        raise InputError(
            f"-k {expression!r} selects none of {counted(len(records), 'gate')} of {where}"
        )
    return found


def matching(records: Sequence[GateRecord], expression: str) -> list[GateRecord]:
    """Return the gates that a whole test id, or an expression as for ``selected``, matches.

    Raises:
        InputError: it cannot be read.
    """
    if whole := [record for record in records if record.nodeid == expression]:
        return whole
    from _pytest.mark.expression import Expression

    try:
        compiled = Expression.compile(expression)
    except Exception as error:  # its type changed between versions of pytest
        said = error.msg if isinstance(error, SyntaxError) else error
        raise InputError(f"the expression {expression!r} cannot be read: {said}") from None

    def matches(record: GateRecord) -> bool:
        text = f"{record.nodeid}::{record.gate.label}".lower()

        def named(name: str, /, **more: object) -> bool:
            return name.lower() in text

        return bool(compiled.evaluate(named))

    return [record for record in records if matches(record)]


def approve(
    session: EditSession,
    run: Run,
    expression: str | None,
    say: Callable[[str], None],
    *,
    missing: bool = False,
    reason: str | None = None,
    dry_run: bool = False,
) -> int:
    """Write goldens for the failing gates that a golden, or none, decided; return how many.

    Bounds that a test or a case states are never written: ``say`` is told where to edit them, as it
    is told everything that is written. The gates of a test that failed for another reason, too, are
    left unless ``expression`` is its id, as are those of one that is expected to fail; those of a
    case that was refused or put off in ``editmetrics review`` always, and what is written is marked
    there.

    Args:
        session: of the project.
        run: what is accepted.
        expression: which gates, see ``selected``.
        say: told each line.
        missing: leave what has a golden.
        reason: why, as goldens state it.
        dry_run: write nothing; ``say`` is told the diff.

    Raises:
        InputError: ``expression``, see ``selected``; a ``reason`` that is no line of text.
        EditMetricsError: nothing is written, as the run names a golden that is not this project's,
            or its decisions cannot be read; or a golden could not be written.
    """
    from pytest_editmetrics.cache.work import work_folder
    from pytest_editmetrics.goldens.git_files import ignored_note
    from pytest_editmetrics.saved_runs.reviewed import Reviewed

    if reason is not None and not (reason.strip() and reason.isprintable()):
        raise InputError("--reason is one line of text; say why, or leave it out")
    bounds: list[NewBound] = []
    images: list[NewGolden] = []
    kept: list[GateRecord] = []
    expected: list[GateRecord] = []
    left: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    reviewed = Reviewed(run)
    places, shared = GoldenPlaces(session), SharedGoldens(session, run)
    others = OtherFailures(session, run)
    for record in selected([run], expression):
        gate = record.gate
        if not to_accept(gate) or (missing and gate.verdict != "missing-golden"):
            continue
        if reviewed.kept_back(record):
            kept.append(record)
            continue
        if record.known_fault and expression != record.nodeid:
            expected.append(record)
            continue
        new = _because(accepted(places, shared, record), reason)
        if isinstance(new, str):
            left[record.nodeid, new].append(gate.label)
        elif expression != record.nodeid and (other := others.reason(record)):
            why = f"{other}; -k {shlex.quote(record.nodeid)} approves it all the same"
            left[record.nodeid, why].append(gate.label)
        elif isinstance(new, NewBound):
            bounds.append(new)
        else:
            images.append(new)
    for (nodeid, why), of in left.items():
        say(f"left: {nodeid} {', '.join(of)}: {why}")
    for line in _expected_lines(expected):
        say(line)
    with work_folder() as work:
        if dry_run:
            prepared = prepare(session, bounds, images, work)
            written: list[Path] = []
            _say_diff(session, prepared, say)
        else:
            prepared, written = _written(session, bounds, images, work)
    for line in reviewed.lines(kept):
        say(line)
    word = "would approve" if dry_run else "approved"
    _say_bounds(session, bounds, prepared, word, say)
    for record, why in prepared.left:
        say(f"left: {record.nodeid} {record.gate.label}: {why}")
    labels = defaultdict(list)
    for image in images:
        labels[image.target, image.record.nodeid].append(image.record.gate.label)
    for image in prepared.images:
        of_image = labels[image.target, image.record.nodeid]
        say(f"{word}: {image.record.nodeid} {', '.join(of_image)}")
    for path in written:
        say(f"wrote {session.shown(path)}; review the change and commit it")
    for line in ignored_note(written, session.rootdir):
        say(line)
    try:
        if not dry_run:
            reviewed.mark(_done(session, bounds, images, prepared))
    except EditMetricsError as error:
        say(f"not marked in review as accepted: {error}")
    if prepared.problems:
        raise EditMetricsError("\n".join(prepared.problems.values()))
    return len(bounds) + len(images)


def _expected_lines(left: Sequence[GateRecord]) -> list[str]:
    """Tell of the gates that fail as expected, so that a known fault is no golden by accident."""
    from pytest_editmetrics.report.listed import LISTED, listed

    labels = defaultdict(list)
    for record in left:
        labels[record.nodeid].append(record.gate.label)
    tests = counted(len(labels), "test that is", "tests that are")
    return listed(
        f"left, of {tests} expected to fail (xfail); -k with the whole id of one approves it all"
        " the same",
        [f"{nodeid} {', '.join(of)}" for nodeid, of in labels.items()],
        len(left),
        sum(len(of) for of in list(labels.values())[:LISTED]),
    )


def _because(new: NewBound | NewGolden | str, reason: str | None) -> NewBound | NewGolden | str:
    """Return what is to be written, with the reason in it."""
    from pytest_editmetrics.goldens.provenance import REASON

    if reason is None or isinstance(new, str):
        return new
    if isinstance(new, NewBound):
        return replace(new, proposal=replace(new.proposal, reason=reason))
    return replace(new, provenance={**new.provenance, REASON: reason})


def _say_diff(session: EditSession, prepared: Prepared, say: Callable[[str], None]) -> None:
    """Tell what would be written: texts as a diff, images by name."""
    from pytest_editmetrics.goldens.changes import diff_of
    from pytest_editmetrics.goldens.images import SUFFIXES

    for change in prepared.changes:
        shown = session.shown(change.path).as_posix()
        if change.path.suffix not in SUFFIXES:
            for line in diff_of(change, shown):
                say(line)
        else:
            gone = "removed" if change.after is None else "changed"
            say(f"golden image {'new' if change.before is None else gone}: {shown}")


def prepare(
    session: EditSession,
    bounds: Iterable[NewBound],
    images: Iterable[NewGolden],
    work: Path,
) -> Prepared:
    """Work out what the golden files would hold; nothing of the project is touched.

    The new files are made in ``work``, where images stay for the next time.

    Raises:
        EditMetricsError: bounds that no golden can hold together, an image that cannot be read, a
            golden folder that cannot, or no room in ``work``.
    """
    from pytest_editmetrics.goldens.changes import NewImage, image_changes
    from pytest_editmetrics.goldens.recording import bound_changes

    for made in (*work.glob("bounds-*"), *work.glob("provenance-*")):
        made.unlink()
    proposals = [bound.proposal for bound in bounds]
    changes, problems = bound_changes(proposals, session.registry, session.rootdir, work)
    first: dict[Path, NewGolden] = {}
    left = []
    for image in images:
        kept = first.setdefault(image.target, image)
        if kept is not image and kept.record.nodeid != image.record.nodeid:
            left.append((image.record, f"that of {kept.record.nodeid} is kept"))
    new = []
    for image in first.values():
        content = _encoded(session, image, work)
        target = image.target.with_suffix(content.suffix)
        new.append(NewImage(target, content, image.provenance))
    changes += image_changes(new, session.rootdir, work)
    return Prepared(tuple(changes), tuple(first.values()), tuple(left), problems)


def _encoded(session: EditSession, image: NewGolden, work: Path) -> Path:
    """Return the file of work that holds a golden image as it is to be."""
    from pytest_editmetrics.goldens.colour import encode_golden
    from pytest_editmetrics.goldens.images import SUFFIXES, write_whole
    from pytest_editmetrics.images.load import read_pixels
    from pytest_editmetrics.runs.writing import image_name

    stem = f"image-{image.source.stem}"
    for suffix in SUFFIXES:  # looking through the folder for each image would grow as its square
        if (made := work / f"{stem}{suffix}").is_file():
            return made
    pixels = read_pixels(image.source, colour="numbers")
    if PurePath(image_name(pixels.bare, pixels.icc)).name != image.source.name:
        raise EditMetricsError(
            f"nothing was written: {image.source} is not the image that {image.record.nodeid} was"
            " judged by: it was replaced since; run the tests again"
        )
    data, suffix = encode_golden(pixels, session.settings.golden_images.format)
    path = work / f"{stem}{suffix}"
    try:
        write_whole(path, data)
    except OSError as error:
        raise EditMetricsError(
            f"{path}: the golden image of {image.record.nodeid} cannot be made here:"
            f" {error.strerror or error}"
        ) from None
    return path


def _written(
    session: EditSession, bounds: Sequence[NewBound], images: Sequence[NewGolden], work: Path
) -> tuple[Prepared, list[Path]]:
    """Write; work it out again where another process wrote goldens meanwhile."""
    from pytest_editmetrics.goldens.changes import GoldenChanged, apply

    for _ in range(_PATIENCE):
        prepared = prepare(session, bounds, images, work)
        try:
            return prepared, apply(prepared.changes, session.rootdir)
        except GoldenChanged as error:
            changed = error
    raise changed


def _done(
    session: EditSession,
    bounds: Sequence[NewBound],
    images: Sequence[NewGolden],
    prepared: Prepared,
) -> list[GateRecord]:
    """Return the gates whose goldens were written."""
    left = {id(record) for record, _ in prepared.left}
    files = {id(one): session.rootdir / one.proposal.address.file for one in bounds}
    done = [one.record for one in bounds if files[id(one)] not in prepared.problems]
    return done + [one.record for one in images if id(one.record) not in left]


def _say_bounds(
    session: EditSession,
    bounds: Sequence[NewBound],
    prepared: Prepared,
    word: str,
    say: Callable[[str], None],
) -> None:
    from pytest_editmetrics.report.numbers import format_numbers

    for bound in bounds:
        gate, proposal = bound.record.gate, bound.proposal
        if prepared.problems and session.rootdir / proposal.address.file in prepared.problems:
            continue
        value, limit = format_numbers(gate.value or 0.0, proposal.bound)
        env = f" (env {proposal.env})" if proposal.env else ""
        looser = beyond_default(session, gate, proposal.bound)
        say(
            f"{word}: {bound.record.nodeid} {gate.label} {value}, {_bound_text(bound, limit)}{env}"
            f"{f', {looser}' if looser else ''}"
        )


def _bound_text(bound: NewBound, limit: str) -> str:
    """Return the bound, and by how much it moves where a golden held before, as an audit says."""
    from pytest_editmetrics.report.numbers import moved_text

    kind, after = bound_kind_of(bound.record.gate.better), bound.proposal.bound
    if bound.before is None or bound.before == after:
        return f"{kind} {limit}"
    looser = (after > bound.before) == (kind == "max")
    return moved_text(kind, bound.before, after, looser=looser)
