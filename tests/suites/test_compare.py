"""`editmetrics compare`: what it pairs, what it says, and what makes it fail."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import InputError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.folder import GateRecord, Run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.suites.compare import compare_runs
from pytest_editmetrics.suites.pairs import NOISE, parse_bound

ALEX = ({"name": "lpips:alex", "sha256": "94bbe0919378dc82", "smoke": False},)
OTHER = ({"name": "lpips:alex", "sha256": "0000000000001111", "smoke": False},)


def lpips(value, verdict="pass", **more) -> Gate:
    if value is None:
        return Gate("lpips", "unmeasured", reason="empty-region", message="nothing", **more)
    return Gate("lpips", verdict, value=value, **{"weights": ALEX, **more})


def likeness(value, **more) -> Gate:
    return Gate("likeness", "pass", better="higher", value=value, **more)


def of(metric, value, better="higher"):
    return lambda _: Gate(metric, "pass", better=better, value=value)


def run_of(gates, crashed=(), complete=True) -> Run:
    records = tuple(
        GateRecord(f"test_x.py::{test}", 1, True, "passed", gate) for test, gate in gates
    )
    return Run("run", {"started": "now"}, records, tuple(crashed), complete)


@pytest.fixture
def compare(tmp_path, capsys):
    """Write two results files, compare them, return the exit status and what was printed."""

    def write(name, gates, crashed=(), complete=True, non_final=()):
        file = ResultsFile(tmp_path / name / "results.jsonl", {}, "2025-01-01T00:00:00+00:00")
        for test, gate in non_final:
            file.gate(f"test_x.py::{test}", 1, False, "rerun", gate)
        for test, gate in gates:
            file.gate(f"test_x.py::{test}", 2 if non_final else 1, True, "passed", gate)
        for test in crashed:
            file.crashed(f"test_x.py::{test}")
        file.close({"gates": len(gates)})
        if not complete:
            text = file.path.read_text(encoding="utf-8")
            file.path.write_text(text[: text.index('{"record": "end"') + 7], encoding="utf-8")
        return str(tmp_path / name)

    def compare(base, head, *options, base_more=None, head_more=None):
        paths = write("base", base, **(base_more or {})), write("head", head, **(head_more or {}))
        capsys.readouterr()
        status = main(["compare", *paths, *options])
        out, err = capsys.readouterr()
        return status, out + err

    return compare


def test_what_moved_is_told_per_metric_in_its_direction(compare):
    base = [
        ("a", lpips(0.10)), ("b", lpips(0.10)), ("c", lpips(0.10)), ("d", lpips(0.2, name="hat")),
        ("a", likeness(0.9)), ("b", likeness(0.9)),
    ]  # fmt: skip
    head = [
        ("a", lpips(0.08)), ("b", lpips(0.13)), ("c", lpips(0.10)), ("d", lpips(0.25, name="hat")),
        ("a", likeness(0.8)), ("b", likeness(0.95)),
    ]  # fmt: skip
    status, text = compare(base, head)
    assert status == 0
    lines = text.splitlines()[2:]
    assert lines == [
        "lpips (lower is better): 4 paired, 1 improved, 2 worse, 1 unchanged",
        "  mean   0.015 worse; median 0.015 worse",
        "  worst  0.200 -> 0.250, 0.05 worse (25 %): test_x.py::d lpips@hat",
        "likeness (higher is better): 2 paired, 1 improved, 1 worse, 0 unchanged",
        "  mean   0.025 worse; median 0.025 worse",
        "  worst  0.900 -> 0.800, 0.1 worse (11.1 %): test_x.py::a likeness",
    ]


@pytest.mark.parametrize(
    ("bound", "status"),
    [("lpips:30%", 0), ("lpips:29%", 1), ("lpips:0.03", 0), ("lpips:0.029", 1), ("lpips:0", 1)],
)
def test_a_bound_is_inclusive(compare, bound, status):
    got, text = compare([("a", lpips(0.10))], [("a", lpips(0.13))], "--fail", bound)
    assert got == status
    assert ("FAILED: lpips: 1 of 1 gate is worse by more than" in text) == bool(status)


def test_rounding_does_not_fail_a_change_that_is_just_allowed(compare):
    assert 0.33 - 0.3 > 0.1 * 0.3
    assert compare([("a", lpips(0.3))], [("a", lpips(0.33))], "--fail", "lpips:10%")[0] == 0


def test_an_improvement_never_fails(compare):
    assert compare([("a", lpips(0.5))], [("a", lpips(0.1))], "--fail", "lpips:0")[0] == 0
    assert compare([("a", likeness(0.5))], [("a", likeness(1))], "--fail", "likeness:0%")[0] == 0


def test_a_golden_image_is_compared_as_a_whole_and_by_its_worst_tile(compare):
    def golden(value, tile, verdict="pass"):
        snapshot = {"tile": {"box": [0, 0, 4, 3], "value": tile, "bound": 0.2}}
        return Gate("golden_lpips", verdict, value=value, bound=0.12, bound_kind="max",
                    snapshot=snapshot)  # fmt: skip

    base = [("a", golden(0.01, 0.01)), ("b", golden(0.01, 0.1)), ("c", golden(0.05, 0.1))]
    head = [("a", golden(0.02, 0.15)), ("b", golden(0.1, 0.1)), ("c", golden(0.01, 0.1))]
    status, text = compare(base, head, "--fail", "golden_lpips:0.05")
    assert status == 1
    assert "3 paired, 1 improved, 2 worse, 0 unchanged" in text
    assert "    worst tile 0.010 -> 0.150, 0.14 worse (14 times the base): test_x.py::a" in text
    assert "    0.010 -> 0.100, 0.09 worse (900 %): test_x.py::b" in text
    lost = [("a", golden(0.01, float("nan"))), *head[1:]]
    assert "1 gate is not measured any more" in compare(base, lost, "--fail", "golden_lpips:0.1")[1]


def test_what_passed_and_fails_now_fails_within_its_bound_too(compare):
    base = [("a", lpips(0.1)), ("b", lpips(0.1, "fail")), ("c", lpips(None))]
    head = [("a", lpips(0.11, "fail")), ("b", lpips(0.1, "fail")), ("c", lpips(0.1, "fail"))]
    status, text = compare(base, head, "--fail", "lpips:0.5")
    assert status == 1
    assert "FAILED: lpips: 1 gate fails that did not in the base" in text
    assert "  fails, and did not in the base: 1\n    pass 0.100 -> fail 0.110: test_x.py::a" in text
    assert compare(head, head, "--fail", "lpips:0.5")[0] == 0
    assert compare(base, head)[0] == 0


def test_a_fall_of_a_higher_is_better_metric_fails(compare):
    status, text = compare([("a", likeness(0.9))], [("a", likeness(0.8))], "--fail", "likeness:5%")
    assert status == 1
    assert "    0.900 -> 0.800, 0.1 worse (11.1 %): test_x.py::a likeness" in text


@pytest.mark.parametrize(("value", "status"), [(NOISE / 2, 0), (2 * NOISE, 1)])
def test_a_share_of_zero_is_held_to_an_absolute_floor_and_says_so(compare, value, status):
    base, head = [("a", lpips(0.0)), ("b", lpips(0.1))], [("a", lpips(value)), ("b", lpips(0.1))]
    got, text = compare(base, head, "--fail", "lpips:5%")
    assert got == status
    assert "1 gate whose base is 0 is held to an absolute 1e-06" in text
    assert compare(base, head, "--fail", "lpips:0.01")[0] == 0
    assert "whose base is 0" not in compare(base, head, "--fail", "lpips:0.01")[1]


@pytest.mark.parametrize("head", [lpips(None), lpips(float("nan"), "fail"), lpips(float("inf"), "fail"),
                                  Gate("lpips", "error", message="no weights")])  # fmt: skip
def test_a_gate_not_measured_any_more_fails_where_its_metric_is_named(compare, head):
    base = [("a", lpips(0.1)), ("b", lpips(0.1)), ("a", likeness(1))]
    heads = [("a", head), ("b", lpips(0.1)), ("a", likeness(1))]
    status, text = compare(base, heads, "--fail", "lpips:500%")
    assert status == 1
    assert "FAILED: lpips: 1 gate is not measured any more" in text
    status, text = compare(base, heads, "--fail", "likeness:5%")
    assert status == 0
    assert "not measured any more: 1" in text


def test_a_test_that_crashed_fails_where_it_measured_the_metric(compare):
    base, head = [("a", lpips(0.1)), ("b", lpips(0.1))], [("b", lpips(0.1))]
    crashed = {"crashed": ["a", "plain"]}
    status, text = compare(base, head, "--fail", "lpips:5%", head_more=crashed)
    assert status == 1
    assert "FAILED: lpips: 1 test that measured it crashed" in text
    status, text = compare(base, head, head_more=crashed)
    assert status == 0
    assert "  crashed in the head: 1\n    test_x.py::a" in text


def test_changes_of_verdict_and_gates_of_one_run_are_listed(compare):
    status, text = compare(
        [("a", lpips(0.1)), ("b", lpips(None)), ("gone", lpips(0.1, name="n"))],
        [("a", lpips(0.2, "fail")), ("b", lpips(0.1)), ("new", likeness(1))],
    )
    assert status == 0
    assert (
        "verdict changed: 2\n"
        "  pass 0.100 -> fail 0.200: test_x.py::a lpips\n"
        "  unmeasured (empty-region) -> pass 0.100: test_x.py::b lpips\n"
        "only in the base: 1\n"
        "  test_x.py::gone lpips@n\n"
        "only in the head: 1\n"
        "  test_x.py::new likeness\n"
    ) in text


def test_gates_are_paired_by_the_last_attempt(compare):
    status, text = compare(
        [("a", lpips(0.1))],
        [("a", lpips(0.1))],
        "--fail",
        "lpips:0",
        head_more={"non_final": [("a", lpips(0.9, "fail"))]},
    )
    assert status == 0
    assert "1 paired, 0 improved, 0 worse, 1 unchanged" in text


def test_other_weights_are_said_and_fail_unless_allowed(compare):
    base, head = [("a", lpips(0.1))], [("a", lpips(0.1, weights=OTHER))]
    status, text = compare(base, head)
    assert status == 1
    assert "OTHER WEIGHTS than in the base: 1" in text
    assert "lpips:alex 94bbe0919378 -> lpips:alex 000000000000: test_x.py::a lpips" in text
    assert "FAILED: 1 gate is measured with other weights" in text
    status, text = compare(base, head, "--allow-other-weights", "--fail", "lpips:5%")
    assert status == 0
    assert "OTHER WEIGHTS than in the base: 1" in text


def test_another_way_of_measuring_is_said_and_fails(compare):
    base = [("a", lpips(0.1, details={"net": "alex", "unscaled": 1}))]
    head = [("a", lpips(0.1, details={"net": "vgg", "unscaled": 2}))]
    status, text = compare(base, head)
    assert status == 1
    assert "ANOTHER WAY of measuring than in the base: 1" in text
    assert "test_x.py::a lpips: net alex, then net vgg" in text
    assert "FAILED: 1 gate is measured in another way than in the base (net alex, then" in text
    assert compare(base, base)[0] == 0


def test_smoke_values_are_never_compared_with_real_ones(compare):
    smoke = ({"name": "lpips:smoke", "sha256": "ab", "smoke": True},)
    base = [("a", lpips(0.1)), ("b", lpips(0.1))]
    head = [("a", lpips(0.9, smoke=True, weights=smoke)), ("b", lpips(0.1))]
    status, text = compare(base, head, "--allow-other-weights")
    assert status == 1
    assert "lpips (lower is better): 1 paired, 0 improved, 0 worse, 1 unchanged" in text
    assert "not compared: smoke weights in one run: 1\n  test_x.py::a lpips" in text
    status, text = compare([head[0]], [head[0]])
    assert status == 0
    assert "smoke: 1 pair was measured with random smoke weights" in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"region": {"coords": [[0, 0, 2, 1]]}}, True),
        ({"scope": "edit_area"}, True),
        ({"images": {"reference": f"images/{'b' * 20}.png"}}, True),
        ({"images": {"reference": f"images/{'a' * 20}.png"}}, False),
        ({"images": {}}, False),
    ],
)
def test_a_changed_test_is_said(compare, changed, said):
    before = {"region": {"coords": [[0, 0, 1, 1]]}, "scope": "unedit_area",
              "images": {"reference": f"images/{'a' * 20}.png"}}  # fmt: skip
    base, head = [("a", lpips(0.1, **before))], [("a", lpips(0.1, **before | changed))]
    status, text = compare(base, head)
    assert status == 0
    assert ("another scope, box, size or reference: 1" in text) == said


@pytest.mark.parametrize(
    ("base", "head", "failure"),
    [
        ([], [], "nothing is paired"),
        ([("a", lpips(0.1))], [("b", lpips(0.1))], "nothing is paired"),
        ([("a", lpips(0.1))], [("a", lpips(0.1, name="n"))], "nothing is paired"),
        ([("a", lpips(0.1))], [("a", lpips(None))], "nothing is compared: none of 1 pair is"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--fail", "lpips:5%")])
def test_nothing_to_compare_is_not_a_pass(compare, base, head, failure, options):
    status, text = compare(base, head, *options)
    assert status == 1
    assert f"FAILED: {failure}" in text


def test_a_metric_named_and_not_paired_fails(compare):
    both = ("a", likeness(1))
    status, text = compare([both], [both, ("b", lpips(0.1))], "--fail", "lpips:5%")
    assert status == 1
    assert "FAILED: lpips: not one gate is measured in both runs" in text


@pytest.mark.parametrize("cut", ["base", "head"])
def test_a_run_that_was_cut_off_fails_where_a_bound_is_held(compare, cut):
    gates = [("a", lpips(0.1))]
    more = {f"{cut}_more": {"complete": False}}
    status, text = compare(gates, gates, **more)
    assert status == 0
    assert "CUT OFF: the run did not finish" in text
    status, text = compare(gates, gates, "--fail", "lpips:5%", **more)
    assert status == 1
    assert f"FAILED: the {cut} was cut off" in text


@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ("lpip:5%", "'lpip', which neither run has (did you mean 'lpips'?)"),
        ("lpips", "'lpips' is no bound: give METRIC:SHARE% or METRIC:AMOUNT"),
        ("lpips:", "is no bound"),
        (":5%", "is no bound"),
        ("lpips:5%%", "is no bound"),
        ("lpips:-5%", "is no bound"),
        ("lpips:nan", "is no bound"),
        ("lpips:inf", "is no bound"),
        ("lpips:1e999", "is no bound"),
        ("lpips:1_0", "is no bound"),
        ("lpips:five", "is no bound"),
    ],
)
def test_a_bound_that_makes_no_sense_is_a_usage_error(compare, bound, message):
    status, text = compare([("a", lpips(0.1))], [("a", lpips(0.1))], "--fail", bound)
    assert status == 2
    assert message in text


@pytest.mark.parametrize(
    ("gate", "bound", "message"),
    [
        (lpips, "lpips:5", "no lpips of the two runs is above 0.3; give a smaller amount, or a"
         " share of the base (lpips:5%)"),
        (lambda v: Gate("mask_iou", "pass", better="higher", value=v), "mask_iou:1",
         "mask_iou lies between 0 and 1; give a smaller amount"),
        (lambda v: Gate("mask_iou", "pass", better="higher", value=v), "mask_iou:100%",
         "no mask_iou falls by more than the whole of it; give a smaller share"),
        (lambda v: Gate("unedit_max_diff", "pass", value=v), "unedit_max_diff:255", "between 0"),
        (of("unedit_ssim", 0.9), "unedit_ssim:250%", "none that was 0.9 at best becomes so much"
         " worse; give a smaller share"),
        (of("golden_ssim", 0.9), "golden_ssim:10000%", "none that was 0.9 at best"),
        (of("unedit_max_diff", 9, "lower"), "unedit_max_diff:999999%", "none that was 9 at best"),
        (of("altered", 60, "lower"), "altered:80%", "none that was 60 at best"),
        (of("unedit_psnr", 40), "unedit_psnr:45", "none that was 40 at best"),
        (lambda v: Gate("golden_exact", "pass", value=v), "golden_exact:5", "between 0 and 1"),
        (lambda v: Gate("golden_lpips", "pass", value=v), "golden_lpips:5", "is above 0.3"),
    ],
)  # fmt: skip
def test_a_bound_that_no_change_can_exceed_is_a_usage_error(compare, gate, bound, message):
    status, text = compare([("a", gate(0.0))], [("a", gate(0.3))], "--fail", bound)
    assert status == 2
    assert "can fail nothing: " in text
    assert message in text


@pytest.mark.parametrize(
    ("gate", "bound"),
    [
        (lpips, "lpips:0.4"),
        (lpips, "lpips:500%"),
        (lambda v: Gate("drift_px", "pass", value=v), "drift_px:2"),
        (lambda v: Gate("unedit_max_diff", "pass", value=v), "unedit_max_diff:3"),
        (lambda v: Gate("altered", "pass", value=v), "altered:5"),
        (lambda v: Gate("golden_tone", "pass", value=v), "golden_tone:2"),
        (of("unedit_ssim", 0.9), "unedit_ssim:200%"),
        (of("unedit_max_diff", 9, "lower"), "unedit_max_diff:1000%"),
        (of("unedit_max_diff", 250, "lower"), "unedit_max_diff:10"),
        (of("unedit_max_diff", 250, "lower"), "unedit_max_diff:10%"),
        (of("unedit_psnr", 40), "unedit_psnr:30"),
        (likeness, "likeness:99%"),
        (likeness, "likeness:1"),
    ],
)
def test_a_wide_bound_that_can_be_exceeded_stands(compare, gate, bound):
    assert compare([("a", gate(0.3))], [("a", gate(0.3))], "--fail", bound)[0] == 0


def saved(path, session, *gates):
    more = {} if session is None else {"id": session}
    with ResultsFile(path / "results.jsonl", {}, "2025-01-01T00:00:00+00:00", **more) as file:
        for test, gate in gates:
            file.gate(f"test_x.py::{test}", 1, True, "passed", gate)
        file.close({"gates": len(gates)})
    return path


def merged(output, *runs):
    assert main(["merge", *map(str, runs), "-o", str(output)]) == 0
    return output


def other_of(path, how):
    """Return what holds the run in `path`, or a part of it."""
    own, other = path / "a", path / "b"
    if how == "a link":
        other.symlink_to(own)
    elif how == "a copy":
        shutil.copytree(own, other)
    elif how == "merged":
        merged(other, own)
    elif how == "merged again":
        merged(other, merged(path / "c", own))
    elif how == "a part":
        merged(other, own, saved(path / "c", "0012", ("b", lpips(0.1))))
    else:
        return {"itself": own, "its file": own / "results.jsonl"}[how]
    return other


@pytest.mark.parametrize(
    ("how", "session"),
    [
        ("itself", None),
        ("its file", None),
        ("a link", None),
        ("a copy", "0011"),
        ("merged", "0011"),
        ("merged again", "0011"),
        ("a part", "0011"),
    ],
)
def test_a_run_and_itself_are_a_usage_error(tmp_path, capsys, how, session):
    own = saved(tmp_path / "a", session, ("a", lpips(0.1)))
    other = other_of(tmp_path, how)
    for base, head in ((own, other), (other, own)):
        assert main(["compare", str(base), str(head)]) == 2
        assert "hold the same run, so nothing of it can have moved" in capsys.readouterr().err


def test_a_shard_that_ran_again_beside_one_that_did_not_is_another_run(tmp_path, capsys):
    shards = [saved(tmp_path / n, n, (n, lpips(0.1))) for n in "ab"]
    again = saved(tmp_path / "c", "c", ("b", lpips(0.1)))
    base = merged(tmp_path / "base", *shards)
    assert main(["compare", str(base), str(merged(tmp_path / "one", shards[0], again))]) == 0
    once_more = merged(tmp_path / "more", *shards)
    assert main(["compare", str(base), str(once_more)]) == 2
    assert "hold the same run" in capsys.readouterr().err
    assert main(["compare", str(base), str(merged(tmp_path / "two", again))]) == 0


def test_two_bounds_of_one_metric_are_a_usage_error(compare):
    bounds = ("--fail", "lpips:5%", "--fail", "lpips:0.1")
    status, text = compare([("a", lpips(0.1))], [("a", lpips(0.1))], *bounds)
    assert (status, "names lpips twice" in text) == (2, True)


def test_a_gate_that_is_there_twice_is_an_error(compare):
    twice = [("a", lpips(0.1)), ("a", lpips(0.3))]
    status, text = compare(twice, [("a", lpips(0.1))])
    assert status == 1
    assert "test_x.py::a has the gate lpips twice" in text


def test_a_metric_that_changed_its_direction_is_an_error(compare):
    status, text = compare([("a", lpips(0.1))], [("a", lpips(0.1, better="higher"))])
    assert status == 1
    assert "lower-is-better in the base and higher-is-better in the head" in text


def test_what_is_no_run_is_named(tmp_path, capsys):
    (tmp_path / "r.jsonl").write_text("{}\n")
    assert main(["compare", str(tmp_path / "r.jsonl"), str(tmp_path / "none")]) == 1
    assert "r.jsonl:1: not a results file" in capsys.readouterr().err


def test_lists_are_shortened_on_screen_and_whole_in_json(compare):
    base = [(f"t{n}", lpips(0.1)) for n in range(25)]
    head = [(f"t{n}", lpips(0.2 + n / 100)) for n in range(25)]
    _, text = compare(base, head, "--fail", "lpips:5%")
    assert "  bound  5 %: 25 beyond\n    0.100 -> 0.440, 0.34 worse (340 %): test_x.py::t24" in text
    assert text.count(" worse (") == 11
    assert "  and 15 more" in text
    status, text = compare(base, head, "--fail", "lpips:5%", "--json")
    assert status == 1
    (metric,) = json.loads(text)["metrics"]
    assert len(metric["beyond"]) == len(metric["pairs"]) == 25


def test_json_is_valid_and_complete(compare):
    status, text = compare(
        [("a", lpips(0.1)), ("b", lpips(0.1)), ("c", lpips(0.1))],
        [("a", lpips(0.3)), ("b", lpips(float("nan"), "fail"))],
        "--json",
        "--fail",
        "lpips:10%",
    )
    assert status == 1
    record = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert record["schema"] == "pytest-editmetrics/comparison"
    assert record["failures"] == [
        "lpips: 1 of 1 gate is worse by more than 10 %",
        "lpips: 1 gate is not measured any more",
    ]
    (metric,) = record["metrics"]
    assert metric["mean_worse_by"] == metric["median_worse_by"] == pytest.approx(0.2)
    assert metric["worst"] == {
        "nodeid": "test_x.py::a", "metric": "lpips", "name": None, "base": 0.1, "head": 0.3,
        "base_tile": None, "head_tile": None,
        "base_verdict": "pass", "head_verdict": "pass",
    }  # fmt: skip
    assert metric["lost"][0]["head"] == "NaN"
    assert record["only_base"] == [{"nodeid": "test_x.py::c", "metric": "lpips", "name": None}]


def test_a_forged_name_prints_no_line_of_its_own(compare):
    _, text = compare([("a\n::error::x\x1b[2J", lpips(0.1))], [("b", lpips(0.1))])
    assert "\n::error" not in text
    assert "  test_x.py::a\\n::error::x\\x1b[2J lpips\n" in text


values = st.floats(-100, 100)
runs = st.lists(st.tuples(values, values), min_size=1, max_size=8)


@given(runs, st.sampled_from(["lower", "higher"]))
def test_swapping_the_runs_turns_every_change_around(moved, better):
    gates = [
        [(f"t{n}", replace(lpips(pair[side]), better=better)) for n, pair in enumerate(moved)]
        for side in (0, 1)
    ]
    (there,) = compare_runs(run_of(gates[0]), run_of(gates[1])).metrics
    (back,) = compare_runs(run_of(gates[1]), run_of(gates[0])).metrics
    assert (there.improved, there.worse, there.unchanged) == (
        back.worse, back.improved, back.unchanged,
    )  # fmt: skip
    assert there.improved + there.worse + there.unchanged == len(moved)
    assert there.mean == pytest.approx(-back.mean, abs=1e-9)
    assert there.median == pytest.approx(-back.median, abs=1e-9)


@given(runs)
def test_a_run_compared_with_itself_never_fails(moved):
    run = run_of([(f"t{n}", lpips(value)) for n, (value, _) in enumerate(moved)])
    for bound in ("lpips:0", "lpips:0%"):
        assert compare_runs(run, run, [parse_bound(bound)]).failures == ()


@given(st.text(max_size=12))
def test_any_text_is_a_bound_or_an_input_error(text):
    try:
        bound = parse_bound(text)
    except InputError:
        return
    assert bound.metric
    assert bound.amount >= 0
