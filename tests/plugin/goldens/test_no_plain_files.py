"""What is read is a link that leads nowhere, or no file with an end: told, and nobody waits."""

from __future__ import annotations

import os
import sys

import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor such links")
TEST = "def test_it(check): check(30)\n"
CONFIG = "thresholds: {score: 0.95}\n"


def pipe(path):
    os.mkfifo(path)


def device(path):
    path.symlink_to("/dev/zero")


def loop(path):
    path.symlink_to(path.name)


def nowhere(path):
    path.symlink_to("nowhere")


@pytest.fixture
def lax(suite):
    """A suite whose default bound would hold for what its test measures."""
    (suite.path / "editmetrics.yaml").write_text(CONFIG)
    suite.makepyfile(test_x=TEST)
    return suite


NO_FILE = "no regular file (a device, a pipe?)"
OUT = "a link leads to /dev/zero, out of the project"
NOWHERE = "a link that leads nowhere, so"
ROUND = "cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    ("kind", "said"), [(pipe, NO_FILE), (device, OUT), (loop, NOWHERE), (nowhere, NOWHERE)]
)
def test_a_golden_file(lax, kind, said):
    kind(lax.mkdir("goldens") / "test_x.py.yaml")
    result = lax.runpytest()
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *could not be judged: *goldens/test_x.py.yaml: *{said}*"])


@pytest.mark.parametrize("kind", [loop, nowhere])
def test_a_folder_of_goldens(lax, kind):
    kind(lax.path / "goldens")
    result = lax.runpytest()
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *could not be judged: *goldens/test_x.py.yaml: *{NOWHERE}*"])


@pytest.mark.parametrize(
    ("kind", "said"),
    [(pipe, NO_FILE), (device, OUT), (loop, ROUND), (nowhere, "there is no such file")],
)
def test_a_golden_image(lax, kind, said):
    lax.makepyfile(
        test_x="import numpy as np\ndef test_it(golden_image):"
        " golden_image.check(np.full((8, 8, 3), 9, np.uint8))\n"
    )
    lax.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    (image,) = (lax.path / "goldens").rglob("*.png")
    image.unlink()
    kind(image)
    result = lax.runpytest()
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *could not be judged: *{image.name}: *{said}*"])


@pytest.mark.parametrize(
    ("kind", "said"),
    [(pipe, NO_FILE), (device, NO_FILE), (loop, ROUND), (nowhere, "no such file")],
)
def test_a_configuration(lax, kind, said):
    (lax.path / "editmetrics.yaml").unlink()
    kind(lax.path / "editmetrics.yaml")
    result = lax.runpytest()
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: editmetrics.yaml: *{said}*"])


@pytest.mark.parametrize(
    ("kind", "said"), [(pipe, NO_FILE), (loop, ROUND), (nowhere, "there is no such file")]
)
def test_an_image_of_a_case(lax, kind, said):
    (lax.path / "test_x.edit.yaml").write_text(
        "cases: [{id: a, reference: r.png, edited: a.png, metrics: [unedit_max_diff]}]\n"
    )
    Image.new("RGB", (8, 8)).save(lax.path / "r.png")
    kind(lax.path / "a.png")
    result = lax.runpytest("test_x.edit.yaml")
    assert result.ret == 1
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"E *could not be judged: edited image *a.png: *{said}*"])


def test_an_image_of_a_case_that_is_a_device(lax):
    (lax.path / "test_x.edit.yaml").write_text("cases: [{id: a, reference: a.png}]\n")
    device(lax.path / "a.png")
    result = lax.runpytest("test_x.edit.yaml")
    assert result.ret == 2
    result.stdout.fnmatch_lines(["test_x.edit.yaml:1: reference 'a.png' lies outside *"])


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
@pytest.mark.parametrize("command", [["report"], ["score", "-o", "scored"]])
def test_a_run_or_manifest_that_a_command_is_given(lax, capsys, monkeypatch, kind, command):
    monkeypatch.chdir(lax.path)
    kind(lax.path / "m.jsonl")
    assert main([*command, "m.jsonl"]) in (1, 2)
    assert "m.jsonl" in capsys.readouterr().err
