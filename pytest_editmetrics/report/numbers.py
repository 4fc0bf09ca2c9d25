"""Numbers as reports write them."""

from __future__ import annotations

import math

_DIGITS = 3
_DECIMALS = 12
_ALL_DIGITS = 17  # which tell any two numbers apart
_MOVED = 0.05


def format_numbers(*numbers: float) -> list[str]:
    """Write numbers alike, with as few decimals as still tell them apart (at least three digits).

    What those decimals would change by more than 5 % is written by itself, with three digits.

    >>> format_numbers(0.142, 0.1)
    ['0.142', '0.100']
    >>> format_numbers(0.10004, 0.1)
    ['0.10004', '0.10000']
    >>> format_numbers(150.0, 0.15)
    ['150.0', '0.15']
    >>> format_numbers(float("nan"), 7.5)
    ['nan', '7.500']
    """
    finite = [abs(number) for number in numbers if math.isfinite(number)]
    largest = max(finite, default=0.0)
    least = 3 if largest < 10 else 2 if largest < 100 else 1
    unlike = len({number if number == number else "nan" for number in numbers})
    for more in range(_DECIMALS - least + 1):
        texts = [_written(number, least + more, _DIGITS + more) for number in numbers]
        if len(set(texts)) >= unlike:
            return texts
    return [repr(float(number)) for number in numbers]


def _written(number: float, decimals: int, digits: int) -> str:
    text = f"{number:.{decimals}f}"
    moved = abs(float(text) - number) > _MOVED * abs(number)  # never of inf and nan
    return significant(number, digits) if moved else text


def significant(number: float, digits: int = 3, sign: str = "") -> str:
    """Write a number with so many digits that count, a large one with all before the point.

    >>> significant(0.45612), significant(12800.4), significant(0.5, sign="+")
    ('0.456', '12800', '+0.5')
    """
    text = f"{number:{sign}.{digits}g}"
    return f"{number:{sign}.0f}" if "e+" in text else text


def with_digits(*numbers: float, digits: int) -> list[str]:
    """Write numbers with so many digits that count, with more where those show two as one.

    >>> with_digits(0.00391, 0.01, digits=3), with_digits(0.049999, 0.05, digits=3)
    (['0.00391', '0.01'], ['0.049999', '0.05'])
    """
    texts = [f"{number:.{digits}g}" for number in numbers]
    if digits < _ALL_DIGITS and len(set(texts)) < len(set(numbers)):
        return with_digits(*numbers, digits=digits + 1)
    return texts


def share_of(amount: float, base: float) -> str:
    """Write an amount as a share of ``base``, which is not 0; a huge one as a multiple.

    >>> share_of(0.05, 0.1), share_of(17.9, 0.1)
    ('50 %', '179 times')
    """
    if abs(amount) >= 10 * abs(base):
        return f"{abs(amount / base):.0f} times"
    return f"{significant(100 * amount / abs(base))} %"


def moved_text(kind: str, before: float, after: float, *, looser: bool) -> str:
    """Write a bound as it was and as it is, and by how much it moved; ``kind`` is max or min.

    >>> moved_text("max", 0.1, 0.15, looser=True), moved_text("min", 0.0, 0.5, looser=False)
    ('max 0.1 -> 0.15, looser by 0.05, 50 %', 'min 0 -> 0.5, tighter by 0.5')
    """
    moved = abs(after - before)
    share = f", {share_of(moved, before)}" if before else ""
    word = "looser" if looser else "tighter"
    return f"{kind} {before:.12g} -> {after:.12g}, {word} by {significant(moved)}{share}"
