"""Arrays that mean something else than their values say."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np


def no_plain_array(array: Any) -> str | None:
    """Return what an array is that does not mean what its values say, and what to pass instead."""
    masked = sys.modules.get("numpy.ma")  # who has a masked array has imported it
    if masked is not None and isinstance(array, masked.MaskedArray):
        return "a masked array; pass .filled(...), which says what is behind it"
    if isinstance(array, getattr(np, "matrix", ())):
        return "an np.matrix, which no function takes as an image; pass np.asarray(...)"
    return None
