"""Hashes of large weights files, remembered between processes: hashing 375 MB takes a second.

A hash is believed only while path, size, times and inode are those of the file that was hashed.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pytest_editmetrics.weights.check import sha256_of
from pytest_editmetrics.weights.kept import own_cache
from pytest_editmetrics.weights.seen import identity, settled
from pytest_editmetrics.whole_file import real_path, replacing

WORTH_BYTES = 32 << 20


def remembered_sha256(path: Path) -> str:
    """Return the SHA-256 of a file, from an earlier process if the file is unchanged since.

    Files below ``WORTH_BYTES`` are hashed every time. A hash is kept in ``hashes`` in this
    project's cache, unless the file changed in the last ten seconds. A folder that cannot be
    written, and content that is not ours, only cost the hashing.

    Raises:
        WeightsError: the file cannot be read.
    """
    before = identity(path)
    if before is None or before["size"] < WORTH_BYTES:
        return sha256_of(path)
    with suppress(OSError, RuntimeError):  # no home directory is a RuntimeError
        note = _note(path)
        if (known := _read(note, before)) is not None:
            return known
    digest = sha256_of(path)
    if identity(path) == before and settled(before):
        with suppress(OSError, RuntimeError):
            _write(_note(path), {**before, "sha256": digest})
    return digest


def recomputed_sha256(path: Path) -> str:
    """Return the SHA-256 of a file that is read whole, whatever was remembered of it.

    Raises:
        WeightsError: the file cannot be read.
    """
    with suppress(OSError, RuntimeError):
        _note(path).unlink(missing_ok=True)
    return remembered_sha256(path)


def _note(path: Path) -> Path:
    name = sha256(os.fsencode(real_path(path))).hexdigest()
    return own_cache() / "hashes" / f"{name}.json"


def _read(note: Path, known: dict[str, int]) -> str | None:
    try:
        kept = json.loads(note.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(kept, dict):
        return None
    digest = kept.pop("sha256", None)
    whole = isinstance(digest, str) and re.fullmatch(r"[0-9a-f]{64}", digest)
    return digest if whole and kept == known else None


def _write(note: Path, content: dict[str, int | str]) -> None:
    note.parent.mkdir(parents=True, exist_ok=True)
    with replacing(note) as temporary:
        temporary.write_text(json.dumps(content), encoding="ascii")
