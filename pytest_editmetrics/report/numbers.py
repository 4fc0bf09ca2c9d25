"""Numbers as reports write them."""

from __future__ import annotations

import math


def format_numbers(*numbers: float) -> list[str]:
    """Write numbers alike, with as few decimals as still tell them apart (at least three digits).

    What those decimals would write as zero, and is none, is written by itself.

    >>> format_numbers(0.142, 0.1)
    ['0.142', '0.100']
    >>> format_numbers(0.10004, 0.1)
    ['0.10004', '0.10000']
    >>> format_numbers(0.5, 1e-6)
    ['0.500', '1e-06']
    >>> format_numbers(float("nan"), 7.5)
    ['nan', '7.500']
    """
    finite = [abs(number) for number in numbers if math.isfinite(number)]
    largest = max(finite, default=0.0)
    decimals = 3 if largest < 10 else 2 if largest < 100 else 1
    texts = [f"{number:.{decimals}f}" for number in numbers]
    while decimals < 12 and len(set(texts)) < len({n if n == n else "nan" for n in numbers}):
        decimals += 1
        texts = [f"{number:.{decimals}f}" for number in numbers]
    return [
        f"{number:.2g}" if number and float(text) == 0 else text
        for number, text in zip(numbers, texts, strict=True)
    ]
