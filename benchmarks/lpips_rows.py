"""Rows of one LPIPS measurement at 1024 px against the full computation of the package ``lpips``.

A reference is "seen before" when another edit of it was measured in this process. A new reference
is measured with an empty cache, on disk too, so what is written there counts.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import ours
from agreement import Agreement
from made_images import edit_at, place, references
from reference import PlainLPIPS
from table import Row, at_least, seconds
from timing import Times

SIZE = 1024
BOX = 128
SEEN_TARGET = 25.0
NEW_TARGET = 1.8
OUTER_TARGET = 100.0
REPETITIONS = 9


def rows(repetitions: int = REPETITIONS) -> list[Row]:
    """Measure and return the rows."""
    plain, pipe = PlainLPIPS(), ours.lpips_pipe()
    reference = references(1, SIZE)[0]
    random = np.random.default_rng(128)
    # the first edit makes the reference known, then one each repetition
    first, *made = (
        edit_at(reference, place(random, SIZE, BOX, BOX), random) for _ in range(repetitions + 1)
    )
    plain(reference, first.edited, [first.box], "inner")
    times, inside, outside = Times(), Agreement(), Agreement()
    with tempfile.TemporaryDirectory() as name:
        known = ours.fresh_cache(Path(name) / "known")
        pipe.share(known)
        pipe.measure(reference, first.edited, [first.box], "inner")
        for number, edit in enumerate(made):
            args = reference, edit.edited, [edit.box]
            pipe.share(known)
            wanted = times.of("plain", lambda: plain(*args, "inner"))  # noqa: B023
            seen = times.of("seen", lambda: pipe.measure(*args, "inner"))  # noqa: B023
            outer_wanted = times.of("plain outer", lambda: plain(*args, "outer"))  # noqa: B023
            outer = times.of("outer", lambda: pipe.measure(*args, "outer"))  # noqa: B023
            pipe.share(ours.fresh_cache(Path(name) / str(number)))
            new = times.of("new", lambda: pipe.measure(*args, "inner"))  # noqa: B023
            for found in (seen, new):
                fraction = found.details["measured_fraction"]
                inside.add("lpips", ours.unscaled(found), wanted * fraction)
            outside.add("exactly 0", outer.value, outer_wanted)

    def row(what: str, name: str, plain_name: str, target: float, agreement: Agreement) -> Row:
        ratio = times[plain_name] / times[name]
        detail = f"{seconds(times[plain_name])} against {seconds(times[name])}"
        return at_least(what, ratio, target, detail, agreement.holds)

    box = f"LPIPS, a {BOX} px box in {SIZE} px"
    outer_row = f"LPIPS `outer` of a composited edit, {SIZE} px, reference seen before"
    return [
        row(f"{box}, reference seen before", "seen", "plain", SEEN_TARGET, inside),
        row("the same with a new reference", "new", "plain", NEW_TARGET, inside),
        inside.row("the same"),
        row(outer_row, "outer", "plain outer", OUTER_TARGET, outside),
        outside.row("the same"),
    ]
