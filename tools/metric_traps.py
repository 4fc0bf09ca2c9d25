"""Measure the traps that docs/explanation/metrics.md names, on a photo of the demo.

    python tools/metric_traps.py

LPIPS runs on its genuine weights. EMD runs on the small CLIP of ``fixtures/parity`` (random
weights): the effects are the metric's, their size changes with the checkpoint.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pytest_editmetrics.pipes.clip import CLIPPipe
from pytest_editmetrics.pipes.lpips import LPIPSPipe

ROOT = Path(__file__).resolve().parent.parent
CLIP = str(ROOT / "fixtures/parity/models/clip")


def inverted(image: np.ndarray, box: tuple[int, int, int, int]) -> np.ndarray:
    x1, y1, x2, y2 = box
    edited = image.copy()
    edited[y1:y2, x1:x2] = 255 - edited[y1:y2, x1:x2]
    return edited


def main() -> None:
    photo = Image.open(ROOT / "fixtures/demo/images/astronaut.png").convert("RGB")
    square = np.asarray(photo.resize((512, 512)))
    lpips = LPIPSPipe(device="cpu")
    print("lpips, area scaling: an inverted box in 512 x 512 px, measured inside it")
    for side in (1, 16, 64, 128):
        box = (256, 256, 256 + side, 256 + side)
        measured = lpips.measure(square, inverted(square, box), [box], "inner")
        print(f"  {side:>3} px: {measured.value:.2f} (unscaled {measured.details['unscaled']:.5f})")

    emd = CLIPPipe(model_path=CLIP, device="cpu")
    box = (96, 96, 288, 288)
    print("emd, identity floor: an unedited image, measured inside a box")
    for patches in ("all", "selected"):
        measured = emd.measure(square, square, [box], "inner", reference_patches=patches)
        print(f"  reference_patches {patches}: {measured.value:.2f}, excess {measured.excess:.2f}")

    wide = np.asarray(photo.resize((1024, 512)))
    edited = wide.copy()
    edited[:, :96] = 255 - edited[:, :96]
    print("emd, framing: the left 96 px of a 1024 x 512 px image inverted, no boxes")
    for framing in ("stretch", "center-crop"):
        pipe = CLIPPipe(model_path=CLIP, device="cpu", framing=framing)
        print(f"  {framing}: {pipe.measure(wide, edited).excess:.2f}")


if __name__ == "__main__":
    main()
