"""A test that is expected to fail: no surface counts its gate as failed, and nothing accepts it by accident."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from parameters import first_of

from pytest_editmetrics.cli.main import main

SUITE = """
import pytest

def test_good(check): check(5, 0.1)

@pytest.mark.xfail(reason="a known fault")
def test_known(check): check(16)
"""
KNOWN = "test_x.py::test_known"


@pytest.fixture
def known(suite, monkeypatch, capsys):
    """A run of one good test and one that is expected to fail, of a golden."""
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.05}\n")
    suite.makepyfile(test_x=SUITE)
    outputs = "--editmetrics-run-dir=run", "--editmetrics-html=r.html", "--junitxml=j.xml"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    result = suite.runpytest(*outputs, "--editmetrics-summary=s.md")
    result.assert_outcomes(passed=1, xfailed=1)
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    return suite, result.stdout.str()


def test_it_is_told_as_such_and_not_as_failed(known, capsys):
    suite, screen = known
    report = (suite.path / "r.html").read_text(encoding="utf-8")
    assert '<h1 class="expected">1 of 2 cases failed as expected</h1>' in report
    facts = re.search(r'<p class="facts">.*?</p>', report, re.DOTALL)
    assert facts is not None
    assert ">1 failed as expected<" in facts[0]
    assert "1 failed<" not in facts[0]
    properties = {
        one.get("name"): one.get("value")
        for one in ElementTree.parse(suite.path / "j.xml").iter("property")
    }
    assert properties["editmetrics:failed"] == "0"
    assert properties["editmetrics:expected"] == "1"
    assert re.search(r"score +2 +1 +0 +1 +0 ", screen), "its own column"
    assert "1 gate failed as expected (xfail)" in screen
    assert not re.search(r"\d gates? failed:", screen)
    summary = (suite.path / "s.md").read_text(encoding="utf-8")
    assert main(["comment", "run"]) == 0
    for text in (summary, capsys.readouterr().out):
        assert "✅ editmetrics passed: 2 gates, 1 failed as expected" in text


def test_nothing_says_how_to_accept_it(known, capsys):
    suite, screen = known
    main(["comment", "run"])
    said = screen, (suite.path / "s.md").read_text(encoding="utf-8"), capsys.readouterr().out
    for text in said:
        assert "to accept" not in text
        assert "test_known" in text


def test_approve_leaves_it_unless_it_is_named(known, capsys):
    suite, _ = known
    assert main(["approve", "run"]) == 0
    text = capsys.readouterr().out
    assert "left, of 1 test that is expected to fail (xfail); -k with the whole id" in text
    assert f"same: 1\n  {KNOWN} score\n" in text
    assert "nothing to approve" in text
    assert not (suite.path / "goldens").exists()
    assert main(["approve", "run", "-k", KNOWN]) == 0
    assert f"approved: {KNOWN} score 0.160" in capsys.readouterr().out


def test_a_failure_beside_it_is_told_apart(known, capsys):
    suite, _ = known
    suite.makepyfile(test_y="def test_bad(check): check(30)\n")
    options = "--editmetrics-run-dir=run", "--editmetrics-html=r.html", "--editmetrics-summary=s.md"
    screen = suite.runpytest(*options).stdout.str()
    assert "1 gate failed: 1 without a cause" in screen
    assert "to accept it, if meant: editmetrics approve run" in screen
    assert "1 of 3 cases failed, 1 failed as expected" in (suite.path / "r.html").read_text()
    assert "1 of 3 gates failed, 1 failed as expected" in (suite.path / "s.md").read_text()
    assert main(["approve", "run"]) == 0
    assert "approved: test_y.py::test_bad score" in capsys.readouterr().out
    assert "test_known" not in (suite.path / "goldens/test_y.py.yaml").read_text()
    assert not (suite.path / "goldens/test_x.py.yaml").exists()


def test_calibrate_leaves_it_unless_it_is_named(known, capsys):
    suite, _ = known
    suite.runpytest("--editmetrics-run-dir=again")
    capsys.readouterr()
    assert main(["calibrate", "run", "again", "--write", "-k", "score"]) == 1
    assert f"as its test is expected to (xfail); -k {KNOWN} takes it" in capsys.readouterr().out
    golden = suite.path / "goldens/test_x.py.yaml"
    assert not golden.exists()
    assert main(["calibrate", "run", "again", "--write", "-k", KNOWN]) == 0
    assert "test_known" in golden.read_text()


RECORDED = """
import os

import numpy as np
import pytest

BY = int(os.environ.get("BY", "5"))

def test_good(check): check(BY)

@pytest.mark.xfail(reason="a known fault")
def test_known(check): check(BY)

@pytest.mark.xfail(reason="a known fault")
def test_image(golden_image): golden_image.check(np.full((8, 8, 3), BY, np.uint8))
"""


@pytest.mark.parametrize("update", ["failed", "all"])
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_no_recording_takes_a_known_fault(suite, monkeypatch, update, mode):
    (suite.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    suite.makepyfile(test_x=RECORDED)
    suite.runpytest("--editmetrics-update=missing", "--runxfail").assert_outcomes(passed=3)
    golden = suite.path / "goldens/test_x.py.yaml"
    (image,) = suite.path.glob("goldens/test_x.py/*.png")
    good, known = (part.strip() for part in golden.read_text().split('"test_known"'))
    before = image.read_bytes()
    monkeypatch.setenv("BY", "40")
    result = suite.runpytest(f"--editmetrics-update={update}", *mode)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "not recorded: 2 gates of tests that are expected to fail (xfail); editmetrics approve"
            " RUN -k with the test's whole id can"
        ]
    )
    assert good not in golden.read_text()
    assert known in golden.read_text()
    assert image.read_bytes() == before
    suite.runpytest(*mode).assert_outcomes(passed=1, xfailed=2)


@pytest.mark.parametrize(
    ("mark", "outcomes", "kept"),
    [
        ("strict=True", {"xfailed": 1}, True),
        ("raises=AssertionError", {"xfailed": 1}, True),
        ("raises=RuntimeError", {"xpassed": 1}, False),
        ("False, reason='mended'", {"passed": 1}, False),
    ],
)
def test_whose_mark_expects_another_error_is_recorded(suite, mark, outcomes, kept):
    test = "import pytest\n{}def test_known(check): check({})"
    suite.makepyfile(test_x=test.format("", 5))
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    golden = suite.path / "goldens/test_x.py.yaml"
    before = golden.read_text()
    suite.makepyfile(test_x=test.format(f"@pytest.mark.xfail({mark})\n", 40))
    result = suite.runpytest("--editmetrics-update=failed")
    result.assert_outcomes(**outcomes)
    assert result.ret == 0
    assert (golden.read_text() == before) == kept
    result.stdout.no_fnmatch_line("*for another reason*")
    result.stdout.no_fnmatch_line("*to accept*")


NEW = """
import numpy as np
import pytest

def test_good(check): check(5, 0.1)

@pytest.mark.xfail(strict=True)
def test_mark(check): check(5)

def test_added(check, request):
    request.applymarker(pytest.mark.xfail)
    check(5)

def test_called(check):
    try: check(5)
    finally: pytest.xfail("a known fault")

@pytest.mark.xfail
def test_image(golden_image): golden_image.check(np.zeros((8, 8, 3), np.uint8))
"""


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_a_known_fault_without_a_golden_is_not_recorded_and_not_green(
    suite, monkeypatch, capsys, mode
):
    suite.makepyfile(test_x=NEW)
    for update in ("missing", "failed", "all"):
        result = suite.runpytest(f"--editmetrics-update={update}", *mode)
        result.assert_outcomes(passed=1, xfailed=4)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["not recorded: 5 gates of tests that are expected *"])
        result.stdout.no_fnmatch_line("*for another reason*")
        assert not (suite.path / "goldens").exists()
    result = suite.runpytest("--editmetrics-run-dir=run", *mode)
    result.assert_outcomes(passed=1, xfailed=4)
    assert result.ret == 1
    said = (
        "FAILED: no golden for 4 tests that are expected to fail (xfail), so nothing was judged"
        " (first test_x.py::test_added): give a bound, or editmetrics approve RUN -k *"
    )
    result.stdout.fnmatch_lines([said])
    monkeypatch.chdir(suite.path)
    assert main(["approve", "run"]) == 0
    assert "left, of 4 tests that are expected to fail (xfail)" in capsys.readouterr().out
    for name in ("mark", "added", "called", "image"):
        assert main(["approve", "run", "-k", f"test_x.py::test_{name}"]) == 0
    suite.makepyfile(
        test_x=NEW.replace("check(5)", "check(50)").replace(
            "np.zeros((8, 8, 3)", "np.full((8, 8, 3), 90"
        )
    )
    result = suite.runpytest(*mode)
    result.assert_outcomes(passed=1, xfailed=4)
    assert result.ret == 0


def test_score_knows_what_is_expected_to_fail(known, capsys):
    assert main(["score", "run", "-o", "again"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"score +2 +1 +0 +1 +0 ", out), "its own column"
    assert "FAILED" not in out
    assert main(["approve", "again"]) == 0
    assert "of 1 test that is expected to fail (xfail)" in capsys.readouterr().out


OTHER = """
import os

import numpy as np
import pytest

from pytest_editmetrics.checks.edit_gate import Check

def other(gate, value=5):
    side = int(os.environ.get("SIDE", "8"))
    image = np.full((side, side, 3), value, np.uint8)
    gate.run(Check(np.zeros((8, 8, 3), np.uint8), image, metrics="score"))

@pytest.mark.xfail("BAD" in os.environ, reason="a known fault")
def test_known(edit_gate): other(edit_gate, 40 if "BAD" in os.environ else 5)

def test_good(edit_gate): other(edit_gate)
"""


@pytest.fixture
def other(suite, monkeypatch, capsys):
    """A known fault whose golden is of another size: an error, which is no expected failure."""
    (suite.path / "editmetrics.yaml").write_text("resize: edited\n")
    suite.makepyfile(test_x=OTHER)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    golden = suite.path / "goldens/test_x.py.yaml"
    monkeypatch.setenv("SIDE", "6")
    monkeypatch.setenv("BAD", "1")
    monkeypatch.chdir(suite.path)
    return suite, golden, golden.read_text()


@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_approve_leaves_a_known_fault_that_ended_in_an_error(other, capsys, mode):
    suite, golden, before = other
    result = suite.runpytest("--editmetrics-run-dir=run", "-rf", *mode)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            f"*to accept editmetrics approve RUN -k {KNOWN}",
            "to accept 1 of 2, if meant: editmetrics approve run",
            f"to accept what 1 test that is marked xfail made: editmetrics approve run -k {KNOWN}",
        ]
    )
    result.stdout.no_fnmatch_line("*test_known --editmetrics-update*")
    capsys.readouterr()
    assert main(["approve", "run"]) == 0
    assert f"same: 1\n  {KNOWN} score\n" in capsys.readouterr().out
    known, good = golden.read_text().split('"test_good"')
    assert [known, good] != before.split('"test_good"')
    assert known == before.split('"test_good"')[0]
    assert main(["approve", "run", "-k", KNOWN]) == 0
    assert f"approved: {KNOWN} score 0.4" in capsys.readouterr().out


def test_calibrate_and_score_leave_it_as_well(other, capsys):
    suite, golden, before = other
    known = before.split('"test_good"')[0]
    suite.runpytest("--editmetrics-run-dir=run")
    suite.runpytest("--editmetrics-run-dir=again")
    capsys.readouterr()
    main(["calibrate", "run", "again", "--write"])
    assert f"as its test is expected to (xfail); -k {KNOWN} takes it" in capsys.readouterr().out
    main(["score", "run", "-o", "scored"])
    main(["approve", "scored"])
    assert f"same: 1\n  {KNOWN} score\n" in capsys.readouterr().out
    assert golden.read_text().startswith(known)


def test_a_recording_says_that_it_does_not_take_it(other):
    suite, golden, before = other
    result = suite.runpytest("--editmetrics-update=failed")
    result.assert_outcomes(passed=1, failed=1)
    assert golden.read_text().startswith(before.split('"test_good"')[0])
    result.stdout.fnmatch_lines(
        ["not recorded: 1 gate of a test that is expected to fail (xfail)*"]
    )
    result.stdout.no_fnmatch_line("to accept*--editmetrics-update=*")
    result.stdout.fnmatch_lines([f"to accept what 1 test *: editmetrics approve RUN -k {KNOWN}"])


def test_a_known_fault_beside_an_error_is_left_too(suite, monkeypatch, capsys):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: 0.05}\n")
    suite.makepyfile(
        test_x="""
        import pytest

        @pytest.mark.xfail
        def test_known(check):
            try: check(16)
            finally: check(5, metric="gone")
        """
    )
    result = suite.runpytest("--editmetrics-run-dir=run")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("to accept *, if meant: *")
    monkeypatch.chdir(suite.path)
    capsys.readouterr()
    assert main(["approve", "run", "-k", "score"]) == 0
    assert f"same: 1\n  {KNOWN} score\n" in capsys.readouterr().out
    assert not (suite.path / "goldens").exists()


@pytest.mark.parametrize("update", ["missing", "all"])
def test_a_marked_test_that_passes_is_said_not_to_be_recorded(suite, update):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {score: {max: 0.9}}\n")
    suite.makepyfile(test_x="import pytest\n@pytest.mark.xfail\ndef test_known(check): check(5)\n")
    result = suite.runpytest(f"--editmetrics-update={update}")
    result.assert_outcomes(xpassed=1)
    result.stdout.fnmatch_lines(
        ["not recorded: 1 gate of a test marked xfail that passed; take the mark off first"]
    )
    assert not (suite.path / "goldens").exists()


FIXTURE = """
import os

import numpy as np
import pytest

from pytest_editmetrics.checks.edit_gate import Check, EditGate
from pytest_editmetrics.session.running import running_record

@pytest.fixture(scope="module")
def edit():
    image = np.full((8, 8, 3), int(os.environ.get("BY", "10")), np.uint8)
    EditGate(running_record()).run(Check(np.zeros_like(image), image, metrics="score"))

@pytest.mark.xfail(reason="a known fault")
def test_known(edit): pass

@pytest.mark.xfail(reason="a known fault")
def test_too(edit): pass
"""


@pytest.mark.parametrize("update", ["missing", "failed", "all"])
@pytest.mark.parametrize("mode", first_of(1, [(), ("-n2",)]), ids=["serial", "xdist"])
def test_no_recording_takes_a_fixture_whose_tests_are_all_marked(suite, monkeypatch, update, mode):
    suite.makepyfile(test_x=FIXTURE)
    suite.runpytest("--editmetrics-update=missing", "--runxfail").assert_outcomes(passed=2)
    golden = suite.path / "goldens/test_x.py.yaml"
    before = golden.read_text()
    monkeypatch.setenv("BY", "70")
    result = suite.runpytest(f"--editmetrics-update={update}", *mode)
    result.assert_outcomes(xfailed=2)
    assert golden.read_text() == before
    result.stdout.fnmatch_lines(["not recorded: 1 gate of a test that is expected to fail*"])
    suite.makepyfile(test_x=FIXTURE + "\ndef test_other(edit): pass\n")
    suite.runpytest("--editmetrics-update=all", *mode)
    assert golden.read_text() != before, "a fixture is that of a test without the mark, too"


@pytest.mark.parametrize("mode", ["failed", "missing", "all"])
@pytest.mark.parametrize(
    "caught",
    [
        "pytest.xfail('known')",
        "request.node.add_marker(pytest.mark.xfail(reason='known')); raise",
    ],
)
def test_a_failure_that_the_test_catches_as_known_is_left_by_a_recording(suite, caught, mode):
    suite.makepyfile(
        f"""
        import pytest
        def test_known(check, request):
            try:
                check(50)
            except BaseException:
                {caught}
        def test_guarded(check):
            check(50)
            if not check:
                pytest.xfail("elsewhere")
        """
    )
    result = suite.runpytest(f"--editmetrics-update={mode}")
    result.stdout.fnmatch_lines(
        ["not recorded: 1 gate of a test that is expected to fail (xfail)*"]
    )
    (golden,) = (suite.path / "goldens").glob("*.yaml")
    assert "test_guarded" in golden.read_text()
    assert "test_known" not in golden.read_text()


def test_a_gate_whose_bound_stands_in_the_test_is_not_offered_for_recording(suite):
    suite.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_it(check): check(50, 0.1)")
    result = suite.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(xfailed=1)
    result.stdout.no_fnmatch_line("*approve RUN*")
