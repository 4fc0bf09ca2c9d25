"""How a review starts: which port, whether a browser opens, what others on the machine can see."""

from __future__ import annotations

import socket
import stat
import subprocess
import sys
import webbrowser

import pytest
from reviewed import failing, served, write_run

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.saved_runs.review import serving
from pytest_editmetrics.saved_runs.review.guard import ADDRESS

SCREEN = {"DISPLAY": ":0"}


@pytest.fixture
def run(project, tmp_path):
    return write_run(tmp_path / "run", {"test_a": [failing()]})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="screens of Linux")
@pytest.mark.parametrize(
    ("told", "opens"),
    [
        (SCREEN, True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, True),
        ({}, False),
        ({**SCREEN, "CI": "true"}, False),
        ({**SCREEN, "TF_BUILD": "True"}, False),
        ({**SCREEN, "CI": "false"}, True),
        ({**SCREEN, "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
    ],
)
def test_a_browser_opens_where_the_person_is(monkeypatch, told, opens):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "CI", "SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert serving._has_screen() == opens


def test_no_process_shows_the_token(run, monkeypatch):
    """A browser is opened on a file of its user's, since everybody sees the arguments of a process."""
    opened = []

    def look(url):
        path = serving.Path(url.removeprefix("file://"))
        opened.append((url, stat.S_IMODE(path.stat().st_mode), path.read_text()))
        return True

    monkeypatch.setattr(webbrowser, "open", look)
    monkeypatch.setattr(serving, "_has_screen", lambda: True)
    with served(run, open_browser=True) as one:
        ((url, mode, text),) = opened
        assert one.first not in url
        assert f"http://{one.host}/?token={one.first}" in text
        assert mode == 0o600
    assert not serving.Path(url.removeprefix("file://")).exists()


def test_a_browser_that_does_not_open_is_no_error(run, monkeypatch):
    def refuse(url):
        raise webbrowser.Error("no browser")

    monkeypatch.setattr(webbrowser, "open", refuse)
    monkeypatch.setattr(serving, "_has_screen", lambda: True)
    with served(run, open_browser=True) as one:
        assert one.page().status == 200


def test_a_port_that_is_taken(project, run, monkeypatch):
    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(serving, "PORT", port)
        usual = serving._listening(serving.Asked((run,)), lambda request: None, print)
        assert usual.port not in (0, port)
        usual.close()
        with pytest.raises(EditMetricsError, match=f"127.0.0.1:{port} cannot be used"):
            serving._listening(serving.Asked((run,), port=port), lambda request: None, print)


def test_a_run_that_cannot_be_written_is_shown_read_only(project, run, monkeypatch):
    monkeypatch.setattr(serving.os, "access", lambda path, mode: False)
    with pytest.raises(EditMetricsError, match="give --read-only"), served(run):
        pass
    with served(run, read_only=True) as one:
        assert one.page().status == 200


def test_the_command_imports_nothing_heavy_for_its_help():
    code = (
        "import sys\n"
        "from pytest_editmetrics.cli.main import make_parser\n"
        "make_parser()\n"
        "print([m for m in ('numpy', 'PIL', 'torch', 'jinja2', 'http.server') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
