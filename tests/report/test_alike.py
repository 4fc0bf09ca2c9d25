"""What gates say alike is said once: by a check, by a scored manifest, at a session's end."""

from __future__ import annotations

from dataclasses import replace

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.failure import failure_text, of_one_error
from pytest_editmetrics.report.next_steps import verdict_lines
from pytest_editmetrics.report.summary import running_lines
from pytest_editmetrics.report.tally import RunningTally, Tally, TestGates

MISSING = [Gate(name, "error", message="no file a.png") for name in ("tone", "lpips", "altered")]


def of_golden(metric: str, line: int, file: str = "goldens/test_a.py.yaml", **more) -> Gate:
    message = f"the golden {file}:{line} was measured on images of one size"
    return Gate(
        metric, "error", value=0.1, bound=0.2, bound_kind="max", origin="golden",
        source=f"{file}:{line}", message=message, **more,
    )  # fmt: skip


def session_of(*of_tests: list[Gate]) -> Tally:
    return Tally(
        TestGates(f"test_a.py::test_{number}", 1, True, "failed", True, tuple(gates))
        for number, gates in enumerate(of_tests)
    )


def test_a_scored_row_says_one_reason_once():
    tally = RunningTally()
    for row in ("a", "b"):
        tally.add(
            f"manifest::{row}",
            [*MISSING, Gate("ssim", "fail", value=0.1, bound=0.5, bound_kind="min")],
        )
    assert running_lines(tally)[5:] == [
        "failing: 8",
        "  manifest::a: tone, lpips, altered could not be judged: no file a.png",
        "  manifest::a: whole-image ssim 0.100 < min 0.500",
        "  manifest::b: tone, lpips, altered could not be judged: no file a.png",
        "  manifest::b: whole-image ssim 0.100 < min 0.500",
    ]


def test_of_many_rows_the_first_are_listed_and_the_gates_of_the_others_counted():
    tally = RunningTally()
    for row in range(14):
        tally.add(f"manifest::{row}", MISSING)
    lines = running_lines(tally)
    assert lines[4] == "failing: 42"
    assert len(lines[5:]) == 11
    assert lines[-1] == "  and 12 more"


def test_goldens_that_differ_only_by_their_lines_are_told_in_one_line():
    gates = [of_golden("tone", 2), of_golden("lpips", 3), of_golden("altered", 7)]
    lines = failure_text(gates, "test_a.py::test_0").splitlines()
    assert lines[0] == (
        "tone, lpips, altered could not be judged: the golden goldens/test_a.py.yaml:2-3, 7 was"
        " measured on images of one size"
    )
    assert not [line for line in lines if line.strip().startswith("bound")]
    ((_, one),) = of_one_error(session_of(gates).notable)
    assert one == gates
    alone = failure_text(gates[:1], "test_a.py::test_0").splitlines()[0]
    assert "goldens/test_a.py.yaml:2 was measured" in alone


def test_the_end_of_a_session_counts_only_other_messages():
    many = session_of([of_golden("tone", 2), of_golden("lpips", 3)], [of_golden("tone", 5)])
    assert verdict_lines(many)[0].text == (
        "3 gates could not be judged: the golden goldens/test_a.py.yaml was measured on images of"
        " one size"
    )
    two = session_of([of_golden("tone", 2), of_golden("tone", 9, "goldens/test_b.py.yaml")])
    assert (
        "the golden goldens/test_a.py.yaml (and of 1 file more) was" in verdict_lines(two)[0].text
    )
    other = session_of([of_golden("tone", 2), *MISSING])
    assert verdict_lines(other)[0].text.endswith(
        "goldens/test_a.py.yaml:2 was measured on images of one size (and 1 other message)"
    )


def test_other_messages_and_names_stay_apart():
    named = [of_golden("tone", 2), replace(of_golden("lpips", 3), message="the golden is another")]
    assert len(failure_text(named, "test_a.py::test_0", -2).splitlines()) == 2
    values = [Gate(m, "fail", value=0.1, bound=0.5, bound_kind="min") for m in ("ssim", "psnr")]
    assert len(failure_text(values, "test_a.py::test_0", -2).splitlines()) == 2
