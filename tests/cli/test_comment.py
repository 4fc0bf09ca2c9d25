"""``editmetrics comment``: a run as a comment on a merge request."""

from __future__ import annotations

import re

import pytest

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.report.comment import LIMIT


def run(scene: pytest.Pytester, name: str, *shifts: int) -> None:
    """Write a run: a test each, whose background moved by so many pixels."""
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: 45}\n"
    )
    tests = (
        f"def test_{number}(edit_gate):\n"
        f"    edit_gate.check(scene(), np.roll(edited(), {shift}, axis=1), BOX)\n"
        for number, shift in enumerate(shifts)
    )
    scene.makepyfile(test_edit="from scene import *\n" + "".join(tests))
    scene.runpytest(f"--editmetrics-run-dir={name}")


def test_it_says_what_fails_changed_and_is_new(scene, capsys, monkeypatch):
    run(scene, "base", 0, 0)
    run(scene, "head", 0, 2, 5)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    options = ["--base", "base", "--url", "https://example.org/r", "--mark", "nightly"]
    assert main(["comment", "head", *options]) == 0
    text = capsys.readouterr().out
    assert text.startswith("<!-- editmetrics: nightly -->\n")
    assert "2 of 3 gates failed" in text
    assert "[The report](https://example.org/r)" in text
    failing = text.partition("### Failing, the worst first: 2")[2].partition("###")[0]
    assert re.findall(r"::test_(\d)", failing) in (["1", "2"], ["2", "1"])
    assert "moved 2.00 px right" in failing
    changed = text.partition("### Changed against the base, the worst first: 1")[2]
    assert "::test_1" in changed.partition("###")[0]
    assert "::test_2" in text.partition("### New: 1")[2].partition("###")[0]
    steps = text.partition("### Next\n")[2]
    assert "to look: open https://example.org/r" in steps
    assert re.search(r"to accept all 2, if meant: editmetrics approve head\b", steps)


def test_what_took_little_of_the_room_to_its_bound_is_a_number(scene, capsys, monkeypatch):
    config = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 20}\n"
    (scene.path / "editmetrics.yaml").write_text(config)
    for name, values in {"base": (10, 10, 10, 10), "head": (11, 14, 16, 25)}.items():
        scene.makepyfile(
            test_edit="from scene import *\nimport pytest\n"
            f"@pytest.mark.parametrize('n', range(4))\n"
            "def test_it(edit_gate, n):\n"
            f"    made = scene().copy(); made[0, 0] = made[0, 0] // 2 + {values}[n]\n"
            "    before = scene().copy(); before[0, 0] = before[0, 0] // 2\n"
            "    edit_gate.check(before, made)\n"
        )
        scene.runpytest(f"--editmetrics-run-dir={name}")
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "head", "--base", "base"]) == 0
    text = capsys.readouterr().out
    changed = text.partition("### Changed against the base, the worst first: 4")[2].partition(
        "###"
    )[0]
    lines = [line for line in changed.splitlines() if line.startswith("-")]
    assert len(lines) == 3
    assert "10.00 -&gt; 25.00" in lines[0]
    assert "10.00 -&gt; 16.00" in lines[1]
    assert "2 by less than half of the room that the bound left" in lines[2]


def test_it_counts_the_gates_that_no_golden_holds(scene, capsys, monkeypatch):
    (scene.path / "editmetrics.yaml").write_text("expect: generative\n")
    scene.makepyfile(
        test_edit="from scene import *\n"
        "def test_a(edit_gate): edit_gate.check(scene(), edited(), BOX)\n"
    )
    scene.runpytest("--editmetrics-run-dir=run")
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    text = capsys.readouterr().out
    assert re.search(r"no golden: \d+ of \d+ gates were held to the bounds of expect alone", text)


PHOTO = """
from scene import *
import pytest

@pytest.mark.parametrize("n", range(5))
def test_it(edit_gate, n):
    made = edited()
    made[:8, :8] = made[:8, :8] // 2 + 100
    made[0, 0] = n + {values} * n
    edit_gate.check(scene(), made, BOX)
"""


@pytest.mark.parametrize("values", [-1, pytest.param(9, marks=pytest.mark.long)])
def test_what_says_the_same_of_many_tests_is_one_line(scene, capsys, monkeypatch, values):
    """A photo with one fault is in many tests: the worst is named, the others with their values."""
    config = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 2}\n"
    (scene.path / "editmetrics.yaml").write_text(config)
    scene.makepyfile(test_edit=PHOTO.format(values=values))
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=5)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    text = capsys.readouterr().out
    failing = text.partition("### Failing, the worst first: 5\n")[2].partition("###")[0]
    (line,) = [line for line in failing.splitlines() if line.startswith("-")]
    assert re.search(r"::test_it&#91;\d\] and 4 more: unedit_max_diff .* a local change", line)
    assert "4 more tests in these words" in failing
    assert set(re.findall(r"::test_it(?:\[|&#91;)(\d)\]", failing)) == set("01234")


def test_it_takes_no_more_than_a_comment_holds(scene, capsys, monkeypatch):
    run(scene, "one", 2)
    results = scene.path / "one/results.jsonl"
    lines = results.read_text().splitlines()
    (gate,) = (line for line in lines if '"record": "gate"' in line or '"record":"gate"' in line)
    many = [
        re.sub(r'"bound": ?45.0', f'"bound": {45 + number / 100}', gate).replace(
            "::test_0", f"::test_{number:04}"
        )
        for number in range(900)
    ]
    results.write_text("\n".join([lines[0], *many, lines[-1]]) + "\n")
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "one"]) == 0
    text = capsys.readouterr().out
    assert len(text.encode()) <= LIMIT
    assert "more entries are left out" in text


def test_it_offers_to_accept_what_approve_would(scene, capsys, monkeypatch):
    (scene.path / "editmetrics.yaml").write_text("metrics: [unedit_psnr]\n")
    call = "edit_gate.check(scene(), edited(), BOX)"
    scene.makepyfile(
        test_edit="from scene import *\n"
        f"def test_new(edit_gate): {call}\n"
        f"def test_both(edit_gate):\n    try:\n        {call}\n    finally:\n        assert 0\n"
    )
    scene.runpytest("--editmetrics-run-dir=run")
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    text = capsys.readouterr().out
    assert "to record 1 of 2 without a golden, if right: editmetrics approve run" in text
    assert "not to be recorded yet: 1 of 2 without a golden, as its test fails for another" in text
    assert main(["approve", "run"]) == 0
    assert capsys.readouterr().out.count("approved: ") == 1


def test_a_link_stays_one_whatever_the_address_holds(scene, capsys, monkeypatch):
    run(scene, "head", 0)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "head", "--url", "https://e.org/a b(1)/<r>?x=1&y_z=%20"]) == 0
    said = "[The report](https://e.org/a%20b%281%29/%3Cr%3E?x=1&y_z=%20)"
    assert said in capsys.readouterr().out.splitlines()


def test_one_error_of_a_check_is_said_once_and_is_not_called_no_regression(
    scene, capsys, monkeypatch
):
    scene.makepyfile(
        test_edit="from scene import *\n"
        "def test_a(edit_gate):\n"
        "    wrong = edited()[:20]\n"
        "    edit_gate.check(scene(), wrong, BOX, metrics=['unedit_psnr', 'unedit_ssim', 'tone'])\n"
        "def test_b(edit_gate):\n"
        "    edit_gate.check(scene(), edited()[:20], BOX, metrics='unedit_psnr')\n"
    )
    result = scene.runpytest("--editmetrics-run-dir=run", "--editmetrics-summary=s.md")
    result.stdout.fnmatch_lines(["4 gates could not be judged: *"])
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["comment", "run"]) == 0
    summary = (scene.path / "s.md").read_text()
    for text, times in ((capsys.readouterr().out, 1), (summary, 2)):  # a title, and its block
        assert "no regression" not in text
        errors = text.partition("### Could not be judged: 4")[2].partition("###")[0]
        assert errors.count("unedit_psnr, unedit_ssim, tone could not be judged: ") == times
        assert errors.count("unedit_psnr could not be judged: ") == times
