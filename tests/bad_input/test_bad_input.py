"""Every kind of bad input gets what the page says of it."""

from __future__ import annotations

from bad_input import COMMAND, PAGE, page, wrong
from doors import in_case_files, in_commands, in_options, in_tests

WRITE = "write-bad-input-page"


def test_every_kind_of_bad_input_gets_what_the_page_says(pytester, request):
    calls, markers, configuration, goldens = in_tests(pytester)
    for path in pytester.path.glob("*"):
        if path.is_file() and path.suffix in (".py", ".yaml"):
            path.unlink()
    cases = in_case_files(pytester)
    manifests, runs, commands = in_commands(pytester.path)
    options = in_options(pytester)
    doors = [
        ("A call in a test", "...", calls),
        ("The marker", "...", markers),
        ("`editmetrics.yaml`", "...", configuration),
        ("Golden thresholds", "...", goldens),
        ("Cases in YAML", "...", cases),
        ("Manifests", "...", manifests),
        ("Runs and results files", "...", runs),
        ("The command `editmetrics`", "...", commands),
        ("Options of pytest", "...", options),
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
