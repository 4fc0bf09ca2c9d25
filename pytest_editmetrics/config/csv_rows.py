"""The rows of a CSV file, with the names of its columns in its first line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from pytest_editmetrics.config.row_files import Lines, RawRow
from pytest_editmetrics.errors import ConfigError, counted

_SEPARATORS = ",;\t|"
_LONGEST_CELL = 1 << 30


def csv_rows(lines: Lines, shown: str) -> Iterator[RawRow]:
    """Give the rows of a CSV file, its cells as texts; an empty one is ``None``.

    The cells are separated by what stands most often in the first line: a comma, a semicolon, a tab
    or a bar; in a file called ``.tsv`` by tabs. Cells in double quotes may hold separators, line
    breaks, and a double quote written twice.

    Raises:
        ConfigError: with file and line: columns without a name or of one name, rows with more or
            fewer cells, a quote that is not closed.
    """
    first = next(lines, "")
    separator = "\t" if ".tsv" in shown.lower() else max(_SEPARATORS, key=first.count)
    records = _Records(_again(first, lines), separator, shown)
    names = next(records, (0, []))[1]
    _check_names(names, shown)
    for line, cells in records:
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise ConfigError(
                f"{counted(len(cells), 'cell')}, and the first line names"
                f" {counted(len(names), 'column')}; a cell with a {separator!r} in it stands in"
                " double quotes",
                shown,
                line,
            )
        values: dict[str, Any] = dict(zip(names, (cell or None for cell in cells), strict=True))
        yield RawRow(values, line)


def _again(first: str, lines: Lines) -> Lines:
    yield first
    yield from lines


class _Records:
    """Gives the cells of each record, and the line on which it begins."""

    def __init__(self, lines: Lines, separator: str, shown: str):
        self._reader = csv.reader(lines, delimiter=separator, strict=True)
        self._shown = shown

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self

    def __next__(self) -> tuple[int, list[str]]:
        line = self._reader.line_num + 1
        # the limit is the process's, and of 128 KB: less than an image
        limit = csv.field_size_limit(_LONGEST_CELL)
        try:
            return line, next(self._reader)
        except csv.Error as error:
            raise ConfigError(
                f"no CSV ({error}): double quotes stand around a whole cell, and twice within one",
                self._shown,
                line,
            ) from None
        finally:
            csv.field_size_limit(limit)


def _check_names(names: list[str], shown: str) -> None:
    if not any(names):
        raise ConfigError("no columns: the first line of a CSV file names them", shown, 1)
    for place, name in enumerate(names, 1):
        if not name.strip():
            raise ConfigError(f"column {place} has no name", shown, 1)
        if names.count(name) > 1:
            raise ConfigError(f"the column {name!r} is there twice", shown, 1)
