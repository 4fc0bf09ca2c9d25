"""``--editmetrics-require``: how many gates a session must have measured, in all and by metric, and
how many held to a golden."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.errors import counted, did_you_mean
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate


class Required:
    """Counts measured gates for the controller: those of a test's last attempt, each once, however
    often a plugin repeats the test.

    A failing gate is measured; one that was unmeasured, skipped or ended in an error is not.
    ``problems`` holds the shortfall, which fails the session.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._counts: dict[str | None, int] = dict(session.options["require"])
        self._hints: dict[str, str] = {}
        self._measured: dict[str, set[tuple[str, str | None]]] = {}
        self._golden: dict[str, set[tuple[str, str | None]]] = {}
        self._by_default: dict[str, set[tuple[str, str | None]]] = {}
        self._without: dict[str, set[tuple[str, str | None]]] = {}
        self._excused: dict[str, set[tuple[str, str | None]]] = {}
        self.closed = False
        self.notes: list[str] = []
        self.problems: list[str] = []

    def open(self) -> None:
        """Look the metrics up by their own names.

        Only a worker of pytest-xdist knows those of a nested conftest, so there an unknown one
        fails at the end, if nobody measured it.

        Raises:
            pytest.UsageError: an unknown metric, or one that is named twice.
        """
        if not any(self._counts):
            return
        from pytest_editmetrics.config.golden_images import COMPARATORS, image_metric
        from pytest_editmetrics.measurement import GOLDEN

        images = tuple(image_metric(comparator).name for comparator in COMPARATORS)
        registry = self._session.collecting_registry()
        names = (*registry.names, *images, GOLDEN)
        found: dict[str | None, int] = {}
        for asked, count in self._counts.items():
            name = asked
            if asked in registry.names:
                name = registry.metric(asked).name
            elif asked is not None and asked not in (*images, GOLDEN):
                self._hints[asked] = did_you_mean(asked, names)
                if not self._session.config.pluginmanager.has_plugin("dsession"):
                    raise pytest.UsageError(
                        f"--editmetrics-require: unknown metric {asked!r}{self._hints[asked]}"
                    )
            if name in found:
                raise pytest.UsageError(
                    f"--editmetrics-require names {name} twice, as {asked!r} too; give it once"
                )
            found[name] = count
        self._counts = found

    def add(self, test: str, gates: Iterable[Gate]) -> None:
        """Take the gates of a test's last attempt; ``test`` is the same for its repetitions.

        No recording takes those of a known fault: no golden of them is asked for.
        """
        if not self._counts:
            return
        from pytest_editmetrics.gates.verdict import MEASURED

        for gate in gates:
            if gate.verdict in MEASURED and gate.compares != "gates":
                one = (gate.metric, gate.name)
                self._measured.setdefault(test, set()).add(one)
                if _has_golden(gate):
                    self._golden.setdefault(test, set()).add(one)
                elif gate.origin == "default":
                    known = self._excused if gate.xfail else self._by_default
                    if gate.verdict == "missing-golden" and not gate.xfail:
                        known = self._without
                    known.setdefault(test, set()).add(one)

    def close(self, *, whole: bool = False) -> None:
        """Compare what was measured with what was required.

        Of a ``whole`` suite that passed it is told what else could be.
        """
        if self.closed:
            return
        self.closed = True
        if not self._counts:
            return
        from pytest_editmetrics.measurement import EVERY, GOLDEN

        by_default = sum(map(len, self._by_default.values()))
        measured = Counter(metric for gates in self._measured.values() for metric, _ in gates)
        told, short, hint = [], [], ""
        for metric, count in self._counts.items():
            if metric is None:
                found = sum(measured.values())
                by_metric = ", ".join(f"{one} {number}" for one, number in sorted(measured.items()))
                told.append(f"{found} of {count} in all" + (f" ({by_metric})" if found else ""))
            elif metric == GOLDEN and count == EVERY:
                without = sum(map(len, self._without.values()))
                found = count - by_default - without if measured else count - 1
                of_none = f"{without} that nothing holds"
                text = f"{by_default} held by a default bound alone, without a golden"
                if without:
                    text = (
                        f"{text}, and {of_none}" if by_default else f"{of_none}, without a golden"
                    )
                told.append(text)
                if excused := sum(map(len, self._excused.values())):
                    told[-1] += f" (and {excused} of tests that are expected to fail)"
                if not measured:
                    told[-1] = "no gate to hold to a golden"
                elif by_default or without:
                    hint = f" (first {next(iter(self._by_default or self._without))})"
                    hint += "; are the goldens recorded, and committed?"
            elif metric == GOLDEN:
                found = sum(map(len, self._golden.values()))
                told.append(f"{found} of {count} held to a golden")
                if measured and not found:
                    hint = "; are the goldens recorded, and committed?"
            else:
                found = measured[metric]
                told.append(
                    f"{found} of {count} {metric}" + ("" if found else self._hints.get(metric, ""))
                )
            short += told[-1:] if found < count else []
        if not short:
            self.notes.append(f"required gates were measured: {', '.join(told)}")
            self.notes += self._too_few(measured) if whole else []
            return
        self.problems.append(
            "fewer gates were measured than --editmetrics-require asks for:"
            f" {', '.join(short)}: exit status 1{hint}"
        )

    def _too_few(self, measured: Counter[str]) -> list[str]:
        """Return what to require where half of the gates could go without a word, or any golden."""
        from pytest_editmetrics.measurement import EVERY, GOLDEN

        asked, of_golden = self._counts.get(None), self._counts.get(GOLDEN, 0)
        found, golden = sum(measured.values()), sum(map(len, self._golden.values()))
        if asked is None or not self._counts.keys() <= {None, GOLDEN}:
            return []
        if found >= 2 * asked:
            lost = f"nothing before {found - asked + 1} of {counted(found, 'gate')} are gone"
        elif golden and of_golden != EVERY and golden >= 2 * of_golden:
            lost = "no golden that is gone"
            if of_golden:
                lost = f"nothing before {golden - of_golden + 1} goldens are gone"
            lost += f", of {golden}"
        else:
            return []
        every = "all" if of_golden == EVERY or not self._by_default else golden
        of = {EVERY: ",golden=all", 0: ""}.get(of_golden, f",golden={of_golden}")
        stated = f"{asked}{of}"
        wanted = f"{max(found, asked)}{f',golden={every}' if golden else ''}"
        return [
            f"--editmetrics-require={stated} notices {lost}; for a run of all tests state"
            f" --editmetrics-require={wanted}"
        ]

    def close_early(self, session: pytest.Session, problems: list[str]) -> bool:
        """Fail a session that ``pytest.exit(returncode=0)`` ended before its tests.

        Returns:
            Whether the session never came to its tests, and has problems.
        """
        if self.closed:
            return False
        if session.exitstatus == 0:
            self.close()
            if self.problems:
                problems += self.problems
                session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return bool(problems)


def _has_golden(gate: Gate) -> bool:
    """Tell whether a golden holds a measured gate, or will, as this session records it."""
    if gate.verdict == "recorded":
        return True
    held = gate.origin == "golden" or gate.snapshot is not None
    return held and gate.verdict != "missing-golden"
