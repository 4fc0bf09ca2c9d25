"""One image from a test to its verdict: compared with its golden, judged, staged, kept."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.calls import illustrated
from pytest_editmetrics.checks.environments import say_of_images
from pytest_editmetrics.checks.first_image import digest_of, first_of, keep_first, other_value
from pytest_editmetrics.checks.measure import bind, measure
from pytest_editmetrics.errors import EditMetricsError, ImageError
from pytest_editmetrics.measurement import Measurement, Scope, SoftFailure, Threshold
from pytest_editmetrics.session.owner import Owner
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pytest_editmetrics.config.golden_images import Comparator
    from pytest_editmetrics.gates.verdict import Checked, Gate
    from pytest_editmetrics.goldens.comparators import Comparison, Map
    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.goldens.images import Found, ImageAddress, Staged
    from pytest_editmetrics.images.colour import Decoded
    from pytest_editmetrics.images.colour_words import Colour
    from pytest_editmetrics.images.load import Array, ImageLike
    from pytest_editmetrics.images.regions import Mask
    from pytest_editmetrics.images.shapes import Region, RegionLike

LARGE = 1_000_000


@dataclass(frozen=True)
class ImageJob:
    """One call of ``golden_image.check``; see there. ``facts`` are the user's provenance.

    ``owner`` is the running test or fixture; ``None`` if a saved image is compared again, of the
    edit that ran in ``environment``.
    """

    owner: Owner | None
    comparator: Comparator
    argument: Threshold | None
    image: ImageLike
    address: ImageAddress
    coords: RegionLike | None
    scope: Scope | None
    facts: Mapping[str, Any]
    environment: Environment | None = None
    colour: Colour = "seen"


@dataclass(frozen=True)
class ImageResult:
    """What became of a job; ``staged`` is to be promoted if the test ends well."""

    gate: Gate
    measurement: Measurement | None = None
    staged: Staged | None = None


@dataclass(frozen=True)
class _Prepared:
    """What a job is about: the image, what of it is compared."""

    decoded: Decoded
    area: Region
    scope: Scope | None
    mask: Mask
    region: Checked

    @property
    def pixels(self) -> Array:
        """What is compared: uint8, (H, W), (H, W, 3) or (H, W, 4)."""
        return self.decoded.pixels


def run_job(session: EditSession, job: ImageJob) -> ImageResult:
    """Compare, judge, and stage what is to be recorded; with a run directory keep the images.

    Raises:
        EditMetricsError: something could not be compared at all.
    """
    from pytest_editmetrics.gates.image_verdict import Bounds, empty_region, judge_image
    from pytest_editmetrics.goldens.colour import told
    from pytest_editmetrics.goldens.images import Found, find_image

    settings = session.settings.golden_images
    image = _prepared(session, job)
    if not image.mask.any():
        gate = empty_region(job.comparator, job.address.name, image.scope, image.region)
        gate = _shown(session, job, gate, image, None, None)
        soft = SoftFailure("empty-region", gate.message or "")
        return ImageResult(gate, Measurement(gate.metric, None, image.scope, soft))
    session.goldens.check_inside(job.address.folder)
    update = session.options["update"]
    environment = job.environment or session.environment
    variants = session.variant_files.of(job.address)
    device = _device(session, job, environment)
    found = find_image(job.address, environment.among(variants), settings.format)
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
    compared = None
    if golden is not None and unlike is None:
        compared = _compared(session, job, image, golden)
    made = _made(session, job, device, compared)
    gate = judge_image(
        job.comparator,
        Bounds.of(job.comparator, settings, job.argument),
        name=job.address.name,
        update=update,
        snapshot={
            **_snapshot(session, job, found, sha256, made),
            **({} if first is None else {"file": first.staged.target}),
            **({} if profile is None else {"profile": profile}),
        },
        region=image.region,
        compared=compared,
        unlike=unlike,
        scope=image.scope,
    )
    gate = replace(gate, environment=environment.names_if_known())
    gate = replace(gate, details={**gate.details, **told(image.decoded, job.colour)})
    gate = _shown(session, job, gate, image, golden, compared)
    staged = None
    if gate.verdict == "recorded":
        staged = _staged(session, job, image, found, made)
        keep_first(job.owner, job.address, staged, found.variant if found else None)
        snapshot = {**(gate.snapshot or {}), "file": staged.target}
        gate = replace(gate, snapshot=snapshot, message=staged.warning or gate.message)
    return ImageResult(gate, _measurement(gate, compared), staged)


def _prepared(session: EditSession, job: ImageJob) -> _Prepared:
    import numpy as np

    from pytest_editmetrics.gates.verdict import Checked
    from pytest_editmetrics.images.load import read_pixels
    from pytest_editmetrics.images.masks import bounds
    from pytest_editmetrics.images.regions import region_mask
    from pytest_editmetrics.images.shapes import Region

    decoded = read_pixels(job.image, colour=job.colour)
    height, width = decoded.pixels.shape[:2]
    area = Region.of(job.coords).read()
    scope = job.scope or ("unedit_area" if area else None)
    if scope == "unedit_area" and not area:
        scope = None
    inside = region_mask(area, "inner", height, width)
    if scope is None:
        measured = np.ones_like(inside)
    else:
        measured = inside if scope == "edit_area" else ~inside
    return _Prepared(
        decoded,
        area,
        scope,
        measured,
        Checked(
            coords=area.to_json() or None,
            bounds=None if area.plain else bounds(inside),
            width=width,
            height=height,
        ),
    )


def _device(session: EditSession, job: ImageJob, environment: Environment) -> str | None:
    """Return what the provenance of the image names; asked for only where it may be written."""
    if session.options["update"] != "none":
        return environment.seen().device
    if session.run_dir is None or job.owner is None:
        return environment.device_if_known()
    try:
        return environment.seen().device  # `approve` may record it
    except EditMetricsError:
        return None


def _golden(
    session: EditSession, found: Found | None, image: _Prepared, job: ImageJob
) -> tuple[Array | None, str | None, str | None, str | None]:
    """Return the golden's pixels, why they cannot be compared with the image's, and its hash.

    The last value says how the colour profile of the image is another, if it is.
    """
    from pytest_editmetrics.goldens.colour import other_profile
    from pytest_editmetrics.goldens.comparators import unlike
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
            raise
        return None, str(error), sha256, None
    why, profile = unlike(golden.pixels, image.pixels), None
    if why is None:
        profile = other_profile(golden.icc, image.decoded.icc)
        why = profile if job.comparator == "exact" else None
    return golden.pixels, why, sha256, profile


def _compared(session: EditSession, job: ImageJob, image: _Prepared, golden: Array) -> Comparison:
    from pytest_editmetrics.goldens.comparators import compare

    def lpips(before: Array, after: Array) -> tuple[Measurement, Map]:
        return _lpips(session, job, image, before, after)

    settings = session.settings.golden_images
    with session.clock.of("comparing"):
        return compare(
            job.comparator,
            golden,
            image.pixels,
            image.mask,
            tile=settings.tile,
            distance=settings.distance,
            lpips=lpips,
        )


def _lpips(
    session: EditSession, job: ImageJob, image: _Prepared, golden: Array, after: Array
) -> tuple[Measurement, Map]:
    from pytest_editmetrics.pipes.explain import Evidence

    config = session.settings.metric_configs["lpips"]
    bound = bind(job.owner, session, config, {})
    area = None if image.scope is None else image.area
    config = replace(config, scope=image.scope or "unedit_area")
    evidence = Evidence()
    try:
        measurement = measure(bound, config, (golden, after), area, evidence)
    except EditMetricsError:
        raise
    except Exception as error:  # the pipe may be the user's
        name = type(error).__name__
        raise EditMetricsError(f"{config.pipe_name} raised {name}: {error}") from error
    if bound.fixture is not None:
        details = {**measurement.details, "fixture": bound.fixture}
        measurement = replace(measurement, details=details)
    if measurement.value is None or evidence.heat is None:
        raise EditMetricsError(
            f"golden_image needs an LPIPSPipe, and {type(bound.pipe).__name__}, which the fixture"
            " lpips_pipe gives, tells no places; give another comparator="
        )
    return measurement, evidence.heat()


def _made(
    session: EditSession, job: ImageJob, device: str | None, compared: Comparison | None
) -> dict[str, Any]:
    """Return the provenance of the image, as its golden's entry would state it."""
    weights: list[dict[str, str]] = []
    if job.comparator == "lpips":
        used: Any = compared.measurement.weights if compared and compared.measurement else ()
        used = used or _lpips_weights(session, job)
        weights = [{"name": one.name, "sha256": one.sha256} for one in used]
    return {
        "test": job.address.test,
        **({} if job.address.name is None else {"name": job.address.name}),
        **digest_of(job.owner),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": dict(session.made_with),
        **({} if device is None else {"device": device}),
        "weights": weights,
        "facts": dict(job.facts),
    }


def _lpips_weights(session: EditSession, job: ImageJob) -> list[Any]:
    """Return the weights that the image will be compared with, without loading them."""
    from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe
    from pytest_editmetrics.weights.find import find_lpips

    pipe = bind(job.owner, session, session.settings.metric_configs["lpips"], {}).pipe
    if not isinstance(pipe, LPIPSPipe):
        return []
    return [find_lpips(pipe.net, None if pipe.model_path is None else str(pipe.model_path))]


def _snapshot(
    session: EditSession,
    job: ImageJob,
    found: Found | None,
    sha256: str | None,
    made: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the gate tells of the golden image."""
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.provenance import entry_of

    path = job.address.file(None, ".png") if found is None else found.path
    entries = session.goldens.provenance(path.parent)
    entry = None if sha256 is None else entry_of(entries, path.name, sha256)
    across, device = None, made.get("device")
    if entry is not None and device is not None and entry.get("device") not in (None, device):
        across = f"made on {entry['device']}, compared with one made on {device}"
    return {
        "file": shown_path(path, session.rootdir),
        "variant": found.variant if found else None,
        "comparator": job.comparator,
        "tile": None,
        "provenance": entry,
        "proposed": made,
        "across": across,
    }


def _shown(
    session: EditSession,
    job: ImageJob,
    gate: Gate,
    image: _Prepared,
    golden: Array | None,
    compared: Comparison | None,
) -> Gate:
    """Keep the images in the run directory; show what fails, and say where it changed."""
    if session.run_dir is not None:
        from pytest_editmetrics.runs.evidence import keep_golden

        heat = compared.heat if compared else None
        gate = keep_golden(session.run_dir, gate, image.decoded, golden, image.mask, heat)
    if gate.verdict not in ("fail", "missing-golden") or job.owner is None:
        return gate
    from pytest_editmetrics.goldens.comparators import seen
    from pytest_editmetrics.report.picture import describe_change

    now = seen(image.pixels)
    images = (now,) if golden is None else (seen(golden), now)
    if golden is not None and compared is not None:
        change = describe_change((seen(golden), now), image.mask)
        gate = replace(gate, details={**gate.details, "change": change})
    return illustrated(session, gate, images, job.owner.test.nodeid)


def _staged(
    session: EditSession,
    job: ImageJob,
    image: _Prepared,
    found: Found | None,
    made: Mapping[str, Any],
) -> Staged:
    from pytest_editmetrics.goldens.colour import encode_golden
    from pytest_editmetrics.goldens.images import stage
    from pytest_editmetrics.images.pixels import megabytes

    data, suffix = encode_golden(image.decoded, session.settings.golden_images.format)
    target = job.address.file(found.variant if found else None, suffix)
    staged = stage(data, target, made, session.rootdir)
    if len(data) <= LARGE:
        return staged
    sizes = " or ".join(
        f"{megabytes(len(encode_golden(image.decoded, name)[0]))} as {text}"
        for name, text in (("png", "optimised PNG"), ("webp", "lossless WebP"))
    )
    return replace(
        staged,
        warning=f"{staged.target} is large: it takes {sizes} (golden_images: format in"
        " editmetrics.yaml)",
    )


def _measurement(gate: Gate, compared: Comparison | None) -> Measurement | None:
    if compared is None:
        return None
    made = compared.measurement
    return Measurement(
        gate.metric,
        compared.value,
        gate.scope,  # type: ignore[arg-type]
        device=gate.device or "cpu",
        device_name=gate.device_name or "cpu",
        weights=() if made is None else made.weights,
        details=dict(gate.details),
    )
