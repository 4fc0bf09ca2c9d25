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


def test_init_writes_a_configuration_and_a_test_that_runs(pytester, capsys):
    assert main(["init", str(pytester.path)]) == 0
    assert "tests/test_first_edit.py" in capsys.readouterr().out
    pytester.runpytest().assert_outcomes(passed=2)
    pytester.runpytest("tests/test_first_edit.py").assert_outcomes(passed=2)
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=2)
    assert (pytester.path / "tests/goldens/test_first_edit.py.yaml").is_file()


@pytest.mark.parametrize("taken", ["editmetrics.yaml", "tests/test_first_edit.py"])
def test_init_overwrites_nothing(tmp_path, capsys, taken):
    (tmp_path / "tests").mkdir()
    (tmp_path / taken).write_text("mine")
    assert main(["init", str(tmp_path)]) == 1
    assert "exists and is left as it is" in capsys.readouterr().err
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.read_text() for path in files] == ["mine"]


def test_init_where_nothing_can_be_written_says_so(tmp_path, capsys):
    (tmp_path / "tests").write_text("a file")
    assert main(["init", str(tmp_path)]) == 1
    assert "cannot write" in capsys.readouterr().err


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
