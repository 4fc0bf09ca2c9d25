"""Progress: a bar on a terminal, few lines elsewhere, nothing when not wanted."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_editmetrics.progress import track


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@given(st.integers(0, 400))
def test_at_most_ten_lines_and_the_last_tells_the_end(count):
    out = io.StringIO()
    assert list(track(range(count), "scoring", stream=out)) == list(range(count))
    lines = out.getvalue().splitlines()
    assert len(lines) == min(count, 10)
    assert lines[-1:] == [f"scoring: {count} of {count}"] * bool(count)


def test_an_item_is_done_when_the_next_is_asked_for():
    out = io.StringIO()
    items = track(["a", "b"], "merging", stream=out)
    assert next(items) == "a"
    assert out.getvalue() == ""
    next(items)
    assert out.getvalue() == "merging: 1 of 2\n"


def test_an_unknown_total_is_told_at_powers_of_ten():
    out = io.StringIO()
    list(track(iter(range(1234)), "reading", stream=out))
    assert out.getvalue().splitlines() == [f"reading: {n}" for n in (1, 10, 100, 1000)]


def test_a_total_that_was_too_small_stays_quiet_after_it():
    out = io.StringIO()
    list(track(iter(range(50)), "reading", 5, stream=out))
    assert out.getvalue().splitlines()[-1] == "reading: 5 of 5"


def test_a_terminal_gets_a_bar():
    out = Terminal()
    assert list(track("abc", "scoring", stream=out)) == ["a", "b", "c"]
    assert "scoring: 100%" in out.getvalue()
    assert "3/3" in out.getvalue()


def test_nothing_is_shown_when_it_is_not_wanted(capsys):
    assert list(track("abc", "scoring", show=False)) == ["a", "b", "c"]
    assert capsys.readouterr() == ("", "")


def test_it_goes_to_standard_error(capsys):
    list(track("a", "scoring"))
    assert capsys.readouterr() == ("", "scoring: 1 of 1\n")


def test_an_error_passes_through():
    def fails():
        yield 1
        raise ValueError("broken")

    for out in (io.StringIO(), Terminal()):
        with pytest.raises(ValueError, match="broken"):
            list(track(fails(), "scoring", stream=out))
