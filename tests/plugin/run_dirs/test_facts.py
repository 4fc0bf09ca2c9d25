"""What a test tells of an edit stands in its results and in the report, beside the pictures."""

from __future__ import annotations

import pytest

from pytest_editmetrics.runs.folder import read_run

TEST = """
from PIL import Image

def test_told(edit_gate):
    before, after = Image.new("RGB", (64, 64), "red"), Image.new("RGB", (64, 64), "blue")
    edit_gate.check(before, after, [(8, 8, 40, 40)], metrics="unedit_max_diff", facts={facts})
"""


def run(pytester, facts):
    pytester.makepyfile(TEST.replace("{facts}", repr(facts)))
    pytester.makefile(".yaml", editmetrics="thresholds: {unedit_max_diff: {max: 1}}")
    return pytester.runpytest(
        "--editmetrics-run-dir=run", "--editmetrics-html=report.html", "-p", "no:randomly"
    )


def test_facts_are_in_results_and_report(pytester):
    prompt = "make it <b>blue</b> & round"
    run(pytester, {"prompt": prompt, "seed": 7}).assert_outcomes(failed=1)
    (record,) = read_run(pytester.path / "run").gates
    assert record.gate.details["facts"] == {"prompt": prompt, "seed": 7}
    page = (pytester.path / "report.html").read_text("utf-8")
    assert "<dt>prompt</dt><dd>make it &lt;b&gt;blue&lt;/b&gt; &amp; round</dd>" in page
    assert "<dt>seed</dt><dd>7</dd>" in page


def test_the_prompt_stands_in_the_failure_in_one_line(pytester):
    result = run(pytester, {"seed": 7, "none": None, "prompt": "make it\n\n  blue"})
    result.stdout.fnmatch_lines(["E  * edit      prompt: make it blue; seed: 7"])
    result = run(pytester, {"prompt": "blue " * 400, "seed": 7})
    (line,) = (line for line in result.stdout.lines if " edit  " in line)
    assert line.endswith("blue...")
    assert 150 < len(line) < 200
    assert " edit  " not in run(pytester, None).stdout.str()


def test_so_it_does_where_a_golden_image_is_compared(pytester):
    text = """
import numpy as np

def test_it(golden_image):
    golden_image.provenance(prompt="make it {}")
    golden_image.check(np.full((32, 32, 3), {}, np.uint8))
"""
    pytester.makepyfile(test_x=text.format("blue", 9))
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    pytester.makepyfile(test_x=text.format("green", 90))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["E *golden of *prompt make it blue*", "E * edit * prompt: make it green"]
    )


def test_a_fact_that_cannot_be_written_down_is_named(pytester):
    result = run(pytester, {"seed": {1, 2}})
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*facts(seed=...): {1, 2} cannot be written down; give a text*"])


@pytest.mark.parametrize("facts", [5, "seed 7", [("seed", 7)], {7: "seed"}])
def test_what_is_no_mapping_of_names_is_refused(pytester, facts):
    result = run(pytester, facts)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*facts=* is no mapping of names, such as {'seed': 7}*"])


def test_params_of_a_case_are_its_facts(pytester):
    from PIL import Image

    for name in ("a.png", "b.png"):
        Image.new("RGB", (16, 16), "red").save(pytester.path / name)
    pytester.makefile(
        ".edit.yaml",
        test_a="metrics: [unedit_max_diff]\ncases:\n  - id: one\n    reference: a.png\n"
        "    edited: b.png\n    params: {prompt: turn it, day: 2031-01-02}\n"
        "    thresholds: {unedit_max_diff: {max: 1}}\n",
    )
    pytester.runpytest("--editmetrics-run-dir=run").assert_outcomes(passed=1)
    (record,) = read_run(pytester.path / "run").gates
    assert record.gate.details["facts"] == {"prompt": "turn it", "day": "2031-01-02"}
