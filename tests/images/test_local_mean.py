from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from pytest_editmetrics.images.local_mean import local_mean


def test_of_a_whole_image_it_is_a_gaussian_away_from_the_border() -> None:
    image = np.random.default_rng(0).normal(0, 50, (80, 70)).astype(np.float32)
    whole = local_mean(image, None, 3.0)
    np.testing.assert_allclose(
        whole[13:-13, 13:-13], gaussian_filter(image, 3.0)[13:-13, 13:-13], atol=1e-3
    )


def test_a_constant_stays_and_what_is_masked_has_no_weight() -> None:
    mask = np.zeros((20, 20), bool)
    mask[3:9, 2:18] = True
    values = np.where(mask, 7, 1e6).astype(np.float32)
    found = local_mean(np.stack([values, values], axis=2), mask, 5.0)
    np.testing.assert_allclose(found[mask], 7, rtol=1e-5)
    assert not found[~mask].any()
