"""Why the test of a gate would fail all the same once a run's gate is accepted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_editmetrics.gates.written import unrecordable
from pytest_editmetrics.saved_runs.acceptance import recorded
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.runs.folder import GateRecord, Run


class OtherFailures:
    """What else failed the tests of a run; it is looked through where it has to be, and once.

    That no golden could hold a value, with the margin of then, is none where one can today.
    """

    def __init__(self, session: EditSession, run: Run):
        self._session = session
        self._run = run

    @cached_property
    def _failed(self) -> frozenset[str]:
        return frozenset(one.nodeid for one in self._run.failed)

    @cached_property
    def _of_test(self) -> Mapping[str, Sequence[Gate]]:
        found = defaultdict(list)
        for record in self._run.gates:
            if record.final and record.gate.failing:
                found[record.nodeid].append(record.gate)
        return found

    def reason(self, record: GateRecord) -> str:
        """Return why the record's test fails all the same; empty if it does not."""
        if not record.other_failure:
            return ""
        gates = self._of_test.get(record.nodeid, ())
        broken = any(one.verdict == "error" and not one.of_other_golden for one in gates)
        if broken or record.nodeid in self._failed:
            return "its test failed for another reason, too"
        without = [one for one in gates if unrecordable([one])]
        left = [one.label for one in without if isinstance(recorded(self._session, one), str)]
        if left:
            return f"its test fails by {', '.join(dict.fromkeys(left))}, which no golden can hold"
        return "" if without else "its test failed for another reason, too"
