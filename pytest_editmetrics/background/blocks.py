"""Whether an image has blocks as JPEG makes them: steps on the lines of 8 px, and only there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.images.channels import average
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_PERIOD = 8  # pixels
_FIRST = 6  # third difference that is across a line of the grid
_EDGE = 24.0  # of 255; more is an edge of the picture itself
_FEW = 256  # pixels on lines of the grid
_BLOCKY = 1.12  # steps across lines of the grid against other steps
_MORE = 0.1  # than the reference has
_ALONE = 1.6  # of how far the others are apart: what stands out from them
_WAVE = 0.25  # of what stands out: by how much lines 2 px away exceed those 4 px away
_FAR_ABOVE = 1.25  # of the next largest
_USUAL = 0.4  # of what lines of the grid have more on the mean: half of them have so much
_STEEP = 0.1  # of what stands out: what a step has more than the lines beside it
_OFF_GRID = 1.5  # standard deviations of the others, by which one kind of lines exceeds them,
_BY = 0.01  # and of their middle, in both directions: there a grid may begin elsewhere
_LEAST = 1e-3  # of 255: a flat picture has no steps
_CROP = 512


def crop_on_grid(mask: Mask) -> tuple[slice, slice]:
    """Return the crop on the 8 px grid that holds the most measured pixels."""
    height, width = mask.shape
    best = (-1, 0, 0)
    for top in range(0, max(1, height - _CROP + 1), _CROP // 2):
        for left in range(0, max(1, width - _CROP + 1), _CROP // 2):
            seen = int(mask[top : top + _CROP, left : left + _CROP].sum())
            best = max(best, (seen, -top, -left))
    top, left = -best[1], -best[2]
    return slice(top, top + _CROP), slice(left, left + _CROP)


class Steps:
    """How large the steps of an image are across the eight kinds of lines, each 8 px apart.

    Third differences, of rows and of columns, where both sides of a line are measured. The first
    kind are those of the grid, which starts at the top left corner, as JPEG's does.

    Args:
        image: RGB, uint8, (H, W, 3).
        mask: boolean (H, W), true where measured.
    """

    def __init__(self, image: Array, mask: Mask) -> None:
        grey = average(image.astype(np.float32))
        means, ratios, lines = list[NDArray[np.float64]](), [], []
        for picture, seen in ((grey, mask), (np.ascontiguousarray(grey.T), mask.T)):
            bend = np.abs(
                picture[:, 3:] - 3 * picture[:, 2:-1] + 3 * picture[:, 1:-2] - picture[:, :-3]
            )
            whole = seen[:, 3:] & seen[:, 2:-1] & seen[:, 1:-2] & seen[:, :-3]
            columns = (np.minimum(bend, _EDGE) * whole).sum(axis=0, dtype=np.float64)
            kind = (np.arange(bend.shape[1]) + 2) % _PERIOD
            sums = np.bincount(kind, columns, _PERIOD)
            counts = np.bincount(kind, whole.sum(axis=0), _PERIOD)
            if min(counts[0], counts[1:].sum()) < _FEW:
                continue
            means.append(sums / np.maximum(counts, 1))
            elsewhere = float(sums[1:].sum() / counts[1:].sum())
            ratios.append(float(sums[0] / counts[0]) / elsewhere if elsewhere > 0 else 1.0)
            last = (len(columns) - _FIRST) // _PERIOD * _PERIOD + _FIRST
            each = columns[_FIRST:last].reshape(-1, _PERIOD)
            lines.append(each[:, 0] / np.maximum(each[:, 1:].mean(axis=1), 1.0))
        self.blockiness = sum(ratios) / len(ratios) if ratios else None
        """How much larger they are on the grid than elsewhere: 1 without blocks; ``None`` where too
        little is measured."""
        self._lines: NDArray[np.float64] = np.concatenate([*lines, np.zeros(0)])
        self._kinds = means
        self._means: NDArray[np.float64] = np.sum(means, axis=0) if means else np.zeros(_PERIOD)

    @property
    def _above(self) -> float:
        """How much larger they are on the grid than on any other kind of lines."""
        on, *others = map(float, self._means)
        return on / max(others) if max(others) > 0 else 1.0

    def periodic(self, reference: Steps) -> bool:
        """Tell whether they are larger on the grid than elsewhere, and were not in the reference.

        So they are on JPEG's, or where an image was resized by halves, quarters or eighths.
        """
        if self.blockiness is None:
            return False
        return self.blockiness > max(_BLOCKY, (reference.blockiness or 1.0) + _MORE)

    def _on_most_lines(self, reference: Steps) -> bool:
        """Tell whether most lines of the grid have steps, and not those of larger tiles alone."""
        if len(self._lines) != len(reference._lines):
            return True
        seen = (self._lines > 0) & (reference._lines > 0)
        if not seen.any():
            return True
        more = (self._lines - reference._lines)[seen]
        return bool(np.median(more) > _USUAL * more.mean())

    def corner(self, reference: Steps) -> tuple[int, int]:
        """Return where a grid may begin, x and y, by the steps that the reference has not.

        It begins at 0, 0 unless they say otherwise; a file that was padded or cropped since may
        have it elsewhere.
        """
        if not len(self._kinds) == len(reference._kinds) == 2:
            return 0, 0
        begins = []
        for kinds, were in zip(self._kinds, reference._kinds, strict=True):
            more = (kinds + _LEAST) / (were + _LEAST)
            at = int(more.argmax())
            others = np.delete(more, at)
            stands_out = more[at] - others.mean() > _OFF_GRID * others.std()
            if not stands_out or more[at] < (1 + _BY) * np.median(others):
                return 0, 0
            begins.append(at)
        return begins[0], begins[1]

    def of_jpeg(self, reference: Steps) -> bool:
        """Tell whether the grid alone has steps; resizing makes such of 2, 4 and 8 px, all alike.

        Others are so, too: they come and go in waves along those 8 px, and a drawn line has steps
        on both of its sides.
        """
        if not self.periodic(reference) or not self._on_most_lines(reference):
            return False
        if self._above > max(_FAR_ABOVE, reference._above + _MORE):
            return True
        on, *others = self._means - reference._means
        far = np.array(others[1:-1])
        stands_out = on - far.max() > _ALONE * np.ptp(far)
        near, opposite = (far[0] + far[-1]) / 2, far[len(far) // 2]
        no_wave = near - opposite < _WAVE * (on - near)
        no_line = on - max(others) > _STEEP * (on - far.mean())
        return bool(stands_out and no_wave and no_line)
