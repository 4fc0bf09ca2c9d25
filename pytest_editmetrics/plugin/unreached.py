"""Goldens of failing tests that nothing was held to: behind the gate that failed, or dropped."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
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
        """Return a line of how many there are, and one of those that no check measures any more."""
        behind: dict[str, int] = {}
        dropped: dict[str, list[str]] = {}
        for test, gates in self._gates.items():
            number, of_check = self._count(test, gates)
            behind |= {test: number} if number else {}
            dropped |= {test: of_check} if of_check else {}
        return [*_not_reached(behind), *self._not_measured(dropped)]

    def _not_measured(self, dropped: Mapping[str, Sequence[str]]) -> list[str]:
        """Say how many goldens the checks that other gates are of do not measure any more."""
        if not dropped:
            return []
        goldens = counted(sum(map(len, dropped.values())), "golden")
        tests = counted(len(dropped), "test")
        one = goldens == "1 golden"
        what, its = ("it", "its check") if one else ("them", "their checks")
        first = next(iter(dropped))
        unless = any(test.partition("::")[0].endswith(".py") for test in dropped)
        later = f", if no later check measures {what}" if unless else ""
        return [
            f"not measured: {goldens} of {tests} that failed, while other metrics of"
            f" {its} were (first {dropped[first][0]};"
            f" {_chosen(self._gates[first])}); measure or delete {what}{later}"
        ]

    def _count(self, test: str, gates: Iterable[Mapping[str, Any]]) -> tuple[int, list[str]]:
        """Return how many goldens a test did not come to, and those that its checks passed by.

        A check measures all of its metrics, whichever of them fail.
        """
        from pytest_editmetrics.goldens.file_names import SUFFIX
        from pytest_editmetrics.goldens.image_names import golden_stem
        from pytest_editmetrics.measurement import GOLDEN_IMAGE

        file, _, key = test.partition("::")
        test_file = self._session.rootdir / file
        if not has_goldens(self._session.golden_file(test_file)):
            return 0, []
        labels = {g["metric"] + (f"@{g['name']}" if g["name"] else "") for g in gates}
        checks = {g["name"] or "" for g in gates if not g["metric"].startswith(GOLDEN_IMAGE)}
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
        dropped: list[str] = []
        with suppress(EditMetricsError):
            missed = goldens.not_measured({(test_file, key): labels}).items()
            dropped = [line for line, gate in missed if gate.partition("@")[2] in checks]
            number += len(missed) - len(dropped)
        with suppress(EditMetricsError):
            thresholds = goldens.file_of(test_file)
            folder = thresholds.with_name(thresholds.name.removesuffix(SUFFIX))
            entries = goldens.provenance(folder).items()
            own = {golden_stem(name) for name, entry in entries if entry.get("test") == key}
            number += max(0, len(own - seen) - len(broken))
        return number, dropped


def _not_reached(behind: Mapping[str, int]) -> list[str]:
    if not behind:
        return []
    goldens, tests = counted(sum(behind.values()), "golden"), counted(len(behind), "test")
    one = len(behind) == 1
    return [
        f"not reached: {goldens} of {tests} that failed before (first {next(iter(behind))}); what"
        f" {'it' if one else 'they'} would hold is unknown until the gates before pass or are"
        " accepted: pytest --editmetrics-update=failed accepts those and goes on"
    ]


def _chosen(gates: Sequence[Mapping[str, Any]]) -> str:
    """Say which metrics were measured, and what chose them."""
    metrics = ", ".join(dict.fromkeys(gate["metric"] for gate in gates))
    expects = {gate["details"].get("expect") for gate in gates if gate["details"].get("unnamed")}
    by = "".join(f"expect={expect!r} measures " for expect in expects)
    return f"{by}{metrics}" if len(expects) == 1 else f"measured: {metrics}"
