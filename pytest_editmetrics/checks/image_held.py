"""What holds an image to its golden: the call's comparators, the settings', or the entry's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.measurement import Threshold

if TYPE_CHECKING:
    from pytest_editmetrics.config.golden_images import Comparator, ImageSettings

COMPARATOR = "comparator"
"""The key of a golden's entry that names its comparators."""


@dataclass(frozen=True)
class Held:
    """The comparators that all have to hold, each with the bound that the call gives, if any.

    ``unstated``: the golden's entry, which had to say, names none, so that it is held as goldens
    were before entries did. ``names_missing``: the entry names none, whatever holds. ``no_entry``:
    the golden has none, or one of another file.
    """

    comparators: Mapping[Comparator, Threshold | None]
    unstated: bool = False
    names_missing: bool = False
    no_entry: bool = False


def held_by(
    stated: Mapping[Comparator, Threshold | None] | None,
    settings: ImageSettings,
    entry: Mapping[str, Any] | None,
    *,
    edge: int,
    updating: bool,
    golden: str,
) -> Held:
    """Return what holds an image.

    Args:
        stated: what the call states, ``None`` if nothing.
        settings: what ``editmetrics.yaml`` states.
        entry: the golden's provenance; ``None`` if there is none.
        edge: the image's shorter edge, in pixels.
        updating: whether goldens are recorded: then an entry that names none is brought up to date.
        golden: the golden's file, for messages.

    Raises:
        EditMetricsError: the entry names something that is no comparator.
    """
    from pytest_editmetrics.config.golden_images import BEFORE, by_default

    missing = entry is not None and COMPARATOR not in entry
    if stated is not None:
        return Held(stated, names_missing=missing)
    if settings.comparators is not None:
        return Held(dict.fromkeys(settings.comparators), names_missing=missing)
    if entry is None or (missing and updating):
        return Held(dict.fromkeys(by_default(edge)), names_missing=missing)
    if missing:
        return Held(dict.fromkeys(BEFORE), unstated=True, names_missing=True)
    return Held(dict.fromkeys(_of_entry(entry[COMPARATOR], golden)))


def _of_entry(names: object, golden: str) -> list[Comparator]:
    from pytest_editmetrics.config.golden_images import joined

    try:
        if not isinstance(names, list):
            raise InputError(f"it is no list of names: {names!r:.80}")
        return list(joined(names))
    except InputError as error:
        raise EditMetricsError(
            f"{golden}: what `comparator` of its entry in provenance.yaml says cannot be used:"
            f" {error}; record it again with --editmetrics-update=all"
        ) from None
