"""Files that are read as a whole, and written so or not at all; where a path leads."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PNG_END = b"\0\0\0\0IEND\xaeB`\x82"


def read_whole(path: Path) -> bytes:
    """Return the bytes of a file; see ``check_plain``.

    Raises:
        OSError: it cannot be read, or has no end.
    """
    check_plain(path)
    return path.read_bytes()


def check_plain(path: Path) -> None:
    """Refuse what has no end: a device, or a pipe that nobody may ever fill.

    Raises:
        OSError: it is one of these, or cannot be looked at.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(errno.EINVAL, "it is no regular file (a device, a pipe?)")


def leads_nowhere(path: Path) -> bool:
    """Tell whether a path, or its folder, is a link to nothing or to itself.

    >>> leads_nowhere(Path(__file__)), leads_nowhere(Path("nowhere.png"))
    (False, False)
    """
    return not os.path.exists(path) and any(  # which let no error out
        os.path.islink(one) and not os.path.exists(one) for one in (path, path.parent)
    )


def real_path(path: Path) -> Path:
    """Return where a path leads, links followed; one that leads to itself stays as it is.

    ``Path.resolve`` raises there, in some versions of Python.
    """
    return Path(os.path.realpath(path))


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
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
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
