"""Files that are written as a whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a temporary file, which takes the place of ``path`` when the block ends.

    If the block raises, ``path`` stays as it was. Either way the temporary file is gone; a process
    that is killed leaves it: ``.NAME.XXXXXXXX.tmp``, in the folder of ``path``.

    Raises:
        OSError: the file cannot be put there.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with replacing(Path(folder) / "a.txt") as temporary:
    ...         write_through(temporary, b"whole")
    ...     os.listdir(folder), Path(folder, "a.txt").read_bytes()
    (['a.txt'], b'whole')
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def write_through(path: Path, data: bytes) -> None:
    """Write a new file, down to the disk.

    Raises:
        OSError: it cannot be written, or is there already.
    """
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def is_whole_png(path: Path) -> bool:
    """Tell whether a file is there and ends as a PNG does: a machine that went down may cut it.

    >>> is_whole_png(Path("nowhere.png"))
    False
    """
    try:
        with path.open("rb") as file:
            file.seek(-len(_PNG_END), os.SEEK_END)
            return file.read() == _PNG_END
    except OSError:
        return False
