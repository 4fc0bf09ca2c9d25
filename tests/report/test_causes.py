"""What a failure says of its causes names the kind of each once."""

from __future__ import annotations

import pytest

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import causes_in_full, causes_of
from pytest_editmetrics.report.failure import failure_text

ONCE = [
    ("exposure", "exposure changed (gain 1.040)", "exposure (90 %): changed (gain 1.040)"),
    ("contrast", "contrast changed (gain 0.859)", "contrast (90 %): changed (gain 0.859)"),
    ("inverted-tone", "inverted tone (gain -1.00)", "inverted-tone (90 %): gain -1.00"),
    ("redrawn", "redrawn (correlation 0.42)", "redrawn (90 %): correlation 0.42"),
    ("almost-nothing", "almost nothing: 1 pixel", "almost-nothing (90 %): 1 pixel"),
    ("resize", "resize pad fits better", "resize (90 %): pad fits better"),
    ("jpeg", "JPEG", "jpeg (90 %)"),
    ("blur", "blurred (noise 3.0 of 255)", "blur (90 %): blurred (noise 3.0 of 255)"),
    ("mirrored", "background mirrored", "mirrored (90 %): background mirrored"),
]


@pytest.mark.parametrize(("kind", "text", "said"), ONCE)
def test_a_kind_is_said_once(kind, text, said):
    assert causes_in_full([{"kind": kind, "share": 0.9, "text": text}]) == said


def failing(metric, *causes):
    return Gate(
        metric,
        "fail",
        value=1.0,
        bound_kind="max",
        bound=0.1,
        region={"coords": None, "width": 4, "height": 3},
        details={"causes": list(causes)},
    )


def test_so_is_one_that_is_called_as_its_metric():
    spill = {"kind": "spill", "share": 1.0, "text": "a local change in (1, 2, 3, 4)"}
    gone = {"kind": "altered", "text": "something is gone in (1, 2, 3, 4)"}
    said = failure_text([failing("lpips", spill), failing("altered", gone, spill)], "t.py::t")
    rows = [line.strip() for line in said.splitlines() if "(100 %)" in line]
    assert "lpips: spill (100 %): a local change in (1, 2, 3, 4)" in rows[-2]
    assert "altered: something is gone in (1, 2, 3, 4); spill (100 %)" in rows[-1]
    assert "altered: altered" not in said


def test_what_beyond_detail_leaves_aside_comes_last():
    blur, spill = {"kind": "blur", "share": 0.7}, {"kind": "spill", "share": 0.3}
    for metric, first in (("beyond_detail", "spill"), ("lpips", "blur")):
        gate = Gate(metric, "fail", value=9.0, details={"causes": [blur, spill]})
        assert causes_of(gate)[0]["kind"] == first
