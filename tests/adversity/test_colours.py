"""Two images hold the same numbers and show other colours"""

from __future__ import annotations

import icc
import numpy as np
import pytest
from PIL import Image

ADOBE = icc.rgb_profile("Adobe RGB", icc.ADOBE, icc.gamma(2.19921875))
P3 = icc.rgb_profile("Display P3", icc.P3, icc.srgb_curve)
LIMITS = "thresholds: {unedit_max_diff: {max: 2}}\n"
TEST = """
def test_it(edit_gate):
    edit_gate.check("reference.png", "edited.png", [(8, 8, 24, 24)], metrics="unedit_max_diff")
"""
CASES = """
metrics: [unedit_max_diff]
cases:
  - {id: first, reference: reference.png, edited: same.png, coords: [[8, 8, 24, 24]]}
  - {id: second, reference: reference.png, edited: edited.png, coords: [[8, 8, 24, 24]]}
"""


def photo() -> Image.Image:
    coarse = np.random.default_rng(3).integers(20, 236, (12, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)


@pytest.fixture
def pair(pytester):
    (pytester.path / "editmetrics.yaml").write_text(LIMITS)
    pytester.makepyfile(test_it=TEST)
    photo().save(pytester.path / "reference.png", icc_profile=ADOBE)
    photo().save(pytester.path / "edited.png")
    return pytester


def test_the_profile_was_lost_on_save(pair, assert_came, workers):
    """The reference is in Adobe RGB; the output has its numbers, and no profile."""
    result = pair.runpytest_subprocess(*workers)
    assert_came(
        result, 1, "*cause *profile lost (100 %): the reference's profile Adobe RGB was lost *"
    )


def test_the_profile_was_lost_of_a_yaml_case_decoded_ahead(pair, assert_came, workers):
    """So in a file of cases, whose images are decoded while the case before is measured."""
    (pair.path / "test_it.py").unlink()
    photo().save(pair.path / "same.png", icc_profile=ADOBE)
    (pair.path / "test_it.edit.yaml").write_text(CASES)
    result = pair.runpytest_subprocess(*workers)
    result.assert_outcomes(passed=1, failed=1)
    assert_came(
        result, 1, "*cause *profile lost (100 %): the reference's profile Adobe RGB was lost *"
    )


def test_the_output_is_marked_as_another_space(pair, assert_came):
    """The output has the reference's numbers, and a profile that the reference lacks."""
    photo().save(pair.path / "reference.png")
    photo().save(pair.path / "edited.png", icc_profile=P3)
    result = pair.runpytest_subprocess()
    assert_came(result, 1, "*cause *profile lost (100 %): the edited image is marked Display P3, *")


def test_an_image_in_memory_keeps_its_files_profile(pair, assert_came):
    """The reference is a PIL image that was resized, the output a plain array of its numbers."""
    pair.makepyfile(
        test_it="""
        import numpy as np
        from PIL import Image

        def test_it(edit_gate):
            with Image.open("reference.png") as image:
                small = image.resize((64, 64))
            edit_gate.check(small, np.asarray(small), metrics="unedit_max_diff")
        """
    )
    result = pair.runpytest_subprocess()
    assert_came(
        result, 1, "*cause *profile lost (100 %): the reference's profile Adobe RGB was lost *"
    )


def test_a_profile_that_is_none(pair, assert_came):
    """The output's profile is damaged, so that nobody knows what it shows."""
    photo().save(pair.path / "reference.png")
    photo().save(pair.path / "edited.png", icc_profile=b"damaged")
    result = pair.runpytest_subprocess()
    assert_came(result, 0, "*UserWarning: edited image *: its colour profile (unnamed) is not *")


def test_grey_looks_the_same_in_both_spaces(pair, assert_came):
    """A golden image of grey colours is compared exactly, and its profile went."""
    pair.makepyfile(
        test_it="""
        from PIL import Image

        def test_it(golden_image):
            with Image.open("edited.png") as image:
                golden_image.check(image, comparator="exact")
        """
    )
    grey = photo().convert("L").convert("RGB")
    grey.save(pair.path / "edited.png", icc_profile=P3)
    pair.runpytest_subprocess("--editmetrics-update=missing").assert_outcomes(passed=1)
    grey.save(pair.path / "edited.png")
    result = pair.runpytest_subprocess()
    assert_came(result, 1, "*the image lost the colour profile of its golden, Display P3 (sha256 *")
