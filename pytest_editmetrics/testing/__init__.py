"""For tests of your own: is a pipe as it should be, and does a suite notice a changed model?

Public, like what ``pytest_editmetrics`` itself gives. Importing this module loads nothing that
starting pytest does not; what plugin and command need never lives here.
"""

from __future__ import annotations

from pytest_editmetrics.testing.own_suite import EditSuite, SuiteRun, edit_suite
from pytest_editmetrics.testing.pipe_check import check_pipe

__all__ = ["EditSuite", "SuiteRun", "check_pipe", "edit_suite"]
