"""The HTML report as text: what it says of its cases, without a browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from synthetic_run import make_run

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.report.html import write_html
from pytest_editmetrics.report.html.data import build_view, revived
from pytest_editmetrics.report.html.pictures import Gallery
from pytest_editmetrics.runs.folder import read_run


@pytest.fixture(scope="module")
def run_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("run") / "run")


def view_of(run_path: Path, earlier: Path | None = None):
    run = revived(read_run(run_path))
    before = None if earlier is None else read_run(earlier)
    return build_view(run, Gallery(run), None, earlier=before)


def test_cases_stand_by_outcome_then_by_margin(run_path):
    cases = view_of(run_path).cases
    statuses = ["failed", "error", "unmeasured", "review", "expected", "recorded", "passed"]
    keys = [(statuses.index(case.status), -case.margin) for case in cases]
    assert keys == sorted(keys)
    assert {case.status for case in cases} == set(statuses)
    assert cases[0].test == "test_nan"
    assert sorted(case.number for case in cases) == list(range(len(cases)))


def test_a_case_says_its_cause_and_its_worst_metric(run_path):
    cases = {case.test: case for case in view_of(run_path).cases}
    assert cases["test_weights"].cause == "error"
    assert cases["test_weights"].why.startswith("no weights of clip-pipe")
    assert cases["test_new[matcha]"].cause == "no golden"
    assert cases["test_object[cat]"].cause == "empty-crop"
    assert cases["test_untouched[blue-cup]"].metric == "lpips"
    assert cases["test_untouched[blue-cup]"].margin == pytest.approx(2.8)
    assert cases["test_recorded"].cause == ""


def test_the_story_of_a_golden_image_is_told(run_path):
    (case,) = (case for case in view_of(run_path).cases if case.test == "test_golden")
    assert ("golden: seed", "7") in case.story
    assert ("golden: device", "NVIDIA H100") in case.story


def test_an_earlier_run_stands_beside_where_it_passed(run_path, tmp_path):
    cases = {case.test: case for case in view_of(run_path, run_path).cases}
    layers = {
        name: [layer["name"] for layer in case.picture["layers"]] for name, case in cases.items()
    }
    assert layers["test_recorded"] == ["reference", "edited", "earlier"]
    assert layers["test_untouched[remove-badge]"] == ["reference", "edited", "earlier"]
    assert layers["test_golden"] == ["edited", "golden"]
    assert (
        main(["report", str(run_path), "-o", str(tmp_path / "with"), "--earlier", str(run_path)])
        == 0
    )
    assert '"name": "earlier"' in (tmp_path / "with" / "index.html").read_text("utf-8")


def test_the_folder_has_its_parts_as_files(run_path, tmp_path):
    write_html(read_run(run_path), tmp_path / "report")
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    assert '<link rel="stylesheet" href="report.css">' in page
    assert '<script src="report.js"></script>' in page
    assert "<style" not in page
    assert "data:" not in page
    for src in set(re.findall(r'src="([^"]+)"', page)):
        assert (tmp_path / "report" / src).is_file(), src


def test_one_file_asks_for_nothing(run_path, tmp_path):
    write_html(read_run(run_path), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert re.findall(r'(?:src|href)="(?!#|data:)([^"]+)"', page) == []
    embedded = re.findall(r'id="n-(\w+)"', page)
    assert len(embedded) == len(set(embedded))
    assert set(re.findall(r'<use href="#n-(\w+)"', page)) <= set(embedded)


def test_no_part_of_the_script_takes_anothers_name():
    """The parts, the review's too, share one scope, in which a later function takes an earlier's place."""
    import pytest_editmetrics

    parts = sorted(Path(pytest_editmetrics.__file__).parent.glob("**/static/*.js"))
    assert len(parts) > 10
    declared = re.compile(r"^(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
    names = [name for part in parts for name in declared.findall(part.read_text("utf-8"))]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []
