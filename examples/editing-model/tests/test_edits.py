"""Does an edit stay inside its mask, and does it look as it did when it was approved?"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from pytest_editmetrics import Region

IMAGES = Path(__file__).parent / "images"


@pytest.mark.parametrize(
    ("photo", "prompt"),
    [
        pytest.param("cup", "make it blue", id="blue-cup"),
        pytest.param("rocket", "remove it", id="no-rocket"),
    ],
)
def test_edit(tinter, edit_gate, golden_image, photo, prompt):
    """Outside of the mask nothing changes, inside something does; and all of it is as approved."""
    reference = Image.open(IMAGES / f"{photo}.png")
    mask = Image.open(IMAGES / f"{photo}-mask.png")
    edited = tinter(image=reference, mask_image=mask, prompt=prompt).images[0]
    edit_gate.check(
        reference,
        edited,
        coords=Region(mask=IMAGES / f"{photo}-mask.png"),
        facts={"prompt": prompt},
    )
    golden_image.check(edited)


def test_an_unknown_prompt_is_refused(tinter):
    """An ordinary test: it asks for no gate, and costs nothing more than before."""
    photo = Image.open(IMAGES / "cup.png")
    with pytest.raises(ValueError, match="unknown prompt 'make it so'"):
        tinter(image=photo, mask_image=photo.convert("L"), prompt="make it so")
