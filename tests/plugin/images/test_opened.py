"""An image that Pillow opened and nobody read yet is an image, whatever its format and file."""

from __future__ import annotations

SUITE = """
import contextlib
import io
import numpy as np
import pytest
from PIL import Image

FORMATS = ["AVIF", "BMP", "DIB", "ICO", "JPEG", "JPEG2000", "MPO", "PCX", "PNG", "PPM",
           "QOI", "SGI", "TGA", "TIFF", "WEBP"]
REFERENCE = np.full((128, 128, 3), 90, np.uint8)
EDITED = REFERENCE.copy()
EDITED[40:70, 40:80] = 200


@pytest.fixture
def opened():
    with contextlib.ExitStack() as stack:
        yield lambda kind, at: stack.enter_context(again(kind, at))


def again(kind, at):
    if kind not in Image.SAVE:
        pytest.skip("this Pillow does not write it")
    target = io.BytesIO() if at is None else at
    Image.fromarray(EDITED).save(target, kind, **({"sizes": [(128, 128)]} if kind == "ICO" else {}))
    return Image.open(target)


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("where", ["memory", "file"])
def test_it(edit_gate, opened, kind, where, tmp_path):
    Image.init()
    edited = opened(kind, None if where == "memory" else tmp_path / "edited")
    edit_gate.check(REFERENCE, edited, [(40, 40, 80, 70)], metrics="unedit_psnr")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_one_file(edit_gate, opened, kind, tmp_path):
    reference = opened(kind, tmp_path / "one")
    edited = opened(kind, tmp_path / "one")  # the same bytes again
    edit_gate.check(reference, edited, [(4, 4, 9, 9)], metrics="unedit_psnr")


def test_closed(edit_gate):
    edited = Image.fromarray(EDITED)
    edited.close()
    edit_gate.check(REFERENCE, edited, [(4, 4, 9, 9)], metrics="unedit_psnr")
"""


def test_it_is_read(pytester):
    pytester.makepyfile(SUITE)
    pytester.makefile(".yaml", editmetrics="thresholds: {unedit_psnr: 20}\n")
    result = pytester.runpytest("-p", "no:randomly")
    counted = result.parseoutcomes()
    assert counted.pop("passed") + counted.pop("skipped", 0) == 30
    assert counted == {"failed": 3}
    result.stdout.fnmatch_lines(
        [
            *("E  *EditMetricsError: *one and the same file (*one)*",) * 2,
            "E  *EditMetricsError: *was closed, or verified, before its pixels were read; pass*",
        ]
    )
