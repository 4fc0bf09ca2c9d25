"""A file is written as a whole, or stays as it was and nothing lies beside it."""

from __future__ import annotations

import pytest

from pytest_editmetrics.whole_file import replacing, write_through


def test_a_file_takes_the_place_of_the_old_one_when_it_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as temporary:
        write_through(temporary, b"new")
        assert path.read_text() == "old"
        assert temporary.parent == tmp_path
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_what_ends_half_way_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_error_is_the_one_of_writing_and_not_of_tidying_up(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="mine"), replacing(tmp_path / "file" / "a.txt"):
        raise ValueError("mine")


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    write_through(tmp_path / "a.txt", b"first")
    with pytest.raises(FileExistsError):
        write_through(tmp_path / "a.txt", b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"first"
