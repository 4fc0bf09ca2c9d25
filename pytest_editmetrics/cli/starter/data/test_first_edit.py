"""A first regression test of an image-editing model.

`test_sample` runs as it is. Give `model` and `photo` yours, and `test_edit` is a test of it: record
what it does today with `pytest --editmetrics-update=missing`, and it is held to that.
"""

import numpy as np
import pytest
from PIL import Image
from skimage import data

BOX = (70, 62, 488, 398)  # the edit area: x1, y1, x2, y2 in pixels, origin top left


@pytest.fixture(scope="session")
def model():
    """Your model, loaded once; the line with `skip` goes."""
    pytest.skip("load your model in the fixture `model`")
    # LOAD


@pytest.fixture
def photo():
    """The picture before the edit; yours: `Image.open("mug.png").convert("RGB")`."""
    return Image.fromarray(data.coffee())


def test_edit(model, photo, edit_gate):
    """The background is as `expect` in editmetrics.yaml has it, and from then on as recorded."""
    edited = model(photo, "make the cup blue")
    edit_gate.check(photo, edited, coords=[BOX])


def test_sample(photo, assert_unedit_lpips_below):
    """No model: red and blue change places. The bound stands here, so no golden is recorded."""
    edited = np.array(photo)
    x1, y1, x2, y2 = BOX
    edited[y1:y2, x1:x2] = edited[y1:y2, x1:x2, ::-1]
    assert_unedit_lpips_below(photo, edited, coords=[BOX], threshold=0.01)
