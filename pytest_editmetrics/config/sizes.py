"""The keys that say what is done where the images of a pair differ in size."""

from __future__ import annotations

from pytest_editmetrics.config.keys import Key, choice
from pytest_editmetrics.images.resize_modes import ASPECTS, RESIZES

RESIZE = Key(
    "resize",
    choice(*RESIZES),
    "what to do where the images differ in size. "
    + "; ".join(f"`{name}`: {text}" for name, text in RESIZES.items())
    + ". What is resized is with a bicubic filter",
    "edited",
    "different sizes are an error",
    call="resize",
)
ASPECT = Key(
    "aspect",
    choice(*ASPECTS),
    "by how much `reference` and `edited` may stretch: `rounded`, by what rounding a side to a"
    " multiple of up to 64 px explains; `any`, by whatever it takes",
    "any",
    "rounded",
    call="aspect",
)
SIZES = (RESIZE, ASPECT)
