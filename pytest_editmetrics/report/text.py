"""Gates in words: the first line of a failure, and what stands below it."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from pytest_editmetrics.gates.decided import whole
from pytest_editmetrics.gates.verdict import APPROVED_IMAGE, SKIPPED_MISSING, UNSTATED, Gate
from pytest_editmetrics.gates.written import unrecordable
from pytest_editmetrics.measurement import (
    LAID_ON_BLACK,
    REMEDY_OF_NO_NUMBER,
    WRITTEN_BY_HAND,
    bound_kind_of,
)
from pytest_editmetrics.report.causes import causes_in_full, causes_in_short, kind_of
from pytest_editmetrics.report.facts import facts_in_a_line
from pytest_editmetrics.report.image_text import held_text, image_headline, image_rows
from pytest_editmetrics.report.numbers import format_numbers as format_numbers

NO_GOLDEN = " has no threshold and no golden"
ACCEPTING = ("to accept", "or apart", "to record")
"""The rows of an explanation that say how a golden would hold what failed."""
_AREA = {"edit_area": "edit", "unedit_area": "unedit", None: "whole-image"}


def subject(gate: Gate) -> str:
    """Return what the gate measured, as ``unedit lpips`` or ``object sam_clip_cls_sim@mug``.

    A metric whose name begins with an area says it already; where nothing was measured, there is
    no area.
    """
    nothing = gate.verdict == "error" or gate.reason == SKIPPED_MISSING
    if gate.compares == "gates" or nothing:
        return gate.label
    area = "object" if gate.compares == "objects" else _AREA.get(gate.scope, "whole-image")
    said = ("unedit_", "edit_", "object_", "golden_")
    return gate.label if gate.label.startswith(said) else f"{area} {gate.label}"


def headline(gate: Gate, *, cause: bool = True) -> str:
    """Return the one line that says what the gate came to, and why if it fails.

    ``cause=False`` leaves out why, where it was said already.
    """
    line = _headline(gate)
    explained = gate.verdict in ("fail", "review", "missing-golden")
    causes = causes_in_short(gate) if cause and explained else None
    return f"{line}: {causes}" if causes else line


def line_of_golden(gate: Gate) -> str | None:
    """Return in which line its golden stands, if its message names that."""
    file, _, line = (gate.source or "").rpartition(":")
    named = file and line.isdigit() and str(gate.source) in (gate.message or "")
    return line if named else None


def with_source(gate: Gate, source: str) -> Gate:
    """Return a gate whose message names its golden so."""
    message = (gate.message or "").replace(str(gate.source), source)
    return replace(gate, message=message, source=source)


def without_line(gate: Gate) -> Gate:
    """Return a gate whose message names the file of its golden: those of one differ by lines."""
    if line_of_golden(gate) is None:
        return gate
    return with_source(gate, str(gate.source).rpartition(":")[0])


def was_approved(gate: Gate) -> str:
    """Say what of a soft failure was approved."""
    if gate.approved is None:
        return f"its golden image {gate.details.get(APPROVED_IMAGE)} was approved"
    return f"was {format_numbers(gate.approved)[0]} when approved"


def _headline(gate: Gate) -> str:
    if gate.verdict == "error":
        return f"{gate.label} could not be judged: {gate.message}"
    if gate.verdict == "unmeasured":
        text = f"{subject(gate)} unmeasured ({gate.reason}): {gate.message}"
        return f"{text}; {was_approved(gate)}" if gate.regressed else text
    if gate.snapshot is not None:
        return image_headline(gate)
    if gate.value is None and gate.verdict == "fail":
        return f"{subject(gate)} not measured ({gate.reason}), which fails here: {gate.message}"
    assert gate.value is not None
    if gate.verdict == "missing-golden":
        return f"{subject(gate)} {format_numbers(gate.value)[0]}{NO_GOLDEN}"
    if gate.verdict == "recorded":
        if gate.proposal is None:
            return f"{subject(gate)} {format_numbers(gate.value)[0]} recorded, held to no bound"
        value, bound = format_numbers(gate.value, gate.proposal)
        return f"{subject(gate)} {value} recorded, {bound_kind_of(gate.better)} {bound}"
    if gate.bound is None and math.isfinite(gate.value):
        return f"{subject(gate)} {format_numbers(gate.value)[0]}, held to no bound"
    if gate.bound is None:
        return f"{subject(gate)} {format_numbers(gate.value)[0]} is not a number"
    if gate.verdict == "review" and gate.review is not None:
        return _for_review(gate, gate.value, gate.review, gate.bound)
    own = whole(gate)
    assert own is not None
    advises = ", which only advises here" if gate.verdict == "review" and not own.holds else ""
    return f"{subject(gate)} {held_text(own)}{advises}"


def _for_review(gate: Gate, number: float, review: float, limit: float) -> str:
    value, lower, bound = format_numbers(number, review, limit)
    sign = ">" if gate.bound_kind == "max" else "<"
    return f"{subject(gate)} {value} {sign} review {lower}, inside {gate.bound_kind} {bound}"


def bound_stands(gate: Gate) -> str | None:
    """Return what states the bound, and where: ``golden tests/goldens/test_a.py.yaml:3``."""
    if gate.bound is None or gate.origin is None or gate.verdict == "missing-golden":
        return None
    variant = f" (env {gate.env})" if gate.origin == "golden" and gate.env else ""
    if gate.details.get(UNSTATED):
        variant = f" (env {gate.env} states no bound)"
    return f"{gate.origin} {gate.source}{variant}"


def written_at(gate: Gate) -> str:
    """Return where one edits a bound that is written by hand."""
    return f"the marker {gate.source}" if gate.origin == "marker" else str(gate.source)


_MODES = ("missing", "failed")


def update_mode(gates: Iterable[Gate]) -> str:
    """Return the ``--editmetrics-update`` that records every gate of a test.

    ``missing`` records nothing while another gate of the test fails. Of a test that would fail all
    the same nothing is recorded: then it is a sentence, what to do first.
    """
    gates = list(gates)
    errors = [gate for gate in gates if gate.verdict == "error" and not gate.of_other_golden]
    if errors:
        first = f"mend the error of {_labels(errors)} first"
        return f"{first}: nothing of a test with an error is recorded"
    if left := [gate for gate in gates if unrecordable([gate])]:
        return (
            f"first end the failure of {_labels(left)}, which no golden can hold"
            f" ({_own_remedy(left[0])}): until then nothing of this test is recorded"
        )
    fails = any(gate.verdict == "fail" or gate.of_other_golden for gate in gates)
    return "failed" if fails else "missing"


def _labels(gates: Iterable[Gate]) -> str:
    return ", ".join(dict.fromkeys(gate.label for gate in gates))


def _own_remedy(gate: Gate) -> str:
    """Return in a few words what ends a failure that no golden can hold."""
    if gate.no_number or gate.value is None:
        return "it has no number to record"
    if kind_of(gate) == "no-edit":
        return "the edit was lost"
    if gate.origin in WRITTEN_BY_HAND and "advice" not in gate.details:
        return f"mend the model, or edit {written_at(gate)}"
    return "its own lines say what to do"


def explanation(
    gate: Gate, nodeid: str, mode: str = "missing", typed: Callable[[str], str] = shlex.quote
) -> list[str]:
    """Return the lines below the headline, as a terminal shows them.

    ``mode`` is how a missing golden is recorded, see ``update_mode``; ``typed`` returns the words
    that run a test, given its id.
    """
    return rows_as_lines(explanation_rows(gate, nodeid, mode, typed))


def rows_as_lines(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Return rows of a label and a text as lines below a headline."""
    return [f"    {label:<9} {text}" for label, text in rows]


def explanation_rows(
    gate: Gate, nodeid: str, mode: str = "missing", typed: Callable[[str], str] = shlex.quote
) -> list[tuple[str, str]]:
    """Return what explains a gate: its bound, where to look, how to accept, then how it came.

    ``typed`` returns the words that run a test, given its id.
    """
    rows: list[tuple[str, str]] = []
    told = gate.verdict == "error" and gate.env is None and line_of_golden(gate)
    if (stands := bound_stands(gate)) and not told:
        rows.append(("bound", stands))
    if gate.fixture is not None:
        rows.append(("fixture", _users(gate.fixture)))
    rows += image_rows(gate)
    if gate.picture:
        rows.append(("look at", gate.picture))
    if told := facts_in_a_line(gate):
        rows.append(("edit", told))
    if pair := gate.details.get("manifest"):
        rows.append(("images", f"{pair['reference']} | {pair['edited']} ({pair['row']})"))
    if accept := _accept(gate, nodeid, mode, typed):
        records = gate.verdict == "missing-golden" and mode != "failed"
        rows.append(("to record" if records else "to accept", accept))
        if apart := _apart(gate, mode):
            rows.append(("or apart", apart))
    if gate.verdict == "fail" and gate.no_number:
        rows.append(("to do", REMEDY_OF_NO_NUMBER))
    if causes := gate.details.get("causes"):
        rows.append(("cause", causes_in_full(causes)))
    if change := gate.details.get("change"):
        rows.append(("change", change))
    if let_through := gate.details.get("let_through"):
        rows.append(("unnoticed", ", ".join(let_through)))
    if gate.verdict != "error":
        rows.append(("region", _region(gate)))
        if measured := _measured(gate):
            rows.append(("measured", measured))
        if gate.weights:
            rows.append(("weights", ", ".join(_weights(gate))))
    return rows


def _users(fixture: Mapping[str, Any]) -> str:
    return f"{fixture.get('id')}, set up for {fixture.get('test')}, used by {_used_by(fixture)}"


def _used_by(fixture: Mapping[str, Any]) -> str:
    used = list(fixture.get("used_by") or ())
    more = int(fixture.get("users") or 0) - len(used)
    return ", ".join(map(str, used)) + (f" and {more} more" if more > 0 else "")


def line_of(nodeid: str, gate: Gate) -> str:
    """Return the line of a list: the test, what its gate came to, and whom a fixture's serves."""
    used = "" if gate.fixture is None else f" (used by {_used_by(gate.fixture)})"
    return f"{nodeid}: {headline(gate)}{used}"


def _region(gate: Gate) -> str:
    region = gate.region
    resized = _sizes(region["sizes"]) if region.get("sizes") else ""
    size = f"{', compared at' if resized else ' of'} {region['width']}x{region['height']} px"
    if gate.compares == "objects":
        pairs = zip(region.get("ref_boxes") or (), region.get("edited_boxes") or (), strict=False)
        listed = ", ".join(f"{_box(a)} with {_box(b)}" for a, b in pairs)
        return f"objects {listed or 'none'}{size}{resized}"
    fraction = gate.details.get("measured_fraction")
    share = f"{100 * fraction:.1f} %" if isinstance(fraction, (int, float)) else ""
    area = region.get("coords")
    if gate.scope is None or not area:
        return f"the whole image{size}, no boxes{resized}"
    side = "inside" if gate.scope == "edit_area" else "outside"
    listed = _boxes(area) if isinstance(area, (list, tuple)) else _shape(area)
    listed += " of the reference" if resized else ""
    return f"{gate.scope}: {side} {listed}{', ' + share if share else ''}{size}{resized}"


def _sizes(sizes: Mapping[str, Any]) -> str:
    """Return how images of unlike sizes were brought to one."""
    reference, edited = ("{}x{} px".format(*sizes[which]) for which in ("reference", "edited"))
    text = f"; reference {reference}, edited {edited}, resize {sizes['resize']}"
    if part := sizes.get("part"):
        text += f": {_box(part)} of the reference"
    if part := sizes.get("edited_part"):
        text += f": {_box(part)} of the edited image"
    text += f" ({sizes['kernel'] or 'nothing scaled'})"
    if "rounded_to" in sizes:
        (width, height), (wide, high) = sizes["reference"], sizes["edited"]
        aspects = f", aspect {width / height:.4g} became {wide / high:.4g}"
        multiple = sizes["rounded_to"]
        text += aspects + (f", rounded to a multiple of {multiple} px" if multiple else "")
    return text


def _shape(area: Mapping[str, Any]) -> str:
    from pytest_editmetrics.images.shapes import Region

    return Region.of(area).text


def _boxes(boxes: Sequence[Sequence[float]]) -> str:
    more = f" and {len(boxes) - 6} more" if len(boxes) > 6 else ""
    return ", ".join(_box(box) for box in boxes[:6]) + more


def _box(box: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value:g}" for value in box) + ")"


def _measured(gate: Gate) -> str:
    parts = []
    if gate.floor is not None and gate.excess is not None:
        floor, excess = format_numbers(gate.floor, gate.excess)
        parts.append(f"floor {floor} (the unedited reference), excess {excess}")
    shown = (
        "net",
        "framing",
        "reference_patches",
        "patch_mask_threshold",
        "n_selected",
        "mixed_patches",
        "unscaled",
        "object_vector",
        "through",
    )
    for key in shown:
        if key in gate.details:
            value = gate.details[key]
            text = format_numbers(value)[0] if isinstance(value, float) else str(value)
            parts.append(f"{key} {text}")
    if "ground" in gate.details:
        parts.append(LAID_ON_BLACK)
    if gate.device is not None:
        parts.append(f"on {gate.device_name or gate.device}")
    return ", ".join(parts)


def _weights(gate: Gate) -> list[str]:
    return [
        f"{weights['name']} sha256 {weights['sha256'][:12]}"
        + (" (smoke: random weights, no quality judgement)" if weights["smoke"] else "")
        for weights in gate.weights
    ]


def _accept(gate: Gate, nodeid: str, mode: str, typed: Callable[[str], str]) -> str | None:
    test = typed(nodeid if gate.fixture is None else str(gate.fixture.get("test")))
    if gate.xfail:  # no recording takes a known fault
        test = shlex.quote(nodeid if gate.fixture is None else str(gate.fixture["id"]))
    if gate.verdict == "review" and gate.review is not None:
        return f"edit the review bound, {gate.origin} {gate.source} (updating never writes one)"
    if gate.verdict in ("missing-golden", "fail") and (why := gate.details.get("no_golden")):
        return f"not possible: {why}"
    if gate.verdict == "missing-golden":
        return _updating(gate, test, mode)
    if gate.of_other_golden:
        return _updating(gate, test, mode if mode not in _MODES else "failed")
    if gate.verdict != "fail" or gate.no_number:
        return None
    if advice := gate.details.get("advice"):
        return str(advice)
    if gate.snapshot is None and gate.origin in WRITTEN_BY_HAND:
        return f"edit {written_at(gate)}, a bound written by hand"
    if pair := gate.details.get("manifest"):
        return f"give the row {pair['row']} a threshold of its own, or edit {gate.source}"
    return _updating(gate, test, mode if mode not in _MODES else "failed")


def _apart(gate: Gate, mode: str) -> str | None:
    """Return how to record for the environment that was given, where accepting is for all."""
    env = str(gate.details.get("env_given") or "").partition(",")[0]
    held = gate.details.keys() & {"no_golden", "advice"}
    if not env or gate.verdict != "fail" or mode not in _MODES or held or gate.xfail:
        return None
    if gate.snapshot is not None:
        file = PurePosixPath(str(gate.snapshot.get("file")))
        if gate.snapshot.get("variant"):
            return None
        how = f"write an empty file {file.with_name(f'{file.stem}@{env}{file.suffix}')}"
    elif gate.origin == "golden" and not gate.env:
        how = f"write `env: {{{env}: {{}}}}` into {gate.source} ({gate.label})"
    else:
        return None
    return f"{how}, then with --editmetrics-update=missing: for {env} alone"


def _updating(gate: Gate, test: str, mode: str) -> str:
    if mode not in _MODES:
        return mode
    if gate.xfail:
        return f"editmetrics approve RUN -k {test}"
    given = gate.details.get("env_given")
    env = f" --editmetrics-env={shlex.quote(str(given))}" if given else ""
    return f"pytest {test}{env} --editmetrics-update={mode}"
