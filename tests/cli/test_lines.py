"""What is not ours is printed so that it shows itself and steers nothing, whatever the command."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pytest_editmetrics
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import printable
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.printed import printable_json
from pytest_editmetrics.runs.writing import RunDir, RunResults

EVIL = "::stop-commands::x\x1b[31m\n::error::y\r##[group]z\x9b\u202e##vso[task]\x7f"
COMMAND = re.compile(r"\s*::|.*#{2}\w*\[", re.DOTALL)
BOUND = {"bound_kind": "max", "bound": 0.5, "origin": "golden", "source": EVIL}
SOURCES = sorted(Path(pytest_editmetrics.__file__).parent.rglob("*.py"))


def evil_run(path: Path, value: float, nodeid: str = EVIL) -> None:
    run_dir = RunDir(path)
    with RunResults(run_dir, {EVIL: EVIL}, EVIL) as results:
        name = run_dir.save_image(np.full((16, 16, 3), int(value), np.uint8))
        gate = Gate("unedit_max_diff", "fail", value=value, scope="unedit_area", **BOUND)
        gate = replace(gate, message=EVIL, name=EVIL, device_name=EVIL)
        gate = replace(gate, golden={"file": EVIL, "test": EVIL, "gate": EVIL})
        gate = replace(gate, region={"width": 16, "height": 16, "coords": None})
        gate = replace(gate, images={"reference": name, "edited": name})
        results.gate(nodeid, 1, True, "failed", gate)
        results.gate(nodeid, 1, True, "failed", replace(gate, metric=EVIL, verdict="error"))
        results.crashed(EVIL + "crashed")
        results.close({}, full=True)


@pytest.mark.parametrize(
    "command",
    [
        "approve base",
        "approve base -k stop-commands",
        "calibrate base head",
        "compare base head",
        "compare base head --json",
        "compare base head --fail unedit_max_diff:1%",
        "compare base base",
        "merge base head -o merged",
        "merge base -o merged",
        "prune base",
        "report base",
        "score base",
        "selftest base",
        "selftest base --json",
    ],
)
def test_a_run_steers_no_log(project, tmp_path, capfd, monkeypatch, command):
    for number, name in enumerate(("base", "head")):
        evil_run(project / name, 10.0 * (number + 1))
    assert main(command.split()) in (0, 1, 2)
    out, err = capfd.readouterr()
    text = out + err
    assert "Traceback" not in text
    lines = text.split("\n")
    assert not [line for line in lines if COMMAND.match(line)]
    assert not [c for line in lines for c in line if not c.isprintable()]
    if command not in ("report base", "compare base base", "prune base"):
        assert "stop-commands" in text


def test_json_says_the_same(project, capsys):
    evil_run(project / "base", 10.0)
    evil_run(project / "head", 20.0)
    main(["compare", "base", "head", "--json"])
    assert EVIL in json.dumps(json.loads(capsys.readouterr().out), ensure_ascii=False).replace(
        json.dumps(EVIL, ensure_ascii=False)[1:-1], EVIL
    )


@pytest.mark.parametrize(
    "text", [EVIL, "  ::add-mask::x", "a ##[error]b", "##teamcity[x]", "\ud800"]
)
def test_a_text_is_one_line_that_is_no_command(text):
    for shown in (printable(text), printable_json(text)):
        assert not COMMAND.match(shown)
        assert all(c.isprintable() for c in shown)
    assert json.loads(printable_json(text)) == text


@pytest.mark.parametrize(
    "text", ["tests/test_x.py::test_a[größe-日本]", "## heading", "# [x]", "a: b"]
)
def test_what_is_harmless_stays_as_it_is(text):
    assert printable(text) == text


def test_a_session_prints_no_command(suite):
    """The ids of a YAML case and a test are a pull request's, and so is what a bound's line says."""
    suite.makepyfile(
        test_x="""
        import pytest
        @pytest.mark.parametrize("i", [0], ids=["##[group]x"])
        def test_it(check, i): check(255, 1, name="##[error]y")
        """
    )
    result = suite.runpytest()
    at = next(i for i, line in enumerate(result.outlines) if "= editmetrics =" in line)
    section = result.outlines[at : at + 6]
    assert "test_it[#\\x23[group]x]" in "\n".join(section)
    assert not [line for line in section if COMMAND.match(line)]


def test_nothing_prints_by_itself():
    """One way of printing: ``cli.lines``; the ledger of what comes after the session's end, by
    ``printable``, as ``last_lines``."""
    allowed = {
        "cache/accelerator.py",
        "cli/lines.py",
        "plugin/last_lines.py",
        "session/ledger.py",
    }
    found = {
        source.relative_to(SOURCES[0].parent).as_posix()
        for source in SOURCES
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("print", "sys.stdout.write", "sys.stderr.write")
    }
    assert found == allowed
