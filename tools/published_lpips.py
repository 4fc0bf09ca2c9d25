"""Compare with the distances that the LPIPS repository publishes for its example images.

    python tools/published_lpips.py DIR

DIR holds ``ex_ref.png``, ``ex_p0.png`` and ``ex_p1.png`` of richzhang/PerceptualSimilarity
(folder ``imgs``, BSD-2-Clause, not part of this project). The exit status is 1 if one differs
from the published one in the third decimal.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_editmetrics.pipes.lpips import LPIPSPipe

PUBLISHED = {"ex_p0.png": 0.722, "ex_p1.png": 0.138}


def main(folder: Path) -> int:
    pipe = LPIPSPipe(net="alex", device="cpu")
    wrong = 0
    for name, published in PUBLISHED.items():
        measured = pipe(folder / "ex_ref.png", folder / name, metric="lpips")
        agrees = round(measured, 3) == published
        wrong += not agrees
        print(f"ex_ref {name}: {measured:.5f}, published {published}: {'ok' if agrees else 'NO'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
