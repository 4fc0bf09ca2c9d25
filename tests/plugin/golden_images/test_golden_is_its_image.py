"""A golden image that is given as the image to compare with it: nothing is compared then."""

from __future__ import annotations

import pytest
from parameters import first_of

TEST = """
import os
import pathlib
import numpy as np
from PIL import Image

def picture(by):
    return Image.fromarray(np.add.outer(np.arange(64), np.arange(64) + by).astype(np.uint8))

def test_it(golden_image, tmp_path):
    image, other = picture(0), tmp_path / "other.png"
    if os.environ.get("WRITTEN_OVER"):
        (path,) = pathlib.Path("goldens").glob("*/*.png")
        picture(90).save(path)
        image = {}
    try:
        golden_image.check(image)
    finally:
        if isinstance(image, Image.Image): image.close()
"""
GIVEN = ["path", "str(path)", "[path.resolve()]", "Image.open(path)"]


@pytest.fixture
def written_over(pytester, monkeypatch):
    def run(given, *args):
        pytester.makepyfile(test_x=TEST.format(given))
        monkeypatch.delenv("WRITTEN_OVER", raising=False)
        assert pytester.runpytest("--editmetrics-update=all").ret == 0
        monkeypatch.setenv("WRITTEN_OVER", "1")
        return pytester.runpytest(*args)

    return run


@pytest.mark.parametrize("update", first_of(2, ["none", "all", "missing", "failed"]))
@pytest.mark.parametrize("given", [*GIVEN, "os.link(path, other) or other"])
def test_the_golden_itself_is_an_error(written_over, given, update):
    args = [] if update == "none" else [f"--editmetrics-update={update}"]
    result = written_over(given, *args)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*is the golden image itself (goldens/test_x.py/test_it-*.png, or a link to it)*"]
    )


@pytest.mark.parametrize(
    "given", ["Image.fromarray(np.array(Image.open(path)))", "path.rename(other)"]
)
def test_what_was_read_of_it_is_another_image(written_over, given):
    result = written_over(given)
    assert "is the golden image itself" not in result.stdout.str()
