"""What ends a test inside a check (skip, xfail, fail, exit) hides no gate that failed before it."""

from __future__ import annotations

import json

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run

PIPES = """
import os
import numpy as np
import pytest
from pytest_editmetrics import Metric

def end():
    exec(os.environ.get("END", "pass"), {"pytest": pytest})

class Ending:
    def __call__(self, reference, edited, coords, mask_mode, metric):
        end()
        return 0.0

def pytest_editmetrics_register_pipes(registry):
    registry.register("ending", Ending, metrics=[Metric("ending", "lower")])

@pytest.fixture
def lpips_pipe():
    end()
    from pytest_editmetrics import LPIPSPipe
    return LPIPSPipe()

@pytest.fixture
def pair():
    a = np.full((64, 64, 3), 100, np.uint8)
    b = a.copy()
    b[:8] += int(os.environ.get("BY", "0"))
    return a, b
"""
BOUNDS = """
thresholds: {unedit_max_diff: {max: 2}, lpips: {max: 0.5}, ending: {max: 1}}
golden_images: {comparator: [pixel, lpips]}
"""
SKIP, XFAIL = "pytest.skip('on a GPU only')", "pytest.xfail('on a GPU only')"
IMPORT = "pytest.importorskip('no_such_module', reason='on a GPU only')"
WAYS = [SKIP, XFAIL, IMPORT]
CHECK = "def test_it(edit_gate, pair): edit_gate.check(*pair, metrics=['unedit_max_diff', {!r}])\n"
ALL = """
def test_it(edit_gate, pair):
    edit_gate.check_all([
        dict(reference=pair[0], edited=pair[1], name="a", metrics="unedit_max_diff"),
        dict(reference=pair[0], edited=pair[1], name="b", metrics={!r}),
    ])
"""
CHECKS = [CHECK.format("lpips"), CHECK.format("ending"), ALL.format("lpips"), ALL.format("ending")]


@pytest.fixture
def ending(pytester, monkeypatch):
    pytester.makeconftest(PIPES)
    pytester.makefile(".yaml", editmetrics=BOUNDS)

    def run(test, end, by, *args):
        monkeypatch.setenv("END", end)
        monkeypatch.setenv("BY", str(by))
        pytester.makepyfile(test_x=test)
        return pytester.runpytest(*args)

    return run


@pytest.mark.parametrize("end", WAYS)
@pytest.mark.parametrize("test", CHECKS)
def test_a_gate_that_failed_before_fails_the_test_and_explains_itself(ending, test, end):
    result = ending(test, end, 20)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: *unedit_max_diff* 20* > max 2*",
            "*cause *",
            "*(the test was ended then, by *on a GPU only*)",
            "unedit_max_diff *1 *0 *1 *0 *",
        ]
    )


@pytest.mark.quick(1)
@pytest.mark.parametrize("test", CHECKS)
def test_without_one_the_test_ends_as_it_says_and_what_was_measured_is_kept(ending, test):
    result = ending(test, SKIP, 1)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["unedit_max_diff *1 *1 *0 *0 *"])
    ending(test, XFAIL, 1).assert_outcomes(xfailed=1)
    ending(test, "pytest.fail('broken')", 1).assert_outcomes(failed=1)
    ending(test, "pass", 1).assert_outcomes(passed=1)


def test_a_failure_that_the_pipe_states_leaves_the_gate_told(ending):
    result = ending(CHECKS[1], "pytest.fail('broken')", 20)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*20* > max 2*", "*ended then, by Failed: broken)"])


def test_the_end_of_the_session_is_no_way_out(ending):
    result = ending(CHECKS[1], "pytest.exit('enough', returncode=0)", 20)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*20* > max 2*"])


GOLDEN = "def test_it(golden_image, pair): golden_image.check(pair[1])\n"
EXITS = {"pytest.exit('enough')": 2, "pytest.exit('enough', returncode=0)": 1}
NEXT = "def test_next(): pass\n"


@pytest.mark.quick(3)
@pytest.mark.parametrize("by", [0, 20])
@pytest.mark.parametrize(("end", "status"), EXITS.items(), ids=["plain", "zero"])
@pytest.mark.parametrize("test", [*CHECKS, GOLDEN])
def test_a_pipe_that_ends_the_session_does_so_and_its_gate_is_named(ending, test, end, status, by):
    if test is GOLDEN:
        assert ending(test, "pass", 0, "--editmetrics-update=missing").ret == 0
    result = ending(test + NEXT, end, by, "--editmetrics-run-dir=run")
    assert result.ret == status
    result.stdout.fnmatch_lines(["*Exit: enough*"])
    assert "test_next" not in result.stdout.str()
    metric = "golden_lpips" if "golden_image" in test else "ending" if "ending" in test else "lpips"
    result.stdout.fnmatch_lines(
        [f"FAILED: a gate reached no report: *{metric}*could not be judged*"]
    )
    if by:
        failed = (
            "golden_pixel * > max *" if "golden_image" in test else "unedit_max_diff*20* > max 2*"
        )
        result.stdout.fnmatch_lines([f"FAILED: a gate reached no report: *{failed}"])


@pytest.mark.parametrize("end", [*WAYS, "pytest.fail('on a GPU only')", *EXITS])
def test_where_there_is_no_test_to_end_it_is_an_error(ending, pytester, monkeypatch, capsys, end):
    result = ending(CHECKS[1], "pass", 1, "--editmetrics-run-dir=run")
    result.assert_outcomes(passed=1)
    gate = next(one.gate for one in read_run(pytester.path / "run").gates)
    row = {key: f"run/{gate.images[key]}" for key in ("reference", "edited")}
    manifest = pytester.path / "m.jsonl"
    manifest.write_text(json.dumps({"id": "a", "metrics": ["unedit_max_diff", "ending"], **row}))
    monkeypatch.setenv("END", end)
    for target in ("run", "m.jsonl"):
        assert main(["score", target, "-o", f"{target}-again"]) == 1
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        told = {
            one.gate.metric: one.gate for one in read_run(pytester.path / f"{target}-again").gates
        }
        assert told["unedit_max_diff"].verdict in ("pass", "recorded")
        assert told["ending"].verdict == "error"
        message = told["ending"].message
        assert message.startswith("ending raised ")
        assert "there is no test here that it could end: let it raise an error, or" in message


def test_so_does_one_in_a_worker(ending):
    result = ending(CHECKS[1] + NEXT, "pytest.exit('enough', returncode=0)", 0, "-n1")
    assert result.ret != 0


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    "test",
    [
        "def test_it(golden_image, pair): golden_image.check(pair[1])\n",
        "def test_it(golden_image, pair): golden_image.check_all([dict(image=pair[1])])\n",
    ],
)
@pytest.mark.parametrize("end", WAYS)
def test_of_several_comparators_those_that_compared_hold(ending, test, end):
    bigger = test.replace("pair[1]", "pair[1][:50]")
    assert ending(test, "pass", 0, "--editmetrics-update=missing").ret == 0
    result = ending(test, end, 20)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*GateFailure: *golden_pixel*", "*(the test was ended then, by *on a GPU only*)"]
    )
    assert "golden_lpips" not in result.stdout.str()
    result = ending(test, SKIP, 0)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["golden_pixel *1 *1 *0 *0 *"])
    ending(bigger, end, 0).assert_outcomes(failed=1)


def test_an_image_without_a_golden_fails_where_its_comparator_cannot_be_had(ending):
    test = "def test_it(golden_image, pair): golden_image.check(pair[1])\n"
    result = ending(test, SKIP, 0)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*golden_pixel*golden*", "*on a GPU only*"])
    result = ending(test, SKIP, 0, "--editmetrics-update=missing")
    result.assert_outcomes(skipped=1)
    assert "recorded" not in result.stdout.str()


DRAWN = """import pytest
{mark}
def test_it({gate}, pair):
    def each():
        yield dict(name="hat", **{check})
        yield dict(name="coat", **{check})
        {end}
        yield
    {gate}.check_all(each())
"""
PAIR = "dict(reference=pair[0], edited=pair[1], metrics='unedit_max_diff')"
EDITS = {"gate": "edit_gate", "check": PAIR}
IMAGES = {"gate": "golden_image", "check": "dict(image=pair[1], comparator='pixel')"}
ENDS = [*WAYS, "raise RuntimeError('on a GPU only')", "raise SystemExit('on a GPU only')"]


@pytest.mark.quick(1)
@pytest.mark.parametrize("of", [EDITS, IMAGES], ids=["edits", "images"])
@pytest.mark.parametrize("end", [*ENDS, "yield dict(name='on a GPU only')"])
def test_a_generator_that_ends_the_test_does_so_after_what_it_gave_was_held(ending, end, of):
    assert (
        ending(DRAWN.format(mark="", end="return", **of), "", 0, "--editmetrics-update=missing").ret
        == 0
    )
    mark = "@pytest.mark.xfail(raises=RuntimeError)"
    result = ending(DRAWN.format(mark=mark, end=end, **of), "", 20)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*@hat *>*", "*@coat *>*", "*(the test was ended then, by *)"])
    result = ending(DRAWN.format(mark="", end=end, **of), "", 0)
    (outcome,) = result.parseoutcomes().keys() - {"warnings"}
    assert outcome == {SKIP: "skipped", IMPORT: "skipped", XFAIL: "xfailed"}.get(end, "failed")
    result.stdout.fnmatch_lines(["*_*diff *2 *2 *0 *"] if of is EDITS else ["*pixel *2 *2 *0 *"])


OPEN = """
def test_it(edit_gate, pair):
    def open_to_the_end():
        try:
            yield
        finally:
            edit_gate.check(*pair, metrics="unedit_max_diff", name="late")
    edit_gate.check(*pair, metrics="unedit_max_diff")
    still = open_to_the_end()
    next(still)
"""


def test_a_gate_that_a_generator_makes_as_its_test_ends_is_judged(ending):
    assert ending(OPEN, "", 0, "--editmetrics-update=missing").ret == 0
    assert ending(OPEN, "", 0).ret == 0
    result = ending(
        OPEN.replace("next(still)", "next(still); pair = (pair[0], 255 - pair[0])"), "", 0
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*unedit_max_diff@late*"])


@pytest.mark.parametrize("by", [0, 20])
def test_a_generator_that_ends_the_session_does_so(ending, by):
    end = "pytest.exit('enough', returncode=0)"
    result = ending(DRAWN.format(mark="", end=end, **EDITS), "", by)
    assert result.ret == (1 if by else 0)
    result.stdout.fnmatch_lines(["*Exit: enough*"])


def test_an_error_is_not_hidden_by_what_its_generator_raises_next(ending):
    gone = {**EDITS, "check": "dict(reference=pair[0], edited='gone.png')"}
    end, mark = "raise RuntimeError('broken')", "@pytest.mark.xfail"
    result = ending(DRAWN.format(mark=mark, end=end, **gone), "", 0)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*gone.png: there is no such file*"])


@pytest.mark.parametrize("golden", [True, False])
def test_a_comparator_that_comes_after_the_end_is_not_judged(ending, golden):
    test = "def test_it(golden_image, pair): golden_image.check(pair[1], comparator=['lpips', 'pixel'])"
    if golden:
        assert ending(test, "pass", 0, "--editmetrics-update=missing").ret == 0
    result = ending(test, SKIP, 20)
    result.assert_outcomes(skipped=1)
    assert "golden_pixel" not in result.stdout.str()
