"""Whether a file is what it should be: no web page, no pointer, not cut off, the right hash."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

from pytest_editmetrics.errors import WeightsError
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.whole_file import read_whole, real_path

Hash: TypeAlias = "Callable[[Path], str]"

TORCH_SUFFIXES = (".pth", ".pt", ".bin")
_CHUNK = 1 << 20
_MARKUP = (b"<!doctype html", b"<html", b"<?xml", b"<head")
_MAX_HEADER = 100_000_000


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as 64 lower-case hexadecimal digits.

    Raises:
        WeightsError: the file cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def check_format(path: Path, remedy: str) -> None:
    """Raise ``WeightsError`` unless ``path`` is, as far as its frame shows, a whole weights file.

    ``.safetensors`` files must be as long as their header says; ``.pth``, ``.pt`` and ``.bin``
    files must be a PyTorch zip with its directory, or a pickle. No tensor is read. ``remedy``,
    a clause of what to do, ends the message.
    """
    suffix = path.suffix.lower()
    if suffix != ".safetensors" and suffix not in TORCH_SUFFIXES:
        known = ", ".join((".safetensors", *TORCH_SUFFIXES))
        raise WeightsError(f"{path} is not a weights file by its name (known: {known}); {remedy}")
    size, head = _size_and_head(path, remedy)
    if suffix == ".safetensors":
        _check_safetensors(path, size, remedy)
    else:
        _check_torch(path, head, remedy)


def check_known(path: Path, checkpoint: Checkpoint, remedy: str, hashed: Hash = sha256_of) -> str:
    """Return the file's SHA-256; raise ``WeightsError`` unless it is the published ``checkpoint``.

    The size is compared first: it costs nothing and tells a cut-off download from another file.
    ``hashed`` gives the hash; left out, the whole file is read.
    """
    size, _ = _size_and_head(path, remedy)
    if checkpoint.size is None:
        check_format(path, remedy)
    elif size != checkpoint.size:
        why = "the download was cut off" if size < checkpoint.size else "it is another file"
        raise WeightsError(
            f"{path} is {size:,} bytes, should be {checkpoint.size:,}: {why}; {remedy}"
        )
    digest = hashed(path)
    if not digest.startswith(checkpoint.sha256):
        raise WeightsError(
            f"{path} has sha256 {digest}, {checkpoint.name} should have "
            f"{checkpoint.sha256}: it is damaged or another file; {remedy}"
        )
    return digest


def check_stated(path: Path, stated: str, by: str, remedy: str, hashed: Hash = sha256_of) -> str:
    """Return the file's SHA-256; raise ``WeightsError`` unless it is what ``by`` says."""
    digest = hashed(path)
    if digest != stated:
        raise WeightsError(f"{path} has sha256 {digest}, {by} {stated}: it is damaged; {remedy}")
    return digest


def check_filed(path: Path, remedy: str) -> None:
    """Raise ``WeightsError`` unless a small file is what the hub cache filed it under.

    Its name there is Git's hash of it, or its SHA-256; a file that is no link has none.
    """
    stated = real_path(path).name
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", stated):
        return
    try:
        content = read_whole(path)
    except OSError as error:
        raise unreadable(path, error) from error
    _check_head(path, content[:64], remedy)
    if len(stated) == 64:
        digest = hashlib.sha256(content).hexdigest()
    else:
        git = b"blob %d\0" % len(content) + content
        digest = hashlib.sha1(git, usedforsecurity=False).hexdigest()
    if digest != stated:
        raise WeightsError(
            f"{path} has hash {digest}, the hub cache filed it under {stated}: it is damaged or was"
            f" edited in the cache; {remedy}, or copy the model to a directory of its own, edit it"
            " there and give that as model_path"
        )


def read_json_object(path: Path, what: str) -> dict[str, Any]:
    """Return the JSON object in ``path``; raise ``WeightsError`` naming ``what`` it should be."""
    try:
        data = read_whole(path)
    except OSError as error:
        raise unreadable(path, error) from error
    _check_head(path, data[:64], "put the JSON file itself there")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is not JSON ({error}); it should be {what}") from error
    if not isinstance(value, dict):
        raise WeightsError(f"{path} holds no JSON object; it should be {what}")
    return value


def unreadable(path: Path, error: OSError) -> WeightsError:
    """Return the error for a file or folder that is there and cannot be read."""
    return WeightsError(f"{path} cannot be read: {error.strerror or error}; check its permissions")


def _size_and_head(path: Path, remedy: str) -> tuple[int, bytes]:
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise unreadable(path, error) from error
    _check_head(path, head, remedy)
    return size, head


def _check_head(path: Path, head: bytes, remedy: str) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head:
        raise WeightsError(f"{path} is empty (0 bytes); {remedy}")
    if start.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull` in its "
            f"repository, or {remedy}"
        )
    if start.lower().startswith(_MARKUP):
        raise WeightsError(
            f"{path} is a web page, not weights: an error or log-in page was saved in their place; "
            f"{remedy}"
        )


def _check_safetensors(path: Path, size: int, remedy: str) -> None:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = file.read(length) if length <= min(size, _MAX_HEADER) else b""
    try:
        tensors = json.loads(header)
        stated = (
            8
            + length
            + max(
                (
                    entry["data_offsets"][1]
                    for key, entry in tensors.items()
                    if key != "__metadata__"
                ),
                default=0,
            )
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"{path} has no safetensors header: it is cut off or another format; {remedy}"
        ) from error
    if size != stated:
        why = "the copy was cut off" if size < stated else "something was appended"
        raise WeightsError(f"{path} is {size:,} bytes, its header says {stated:,}: {why}; {remedy}")


def _check_torch(path: Path, head: bytes, remedy: str) -> None:
    if head.startswith(b"PK"):
        if not zipfile.is_zipfile(path):
            raise WeightsError(f"{path} is a PyTorch file without its end: cut off; {remedy}")
    elif not head.startswith(b"\x80"):
        raise WeightsError(
            f"{path} is not a PyTorch checkpoint (it starts with {head[:8]!r}); {remedy}"
        )
