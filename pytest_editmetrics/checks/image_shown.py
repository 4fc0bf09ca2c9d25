"""What is kept and shown of an image and its golden: files, a picture, what happened to it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.drawing import drawing
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.background.diagnosis import Diagnosis
    from pytest_editmetrics.checks.image_job import ImageJob
    from pytest_editmetrics.checks.image_prepared import Prepared
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.goldens.comparators import Comparison
    from pytest_editmetrics.images.colour import Decoded
    from pytest_editmetrics.images.ground import Ground
    from pytest_editmetrics.images.load import Array
    from pytest_editmetrics.images.regions import Mask

_DIAGNOSED_EDGE = 16  # pixels; a smaller image shows no cause
_HEAT, _COMPARED = "heat", "compared"
_NAMES = "the golden", "the image"
_HIDDEN = "nothing that is seen: only colours beneath an alpha that hides them"
_SHOWN = ("fail", "missing-golden")


def shown(
    session: EditSession,
    test: str | None,
    gates: Sequence[Gate],
    image: Decoded,
    golden: Decoded | None,
    mask: Mask,
    compared: Mapping[Any, Comparison],
) -> list[Gate]:
    """Keep the images in the run directory; show what fails, and say what happened to it.

    Args:
        session: whose run directory and pictures these are.
        test: the test's node id; ``None`` if nobody looks at a picture of it.
        gates: of one image, one a comparator.
        image: as it was read.
        golden: its golden as it was read, if there is one.
        mask: boolean (H, W), true where compared.
        compared: what each comparator found.
    """
    gates = list(gates)
    if session.run_dir is not None:
        pixels = None if golden is None else golden.pixels
        gates = _kept(session, gates, image, pixels, mask, compared)
    failing = [gate for gate in gates if gate.verdict in _SHOWN]
    if test is None or not failing:
        return gates
    from pytest_editmetrics.goldens.comparators import seen

    as_read = (image,) if golden is None else (golden, image)
    told: dict[Ground, tuple[dict[str, Any], str]] = {}
    for gate in failing:
        if (ground := _ground(gate)) in told:
            continue
        images = tuple(seen(one.pixels, ground) for one in as_read)
        said: dict[str, Any] = {}
        with drawing(session, gate, images, test) as picture:
            if golden is not None and compared:
                said = _said(session, gates, images, mask, (golden, image), ground)
            told[ground] = said, picture()
    for index, gate in enumerate(gates):
        if gate.verdict in _SHOWN:
            said, drawn = told[_ground(gate)]
            gates[index] = replace(gate, details={**gate.details, **said}, picture=drawn)
    return gates


def _ground(gate: Gate) -> Ground:
    """Return what shows why a gate fails: what is said, drawn and kept is of images laid on it."""
    return "black" if "ground" in gate.details else "white"


def without(session: EditSession, job: ImageJob, image: Prepared) -> dict[str, str]:
    """Return what tells which golden of another name, or place, an image without one may have."""
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.images import left_behind
    from pytest_editmetrics.runs.writing import image_name

    found = {"picture": image_name(image.decoded.bare, image.decoded.icc)}
    if (left := left_behind(session.goldens, job.address)) is not None:
        found["left"] = shown_path(left, session.rootdir)
    return found


def _kept(
    session: EditSession,
    gates: Sequence[Gate],
    image: Decoded,
    golden: Array | None,
    mask: Mask,
    compared: Mapping[Any, Comparison],
) -> list[Gate]:
    """Save the images once for all gates; the map of LPIPS is of its own gate only."""
    from pytest_editmetrics.runs.evidence import keep_golden

    assert session.run_dir is not None
    heat = next((one.heat for one in compared.values() if one.heat is not None), None)
    black = golden is not None and any(_ground(gate) == "black" for gate in gates)
    first = keep_golden(session.run_dir, gates[0], image, golden, mask, heat, black=black)
    told = {key: first.details[key] for key in ("not_kept",) if key in first.details}
    kept = []
    for gate in gates:
        of_map = compared.get((gate.snapshot or {}).get("comparator"))
        mapped = of_map is not None and of_map.heat is not None
        left_out = {_HEAT: not mapped, _COMPARED: _ground(gate) == "white"}
        images = {key: path for key, path in first.images.items() if not left_out.get(key)}
        kept.append(replace(gate, images=images, details={**gate.details, **told}))
    return kept


def _said(
    session: EditSession,
    gates: Sequence[Gate],
    images: tuple[Array, ...],
    mask: Mask,
    as_read: tuple[Decoded, Decoded],
    ground: Ground,
) -> dict[str, Any]:
    """Return how the picture changed and what happened to it, as details."""
    from pytest_editmetrics.report.picture import describe_change

    before, after = images
    said: dict[str, Any] = {"change": describe_change((before, after), mask)}
    if (before == after)[mask].all() and as_read[1].pixels.shape[2:] == (4,):
        said["change"] = _HIDDEN
    finite = all(gate.value is None or math.isfinite(gate.value) for gate in gates)
    if finite and min(mask.shape) >= _DIAGNOSED_EDGE:
        inside = "edit area" if gates[0].scope == "edit_area" else "background"
        with session.clock.of("diagnosis"):
            what = "picture" if mask.all() else inside
            if causes := _causes((before, after), as_read, mask, what, ground):
                said["causes"] = causes
    return said


def _causes(
    images: tuple[Array, Array],
    as_read: tuple[Decoded, Decoded],
    mask: Mask,
    what: str,
    ground: Ground,
) -> list[dict[str, Any]]:
    """Return the causes, in the words for ``what`` is measured in place of a background."""
    from pytest_editmetrics.background.diagnosis import diagnose
    from pytest_editmetrics.background.transparent import diagnose_transparent

    try:
        found = None
        golden, image = (one.pixels for one in as_read)
        if golden.shape[2:] == image.shape[2:] == (4,):
            bare, alphas = (golden[..., :3], image[..., :3]), (golden[..., 3], image[..., 3])
            found = diagnose_transparent(images, bare, alphas, mask, _NAMES, ground)
        if found is None and any(one.numbers is not None for one in as_read):
            found = _misread(images, as_read, mask)
        found = found or diagnose(*images, mask)
        return [_said_of(what, cause) for cause in found.to_dict()]
    except Exception as error:  # whatever it is, the verdict stands
        return [{"kind": "unexplained", "text": f"not diagnosed: {type(error).__name__}: {error}"}]


def _misread(
    images: tuple[Array, Array], as_read: tuple[Decoded, Decoded], mask: Mask
) -> Diagnosis:
    """Return the causes where golden or image has a colour profile, which may have been lost."""
    from pytest_editmetrics.background.colour_profile import diagnose_profiles
    from pytest_editmetrics.goldens.comparators import seen

    before, after = (seen(one.pixels if one.numbers is None else one.numbers) for one in as_read)
    read = {"reference": as_read[0].notes, "edited": as_read[1].notes}
    return diagnose_profiles(images, (before, after), mask, read, _NAMES)


def _said_of(what: str, cause: Mapping[str, Any]) -> dict[str, Any]:
    from pytest_editmetrics.report.causes import without_edit

    cause = cause if what == "background" else without_edit(cause)
    words = {key: str(cause[key]) for key in ("text", "long") if key in cause}
    return {**cause, **{key: text.replace("background", what) for key, text in words.items()}}
