"""What writing the accepted cases would change, as a diff; and writing only that."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cache.held import HeldFiles
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.goldens.changes import (
    Change,
    GoldenChanged,
    PartlyWritten,
    apply,
    diff_of,
)
from pytest_editmetrics.goldens.images import SUFFIXES, sha256_of
from pytest_editmetrics.runs.review import Decision
from pytest_editmetrics.saved_runs.acceptance import (
    NewBound,
    NewGolden,
    SharedGoldens,
    accepted,
    beyond_default,
)
from pytest_editmetrics.saved_runs.approve import prepare
from pytest_editmetrics.saved_runs.golden_places import GoldenPlaces, golden_reader
from pytest_editmetrics.saved_runs.review.decisions import Case, Decisions

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession

_NOTHING_WRITTEN = "nothing was written: "


class Outdated(EditMetricsError):
    """What is to be written is not what was shown; ``plan`` is what it is now."""

    __module__ = "builtins"

    def __init__(self, message: str, plan: dict[str, Any]):
        super().__init__(message)
        self.plan = plan


@dataclass(frozen=True)
class _Plan:
    """``cases`` are those that are accepted, ``done`` those of them that this writes.

    ``looser`` are bounds that let more through than what holds without a golden, and how.
    """

    changes: tuple[Change, ...]
    cases: Mapping[str, Decision]
    done: Mapping[str, Decision]
    left: tuple[tuple[Case, str], ...]
    looser: tuple[tuple[NewBound, str], ...]
    problems: tuple[str, ...]


class Writer:
    """Writes the accepted cases' goldens, one write at a time.

    Args:
        session: of the project.
        decisions: what was accepted.
        work: a folder for the new files.

    ``lock`` is held while goldens are written.
    """

    def __init__(self, session: EditSession, decisions: Decisions, work: Path):
        self._session = session
        self._decisions = decisions
        self._work = work
        self.lock = threading.Lock()
        self._shown: dict[str, Path] = {}
        self._golden_files = HeldFiles(golden_reader(session))
        self._shared = SharedGoldens(session, decisions.together)
        self._places = {anchor: place for place, anchor in enumerate(decisions.cases)}

    def refusal(self, case: Case) -> str | None:
        """Return why no gate of a case can become a golden; ``None`` if one can."""
        with self.lock:
            new, left = self._new(case, self._golden_places())
        return None if new else "; ".join(dict.fromkeys(left))

    def _golden_places(self) -> GoldenPlaces:
        return GoldenPlaces(self._session, self._golden_files.__getitem__)

    def _new(
        self, case: Case, places: GoldenPlaces
    ) -> tuple[list[NewBound | NewGolden], list[str]]:
        found: list[NewBound | NewGolden] = []
        left: list[str] = []
        for record in case.fails:
            try:
                new = accepted(places, self._shared, record)
            except EditMetricsError as error:
                new = str(error).removeprefix(_NOTHING_WRITTEN)
            if isinstance(new, str):
                left.append(f"{record.gate.label}: {new}")
            else:
                found.append(new)
        return found, left

    def plan(self) -> dict[str, Any]:
        """Return what writing would change now: each golden file with its hashes and its diff.

        Raises:
            EditMetricsError: it cannot be worked out; the message says which case it is for.
        """
        with self.lock:
            return self._told(self._plan())

    def _plan(self) -> _Plan:
        self._decisions.together.check_unchanged()
        pending = self._decisions.pending()
        bounds: list[NewBound] = []
        images: list[NewGolden] = []
        left: list[tuple[Case, str]] = []
        files: dict[str, set[Path]] = {}
        places = self._golden_places()
        for anchor in sorted(pending, key=self._places.__getitem__):
            case = self._decisions.cases[anchor]
            new, why = self._new(case, places)
            left += [(case, text) for text in why]
            of_case = [one for one in new if isinstance(one, NewBound)]
            bounds += of_case
            images += [one for one in new if isinstance(one, NewGolden)]
            if new:
                rootdir = self._session.rootdir
                files[anchor] = {rootdir / one.proposal.address.file for one in of_case}
        prepared = prepare(self._session, bounds, images, self._work)
        of_record = {id(r): case for case in self._decisions.cases.values() for r in case.records}
        left += [(of_record[id(record)], why) for record, why in prepared.left]
        problems = prepared.problems
        done = {anchor: pending[anchor] for anchor in files if not files[anchor] & set(problems)}
        found = ((one, self._looser(one)) for one in bounds)
        looser = tuple((one, how) for one, how in found if how is not None)
        return _Plan(prepared.changes, pending, done, tuple(left), looser, tuple(problems.values()))

    def _looser(self, bound: NewBound) -> str | None:
        return beyond_default(self._session, bound.record.gate, bound.proposal.bound)

    def _told(self, plan: _Plan) -> dict[str, Any]:
        return {
            "files": [self._file(change) for change in plan.changes],
            "cases": sorted(plan.cases),
            "left": [
                {"case": case.anchor, "test": case.nodeid, "why": why} for case, why in plan.left
            ],
            "looser": [
                {"test": one.record.nodeid, "how": f"{one.record.gate.label} {how}"}
                for one, how in plan.looser
            ],
            "problems": list(plan.problems),
        }

    def _file(self, change: Change) -> dict[str, Any]:
        path = self._named(change)
        told: dict[str, Any] = {
            "path": path,
            "before": change.before,
            "after": change.after,
        }
        if change.path.suffix in SUFFIXES:
            return {
                **told,
                "old": self._show(change.path, change.before),
                "new": self._show(change.content, change.after),
            }
        return {**told, "diff": diff_of(change, path)}

    def _named(self, change: Change) -> str:
        return self._shown_path(change.path).as_posix()

    def _shown_path(self, path: Path) -> Path:
        return self._session.shown(path)

    def _show(self, path: Path | None, sha256: str | None) -> str | None:
        """Return the name under which an image is given out: its hash, ``None`` for no image."""
        if path is not None and sha256 is not None:
            self._shown[sha256] = path
        return sha256

    def image(self, sha256: str) -> Path | None:
        """Return the golden image, or the one to be, that a diff shows, if it still holds that."""
        with self.lock:
            path = self._shown.get(sha256)
        return path if path is not None and sha256_of(path) == sha256 else None

    def write(self, files: Any) -> dict[str, Any]:
        """Write what was shown; return what was written and what was left.

        Args:
            files: by path, ``before`` and ``after`` of each golden file of the diff.

        Raises:
            Outdated: it would not be that; nothing was written.
            PartlyWritten: some files could not be put in their places.
            EditMetricsError: nothing was written, or it could not be kept that it was.
        """
        with self.lock:
            plan = self._plan()
            now = {self._named(c): {"before": c.before, "after": c.after} for c in plan.changes}
            if now != files:
                raise Outdated(
                    "the goldens, or what is accepted, changed since this was shown; nothing was"
                    " written: look at it again",
                    self._told(plan),
                )
            try:
                written = apply(plan.changes, self._session.rootdir)
            except PartlyWritten as error:
                named = [self._shown_path(path) for path in error.written]
                raise PartlyWritten(str(error), named) from None
            except GoldenChanged as error:
                raise Outdated(f"{error}: look at it again", self._told(self._plan())) from None
            self._mark(plan.done, written)
            return {
                "written": [self._shown_path(path).as_posix() for path in written],
                "cases": sorted(plan.done),
                "left": self._told(plan)["left"],
                "problems": list(plan.problems),
                "still": self._decisions.still_failing(plan.done),
            }

    def _mark(self, done: Mapping[str, Decision], written: list[Path]) -> None:
        try:
            self._decisions.mark_written(done)
        except EditMetricsError as error:
            named = [self._shown_path(path) for path in written]
            raise PartlyWritten(
                f"the goldens were written, but the run could not keep that they were: {error}",
                named,
            ) from None
