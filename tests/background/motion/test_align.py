"""Least squares on one copy of two images."""

from __future__ import annotations

import numpy as np
import pytest
from altered import as_jpeg, square_photo

from pytest_editmetrics.background.align import Pair, smoothed
from pytest_editmetrics.background.motion import Motion


@pytest.mark.parametrize("quality", [40, 75])
@pytest.mark.parametrize("photo", ["astronaut", "cat", "coffee", "rocket"])
def test_a_turn_too_small_to_be_sampled_is_found_once(photo, quality, monkeypatch):
    picture = square_photo(photo, 288)
    usable = np.zeros((288, 288), bool)
    usable[8:-8, 8:-8] = True
    pair = Pair(smoothed(picture), smoothed(as_jpeg(picture, quality)), usable)
    tried = []
    moved = Pair._moved
    monkeypatch.setattr(Pair, "_moved", lambda self, by: tried.append(by) or moved(self, by))
    fit = pair.refined(Motion(), "similarity")
    assert len(tried) <= 4
    assert fit.correlation > 0.99
    assert fit.motion.farthest(288, 288) < 0.05
