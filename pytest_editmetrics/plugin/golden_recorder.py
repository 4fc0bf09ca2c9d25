"""What the controller does about golden thresholds: writes the bounds that gates propose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.gates.other_golden import golden_of
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.gates.written import proposal_of
from pytest_editmetrics.goldens.approved import GoldenAddress
from pytest_editmetrics.goldens.images import sha256_of
from pytest_editmetrics.goldens.recording import Proposal, write_proposals
from pytest_editmetrics.measurement import bound_kind_of
from pytest_editmetrics.plugin.loose_goldens import loose_notes
from pytest_editmetrics.report.causes import causes_in_short
from pytest_editmetrics.report.listed import first_of, listed
from pytest_editmetrics.report.tally import Tally
from pytest_editmetrics.report.text import format_numbers
from pytest_editmetrics.saved_runs.acceptance import beyond_default, bound_elsewhere, to_accept
from pytest_editmetrics.session.options import standing_update
from pytest_editmetrics.session.state import EditSession

_BY_ID = "editmetrics approve RUN -k with the test's whole id can"


def record_goldens(
    session: EditSession, tally: Tally, order: Mapping[str, float]
) -> tuple[list[str], list[str]]:
    """Write what tests proposed, and return what to say of it: notes, and problems.

    Args:
        session: of the project.
        tally: its gates; those of a test that failed for another reason are not recorded.
        order: the place of each test, in which new ones are appended to a file.
    """
    standing = standing_update(session.config)
    notes = [] if standing is None else [standing]
    notes += loose_notes(session, tally)
    proposals: list[Proposal] = []
    new: list[tuple[GoldenAddress, str, Gate, float]] = []
    automatic: dict[str, dict[str, None]] = {}
    placed: dict[str, bool] = {}
    lost = expected = 0
    mode = session.options["update"]
    finished = sorted(tally.notable, key=lambda pair: order.get(pair[0].nodeid, len(order)))
    for test, gate in finished:
        known = gate.failing if test.expected else gate.xfail and to_accept(gate)
        if mode != "none" and known:
            expected += bound_elsewhere(gate) is None  # else nothing can record it
            continue
        if gate.golden is None or gate.proposal is None or gate.value is None:
            continue
        if gate.verdict != "recorded":
            lost += 1
            continue
        for argument, name in gate.details.get("automatic", {}).items():
            test_function = test.nodeid.partition("[")[0]
            where = f"{test_function}, {argument}"
            automatic.setdefault(where, {})[name] = None
            placed[where] = _is_placed(argument, test.nodeid)
        address = GoldenAddress.from_dict(gate.golden)
        new.append((address, test.nodeid, gate, gate.proposal))
        seen = tally.seen.get(golden_of(gate))
        proposals.append(proposal_of(gate, address, gate.proposal, gate.value, gate.env, seen))
    if lost:
        of = counted(lost, "gate of a test", "gates of tests")
        notes.append(f"not recorded: {of} that failed for another reason")
    if expected:
        of = counted(expected, "gate of a test that is", "gates of tests that are")
        notes.append(f"not recorded: {of} expected to fail (xfail); {_BY_ID}")
    kinds = {"missing": ("default",), "all": ("default", "golden")}.get(mode, ())
    if passing := sum(tally.passed_marked[kind] for kind in kinds):
        of = counted(passing, "gate of a test", "gates of tests")
        notes.append(f"not recorded: {of} marked xfail that passed; take the mark off first")
    if not proposals:
        return notes, []
    try:
        with session.clock.of("goldens"):
            before = {
                file: sha256_of(file) for file in {session.rootdir / one[0].file for one in new}
            }
            written, failed = write_proposals(proposals, session.registry, session.rootdir)
    except EditMetricsError as error:
        return notes, [str(error)]
    from pytest_editmetrics.goldens.git_files import ignored_note

    notes += [
        f"recorded: {session.shown(path)}; review the change and commit it" for path in written
    ]
    notes += ignored_note(written, session.rootdir)
    left = {file for file in failed if sha256_of(file) == before[file]}
    new = [one for one in new if session.rootdir / one[0].file not in left]
    notes += _looser(session, new)
    notes += listed("recorded, and worth a look", _broken(new))
    notes += [
        f"warning: recorded under an id that pytest made from the place of a parameter ({where}):"
        f" write {_instead(session, list(names), placed[where])}, and record again"
        for where, names in automatic.items()
    ]
    return notes, list(failed.values())


def _looser(
    session: EditSession, new: Iterable[tuple[GoldenAddress, str, Gate, float]]
) -> list[str]:
    """Return which recorded bounds let more through than what holds without a golden."""
    found = [
        f"{nodeid}: {gate.label} {bound_kind_of(gate.better)} {bound:g}, {looser}"
        for _, nodeid, gate, bound in new
        if (looser := beyond_default(session, gate, bound)) is not None
    ]
    if not found:
        return []
    bounds = counted(len(found), "recorded bound")
    return [f"warning: {bounds} looser than the default:", *first_of(found)]


def _broken(new: Iterable[tuple[GoldenAddress, str, Gate, float]]) -> list[str]:
    """Return which pairs look broken, and how: of the gates that say the same of one, the first."""
    found: dict[tuple[str, str], str] = {}
    for _, nodeid, gate, _ in new:
        if causes := causes_in_short(gate):
            value = format_numbers(gate.value or 0.0)[0]
            found.setdefault((nodeid, causes), f"{nodeid}: {gate.label} {value}: {causes}")
    return list(found.values())


def _is_placed(argument: str, nodeid: str) -> bool:
    """Tell whether an id has an argument's name and a number, and not an id that others have."""
    return re.search(rf"[\[-]{re.escape(argument)}\d+[-\]]", nodeid) is not None


def _instead(session: EditSession, ids: Sequence[str], placed: bool) -> str:
    """Return what to write, where pytest names parameters by their place.

    Beside these parameter sets there may be others, which have lasting ids: so no list of ``ids``.
    """
    shown = ", ".join(f"pytest.param(..., id={one!r})" for one in ids)
    return f"{shown}{_strategy(session)}" if placed else shown


def _strategy(session: EditSession) -> str:
    """Return what else makes ids of long texts lasting, where this pytest has it."""
    try:
        session.config.getini("parametrize_long_str_id_strategy")
    except (KeyError, ValueError):
        return ""
    return " or, for texts, the ini option parametrize_long_str_id_strategy = sha256"
