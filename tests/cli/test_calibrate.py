"""`editmetrics calibrate`: bounds from repeated runs."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_editmetrics.calibration.tolerance import scale_of, tolerance_bound
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.results import ResultsFile

GOLDEN = "tests/goldens/test_x.py.yaml"
ALEX = ({"name": "lpips:alex", "sha256": "94bbe0919378dc82", "smoke": False},)
OTHER = ({"name": "lpips:alex", "sha256": "0000000000001111", "smoke": False},)
SMOKE = ({"name": "lpips:smoke", "sha256": "5555", "smoke": True},)
H100 = ("nvidia-h100", "cuda-sm90", "cuda")
VALUES = (0.030, 0.033, 0.027, 0.031, 0.029, 0.0325, 0.028)


def lpips(value: float | None, **more: object) -> Gate:
    made = Gate(
        "lpips",
        "missing-golden",
        value=value,
        scope="unedit_area",
        golden={"file": GOLDEN, "test": "test_a", "gate": "lpips"},
        device="cpu",
        device_name="cpu",
        weights=ALEX,
        details={"net": "alex"},
    )
    return replace(made, **more)


@pytest.fixture
def calibrate(project, capsys):
    """Write one results file a list of gates, calibrate them, return status and output."""

    def run(*gates_of_runs, options=(), crashed=(), **session):
        names = []
        for number, gates in enumerate(gates_of_runs):
            names.append(f"r{number}.jsonl")
            versions = session.get("versions", lambda number: {})(number)
            with ResultsFile(Path(names[-1]), versions, f"2026-0{number}") as results:
                for gate in [gates] if isinstance(gates, Gate) else gates:
                    results.gate("tests/test_x.py::test_a", 1, True, "passed", gate)
                for test in crashed if number == 0 else ():
                    results.crashed(f"tests/test_x.py::{test}")
                if number or session.get("complete", True):
                    results.close({})
        status = main(["calibrate", *names, *options])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_the_bound_of_what_the_check_expects_is_the_present_one(calibrate):
    gates = [lpips(value, details={"net": "alex", "expect": "reencoded"}) for value in VALUES]
    status, out, _ = calibrate(*gates)
    assert status == 0
    assert "present   max 0.6, default expect='reencoded': the proposal is tighter by" in out


def test_a_smallest_margin_takes_another_name_of_a_metric_once(calibrate):
    more = {"metric": "mask_iou", "better": "higher"}
    more["golden"] = {"file": GOLDEN, "test": "test_a", "gate": "mask_iou"}
    gates = [lpips(0.9 + value, **more) for value in VALUES]
    assert "smallest margin is 0.2" not in calibrate(*gates)[1]
    status, out, _ = calibrate(*gates, options=["--min-margin", "iou:0.2"])
    assert status == 0
    assert "the smallest margin decides, 0.2 from the median" in out
    both = ["--min-margin", "iou:0.2", "--min-margin", "mask_iou:0.1"]
    status, _, err = calibrate(*gates, options=both)
    assert status == 2
    assert "--min-margin names mask_iou twice" in err


def test_what_was_written_is_told_beside_what_could_not_be(project, capsys):
    (project / "tests" / "test_y.py").write_text("")
    blocked, free = GOLDEN, GOLDEN.replace("_x", "_y")
    for number, value in enumerate(VALUES):
        with ResultsFile(Path(f"r{number}"), {}, f"2026-0{number}") as results:
            for file in (blocked, free):
                address = {"file": file, "test": "test_a", "gate": "lpips"}
                nodeid = f"tests/{Path(file).stem}::test_a"
                results.gate(nodeid, 1, True, "passed", lpips(value, golden=address))
            results.close({})
    (project / GOLDEN).parent.mkdir()
    (project / GOLDEN).write_text("test_a:\n  lpips: {max: 0.9, review: 0.5}\n")
    assert main(["calibrate", *(f"r{n}" for n in range(len(VALUES))), "--write"]) == 1
    out, err = capsys.readouterr()
    assert f"wrote {free}; review the change and commit it" in out
    assert f"wrote {blocked}" not in out
    assert blocked in err
    assert (project / free).exists()


@pytest.mark.parametrize(
    ("metric", "values", "why"),
    [
        ("edit_lpips", (0.0, 0.0, 0.0), "a min that is 0, the smallest margin, from the median 0"),
        ("mask_iou", (0.0504, 0.0504, 0.0504), "a min that is 0.05, the smallest margin, from"),
        ("mask_iou", (0.1, 0.4, 0.8), "the spread of 3 runs asks for a min that always holds"),
    ],
)
def test_a_gate_whose_bound_would_always_hold_stops_no_other(calibrate, metric, values, why):
    other = {"file": GOLDEN, "test": "test_a", "gate": metric}
    gates = [
        [lpips(0.03 + n / 1000), lpips(value, metric=metric, better="higher", golden=other)]
        for n, value in enumerate(values)
    ]
    status, out, _ = calibrate(*gates)
    assert status == 0
    assert "proposal  max" in out
    assert f"left      {why}" in out
    assert "1 proposal, 1 with warnings; 1 left" in out


def test_a_proposal_is_told_and_written_only_on_request(calibrate, project):
    gates = [lpips(value) for value in VALUES]
    status, out, _ = calibrate(*gates)
    assert status == 0
    wanted = tolerance_bound(VALUES, scale_of(VALUES, "lower", (0, math.inf), 0.005)).value
    assert f"{wanted:.4g}; the smallest margin is 0.005" in out
    assert "7 runs; bounds inside which 99 % of all runs lie, with 95 % confidence" in out
    assert "values    7 on cpu: median 0.03, from 0.027 to 0.033" in out
    assert "weights   lpips:alex 94bbe0919378" in out
    assert "normal tolerance bound, 4.642 standard deviations from the mean" in out
    assert "values counted as log(distance to 0 + 0.005)" in out
    assert "present   none" in out
    assert "  warning " not in out
    assert "1 proposal, 0 with warnings; 0 left; nothing was written, give --write" in out
    assert not (project / GOLDEN).exists()
    status, out, _ = calibrate(*gates, options=["--write"])
    assert status == 0
    assert f"wrote {GOLDEN}; review the change and commit it" in out
    # rounded outward to three digits
    assert (project / GOLDEN).read_text() == (
        f'"test_a":\n  lpips: {{max: {math.ceil(wanted * 1e4) / 1e4:g}, measured: 0.03}}\n'
    )


def test_a_similarity_is_bounded_from_below(calibrate, project):
    more = {"better": "higher", "compares": "objects", "scope": "edit_area", "weights": ()}
    gates = [
        replace(
            lpips(1 - value, **more),
            metric="sam_clip_cls_sim",
            golden={"file": GOLDEN, "test": "test_a", "gate": "sam_clip_cls_sim"},
        )
        for value in VALUES
    ]
    status, out, _ = calibrate(*gates, options=["--write"])
    assert status == 0
    assert "the smallest margin decides, 0.02 from the median" in out
    assert "min: 0.95, measured: 0.97" in (project / GOLDEN).read_text()
    calibrate(*gates, options=["--write", "--min-margin", "sam_clip_cls_sim:0"])
    text = (project / GOLDEN).read_text()
    low = tolerance_bound(
        [1 - value for value in VALUES],
        scale_of([1 - value for value in VALUES], "higher", (-1, 1), 0.02),
    ).value
    assert f"min: {1 - math.ceil((1 - low) * 1e4) / 1e4:g}, measured: 0.97" in text


def test_few_runs_are_told_and_how_many_are_enough(calibrate):
    _, out, _ = calibrate(*[lpips(value) for value in VALUES[:6]])
    assert "warning   6 runs are few" in out
    assert "7 bring it to at most twice" in out


def test_three_hundred_runs_need_no_distribution(calibrate):
    values = [0.02 + 0.01 * (number % 60) / 60 + 1e-6 * number for number in range(299)]
    _, out, _ = calibrate(*[lpips(value) for value in values])
    assert "the worst value, which needs no assumption of the distribution" in out
    assert "not normal" not in out


def test_the_margin_is_kept_and_may_be_stated(calibrate):
    steady = [lpips(0.0300 + number * 1e-6) for number in range(8)]
    _, out, _ = calibrate(*steady)
    assert "the smallest margin decides, 0.005 from the median" in out
    assert "proposal  max 0.0351 (0.0051 from the median)" in out
    _, out, _ = calibrate(*steady, options=["--min-margin", "lpips:50%"])
    assert "proposal  max 0.0451 (" in out
    _, out, _ = calibrate(*steady, options=["--min-margin", "lpips:0"])
    assert "proposal  max 0.0301 (" in out


def test_values_in_two_groups_are_shown_with_their_runs(calibrate, project):
    values = [0.0100, 0.0301, 0.0102, 0.0303, 0.0101, 0.0302, 0.0103, 0.0304]
    gates = [lpips(value) for value in values]
    status, out, _ = calibrate(*gates, options=["--write"])
    assert status == 1
    assert (
        "two groups: 4 from 0.01 to 0.0103 (r0.jsonl, r2.jsonl, r4.jsonl, r6.jsonl) and 4 from"
        " 0.0301 to 0.0304 (r1.jsonl, r3.jsonl, r5.jsonl, r7.jsonl)" in out
    )
    assert "left      one bound for both groups would let the worse one pass: if that is" in out
    assert not (project / GOLDEN).exists()
    status, out, _ = calibrate(*gates, options=["--write", "--allow-two-groups"])
    assert status == 0
    assert "1 proposal, 1 with warnings; 0 left" in out
    assert (project / GOLDEN).exists()


def test_groups_nearer_than_the_margin_are_one(calibrate):
    values = [0.0300, 0.0340, 0.0301, 0.0341, 0.0299, 0.0339]
    status, out, _ = calibrate(*[lpips(value) for value in values])
    assert status == 0
    assert "two groups" not in out


def test_a_proposal_beyond_the_default_says_so(calibrate, project):
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.04}\n")
    _, out, _ = calibrate(*[lpips(value) for value in VALUES])
    assert "looser than max 0.04 of editmetrics.yaml:1, which holds without a golden" in out
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.05}\n")
    _, out, _ = calibrate(*[lpips(value) for value in VALUES])
    assert "looser than max" not in out


def test_a_proposal_much_like_the_present_bound_takes_one_line(calibrate, project):
    steady = [lpips(0.0300 + number * 1e-6) for number in range(8)]
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.0353}\n")
    _, out, _ = calibrate(*steady)
    assert "1 proposal without a warning, nearer to its bound of today than a tenth" in out
    assert "test_a lpips: max 0.0351; present max 0.0353, default editmetrics.yaml:1: " in out
    assert "  values  " not in out
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.0363}\n")
    _, out, _ = calibrate(*steady)
    assert "  values  " in out


def moved_share(value):
    of = {"file": GOLDEN, "test": "test_a", "gate": "moved_share"}
    size = {"width": 128, "height": 128}
    return lpips(value, metric="moved_share", golden=of, weights=(), region=size)


@pytest.mark.long
def test_a_part_that_moved_breaks_what_no_other_broken_pair_does(calibrate):
    still = moved_share(0.0)
    status, out, err = calibrate(still, still, still, options=["--no-selftest"])
    assert status == 0
    assert "proposal  max 0.02" in out
    assert "the same" not in out  # the best value comes again and again
    assert "selftest" not in err
    status, out, _ = calibrate(still, still, options=["--min-margin", "moved_share:0.9"])
    assert status == 1
    assert "holds for ever" in out
    assert "The smallest margin reaches that far, not the runs: give a smaller --min-margin" in out


def test_runs_of_the_worst_value_there_is_are_told_that_no_margin_helps(calibrate):
    moved = moved_share(1.0)
    status, out, _ = calibrate(moved, moved, moved, options=["--no-selftest"])
    assert status == 1
    assert "always holds. Look at the images; if they are right, no margin changes that" in out


def test_values_that_are_not_normal_are_told(calibrate):
    values = [0.02 + 0.03 * 0.6**number for number in range(12)]
    _, out, _ = calibrate(*[lpips(value) for value in values])
    assert "two groups" in out or "not normal on the scale" in out


def test_constant_values_and_repeats_are_told(calibrate):
    _, out, _ = calibrate(*[lpips(0.01)] * 3)
    assert "all 3 values are the same: nothing varies" in out
    assert "proposal  max 0.015" in out
    _, out, _ = calibrate(*[lpips(value) for value in (*VALUES, VALUES[0])])
    assert "only 7 of 8 values are different" in out


def test_whole_numbers_come_again(calibrate):
    """As the largest difference of a pixel: equal ones are no sign of a run that was repeated."""
    of = {"file": GOLDEN, "test": "test_a", "gate": "unedit_max_diff"}
    gates = [
        lpips(float(value), metric="unedit_max_diff", golden=of, details={}, weights=())
        for value in (3, 4, 3, 5, 4, 6)
    ]
    _, out, _ = calibrate(*gates, options=["--no-selftest"])
    assert "proposal  max" in out
    assert "values are different" not in out
    _, out, _ = calibrate(*gates[:1] * 3, options=["--no-selftest"])
    assert "all 3 values are the same" in out


def test_other_weights_are_never_taken_together(calibrate, project):
    gates = [lpips(0.1), lpips(0.11), lpips(0.12, weights=OTHER)]
    status, _, err = calibrate(*gates, options=["--write"])
    assert status == 1
    assert (
        "lpips:alex 94bbe0919378 (r0.jsonl, r1.jsonl) and lpips:alex 000000000000 (r2.jsonl)" in err
    )
    assert not (project / GOLDEN).exists()


def test_other_parameters_are_never_taken_together(calibrate):
    status, _, err = calibrate(lpips(0.1), lpips(0.2, details={"net": "vgg"}))
    assert status == 1
    assert "net alex (r0.jsonl) and net vgg (r1.jsonl)" in err


def test_devices_that_share_a_golden_are_taken_together_only_on_request(calibrate, project):
    cuda = {"device": "cuda:0", "device_name": "NVIDIA H100"}
    gates = [*(lpips(value) for value in VALUES), lpips(0.0305, **cuda)]
    status, _, err = calibrate(*gates)
    assert status == 1
    assert "and NVIDIA H100 (r7.jsonl)" in err
    assert "env: {cuda: {}}" in err
    status, out, _ = calibrate(*gates, options=["--allow-other-devices"])
    assert status == 0
    assert "8 on cpu, NVIDIA H100" in out


def test_a_device_with_a_variant_is_calibrated_apart(calibrate, project):
    (project / "tests" / "goldens").mkdir()
    (project / GOLDEN).write_text('"test_a":\n  lpips: {max: 0.2, env: {cuda: {}}}\n')
    cuda = {"device": "cuda:0", "device_name": "NVIDIA H100"}
    on_cpu, on_gpu = {"environment": ("cpu",)}, {**cuda, "environment": H100}
    status, _, err = calibrate(lpips(0.03), lpips(0.031))
    assert status == 1
    assert "does not say where the edit of tests/test_x.py::test_a lpips ran" in err
    assert "run the test again" in err
    runs = [lpips(0.03, **on_cpu), lpips(0.031, **on_cpu)]
    runs += [lpips(0.06, **on_gpu), lpips(0.061, **on_gpu)]
    status, out, _ = calibrate(*runs, options=["--write"])
    assert status == 0
    assert "lpips (env cuda)\n  values    2 on NVIDIA H100: median 0.0605" in out
    # of two values the factor is 37.09
    bound = (
        math.exp(math.log(0.035 * 0.036) / 2 + 37.0936 * math.log(0.036 / 0.035) / 2**0.5) - 0.005
    )
    assert (
        f"present   max 0.2, golden {GOLDEN}:2: the proposal is tighter by {0.2 - bound:.2g}" in out
    )
    assert "env: {cuda: {max:" in (project / GOLDEN).read_text()


def test_what_was_measured_on_a_cpu_is_told_apart_by_where_its_edit_ran(calibrate):
    here = [lpips(value, environment=("cpu",)) for value in VALUES]
    status, _, err = calibrate(*here, lpips(0.0305, environment=H100))
    assert status == 1
    assert "cpu (edited on nvidia-h100) (r7.jsonl)" in err
    assert "env: {cuda: {}}" in err
    a100 = [lpips(value, environment=("nvidia-a100", "cuda-sm80", "cuda")) for value in VALUES]
    _, _, err = calibrate(*a100, lpips(0.0305, environment=H100))
    assert "env: {cuda-sm90: {}}" in err


def test_smoke_measurements_go_to_their_own_variant(calibrate, project):
    smoke = {"weights": SMOKE, "smoke": True}
    runs = [lpips(0.03), lpips(0.031), *(lpips(v, **smoke) for v in (0.5, 0.51, 0.52, 0.53))]
    status, out, _ = calibrate(*runs, options=["--write"])
    assert status == 0
    assert "measured with random smoke weights" in out
    assert "smoke: {max:" in (project / GOLDEN).read_text()


@pytest.mark.parametrize("origin", ["argument", "marker", "case"])
def test_bounds_of_tests_are_told_where_to_edit_and_never_written(calibrate, project, origin):
    held = {"bound": 0.1, "bound_kind": "max", "origin": origin, "source": "tests/test_x.py:4"}
    gates = [lpips(value, **held) for value in VALUES]
    status, out, _ = calibrate(*gates, options=["--write"])
    assert status == 1
    marker = "the marker " if origin == "marker" else ""
    assert f"left      its bound is the {origin}'s; edit {marker}tests/test_x.py:4" in out
    assert f"present   max 0.1, {origin} tests/test_x.py:4: the proposal is tighter" in out
    assert "0 proposals" in out
    assert not (project / GOLDEN).exists()


def test_a_default_is_the_present_bound_of_a_gate_without_a_golden(calibrate, project):
    (project / "editmetrics.yaml").write_text("thresholds:\n  lpips: {max: 0.01}\n")
    _, out, _ = calibrate(*[lpips(value) for value in VALUES])
    assert "present   max 0.01, default editmetrics.yaml:2: the proposal is looser" in out


def test_gates_without_a_value_are_named_with_run_and_reason(calibrate):
    gone = lpips(None, verdict="unmeasured", reason="empty-region", message="nothing")
    nan = lpips(float("nan"), verdict="fail")
    measured = [lpips(value) for value in VALUES]
    _, out, _ = calibrate([], gone, nan, *measured, crashed=["test_a"])
    assert "no value in 1 of 10 runs (crashed): r0.jsonl" in out
    assert "no value in 1 of 10 runs (unmeasured, empty-region): r1.jsonl" in out
    assert "no value in 1 of 10 runs (nan): r2.jsonl" in out
    status, out, _ = calibrate(gone, gone, lpips(0.1))
    assert status == 1
    assert "left      one value; a bound needs at least 2 runs" in out
    status, out, _ = calibrate(gone, gone)
    assert status == 1
    assert "left      no value in 2 of 2 runs (unmeasured, empty-region)" in out


def test_golden_images_and_manifests_are_left(calibrate):
    tile = {"box": [0, 0, 8, 8], "value": 0.25, "bound": 0.2}
    held = {"bound": 0.12, "bound_kind": "max", "snapshot": {"tile": tile}}
    picture = replace(lpips(0.01), metric="golden_lpips", **held)
    row = lpips(0.1, details={"manifest": {"row": "pairs.jsonl:3"}})
    status, out, _ = calibrate(*([picture, replace(row, value=value)] for value in VALUES))
    assert status == 1
    assert "golden_lpips\n  left      a golden image" in out
    assert "as a whole 0.01 to 0.01 (max 0.12), its worst tile 0.25 to 0.25 (max 0.2, 7 of" in out
    assert "a manifest has no goldens; give pairs.jsonl:3 a threshold" in out
    assert "proposal  max" in out


def test_a_golden_image_whose_tile_is_no_number_is_told(calibrate):
    tile = {"box": [0, 0, 64, 64], "value": math.nan, "bound": 0.2}
    gates = [
        lpips(
            0.01,
            metric="golden_lpips",
            verdict="fail",
            bound=0.12,
            bound_kind="max",
            golden=None,
            snapshot={"file": "tests/goldens/a.png", "comparator": "lpips", "tile": one},
        )
        for one in (tile, {**tile, "value": 0.1}, {})
    ]
    status, out, _ = calibrate(*gates)
    assert status == 1
    assert "whole 0.01 to 0.01 (max 0.12), its worst tile 0.1 to 0.1 (max 0.2, 1 of 2 no" in out


def test_a_bound_that_always_holds_is_no_proposal(calibrate, project):
    more = {"better": "higher", "compares": "objects", "weights": ()}
    sim = {"file": GOLDEN, "test": "test_a", "gate": "sam_clip_cls_sim"}
    gates = [
        replace(lpips(value, **more), metric="sam_clip_cls_sim", golden=sim)
        for value in (0.99, 0.5, -0.3)
    ]
    status, out, _ = calibrate(*gates, options=["--write"])
    assert status == 1
    assert "asks for a min that always holds" in out
    assert not (project / GOLDEN).exists()


def test_a_bound_that_no_broken_pair_reaches_is_refused(calibrate, project):
    status, out, _ = calibrate(lpips(0.01), lpips(0.02), options=["--write"])
    assert status == 1
    assert "left      a max of 12800 holds for ever: a grossly broken pair gives 1." in out
    assert "Give more runs (299 need no assumption)" in out
    assert "proposal  " not in out
    assert not (project / GOLDEN).exists()


def test_it_is_refused_where_a_test_states_its_own_bound_too(calibrate):
    held = {"bound": 0.1, "bound_kind": "max", "origin": "case", "source": "tests/test_x.py:4"}
    status, out, _ = calibrate(lpips(0.01, **held), lpips(0.02, **held), options=["--no-selftest"])
    assert status == 1
    assert "its bound is the case's; edit tests/test_x.py:4; a max of 12800 holds for ever" in out
    assert "proposal  " not in out


def test_a_pipe_without_weights_is_not_held_to_a_broken_pair_and_says_so(calibrate, project):
    (project / "editmetrics.yaml").write_text("pipes_default: {lpips-pipe: {net: vgg}}\n")
    status, out, _ = calibrate(*(lpips(value) for value in VALUES))
    assert status == 0
    assert "1 gate was not held to a grossly broken pair: lpips could not be judged: " in out


def test_a_changed_test_another_torch_and_a_run_that_was_cut_off_are_told(calibrate):
    other = lpips(0.034, region={"coords": [[0, 0, 9, 9]]})
    _, out, _ = calibrate(
        lpips(0.03), other, complete=False, versions=lambda number: {"torch": f"2.{number}"}
    )
    assert "the test differs between runs: another scope, box, size or reference" in out
    assert "package  torch differs: 2.0 in r0.jsonl; 2.1 in r1.jsonl" in out
    assert "r0.jsonl, 2026-00: 1 gate; CUT OFF" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--coverage", "1"], "coverage is 1"),
        (["--confidence", "0.2"], "confidence is 0.2"),
        (["--min-margin", "lpips"], "--min-margin 'lpips' is no bound"),
        (["--min-margin", "lpipz:5%"], "unknown metric 'lpipz' (did you mean 'lpips'?)"),
        (["--min-margin", "lpips:1", "--min-margin", "lpips:2"], "names lpips twice"),
        (["r0.jsonl"], "a run is given twice"),
        (["-k", "nothing"], "selects none of 2 gates"),
    ],
)
def test_what_makes_no_sense_is_refused(calibrate, options, message):
    status, _, err = calibrate(lpips(0.1), lpips(0.2), options=options)
    assert status == 2
    assert message in err


def test_one_run_or_a_copy_of_it_is_refused(calibrate, capsys):
    assert calibrate(lpips(0.1))[0] == 2
    Path("copy.jsonl").write_text(Path("r0.jsonl").read_text())
    assert main(["calibrate", "r0.jsonl", "copy.jsonl"]) == 2
    assert "r0.jsonl and copy.jsonl hold the same run" in capsys.readouterr().err


def test_a_run_and_what_was_merged_of_it_are_refused(calibrate, capsys):
    calibrate(lpips(0.1))
    lines = Path("r0.jsonl").read_text().splitlines(keepends=True)
    Path("r0.jsonl").write_text(lines[0].replace("{", '{"id": "0011", ', 1) + "".join(lines[1:]))
    assert main(["merge", "r0.jsonl", "-o", "merged"]) == 0
    assert main(["calibrate", "r0.jsonl", "merged"]) == 2
    assert "r0.jsonl and merged hold the same run" in capsys.readouterr().err


def test_runs_of_another_project_are_refused(calibrate, project):
    (project / "tests" / "test_x.py").unlink()
    status, _, err = calibrate(lpips(0.1), lpips(0.2))
    assert status == 1
    assert "has no test file tests/test_x.py" in err
