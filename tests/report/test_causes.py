"""What a failure says of its causes names the kind of each once."""

from __future__ import annotations

import pytest

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.report.causes import causes_in_full, causes_in_short, causes_of
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


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("beyond_detail", "noise 12.0 (30 %)"),
        ("beyond_detail_max", "noise 12.0 (30 %)"),
        ("tone", "exposure +8.0 (60 %)"),
        ("drift_px", "exposure +8.0 (60 %), noise 12.0 (30 %)"),  # none that it sees is known
        ("lpips", "exposure +8.0 (60 %), noise 12.0 (30 %)"),
    ],
)
def test_a_headline_names_what_its_metric_sees_and_the_rest_stands_below(metric, said):
    causes = (
        {"kind": "exposure", "share": 0.6, "text": "exposure +8.0"},
        {"kind": "noise", "share": 0.3, "text": "noise 12.0"},
        {"kind": "blur", "share": 0.1, "text": "blurred"},
    )
    gate = failing(metric, *causes)
    assert causes_in_short(gate) == said
    text = failure_text([gate], "t.py::t")
    assert f": {said}\n" in text
    assert all(f"{cause['kind']} (" in text for cause in causes)


def test_a_share_that_rounds_to_nothing_is_no_zero():
    """Beside a blur a tone that fails a gate is next to nothing of the squared difference."""
    darker = {"kind": "exposure", "share": 0.002, "text": "exposure -4.0 of 255"}
    blur = {"kind": "blur", "share": 0.998, "text": "blurred"}
    gate = failing("tone", darker, blur)
    assert causes_in_short(gate) == "exposure -4.0 of 255"
    text = failure_text([gate], "t.py::t")
    assert "(0 %)" not in text
    assert "exposure (under 1 %): -4.0 of 255; blur (100 %): blurred" in text


@pytest.mark.parametrize("kind", ["exposure", "colour", "contrast", "gamma", "greyscale"])
def test_a_change_of_colours_is_left_aside_beyond_detail(kind):
    colour, encoder = {"kind": kind, "share": 0.8}, {"kind": "re-encoding", "share": 0.2}
    gate = Gate("beyond_detail", "fail", value=9.0, details={"causes": [colour, encoder]})
    assert [cause["kind"] for cause in causes_of(gate)] == ["re-encoding", kind]
