"""Every kind of bad input gets what the page says of it."""

from __future__ import annotations

import pytest
from bad_input import COMMAND, PAGE, page, wrong
from doors import in_case_files, in_commands, in_options, in_tests

WRITE = "write-bad-input-page"


@pytest.mark.long
def test_every_kind_of_bad_input_gets_what_the_page_says(pytester, request):
    calls, markers, configuration, goldens = in_tests(pytester)
    for path in pytester.path.glob("*"):
        if path.is_file() and path.suffix in (".py", ".yaml"):
            path.unlink()
    cases = in_case_files(pytester)
    manifests, runs, commands = in_commands(pytester.path)
    options = in_options(pytester)
    doors = [
        (
            "A call in a test",
            "`before` and `after` are images of 64x64 px, `BOX` a list of one box, and `unedit_max_diff` is what is measured, unless a call says otherwise.",
            calls,
        ),
        ("The marker", "On a test that calls `edit_gate.check(before, after, BOX)`.", markers),
        (
            "`editmetrics.yaml`",
            "The whole file, in a test that calls `edit_gate.check(before, after, BOX)`.",
            configuration,
        ),
        (
            "Golden thresholds",
            "The whole file `goldens/test_calls.py.yaml`; `{test}` is the key of the test that runs.",
            goldens,
        ),
        ("Cases in YAML", "The whole file `test_*.edit.yaml`.", cases),
        ("Manifests", "The whole file `m.jsonl`, by `editmetrics score m.jsonl`.", manifests),
        (
            "Runs and results files",
            "The file `r.jsonl`, by `editmetrics compare good r.jsonl --fail unedit_max_diff:5%`; `run` is the text of a good one.",
            runs,
        ),
        ("The command `editmetrics`", "After `editmetrics`.", commands),
        (
            "Options of pytest",
            "After `pytest`, in a suite of one test; also as ini options.",
            options,
        ),
    ]
    problems = [
        f"{door}: {case.what}: {problem}"
        for door, _, rows in doors
        for case, came in rows
        if (problem := wrong(case, came)) is not None
    ]
    assert not problems, "\n\n".join(problems)
    made = page(doors)
    if request.config.pluginmanager.has_plugin(WRITE):
        PAGE.write_text(made, encoding="utf-8")
    written = PAGE.read_text(encoding="utf-8")
    assert written.splitlines() == made.splitlines(), f"{PAGE.name} is out of date: run {COMMAND}"
