"""Progress: a bar on a terminal, nothing elsewhere or when not wanted."""

from __future__ import annotations

import io

import pytest

from pytest_editmetrics.progress import track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("count", [0, 1, 52, 1234])
@pytest.mark.parametrize("total", [None, 5])
def test_a_log_gets_nothing(count, total):
    out = io.StringIO()
    assert list(track(iter(range(count)), "merging", total, stream=out)) == list(range(count))
    assert out.getvalue() == ""


def test_a_terminal_gets_a_bar():
    out = Terminal()
    assert list(track("abc", "scoring", stream=out)) == ["a", "b", "c"]
    assert "scoring: 100%" in out.getvalue()
    assert "3/3" in out.getvalue()


def test_nothing_is_shown_when_it_is_not_wanted(capsys):
    assert list(track("abc", "scoring", show=False)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_it_goes_to_standard_error(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr", out := Terminal())
    list(track("a", "scoring"))
    assert "scoring: 100%" in out.getvalue()
    assert capsys.readouterr().out == ""


def test_an_error_passes_through():
    def fails():
        yield 1
        raise ValueError("broken")

    for out in (io.StringIO(), Terminal()):
        with pytest.raises(ValueError, match="broken"):
            list(track(fails(), "scoring", stream=out))
