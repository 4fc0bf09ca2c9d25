"""One image from a test to its verdict: compared with its golden, judged, staged, kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.calls import EXIT
from pytest_editmetrics.checks.environments import say_of_images
from pytest_editmetrics.checks.first_image import first_of, keep_first, other_value
from pytest_editmetrics.checks.golden_found import check_approved, check_other_file
from pytest_editmetrics.checks.image_compared import Results, compared_with
from pytest_editmetrics.checks.image_held import Held, held_by
from pytest_editmetrics.checks.image_made import (
    device_of,
    made_of,
    staged_entry,
    staged_image,
)
from pytest_editmetrics.checks.image_prepared import Prepared, prepared
from pytest_editmetrics.checks.image_shown import shown, without
from pytest_editmetrics.errors import EditMetricsError, ImageError
from pytest_editmetrics.measurement import Measurement, Scope, SoftFailure, Threshold
from pytest_editmetrics.session.owner import Owner, update_of
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.golden_images import Comparator, ImageSettings
    from pytest_editmetrics.gates.verdict import Gate, UpdateMode
    from pytest_editmetrics.goldens.comparators import Comparison
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.goldens.images import Found, ImageAddress, Staged
    from pytest_editmetrics.goldens.provenance import Entry
    from pytest_editmetrics.images.colour import Decoded
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.load import ImageLike
    from pytest_editmetrics.images.shapes import RegionLike

_LOST = (
    "it is not the file that was recorded: bring that back (`git checkout`), or record it again"
    " with --editmetrics-update=all"
)


@dataclass(frozen=True)
class ImageJob:
    """One call of ``golden_image.check``; see there. ``facts`` are the user's provenance.

    ``comparators`` are those of the call, each with its bound; ``None`` if it names none. ``owner``
    is the running test or fixture; ``None`` if a saved image is compared again, of the edit that
    ran in ``environment``: ``joined`` are all comparators of its check then, which ``comparators``
    are some of. ``failed`` makes the gate of a comparator that could not compare; without it the
    error is raised.
    ``judged_only``: nothing is recorded, kept or shown.
    """

    owner: Owner | None
    comparators: Mapping[Comparator, Threshold | None] | None
    image: ImageLike
    address: ImageAddress
    coords: RegionLike | None
    scope: Scope | None
    facts: Mapping[str, Any]
    environment: Environment | None = None
    colour: Colour = "seen"
    joined: tuple[str, ...] = ()
    failed: Callable[[Comparator, Exception], Gate] | None = None
    judged_only: bool = False


@dataclass(frozen=True)
class ImageResult:
    """What became of a job, a gate for each comparator; ``staged`` waits for the test to end well.

    ``measurements`` are of those that measured; ``ended`` is what ended the test before all had.
    """

    gates: tuple[Gate, ...]
    measurements: list[Measurement] = field(default_factory=list)
    staged: Staged | None = None
    ended: BaseException | None = None


def run_job(session: EditSession, job: ImageJob) -> ImageResult:
    """Compare, judge, and stage what is to be recorded; with a run directory keep the images.

    Raises:
        EditMetricsError: something could not be compared at all.
    """
    from pytest_editmetrics.goldens.colour import told
    from pytest_editmetrics.goldens.images import Found, find_image

    settings = session.settings.golden_images
    session.goldens.check_inside(job.address.folder)
    update = "none" if job.judged_only else update_of(session.options, job.owner)
    environment = job.environment or session.environment
    variants = session.variant_files.of(job.address)
    found = find_image(job.address, environment.among(variants), settings.format)
    if found is not None and not found.empty:
        check_other_file(session, job, found)
    image = prepared(job.image, job.coords, job.scope, job.colour)
    if not image.mask.any():
        return _empty(session, job, image, found)
    device = device_of(session, job.owner, environment)
    say_of_images(session, environment, variants)
    first = first_of(job.owner, job.address)
    if first is not None:
        found, update = Found(session.rootdir / first.staged.file, first.variant), "none"
    elif found is not None:
        session.goldens.check_inside(found.path)
    golden, unlike, sha256, profile = _golden(session, found, image, job)
    if first is None and found is not None and sha256 is not None:
        other = other_value(job.owner, found.path, sha256)
        if other is not None and update not in ("failed", "all"):
            raise EditMetricsError(other)
        golden, unlike = (None, other) if other else (golden, unlike)
    entry = _entry(session, found, sha256)
    if first is None and found is not None and sha256 is not None and entry is None:
        check_approved(session, job, found)
    held = _held(session, job, found, entry, image)
    if found is not None and not found.empty and first is None and entry is None:
        held = replace(held, no_entry=True)
    if profile is not None and "exact" in held.comparators:
        unlike = unlike or profile
    results = compared_with(
        None if golden is None or unlike else golden.pixels, session, job, image, held
    )
    compared = results.found
    made = made_of(
        session,
        job.address,
        job.owner,
        device=device,
        comparators=job.joined or held.comparators,
        used=results.weights,
        facts=job.facts,
    )
    snapshot = {
        **_snapshot(session, job, found, entry, made),
        **({"unstated": True} if held.unstated else {}),
        **({"no_entry": True} if held.no_entry and golden is not None else {}),
        **({"lost": True} if found is None and _has_entry(session, job.address) else {}),
        **({} if sha256 is None else {"sha256": sha256}),
        **({} if first is None else {"file": first.staged.target}),
        **({} if profile is None else {"profile": profile}),
        **(without(session, job, image) if golden is None and update == "none" else {}),
    }
    gates = _judged(job, held, settings, image, update, snapshot, results, unlike)
    gates = [
        replace(
            gate,
            environment=environment.names_if_known(),
            details={
                **gate.details,
                **told(image.decoded, job.colour),
                **environment.typed,
                **({"black": True} if _black(image, golden) else {}),
            },
        )
        for gate in gates
    ]
    if results.ended is not None:
        if results.last is not None and job.failed is not None and isinstance(results.ended, EXIT):
            exited = EditMetricsError(f"its pipe raised Exit: {results.ended}")
            gates.append(job.failed(results.last, exited))
        gates = [gate for gate in gates if gate.verdict != "recorded"]
        if not gates or job.judged_only or job.failed is None:
            raise results.ended
    if job.judged_only:
        return ImageResult(tuple(gates), [])
    test = None if job.owner is None else job.owner.test.nodeid
    gates = shown(session, test, gates, image.decoded, golden, image.mask, compared)
    staged = None
    if any(gate.verdict == "recorded" for gate in gates):
        staged = staged_image(session, job.address, image.decoded, found, made)
        keep_first(job.owner, job.address, staged, found.variant if found else None)
        gates = [_recorded(gate, staged) for gate in gates]
    elif (
        results.ended is None
        and update in ("missing", "failed")
        and _to_be_named(held, gates)
        and found
    ):
        lost: Mapping[str, Any] = {
            key: made[key] for key in ("test", "name", "digest") if key in made
        }
        staged = staged_entry(session, found.path, entry or lost, held.comparators)
        if held.no_entry:
            gates = [replace(g, snapshot={**(g.snapshot or {}), "signed": True}) for g in gates]
    return ImageResult(tuple(gates), _measurements(gates, compared), staged, results.ended)


def _black(image: Prepared, golden: Decoded | None) -> bool:
    """Tell whether an image, and its golden if there is one, are black: no fault shows in such."""
    pictures = [image.pixels] + ([] if golden is None else [golden.pixels])
    return all(
        picture[..., : 3 if picture.ndim == 3 else None].max(initial=0) <= 1 for picture in pictures
    )


def _to_be_named(held: Held, gates: Iterable[Gate]) -> bool:
    """Tell whether the entry of a golden that holds has to be told by which comparators."""
    wanting = held.names_missing or held.no_entry
    return wanting and all(gate.verdict == "pass" for gate in gates)


def _recorded(gate: Gate, staged: Staged) -> Gate:
    if gate.verdict != "recorded":
        return gate
    snapshot = {**(gate.snapshot or {}), "file": staged.target}
    return replace(gate, snapshot=snapshot, message=staged.warning or gate.message)


def _entry(session: EditSession, found: Found | None, sha256: str | None) -> Entry | None:
    from pytest_editmetrics.goldens.provenance import entry_of

    if found is None or sha256 is None:
        return None
    return entry_of(session.goldens.provenance(found.path.parent), found.path.name, sha256)


def _has_entry(session: EditSession, address: ImageAddress) -> bool:
    """Tell whether provenance has an entry of an image whose file is not there."""
    from pytest_editmetrics.goldens.image_names import golden_stem

    with suppress(EditMetricsError):
        entries = session.goldens.provenance(address.folder)
        names = [name for name in entries if golden_stem(name) == address.stem]
        return any(not (address.folder / name).exists() for name in names)
    return False


def _held(
    session: EditSession,
    job: ImageJob,
    found: Found | None,
    entry: Entry | None,
    image: Prepared,
) -> Held:
    from pytest_editmetrics.config.reader import shown_path

    return held_by(
        job.comparators,
        session.settings.golden_images,
        entry,
        edge=min(image.pixels.shape[:2]),
        updating=update_of(session.options, job.owner) != "none",
        golden="" if found is None else shown_path(found.path, session.rootdir),
    )


def _empty(
    session: EditSession, job: ImageJob, image: Prepared, found: Found | None
) -> ImageResult:
    """Return what comes of boxes that leave no pixel to compare: a soft failure."""
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.gates.image_verdict import empty_region

    held = _held(session, job, None, None, image)
    there = found is not None and not found.empty
    approved = shown_path(found.path, session.rootdir) if found is not None and there else None
    gates = [
        empty_region(one, job.address.name, image.scope, image.region, approved)
        for one in held.comparators
    ]
    gates = shown(session, None, gates, image.decoded, None, image.mask, {})
    soft = SoftFailure("empty-region", gates[0].message or "")
    return ImageResult(
        tuple(gates), [Measurement(gate.metric, None, image.scope, soft) for gate in gates]
    )


def _judged(
    job: ImageJob,
    held: Held,
    settings: ImageSettings,
    image: Prepared,
    update: UpdateMode,
    snapshot: Mapping[str, Any],
    results: Results,
    unlike: str | None,
) -> list[Gate]:
    """Return a gate for each comparator that has a result; if one is to be recorded, all are."""
    from pytest_editmetrics.gates.image_verdict import Bounds, judge_image

    joined = job.joined or tuple(held.comparators)
    gates = [
        results.failed.get(comparator)
        or judge_image(
            comparator,
            Bounds.of(comparator, settings, argument, joined),
            name=job.address.name,
            update=update,
            snapshot={**snapshot, "comparator": comparator, "joined": list(joined)},
            region=image.region,
            compared=results.found.get(comparator),
            unlike=unlike,
            scope=image.scope,
        )
        for comparator, argument in results.of(held).items()
    ]
    if not any(gate.verdict == "recorded" for gate in gates):
        return gates
    return [replace(gate, verdict="recorded") if gate.verdict == "pass" else gate for gate in gates]


def _golden(
    session: EditSession, found: Found | None, image: Prepared, job: ImageJob
) -> tuple[Decoded | None, str | None, str | None, str | None]:
    """Return the golden, why its pixels cannot be compared with the image's, and its hash.

    The last value says how the colour profile of the image is another, if it is.
    """
    from pytest_editmetrics.goldens.colour import other_profile
    from pytest_editmetrics.goldens.comparators import unlike
    from pytest_editmetrics.images.files import is_lfs_pointer
    from pytest_editmetrics.images.load import read_encoded_pixels, read_image_file

    if found is None or found.empty:
        return None, None, None, None
    sha256 = None
    try:
        data, what = read_image_file(found.path, "golden image")
        sha256 = hashlib.sha256(data).hexdigest()
        golden = read_encoded_pixels(data, what, job.colour)
    except ImageError as error:
        if session.options["update"] != "all":
            if sha256 is None or is_lfs_pointer(data) or _entry(session, found, sha256) is not None:
                raise
            raise ImageError(f"{error}; {_LOST}") from error
        return None, str(error), sha256, None
    why, profile = unlike(golden.pixels, image.pixels), None
    if why is None:
        profile = other_profile(golden.icc, image.decoded.icc)
    return golden, why, sha256, profile


def _snapshot(
    session: EditSession,
    job: ImageJob,
    found: Found | None,
    entry: Entry | None,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the gates tell of the golden image."""
    from pytest_editmetrics.config.reader import shown_path

    path = job.address.file(None, ".png") if found is None else found.path
    across, device = None, made.get("device")
    if entry is not None and device is not None and entry.get("device") not in (None, device):
        across = f"made on {entry['device']}, compared with one made on {device}"
    return {
        "file": shown_path(path, session.rootdir),
        "variant": found.variant if found else None,
        "tile": None,
        "provenance": entry,
        "proposed": made,
        "across": across,
    }


def _measurements(
    gates: Iterable[Gate], compared: Mapping[Comparator, Comparison]
) -> list[Measurement]:
    found = []
    for gate in gates:
        name: Any = (gate.snapshot or {}).get("comparator")
        if name in compared:
            made = compared[name].measurement
            found.append(
                Measurement(
                    gate.metric,
                    compared[name].value,
                    gate.scope,  # type: ignore[arg-type]
                    device=gate.device or "cpu",
                    device_name=gate.device_name or "cpu",
                    weights=() if made is None else made.weights,
                    details=dict(gate.details),
                )
            )
    return found
