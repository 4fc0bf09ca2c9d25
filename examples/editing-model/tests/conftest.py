"""How the tests reach the model."""

from __future__ import annotations

import pytest
from PIL import Image
from tinter import Tinter


@pytest.fixture(scope="session")
def tinter():
    """The model under test, made once."""
    return Tinter()


@pytest.fixture
def edit_image(tinter):
    """Makes the edited image of a YAML case that gives a prompt and no `edited` image."""

    def edit(case):
        with Image.open(case.reference) as photo, Image.open(case.coords.mask) as mask:
            return tinter(photo, mask, case.params["prompt"]).images[0]

    return edit
