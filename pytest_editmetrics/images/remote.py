"""Images that lie behind a URL: ``s3://``, ``gs://``, ``https://``, whatever fsspec can open."""

from __future__ import annotations

import re

from pytest_editmetrics.errors import ImageError, InputError, did_you_mean

MOST_BYTES = 1 << 30
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(?:://|::)")


def is_url(text: str) -> bool:
    r"""Tell whether a text is a URL and no path; a drive of Windows is a path.

    >>> [is_url(text) for text in ("s3://bucket/a.png", "simplecache::s3://b/a.png", "C:\\a.png")]
    [True, True, False]
    """
    return _SCHEME.match(text) is not None


def check_url(url: str) -> None:
    """Check that what opens a URL is installed; nothing is opened.

    Raises:
        InputError: a scheme that fsspec does not know, or whose package is missing.

    >>> check_url("memory://a.png")
    """
    from fsspec import available_protocols, get_filesystem_class

    for scheme in _SCHEME.findall(url):
        try:
            get_filesystem_class(scheme)
        except ValueError:
            raise InputError(
                f"nothing opens {scheme}:// URLs{did_you_mean(scheme, available_protocols())}"
            ) from None
        except ImportError as error:
            raise InputError(f"a package that opens {scheme}:// URLs is missing: {error}") from None


def read_url(url: str, what: str) -> bytes:
    """Return the bytes behind a URL.

    Args:
        url: as fsspec takes it; its configuration and environment hold the credentials.
        what: what to call it in an error, such as ``reference image``.

    Raises:
        ImageError: it cannot be read; the message starts with ``what`` and the URL.

    >>> import fsspec
    >>> with fsspec.open("memory://doc/a.png", "wb") as file:
    ...     _ = file.write(b"bytes")
    >>> read_url("memory://doc/a.png", "image")
    b'bytes'
    """
    import fsspec

    try:
        with fsspec.open(url, "rb") as file:
            data = bytearray()  # a stream gives what has arrived so far
            while chunk := file.read(MOST_BYTES + 1 - len(data)):
                data += chunk
    except MemoryError:
        raise
    except Exception as error:  # each file system raises its own
        # over HTTP a server that does not answer is a FileNotFoundError too, and the cause says so
        cause = error.__cause__ if isinstance(error, FileNotFoundError) else error
        if cause is None or isinstance(cause, FileNotFoundError):
            raise ImageError(f"{what} {url}: there is no such file") from error
        text = f"{type(cause).__name__}: {cause}"
        raise ImageError(f"{what} {url}: cannot be read: {text}") from error
    if len(data) > MOST_BYTES:
        raise ImageError(f"{what} {url}: is larger than {MOST_BYTES >> 30} GiB, so it is no image")
    return bytes(data)
