"""The review band below the surface: bounds, verdicts, goldens, results, reports, scoring."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.config.bounds import parse_bounds
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.gates.verdict import Gate, judge
from pytest_editmetrics.goldens.file import read_golden_file
from pytest_editmetrics.measurement import Margin, Measurement, Metric, Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.report.html.gate_view import bars
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.results import ResultsFile

LPIPS, SIM = (PipeRegistry().metric(name) for name in ("lpips", "sam_clip_cls_sim"))


@pytest.mark.parametrize(
    ("metric", "data", "message"),
    [
        (
            LPIPS,
            {"review": 0.1},
            "review of lpips without max: write both, {max: ..., review: ...}",
        ),
        (LPIPS, {"max": 0.1, "review": 0.1}, "is 0.1 and must lie below max, 0.1"),
        (LPIPS, {"max": 0.1, "review": 0.2}, "is 0.2 and must lie below max, 0.1"),
        (LPIPS, {"max": 0.1, "review": -1}, "every value that passes would be for review"),
        (LPIPS, {"max": 0.1, "review": "x"}, "review of lpips must be a number, not text 'x'"),
        (LPIPS, {"max": 0.1, "reveiw": 0.05}, "unknown key 'reveiw'"),
        (SIM, {"min": 0.9, "review": 0.88}, "is 0.88 and must lie above min, 0.9"),
        (SIM, {"min": 0.9, "review": 1.5}, "every value that passes would be for review"),
        (SIM, {"max": 0.9, "review": 0.88}, "'max' on sam_clip_cls_sim"),
    ],
)
def test_what_makes_no_band_is_an_error(metric, data, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        parse_bounds(metric, data, origin="marker", source="here")


@given(value=st.floats(0, 2), review=st.floats(0, 1), wider=st.floats(1e-6, 1), lower=st.booleans())
def test_the_three_states_are_apart(value, review, wider, lower):
    metric = Metric("m", "lower" if lower else "higher")
    bound = review + wider if lower else review - wider
    threshold = Threshold(metric.bound_kind, bound, "argument", "", review)
    gate = judge(Measurement("m", value), metric, margin=Margin(), explicit=threshold)
    good = value <= review if lower else value >= review
    inside = value <= bound if lower else value >= bound
    assert gate.verdict == ("pass" if good else "review" if inside else "fail")
    assert gate.review == review


def test_a_golden_and_its_variants_have_bands(tmp_path):
    path = tmp_path / "g.yaml"
    path.write_text(
        '"t":\n  lpips: {max: 0.1, review: 0.05, env: {cuda: {max: 0.2, review: 0.1}, cpu: {}}}\n'
    )
    entry = read_golden_file(path, PipeRegistry(), tmp_path).tests["t"]["lpips"]
    assert (entry.review, entry.env["cuda"].review, entry.env["cpu"].review) == (0.05, 0.1, None)


def band(value, kind="max", bound=0.1, review=0.06, verdict="review"):
    return Gate(
        "score",
        verdict,
        better="lower" if kind == "max" else "higher",
        value=value,
        bound_kind=kind,
        bound=bound,
        review=review,
        device="cpu",
        region={"width": 8, "height": 8},
    )


def test_the_bar_shows_where_the_band_begins():
    (close,) = bars(band(0.08))
    assert (close.in_review, close.beyond) == (True, False)
    assert close.review < close.value < close.bound
    assert close.text == "0.080, 0.020 inside max 0.100, beyond review 0.060"
    (good,) = bars(band(0.06, verdict="pass"))
    assert (good.in_review, good.review) == (False, good.value)
    (bad,) = bars(band(0.2, verdict="fail"))
    assert (bad.in_review, bad.beyond) == (False, True)
    (high,) = bars(band(0.9, "min", 0.88, 0.92))
    assert high.in_review
    assert high.bound < high.value < high.review
    (plain,) = bars(band(0.08, review=None))
    assert (plain.review, plain.in_review) == (None, False)


def write(path, *gates):
    with ResultsFile(path / "results.jsonl", {}, "2031-01-01T00:00:00+00:00") as file:
        for number, gate in enumerate(gates):
            file.gate(f"t.py::{number}", 1, True, "passed", gate)
        file.close({"gates": len(gates)})
    return path


def test_the_report_has_a_filter_a_band_and_a_count_for_it(tmp_path, capsys):
    run = write(tmp_path / "run", band(0.08), band(0.02, verdict="pass"))
    assert main(["report", str(run)]) == 0
    page = (run / "report.html").read_text(encoding="utf-8")
    assert '<h1 class="review">1 of 2 cases for review</h1>' in page
    assert 'data-status="review"' in page
    assert page.count('<div class="bar review"') == 1
    assert page.count('class="band"') == 2
    assert "max 0.100, review 0.060" in page
    assert '<th scope="col">Review</th>' in page


def test_a_band_that_is_no_number_is_refused_when_read(tmp_path):
    run = write(tmp_path / "run", band(0.08))
    text = (run / "results.jsonl").read_text()
    (run / "results.jsonl").write_text(text.replace('"review": 0.06', '"review": "low"'))
    with pytest.raises(Exception, match="review cannot be 'low'"):
        read_run(run)


def test_compare_lists_what_came_into_the_band(tmp_path, capsys):
    base = write(tmp_path / "base", band(0.05, verdict="pass"))
    head = write(tmp_path / "head", band(0.08))
    assert main(["compare", str(base), str(head)]) == 0
    assert "  pass 0.050 -> review 0.080: t.py::0 score" in capsys.readouterr().out
