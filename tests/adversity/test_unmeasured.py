"""Nothing was measured"""

from __future__ import annotations


def test_only_soft_failures(suite, assert_came, workers):
    """Every gate of the session is a soft failure."""
    suite.makepyfile(test_it="def test_it(check): check(255, 0.5)")
    result = suite.runpytest_subprocess(*workers)
    assert_came(result, 1, "FAILED: not one gate of this session could be measured*")
