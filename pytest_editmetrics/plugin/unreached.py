"""Goldens that failing tests did not come to: the gate that failed first hides the ones after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.plugin.found_tests import has_goldens

if TYPE_CHECKING:
    from pytest_editmetrics.plugin.attempts import Attempt
    from pytest_editmetrics.plugin.names import Names
    from pytest_editmetrics.session.state import EditSession


class Unreached:
    """Counts them over a session, of tests that failed and made gates."""

    def __init__(self, session: EditSession, names: Names):
        self._session = session
        self._names = names
        self._gates: dict[str, list[Mapping[str, Any]]] = {}

    def ended(self, attempt: Attempt, gates: Collection[Mapping[str, Any]]) -> None:
        """Take an attempt of a test, and its own gates as they travel."""
        if gates and attempt.outcome == "failed" and not attempt.rerun:
            self._gates.setdefault(self._names.golden_id(attempt.nodeid), []).extend(gates)

    def notes(self) -> list[str]:
        """Return a line of how many there are, if there are any."""
        found = {test: self._count(test, gates) for test, gates in self._gates.items()}
        stopped = [test for test, number in found.items() if number]
        if not stopped:
            return []
        goldens, tests = counted(sum(found.values()), "golden"), counted(len(stopped), "test")
        one = len(stopped) == 1
        return [
            f"not reached: {goldens} of {tests} that failed before (first {stopped[0]}); what"
            f" {'it' if one else 'they'} would hold is unknown until the gates before pass or are"
            " accepted: pytest --editmetrics-update=failed accepts those and goes on"
        ]

    def _count(self, test: str, gates: Iterable[Mapping[str, Any]]) -> int:
        from pytest_editmetrics.goldens.file_names import SUFFIX
        from pytest_editmetrics.goldens.image_names import golden_stem
        from pytest_editmetrics.measurement import GOLDEN_IMAGE

        file, _, key = test.partition("::")
        test_file = self._session.rootdir / file
        if not has_goldens(self._session.golden_file(test_file)):
            return 0
        labels = {g["metric"] + (f"@{g['name']}" if g["name"] else "") for g in gates}
        seen = {
            golden_stem(gate["snapshot"]["file"].rpartition("/")[2])
            for gate in gates
            if gate["snapshot"]
        }
        broken = {
            gate["name"]
            for gate in gates
            if gate["metric"].startswith(GOLDEN_IMAGE) and gate["verdict"] == "error"
        }
        goldens, number = self._session.goldens, 0
        with suppress(EditMetricsError):
            number += len(goldens.not_measured({(test_file, key): labels}))
        with suppress(EditMetricsError):
            thresholds = goldens.file_of(test_file)
            folder = thresholds.with_name(thresholds.name.removesuffix(SUFFIX))
            entries = goldens.provenance(folder).items()
            own = {golden_stem(name) for name, entry in entries if entry.get("test") == key}
            number += max(0, len(own - seen) - len(broken))
        return number
