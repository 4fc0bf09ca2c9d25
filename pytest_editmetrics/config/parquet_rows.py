"""The rows of a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pytest_editmetrics.config.row_files import RawRow
from pytest_editmetrics.errors import ConfigError, EditMetricsError

_BATCH, _BATCH_OF_IMAGES = 1024, 16


def parquet_rows(path: Path, shown: str) -> Iterator[RawRow]:
    """Give the rows of a Parquet file, a few at a time: sixteen, where columns hold bytes.

    Raises:
        ConfigError: with file and row; it cannot be read, or two columns have one name.
        EditMetricsError: pyarrow is not installed.
    """
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise EditMetricsError(
            f"{shown}: Parquet is read with pyarrow, which is not installed ({error}):"
            " pip install 'pytest-editmetrics[parquet]'"
        ) from None
    number = 0
    try:
        with ParquetFile(path) as file:
            names = file.schema_arrow.names
            if twice := next((name for name in names if names.count(name) > 1), None):
                raise ConfigError(f"the column {twice!r} is there twice", shown)
            size = _BATCH_OF_IMAGES if "binary" in str(file.schema_arrow.types) else _BATCH
            for batch in file.iter_batches(batch_size=size):
                for row in batch.to_pylist(maps_as_pydicts="strict"):
                    number += 1
                    yield RawRow({name: _present(value) for name, value in row.items()}, number)
    except (ArrowException, OSError, ValueError, KeyError) as error:
        raise ConfigError(
            f"cannot be read as Parquet: {error}", shown, number + 1 if number else None
        ) from None


def _present(value: Any) -> Any:
    """Return a value without its nulls: a field that other rows have is null in this."""
    if isinstance(value, dict):
        return {key: _present(item) for key, item in value.items() if item is not None}
    return value
