"""A golden image that fails by its worst tile: every margin is that of the tile, against its own bound."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from reviewed import write_run

from pytest_editmetrics.gates.decided import decided
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.comment import comment
from pytest_editmetrics.report.comparison import comparison_lines
from pytest_editmetrics.report.html.data import build_view, revived
from pytest_editmetrics.report.html.pictures import Gallery
from pytest_editmetrics.report.image_text import image_rows
from pytest_editmetrics.report.summary import gate_line, worst_margin
from pytest_editmetrics.report.tally import Tally, TestGates, beyond
from pytest_editmetrics.report.text import headline
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.suites.compare import compare_runs


def golden(value: float, tile: float, *, better: str = "lower", whole=0.12, part=0.2) -> Gate:
    """Return a failing gate of a golden image: its value and its worst tile's, each with a bound."""
    made = Gate(
        "golden_lpips",
        "fail",
        better=better,
        value=value,
        bound_kind="max" if better == "lower" else "min",
        bound=whole,
        origin="default",
        source="built in",
        region={"coords": None, "width": 4, "height": 3},
        snapshot={
            "file": "tests/goldens/x.png",
            "comparator": "lpips",
            "tile": {"box": [0, 0, 4, 3], "value": tile, "bound": part},
        },
    )
    found = decided(made)
    return replace(made, distance=None if found is None else found.distance)


TILE = golden(0.028, 0.8)
LPIPS = Gate(
    "lpips",
    "fail",
    value=0.01725,
    bound_kind="max",
    bound=0.003,
    distance=0.01425,
    region=TILE.region,
)


def test_the_margin_is_of_the_tile_against_its_own_bound():
    assert beyond(TILE) == pytest.approx(3.0)
    assert beyond(golden(0.2, 0.8)) == pytest.approx(3.0), "the whole fails, too, and by less"
    assert beyond(golden(0.6, 0.8)) == pytest.approx(4.0), "the whole fails by more"
    assert beyond(golden(40.0, 20.0, better="higher", whole=35.0, part=30.0)) == pytest.approx(
        1 / 3
    )
    assert beyond(golden(0.028, math.nan)) == math.inf
    assert beyond(golden(0.028, "NaN")) == math.inf, "as a results file holds it"


def test_what_ranks_ranks_by_it(tmp_path):
    """A tile 300 % beyond stands below a value 475 % beyond: in the report and in a comment."""
    run = read_run(write_run(tmp_path / "run", {"test_tile": [TILE], "test_lpips": [LPIPS]}))
    view = build_view(revived(run), Gallery(run), None)
    assert [case.test for case in view.cases] == ["test_lpips", "test_tile"]
    failing = comment(run).partition("### Failing")[2]
    assert failing.index("test_lpips") < failing.index("test_tile")


def test_the_worst_of_a_metric_is_farthest_from_its_own_bound():
    near = replace(LPIPS, value=0.9, bound=0.6, distance=0.3)
    tally = Tally([TestGates("t::a", 1, True, "failed", True, (near,)),
                   TestGates("t::b", 1, True, "failed", True, (LPIPS,))])  # fmt: skip
    assert worst_margin(tally.rows()[0]).endswith("0.014 beyond): t::b")


def test_what_is_said_is_the_value_that_fails(tmp_path):
    said = "worst tile 0.800 > max 0.200"
    run = read_run(write_run(tmp_path / "run", {"test_tile": [TILE]}))
    assert said in headline(TILE)
    assert said in comment(run).replace("&gt;", ">")
    assert gate_line("t::a", TILE).endswith("(0.600 beyond)")
    view = build_view(revived(run), Gallery(run), None)
    (case,) = view.cases
    (gate,) = case.gates
    assert (gate.what, gate.value, gate.threshold) == ("worst tile", "0.800", "max 0.200")
    assert gate.margin_text == "300 % beyond"
    assert gate.bars[1].text == "0.800, 0.600 beyond max 0.200"
    assert view.metrics[0].worst == f"{said}, 300 % beyond"


def test_what_was_recorded_says_what_had_failed():
    recorded = replace(TILE, verdict="recorded")
    assert "was worst tile 0.800 > max 0.200" in headline(recorded)


def test_a_changed_verdict_names_the_tile(tmp_path):
    passed = replace(golden(0.02, 0.1), verdict="pass")
    base = read_run(write_run(tmp_path / "base", {"test_tile": [passed]}))
    head = read_run(write_run(tmp_path / "head", {"test_tile": [TILE]}))
    lines = comparison_lines(compare_runs(base, head), base, head)
    assert any("pass worst tile 0.100 -> fail worst tile 0.800" in line for line in lines)


def test_a_golden_image_that_holds_says_the_part_nearest_to_its_bound():
    assert "worst tile 0.190 <= max 0.200" in headline(replace(golden(0.1, 0.19), verdict="pass"))
    assert "0.110 <= max 0.120" in headline(replace(golden(0.11, 0.12), verdict="pass"))
    assert "worst tile" not in headline(replace(golden(0.11, 0.12), verdict="pass"))


@pytest.mark.parametrize("box", [None, 3, ["a", 1, 2, 3], [math.nan, "NaN", 0, 1]])
def test_a_run_that_does_not_tell_where_the_tile_lies_is_shown_without(box):
    tile = {"value": 0.8, "bound": 0.2} | ({} if box is None else {"box": box})
    lost = replace(TILE, snapshot={"file": "x.png", "tile": tile})
    assert headline(lost) == "golden_lpips worst tile 0.800 > max 0.200"
    assert ("tile", "worst 0.800 > max 0.200") in image_rows(lost)
