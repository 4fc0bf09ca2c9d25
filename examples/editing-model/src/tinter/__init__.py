"""Tinter: a small image-editing model with the interface of a diffusers inpainting pipeline.

    edited = Tinter()(image=photo, mask_image=mask, prompt="make it blue").images[0]

It stands for the model that your repository ships. There is no network in it, so its tests run
anywhere in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

HUES = {"red": 0, "green": 120, "blue": 215}
FEATHER = 1.0  # pixels over which the mask's edge is soft


@dataclass(frozen=True)
class TinterOutput:
    """What a call returns, as a diffusers pipeline does."""

    images: list[Image.Image]


class Tinter:
    """Follows two kinds of prompts: `make it COLOUR`, and `remove it`."""

    def __call__(self, image: Image.Image, mask_image: Image.Image, prompt: str) -> TinterOutput:
        """Return the image with what is white in the mask edited; the rest stays as it was.

        Raises `ValueError` for a prompt that it does not know.
        """
        before = np.asarray(image.convert("RGB"))
        mask = np.asarray(mask_image.convert("L"))
        if prompt == "remove it":
            painted = cv2.inpaint(before, cv2.dilate(mask, np.ones((5, 5))), 3, cv2.INPAINT_TELEA)
        elif prompt.removeprefix("make it ") in HUES:
            painted = recoloured(before, HUES[prompt.removeprefix("make it ")])
        else:
            raise ValueError(f"unknown prompt {prompt!r}: `remove it`, or `make it` {list(HUES)}")
        return TinterOutput(images=[Image.fromarray(pasted(before, painted, mask))])


def recoloured(image: np.ndarray, hue: int) -> np.ndarray:
    """Return an RGB image whose every colour has this hue, in degrees; grey stays grey."""
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = hue
    return np.clip(np.rint(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * 255), 0, 255).astype(np.uint8)


def pasted(before: np.ndarray, painted: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return `painted` where the mask is white and `before` elsewhere, with a soft edge inside."""
    soft = cv2.GaussianBlur((mask > 127).astype(np.float32), (0, 0), FEATHER)
    weights = np.where(mask > 127, soft, 0)[..., None]
    return np.rint(before * (1 - weights) + painted * weights).astype(np.uint8)
