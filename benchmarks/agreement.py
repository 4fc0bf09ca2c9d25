"""Whether the fast numbers are the right numbers: a ratio counts only if they are."""

from __future__ import annotations

import math

from table import Row

# What the plain computation may be missed by: lpips unscaled and object similarity absolute,
# emd relative; the outside of a composited edit is 0 on both sides.
TOLERANCE = {"lpips": 1e-6, "emd": 1e-5, "sam_clip_cls_sim": 1e-4, "exactly 0": 0.0}


class Agreement:
    """The largest difference between the project's numbers and the reference implementation's."""

    def __init__(self) -> None:
        self._largest: dict[str, float] = {}
        self._count = 0

    def add(self, metric: str, ours: float | None, plain: float) -> None:
        """Compare one number with what it should be; ``None`` and NaN agree with nothing."""
        difference = math.inf if ours is None else abs(ours - plain)
        if metric == "emd":
            difference /= plain
        if math.isnan(difference):
            difference = math.inf
        self._largest[metric] = max(difference, self._largest.get(metric, 0.0))
        self._count += 1

    @property
    def holds(self) -> bool:
        """Whether something was compared and every number was within its tolerance."""
        within = [value <= TOLERANCE[metric] for metric, value in self._largest.items()]
        return bool(within) and all(within)

    def row(self, what: str) -> Row:
        """Return the line that tells how well the numbers of ``what`` agree."""
        target = ", ".join(f"{metric} {TOLERANCE[metric]:g}" for metric in self._largest)
        figure = ", ".join(f"{metric} {value:.1e}" for metric, value in self._largest.items())
        return Row(
            f"{what}: largest difference from the reference implementation",
            f"at most {target}",
            f"{figure} ({self._count} numbers)",
            self.holds,
        )
