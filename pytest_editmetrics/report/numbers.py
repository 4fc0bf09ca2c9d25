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


def significant(number: float, digits: int = 3, sign: str = "") -> str:
    """Write a number with so many digits that count, a large one with all before the point.

    >>> significant(0.45612), significant(12800.4), significant(0.5, sign="+")
    ('0.456', '12800', '+0.5')
    """
    text = f"{number:{sign}.{digits}g}"
    return f"{number:{sign}.0f}" if "e+" in text else text


def share_of(amount: float, base: float) -> str:
    """Write an amount as a share of ``base``, which is not 0; a huge one as a multiple.

    >>> share_of(0.05, 0.1), share_of(17.9, 0.1)
    ('50 %', '179 times')
    """
    if abs(amount) >= 10 * abs(base):
        return f"{abs(amount / base):.0f} times"
    return f"{significant(100 * amount / abs(base))} %"
