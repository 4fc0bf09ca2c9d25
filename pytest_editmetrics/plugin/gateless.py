"""Tests that asked for gates and made none, and are no failure for it: named at the end."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_editmetrics.errors import counted
from pytest_editmetrics.session.state import EditSession

_Ended = tuple[str, str]
"""A test or a file, and why it was skipped, or failed as its mark expects."""
_EXPECTED = (
    "expected to fail (xfail), and ended before a gate, so not measured: {} with gates;"
    " pytest.mark.xfail(raises=pytest_editmetrics.GateFailure) expects that of a gate alone"
)


class Gateless:
    """Takes such tests; ``problems`` fail the session, ``notes`` do not.

    A test that asked itself and ran has failed by itself.
    """

    def __init__(self, session: EditSession):
        self._session = session
        self._strict = session.options["strict"] != "none"
        self._tests: dict[str, bool] = {}
        self._skipped: list[_Ended] = []
        self._expected: list[_Ended] = []
        self.notes: list[str] = []
        self.problems: list[str] = []

    def __bool__(self) -> bool:
        """Whether there is any such test."""
        return bool(self._tests)

    def ended(self, nodeid: str, outcome: str, why: str, *, by_call: bool) -> None:
        """Take a test that made no gate, and ``why`` it was skipped or xfailed, if it was.

        ``by_call``: only what it calls can measure.
        """
        if outcome in ("passed", "xpassed"):
            self._tests[nodeid] = by_call
        elif outcome == "skipped":
            self._skipped.append((nodeid, why))
        elif outcome == "xfailed":
            self._expected.append((nodeid, why))

    def forget(self, nodeid: str) -> bool:
        """Take back a test that has made gates after all; ``True`` if it was taken."""
        return self._tests.pop(nodeid, None) is not None

    def close(self, session: pytest.Session, files: Sequence[_Ended], *, gates: bool) -> None:
        """Say which they are; ``gates`` tells whether the session has any gate.

        ``files`` of tests that ask for some were skipped as a whole.
        """
        if self._skipped or files:
            counts = (len(self._skipped), "test"), (len(files), "whole file")
            both = " and ".join(counted(number, what) for number, what in counts if number)
            said = f"skipped, so not measured: {both} with gates"
            self._say_unmeasured(said, [*self._skipped, *files], gates=gates)
        if self._expected:
            said = _EXPECTED.format(counted(len(self._expected), "test"))
            self._say_unmeasured(said, self._expected, gates=gates)
        if not self._tests:
            return
        if not self._session.runs_tests:
            self.notes.append(
                f"nothing was measured in {counted(len(self._tests), 'test')}: --setup-only and"
                " --setup-plan run no test's function"
            )
            return
        said = (
            f"asked for a gate and made none: {len(self._tests)}, by a module's or class's marker,"
            " an autouse fixture, getfixturevalue or a helper that it, or what it calls, names;"
            ' @pytest.mark.editmetrics(gates="none") says that a test may make none'
        )
        from pytest_editmetrics.report.listed import Headed, first_of

        tests = first_of(list(self._tests))
        if self._strict:
            self.problems.append(Headed(said, tests))
        else:
            self.notes += [f"{said} (--editmetrics-strict=regressed fails)", *tests]
        if not gates and session.testsfailed == 0 and not all(self._tests.values()):
            self.problems.append(
                "tests asked for gates and not one was made, so this session proves nothing: exit"
                " status 1"
            )

    def _say_unmeasured(self, said: str, ended: Sequence[_Ended], *, gates: bool) -> None:
        """Count them; with nothing measured besides, a strict session proves nothing."""
        from pytest_editmetrics.report.listed import LISTED, Headed, first_of
        from pytest_editmetrics.runs.failed import and_more, in_the_same_words

        alike = in_the_same_words(ended, lambda one: one[1])
        lines = [f"{first}{and_more(others)}{why and ': '}{why}" for (first, why), *others in alike]
        entries = first_of(lines, len(ended), sum(map(len, alike[:LISTED])))
        if self._strict and not gates:
            failed = f"{said}, and nothing else was measured: exit status 1"
            self.problems.append(Headed(failed, entries))
        else:
            self.notes += [said, *entries]
