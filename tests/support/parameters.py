"""Which of a test's parameters a quick run looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def first_of(count: int, values: Iterable[Any]) -> list[Any]:
    """Return parameters of a test: the first ones, and the others marked ``more``."""
    listed = list(values)
    return [
        *listed[:count],
        *(pytest.param(value, marks=pytest.mark.more) for value in listed[count:]),
    ]
