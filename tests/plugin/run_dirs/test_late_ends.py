"""What fails a session at its very end is told by all that had called it a pass."""

from __future__ import annotations

import pytest
from conftest_text import add_to_conftest
from parameters import first_of

from pytest_editmetrics.runs.folder import read_run

PASSES = "def test_a(check): check(5, 0.1)"
SAID = "the session failed besides its tests, exit status {}: "
STATUS = "def {hook}(session): session.exitstatus = 3"
RAISES = "def {hook}({of}): raise RuntimeError('late')"
WRAPPER = """
@pytest.hookimpl(wrapper=True, tryfirst=True)
def {hook}({of}):
    yield
    {act}
"""


def _wrapper(act, hook="pytest_sessionfinish", of="session"):
    return WRAPPER.format(hook=hook, of=of, act=act)


LATE = {
    "raises": (
        "@pytest.hookimpl(trylast=True)\n" + RAISES.format(hook="pytest_sessionfinish", of=""),
        1,
    ),
    "wrapper raises": (_wrapper("raise RuntimeError('late')"), 1),
    "wrapper sets": (_wrapper("session.exitstatus = 3"), 3),
    "wrapper exits": (_wrapper("pytest.exit('late', returncode=4)"), 4),
    "sets that no test was collected": (
        "@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 5",
        5,
    ),
    "exits as if no test was collected": (_wrapper("pytest.exit('late', returncode=5)"), 5),
    "unconfigure raises": (RAISES.format(hook="pytest_unconfigure", of=""), 1),
}


@pytest.mark.quick(1)
@pytest.mark.parametrize(("late", "status"), LATE.values(), ids=LATE)
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n1",)]), ids=["serial", "xdist"])
def test_what_fails_a_session_last_is_told(suite, monkeypatch, late, status, mode):
    page = suite.path / "page.md"
    page.write_text("# before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    add_to_conftest(suite, "import os\n")
    guarded = "".join(f"    {line}\n" for line in late.splitlines())
    add_to_conftest(suite, f"if 'PYTEST_XDIST_WORKER' not in os.environ:\n{guarded}")
    suite.makepyfile(test_x=PASSES)
    outputs = "--editmetrics-run-dir=run", "--editmetrics-summary=s.md", "--editmetrics-html=r.html"
    result = suite.runpytest_subprocess(*outputs, "--editmetrics-results=r.jsonl", *mode)
    assert result.ret == status
    said = SAID.format(status)
    for results in ("run", "r.jsonl"):
        run = read_run(suite.path / results)
        assert run.complete
        (problem,) = run.problems
        assert problem.startswith(said)
    text = (suite.path / "s.md").read_text(encoding="utf-8")
    assert text.startswith("## ❌ editmetrics failed: 1 gate\n")
    assert said in text
    assert page.read_text(encoding="utf-8") == f"# before\n\n{text}"
    assert said in (suite.path / "r.html").read_text(encoding="utf-8")
