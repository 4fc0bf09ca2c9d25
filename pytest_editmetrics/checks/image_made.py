"""What made an image, as its golden's entry states it, and the image on its way to be recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.checks.first_image import digest_of
from pytest_editmetrics.checks.image_held import COMPARATOR
from pytest_editmetrics.checks.measure import bind
from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.measurement import WeightsUsed
from pytest_editmetrics.session.owner import Owner
from pytest_editmetrics.session.state import EditSession

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_editmetrics.goldens.environment import Environment
    from pytest_editmetrics.goldens.images import Found, ImageAddress, Staged
    from pytest_editmetrics.images.colour import Decoded

LARGE = 1_000_000


def device_of(session: EditSession, owner: Owner | None, environment: Environment) -> str | None:
    """Return what the provenance of the image names; asked for only where it may be written."""
    if session.options["update"] != "none":
        return environment.seen().device
    if session.run_dir is None or owner is None:
        return environment.device_if_known()
    try:
        return environment.seen().device  # `approve` may record it
    except EditMetricsError:
        return None


def made_of(
    session: EditSession,
    address: ImageAddress,
    owner: Owner | None,
    *,
    device: str | None,
    comparators: Iterable[str],
    used: Iterable[WeightsUsed],
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the provenance of an image, as its golden's entry would state it."""
    return {
        "test": address.test,
        **({} if address.name is None else {"name": address.name}),
        **digest_of(owner),
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": dict(session.made_with),
        **({} if device is None else {"device": device}),
        COMPARATOR: list(comparators),
        "weights": [{"name": one.name, "sha256": one.sha256} for one in used],
        "facts": dict(facts),
    }


def lpips_weights(session: EditSession, owner: Owner | None) -> list[Any]:
    """Return the weights that the image will be compared with, without loading them."""
    from pytest_editmetrics.images.replaced_files import check_real_files
    from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe
    from pytest_editmetrics.weights.find import find_lpips

    pipe = bind(owner, session, session.settings.metric_configs["lpips"], {}).pipe
    if not isinstance(pipe, LPIPSPipe):
        return []
    check_real_files(f"{pipe.key}: its model")
    return [find_lpips(pipe.net, None if pipe.model_path is None else str(pipe.model_path))]


def staged_image(
    session: EditSession,
    address: ImageAddress,
    decoded: Decoded,
    found: Found | None,
    made: Mapping[str, Any],
) -> Staged:
    """Write an image beside the goldens, to be promoted."""
    from pytest_editmetrics.goldens.colour import encode_golden
    from pytest_editmetrics.goldens.images import stage
    from pytest_editmetrics.images.pixels import megabytes

    data, suffix = encode_golden(decoded, session.settings.golden_images.format)
    target = address.file(found.variant if found else None, suffix)
    staged = stage(data, target, made, session.rootdir)
    if len(data) <= LARGE:
        return staged
    sizes = " or ".join(
        f"{megabytes(len(encode_golden(decoded, name)[0]))} as {text}"
        for name, text in (("png", "optimised PNG"), ("webp", "lossless WebP"))
    )
    return replace(
        staged,
        warning=f"{staged.target} is large: it takes {sizes} (golden_images: format in"
        " editmetrics.yaml)",
    )


def staged_entry(
    session: EditSession, golden: Path, entry: Mapping[str, Any], comparators: Iterable[str]
) -> Staged:
    """Write a golden as it is beside itself, so that its entry comes to name its comparators."""
    from pytest_editmetrics.goldens.images import stage

    named = {**entry, COMPARATOR: list(comparators)}
    return replace(stage(golden.read_bytes(), golden, named, session.rootdir), same=True)
