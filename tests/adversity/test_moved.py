"""A background that moved far is taken for one that was drawn anew"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

PHOTOS = Path(__file__).parents[2] / "fixtures" / "demo" / "images"
MOVED = f"""
from pathlib import Path
import numpy as np
from PIL import Image

BOX = [(20, 24, 60, 64)]
A = np.asarray(
    Image.open(Path({str(PHOTOS)!r}) / "astronaut.png").convert("RGB").resize((192, 192))
)
EDIT = A.copy()
EDIT[24:64, 20:60] = 255 - EDIT[24:64, 20:60]
PICTURE = Image.fromarray(EDIT)


def seen(*nearer):
    \"\"\"Return the edit seen from elsewhere: PIL's eight numbers lead from there to here.\"\"\"
    return PICTURE.transform((192, 192), Image.Transform.PERSPECTIVE, nearer, Image.Resampling.BICUBIC)


EDITS = {{
    "upside-down": EDIT[::-1],
    "mirrored": EDIT[:, ::-1],
    "rolled": np.roll(EDIT, 96, axis=1),
    "turned": np.asarray(PICTURE.rotate(10, Image.Resampling.BICUBIC)),
    "zoomed": np.asarray(PICTURE.crop((16, 16, 176, 176)).resize((192, 192))),
    "perspective": np.asarray(seen(1, 0, 0, 0, 1, 0, 0.0015, 0)),
}}
"""
EDITS = ("upside-down", "mirrored", "rolled", "turned", "zoomed", "perspective")
EXPECT = pytest.mark.parametrize("expect", ["reencoded", "generative"])


@pytest.fixture
def moved(pytester):
    """A suite with a picture and its edits, in Python and as files."""
    pytester.makeini("[pytest]\npythonpath = .\n")
    pytester.makepyfile(moved=MOVED)
    # what LPIPS and PSNR say of it is not what is tried here
    settings = "thresholds: {lpips: 9, unedit_psnr: {min: 1}}\n"
    (pytester.path / "editmetrics.yaml").write_text(settings)
    return pytester


def assert_each_fails(result: pytest.RunResult) -> None:
    failed = [line for line in result.outlines if line.startswith("FAILED ")]
    for edit in EDITS:
        assert any(edit in line for line in failed), edit
    assert len(failed) == len(EDITS)


@EXPECT
def test_a_large_motion(moved, assert_came, workers, expect):
    """A model returns its edit upside down, mirrored, rolled by half, turned by 10 degrees, zoomed
    by 1.2 or in another perspective, and `edit_gate.check(..., expect=...)` chooses the metrics."""
    moved.makepyfile(
        test_x=f"""
        import pytest
        from moved import *

        @pytest.mark.parametrize("edit", EDITS)
        def test_it(edit_gate, edit):
            edit_gate.check(A, EDITS[edit], BOX, expect={expect!r})
        """
    )
    result = moved.runpytest(*workers)
    assert_each_fails(result)
    assert_came(result, 1, "*unedit warp_px* > max *")


@EXPECT
def test_a_large_motion_in_yaml(moved, assert_came, workers, expect):
    """The same, and the pairs are cases of a YAML file."""
    scope: dict[str, Any] = {}
    exec(MOVED, scope)
    Image.fromarray(scope["A"]).save(moved.path / "a.png")
    cases = ["cases:"]
    for edit in EDITS:
        Image.fromarray(scope["EDITS"][edit]).save(moved.path / f"{edit}.png")
        cases.append(
            f"- {{id: {edit}, reference: a.png, edited: {edit}.png, coords: [[20, 24, 60, 64]],"
            f" expect: {expect}}}"
        )
    (moved.path / "test_moved.edit.yaml").write_text("\n".join(cases) + "\n")
    result = moved.runpytest(*workers)
    assert_each_fails(result)
    assert_came(result, 1, "*unedit warp_px* > max *")


@EXPECT
def test_a_large_motion_beside_a_helper(moved, assert_came, workers, expect):
    """The same, and a helper that holds LPIPS passed before in the same test."""
    moved.makepyfile(
        test_x=f"""
        import pytest
        from moved import *
        from pytest_editmetrics import assert_unedit_lpips_below

        @pytest.mark.parametrize("edit", EDITS)
        def test_it(edit_gate, edit):
            assert_unedit_lpips_below(A, EDITS[edit], BOX, 9)
            edit_gate.check(A, EDITS[edit], BOX, name="whole", expect={expect!r})
        """
    )
    result = moved.runpytest(*workers)
    assert_each_fails(result)
    assert_came(result, 1, "*unedit warp_px* > max *")
