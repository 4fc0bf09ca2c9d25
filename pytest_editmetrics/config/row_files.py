"""The rows of a JSON Lines or Parquet file, one at a time: each knows the line it is written on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from pytest_editmetrics.config.node import Node, Source
from pytest_editmetrics.errors import ConfigError, EditMetricsError

JSON_SUFFIXES = (".jsonl", ".ndjson")
PARQUET_SUFFIXES = (".parquet", ".pq")
SUFFIXES = JSON_SUFFIXES + PARQUET_SUFFIXES

_BATCH = 1024


def read_rows(path: Path, shown: str) -> Iterator[Node]:
    """Give the rows of a file; only a few are held at a time.

    Args:
        path: the file; its suffix tells what it is.
        shown: what messages call it.

    Yields:
        A mapping each, whose ``line`` is its line, or in Parquet the number of its row, from 1.
        Lines without text are skipped; a null of Parquet is left out.

    Raises:
        ConfigError: with file and line; the file cannot be read, or a row is no JSON object.
        EditMetricsError: Parquet is read and pyarrow is not installed.
    """
    source = Source(path, shown)
    if path.suffix.lower() in PARQUET_SUFFIXES:
        return _parquet(path, source)
    return _json(path, source)


def _json(path: Path, source: Source) -> Iterator[Node]:
    try:
        with path.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                text = _decoded(line, source, number)
                if text.strip():
                    yield _parsed(text.strip(), source, number)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", source.shown) from None


def _decoded(line: bytes, source: Source, number: int) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError:
        raise ConfigError(
            "not UTF-8 text; a manifest is JSON Lines (.jsonl) or Parquet (.parquet)",
            source.shown,
            number,
        ) from None


def _parsed(text: str, source: Source, number: int) -> Node:
    def fail(problem: str) -> NoReturn:
        raise ConfigError(problem, source.shown, number)

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        entries = dict(pairs)
        if len(entries) < len(pairs):
            names = [name for name, _ in pairs]
            fail(f"the key {next(n for n in names if names.count(n) > 1)!r} is written twice")
        return entries

    def constant(name: str) -> NoReturn:
        fail(f"{name} is no number of JSON")

    try:
        row = json.loads(text, object_pairs_hook=mapping, parse_constant=constant)
        if not isinstance(row, dict):
            fail(f"a row is a JSON object on a line of its own, not {text[:40]!r}")
        return Node.of(row, source, number)
    except RecursionError:
        fail("nested too deep")
    except json.JSONDecodeError as error:
        problem = f"{error.msg}, column {error.colno}"
        fail(f"not valid JSON ({problem}); a row is a JSON object on a line of its own")
    except ValueError as error:  # a number of thousands of digits
        fail(str(error))


def _parquet(path: Path, source: Source) -> Iterator[Node]:
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise EditMetricsError(
            f"{source.shown}: Parquet is read with pyarrow, which is not installed ({error}):"
            " pip install 'pytest-editmetrics[parquet]'"
        ) from None
    number = 0
    try:
        with ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_BATCH):
                for row in batch.to_pylist(maps_as_pydicts="strict"):
                    number += 1
                    yield Node.of(_present(row), source, number)
    except (ArrowException, OSError) as error:
        raise ConfigError(
            f"cannot be read as Parquet: {error}", source.shown, number + 1 if number else None
        ) from None


def _present(value: Any) -> Any:
    """Return a value without its nulls: a column or field that other rows have is null in this."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return value
