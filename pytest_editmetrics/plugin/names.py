"""How the controller knows a test that other plugins gave another node id."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.session.identity import TestId

REPORT_TEST = "_editmetrics_test"


def name_report(report: pytest.TestReport, test: TestId, *, gated: bool) -> None:
    """Let a report carry which test it is of, whatever its node id becomes on the way.

    Of a test that is ``gated``, as its gates may have goldens, the digest of its parameters too.
    """
    setattr(report, REPORT_TEST, [test.nodeid, test.key, test.digest if gated else None])


class Names:
    """The tests of a session by the node ids that were told, as their reports name them."""

    def __init__(self) -> None:
        self._plain: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.digests: set[str] = set()

    def of(self, report: pytest.TestReport) -> str:
        """Return the node id of a report's test, without what a scheduler added."""
        told = vars(report).pop(REPORT_TEST, None) or (report.nodeid, None, None)
        nodeid, key, digest = told
        if digest is not None:
            self.digests.add(digest)
        if nodeid != report.nodeid:
            self._plain[report.nodeid] = nodeid
        if key is not None and key != nodeid.partition("::")[2]:
            self._keys[nodeid] = key
        return str(nodeid)

    def plain(self, told: Iterable[str]) -> dict[str, int]:
        """Return the node ids of tests that were collected, each once, with their places."""
        nodeids = dict.fromkeys(self._plain.get(one, one) for one in told)
        return {nodeid: place for place, nodeid in enumerate(nodeids)}

    def golden_id(self, nodeid: str) -> str:
        """Return the node id that all repetitions of a test share: its goldens are filed there.

        >>> Names().golden_id("test_x.py::test_a")
        'test_x.py::test_a'
        """
        file, colons, test = nodeid.partition("::")
        return file + colons + self._keys.get(nodeid, test)
