"""A golden of a YAML case that was renamed since the run would hold no test: none is written."""

from __future__ import annotations

import pytest

from pytest_editmetrics.cli.main import main

CASES = """\
metrics: [unedit_psnr]
cases:
  - {id: blue, reference: a.png, edited: b.png}
  - {id: "red [a]", reference: a.png, edited: b.png}
"""


@pytest.fixture
def run(scene, monkeypatch):
    scene.makeconftest(
        "from scene import *\n\nImage.fromarray(scene()).save('a.png')\n"
        "Image.fromarray(edited()).save('b.png')\n"
    )
    (scene.path / "test_c.edit.yaml").write_text(CASES)
    scene.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2)
    monkeypatch.chdir(scene.path)
    return scene


@pytest.mark.parametrize("what", [("approve", "run"), ("approve", "run", "--dry-run")])
def test_nothing_is_written_for_a_case_that_is_gone(run, what, capsys):
    (run.path / "test_c.edit.yaml").write_text(CASES.replace("blue", "blue-cup"))
    assert main([*what]) != 0
    said = capsys.readouterr().err
    assert "nothing was written: test_c.edit.yaml has no case 'blue' any more" in said
    assert "(did you mean 'blue-cup'?)" in said
    assert not (run.path / "goldens").exists()
    assert main(["approve", "run", "-k", "red"]) == 0
    assert "red [a]" in (run.path / "goldens/test_c.edit.yaml.yaml").read_text()


def test_cases_that_are_there_are_written(run, capsys):
    assert main(["approve", "run"]) == 0
    run.runpytest().assert_outcomes(passed=2)
