"""The rows of a JSON Lines, CSV or Parquet file, one at a time: each knows where it is written."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal, NoReturn

from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.whole_file import check_plain

Form = Literal["json", "csv", "parquet"]

SUFFIXES: dict[str, Form] = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
COMPRESSED = ".gz"
_LONGEST_LINE = 1 << 30


@dataclass(frozen=True)
class RawRow:
    """A row as it is written: values by column; ``line`` is its line, in Parquet its number."""

    values: dict[str, Any]
    line: int


def form_of(path: Path) -> Form | None:
    """Return what a file's name says that it is; text files may be compressed by gzip.

    >>> [form_of(Path(name)) for name in ("a.jsonl", "a.CSV.gz", "a.pq", "a.pq.gz", "a.json")]
    ['json', 'csv', 'parquet', None, None]
    """
    name = path.name.lower()
    plain = name.removesuffix(COMPRESSED)
    form = next((form for suffix, form in SUFFIXES.items() if plain.endswith(suffix)), None)
    return None if form == "parquet" and plain != name else form


def read_rows(path: Path, shown: str) -> Iterator[RawRow]:
    """Give the rows of a file; only a few are held at a time.

    Args:
        path: the file; its suffix tells what it is.
        shown: what messages call it.

    Yields:
        Each row. Lines without text are skipped. A null is ``None``, as is an empty cell of CSV,
        whose other cells are texts.

    Raises:
        ConfigError: with file and line; the file cannot be read, or a row is no JSON object.
        EditMetricsError: Parquet is read and pyarrow is not installed.
    """
    form = form_of(path)
    if form == "parquet":
        from pytest_editmetrics.config.parquet_rows import parquet_rows

        return parquet_rows(path, shown)
    if form == "csv":
        from pytest_editmetrics.config.csv_rows import csv_rows

        return _of_text(path, shown, csv_rows)
    return _of_text(path, shown, _json_rows)


Lines = Iterator[str]


def _of_text(
    path: Path, shown: str, rows: Callable[[Lines, str], Iterator[RawRow]]
) -> Iterator[RawRow]:
    with _opened(path, shown) as stream:
        yield from rows(_lines(stream, shown), shown)


@contextmanager
def _opened(path: Path, shown: str) -> Iterator[BinaryIO]:
    packed = path.name.lower().endswith(COMPRESSED)
    try:
        check_plain(path)
        with path.open("rb") as file:
            if not packed:
                yield file
                return
            with gzip.open(file) as stream:
                yield stream  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ConfigError(f"cannot be unpacked by gzip: {error}", shown) from None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", shown) from None


def _lines(stream: BinaryIO, shown: str) -> Lines:
    """Give the lines of a text, each with its end."""
    number = 0
    while line := stream.readline(_LONGEST_LINE + 1):
        number += 1
        if len(line) > _LONGEST_LINE:
            raise ConfigError("a line of more than 1 GiB", shown, number)
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ConfigError(
                "not UTF-8 text; a manifest is JSON Lines (.jsonl) or CSV (.csv) in UTF-8, or"
                " Parquet (.parquet)",
                shown,
                number,
            ) from None


def _json_rows(lines: Lines, shown: str) -> Iterator[RawRow]:
    for number, line in enumerate(lines, 1):
        if text := line.strip():
            row = json_value(text, shown, number, "a row is a JSON object on a line of its own")
            if not isinstance(row, dict):
                raise ConfigError(
                    f"a row is a JSON object on a line of its own, not {text[:40]!r}", shown, number
                )
            yield RawRow(row, number)


def json_value(text: str, shown: str, line: int, what: str) -> Any:
    """Return what a JSON text holds; ``what`` says what it should be.

    Raises:
        ConfigError: it is no JSON, or holds NaN, infinity or a key twice.
    """

    def fail(problem: str) -> NoReturn:
        raise ConfigError(problem, shown, line)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            names = [name for name, _ in pairs]
            fail(f"the key {next(n for n in names if names.count(n) > 1)!r} is written twice")
        return entries

    def constant(name: str) -> NoReturn:
        fail(f"{name} is no number of JSON")

    try:
        return json.loads(text, object_pairs_hook=mapping, parse_constant=constant)
    except RecursionError:
        fail("nested too deep")
    except json.JSONDecodeError as error:
        fail(f"not valid JSON ({error.msg}, column {error.colno}); {what}")
    except ValueError as error:  # a number of thousands of digits
        fail(str(error))
