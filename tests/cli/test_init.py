"""`editmetrics init` and `editmetrics schema`."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest
import yaml

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.cli.schema import KINDS

PHOTO = "return Image.fromarray(data.coffee())"
SMALL = "return Image.fromarray(data.coffee()).resize((300, 200))"
SKIP = """    pytest.skip("load your model in the fixture `model`")
"""
MODEL = """    return encoded_anew


def encoded_anew(photo, instruction):
    from PIL import ImageFilter

    x1, y1, x2, y2 = BOX
    made = np.array(photo)
    made[y1:y2, x1:x2] = made[y1:y2, x1:x2, ::-1]
    made = np.array(Image.fromarray(made).filter(ImageFilter.GaussianBlur(0.6)), float)
    made += np.random.default_rng(0).normal(0, 2.5, made.shape)
    return Image.fromarray(made.clip(0, 255).astype(np.uint8))
"""


@pytest.mark.long
def test_what_init_writes_runs_and_its_sample_records_nothing(pytester, capsys):
    assert main(["init", str(pytester.path)]) == 0
    capsys.readouterr()
    for arguments in ((), ("tests/test_first_edit.py",), ("--editmetrics-update=missing",)):
        pytester.runpytest(*arguments).assert_outcomes(passed=1, skipped=1)
    assert not list(pytester.path.rglob("goldens"))
    assert main(["check", str(pytester.path)]) == 0


def test_a_model_that_encodes_the_picture_anew_is_recorded_and_held(pytester, capsys):
    """The way of the quick start: init, a model, record; LPIPS here is near the 0.10 of before."""
    main(["init", str(pytester.path)])
    test = pytester.path / "tests" / "test_first_edit.py"
    text = test.read_text()
    for old, new in ((PHOTO, SMALL), (SKIP, MODEL), ("(70, 62, 488, 398)", "(35, 31, 244, 199)")):
        assert old in text
        text = text.replace(old, new)
    test.write_text(text)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    goldens = (pytester.path / "tests/goldens/test_first_edit.py.yaml").read_text()
    assert list(yaml.safe_load(goldens)) == ["test_edit"]
    pytester.runpytest().assert_outcomes(passed=2)
    test.write_text(text.replace("    return Image", "    made += 12\n    return Image", 1))
    pytester.runpytest().assert_outcomes(passed=1, failed=1)


def test_the_starter_is_valid_by_its_own_schema(pytester, capsys):
    main(["init", str(pytester.path)])
    capsys.readouterr()
    assert main(["schema", "settings"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate(yaml.safe_load((pytester.path / "editmetrics.yaml").read_text()), schema)


def test_schema_without_a_kind_holds_all(capsys):
    assert main(["schema"]) == 0
    assert set(json.loads(capsys.readouterr().out)["$defs"]) == set(KINDS)


def test_a_reader_that_goes_away_is_no_traceback():
    status = "${PIPESTATUS[0]}"
    command = f"{sys.executable} -m pytest_editmetrics.cli.main schema | true; exit {status}"
    process = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert process.returncode == 141
    assert "Traceback" not in process.stderr
