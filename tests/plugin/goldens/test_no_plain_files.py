"""What is read is a link that leads nowhere, or no file with an end: told, and nobody waits."""

from __future__ import annotations

import os
import sys

import pytest

from pytest_editmetrics.cli.main import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has neither pipes nor such links")
TEST = "def test_it(check): check(30)\n"
CONFIG = "thresholds: {score: 0.95}\n"


def came(result, status, said):
    assert result.ret == status
    result.stdout.fnmatch_lines([said]) if status != 4 else result.stderr.fnmatch_lines([said])


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


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
def test_a_golden_file(lax, kind):
    """A golden file is a pipe, a device, or a link that leads nowhere or to itself."""
    kind(lax.mkdir("goldens") / "test_x.py.yaml")
    result = lax.runpytest()
    said = {pipe: "it is no regular file (a device, a pipe?)", device: "a link leads to /dev/zero"}
    came(
        result, 1, f"*goldens/test_x.py.yaml: *{said.get(kind, 'a link that leads nowhere, so*')}*"
    )


@pytest.mark.parametrize("kind", [loop, nowhere])
def test_a_folder_of_goldens(lax, kind):
    """The folder of goldens is a link that leads nowhere or to itself."""
    kind(lax.path / "goldens")
    result = lax.runpytest()
    came(result, 1, "*goldens/test_x.py.yaml: *a link that leads nowhere*")


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
def test_a_golden_image(lax, kind):
    """A golden image is a pipe, a device, or a link that leads nowhere or to itself."""
    lax.makepyfile(
        test_x="import numpy as np\ndef test_it(golden_image):"
        " golden_image.check(np.full((8, 8, 3), 9, np.uint8))\n"
    )
    lax.runpytest("--editmetrics-update=missing")
    (image,) = (lax.path / "goldens").rglob("*.png")
    image.unlink()
    kind(image)
    result = lax.runpytest()
    came(result, 1, "*goldens/test_x.py/test_it-*.png*")


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
def test_a_configuration(lax, kind):
    """The configuration is a pipe, a device, or a link that leads nowhere or to itself."""
    (lax.path / "editmetrics.yaml").unlink()
    kind(lax.path / "editmetrics.yaml")
    result = lax.runpytest()
    came(result, 4, "*editmetrics.yaml: *")


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
def test_an_image_of_a_case(lax, kind):
    """An image of a case is a pipe, a device, or a link that leads nowhere or to itself."""
    (lax.path / "test_x.edit.yaml").write_text(
        "cases: [{id: a, reference: a.png, edited: a.png, metrics: [unedit_max_diff]}]\n"
    )
    kind(lax.path / "a.png")
    result = lax.runpytest()
    came(result, 2 if kind is device else 1, "*a.png*")


@pytest.mark.parametrize("kind", [pipe, device, loop, nowhere])
@pytest.mark.parametrize("command", [["report"], ["score", "-o", "scored"]])
def test_a_run_or_manifest_that_a_command_is_given(lax, capsys, monkeypatch, kind, command):
    monkeypatch.chdir(lax.path)
    kind(lax.path / "m.jsonl")
    assert main([*command, "m.jsonl"]) in (1, 2)
    assert "m.jsonl" in capsys.readouterr().err
