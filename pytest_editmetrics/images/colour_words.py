"""How the colours of an image are read: the two ways, as calls and files name them."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, get_args

from pytest_editmetrics.errors import InputError, did_you_mean

Colour: TypeAlias = Literal["seen", "numbers"]
"""An image is measured as it is seen, its profile applied, or by its bare numbers."""
COLOURS: tuple[Colour, ...] = get_args(Colour)


def check_colour(colour: Any) -> Colour:
    """Return how a call says that colours are read; raise ``InputError`` naming the nearest way."""
    for known in COLOURS:
        if isinstance(colour, str) and colour == known:
            return known
    raise InputError(f"unknown colour={colour!r}{did_you_mean(colour, COLOURS)}")
