"""A first regression test of an image-editing model. It runs as it is: replace `edit` by yours."""

import pytest
from PIL import Image, ImageDraw

BOX = (64, 64, 192, 192)  # the edit area: x1, y1, x2, y2 in pixels


@pytest.fixture
def reference():
    """The image before the edit; use a photo of yours."""
    image = Image.linear_gradient("L").convert("RGB")
    ImageDraw.Draw(image).ellipse((20, 100, 120, 220), fill=(200, 80, 40))
    return image


def edit(image):
    """Stands for your model: `pipeline(image=image, prompt=...).images[0]`."""
    edited = image.copy()
    ImageDraw.Draw(edited).rectangle((80, 80, 170, 170), fill=(40, 90, 200))
    return edited


def test_background_is_untouched(reference, assert_unedit_lpips_below):
    """A bound written in the test: an editor that composites leaves the outside as it was."""
    assert_unedit_lpips_below(reference, edit(reference), coords=[BOX], threshold=0.01)


def test_edit(reference, edit_gate):
    """No bound here: the default of editmetrics.yaml holds until a golden is recorded with
    `pytest --editmetrics-update=missing`.
    """
    edit_gate.check(reference, edit(reference), coords=[BOX])
