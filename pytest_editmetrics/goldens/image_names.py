"""What the files of golden images are called: after their test, their check and their variant."""

from __future__ import annotations

import hashlib
import re

_SLUG = 70
_FILE_NAME = re.compile(
    r"(?P<stem>[A-Za-z0-9_.-]*-[0-9a-f]{8})(@(?P<variant>[A-Za-z0-9_.-]+))?\.(png|webp)"
)


def stem_of(test: str, name: str | None) -> str:
    """Return the file name of a golden image up to its variant.

    >>> stem_of("TestHat::test_add[sdxl]", None)
    'TestHat-test_add-sdxl-96dc6503'
    """
    full = test if name is None else f"{test}\0{name}"
    slug = _slug(test if name is None else f"{test}-{name}") or "image"
    digest = hashlib.sha256(full.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{slug}-{digest[:8]}"


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "-", text).strip("-")[:_SLUG].strip("-")


def stem_prefix(test: str) -> str:
    """Return what the stems of a test's golden images begin with, under whatever name.

    >>> stem_prefix("test_a[x]"), stem_of("test_a[x]", "hat")
    ('test_a-x-', 'test_a-x-hat-62ba8d26')
    """
    slug = _slug(test)
    return slug and f"{slug}-"


def is_golden_name(name: str) -> bool:
    """Tell whether a file's name is one that golden images get.

    >>> is_golden_name("test_a-0dc6b5ef@cuda.png"), is_golden_name("photo.png")
    (True, False)
    """
    return _FILE_NAME.fullmatch(name) is not None


def variant_of(name: str) -> tuple[str, str] | None:
    """Return stem and variant of the file of a variant, ``None`` for another file.

    >>> variant_of("test_a-0dc6b5ef@cuda.png"), variant_of("test_a-0dc6b5ef.png")
    (('test_a-0dc6b5ef', 'cuda'), None)
    """
    match = _FILE_NAME.fullmatch(name)
    return (match["stem"], match["variant"]) if match and match["variant"] else None


def golden_stem(name: str) -> str | None:
    """Return the stem of a golden image's file name, ``None`` for another file.

    >>> golden_stem("test_a-0dc6b5ef@cuda.png")
    'test_a-0dc6b5ef'
    """
    match = _FILE_NAME.fullmatch(name)
    return match["stem"] if match else None
