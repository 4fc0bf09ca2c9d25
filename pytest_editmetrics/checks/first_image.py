"""Whose a golden image is: another repetition's, or another value's of the test's parameter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_editmetrics.session.owner import Owner
from pytest_editmetrics.session.state import session_of

if TYPE_CHECKING:
    from pytest_editmetrics.goldens.images import ImageAddress, Staged


@dataclass(frozen=True)
class First:
    """The image of the first of a test's repetitions that recorded one."""

    nodeid: str
    staged: Staged
    variant: str | None


_recorded = pytest.StashKey[dict[Path, First]]()


def first_of(owner: Owner | None, address: ImageAddress) -> First | None:
    """Return what another repetition of the test recorded in this session, to compare with."""
    if owner is None:
        return None
    first = owner.config.stash.setdefault(_recorded, {}).get(address.folder / address.stem)
    return None if first is None or first.nodeid == owner.test.nodeid else first


def keep_first(
    owner: Owner | None, address: ImageAddress, staged: Staged, variant: str | None
) -> None:
    """Remember what a test recorded; a rerun of it takes its place."""
    if owner is not None:
        first = First(owner.test.nodeid, staged, variant)
        owner.config.stash.setdefault(_recorded, {})[address.folder / address.stem] = first


def digest_of(owner: Owner | None) -> dict[str, str]:
    """Return what the provenance of an image says of a parameter that the id names by place."""
    digest = None if owner is None else owner.test.digest
    return {} if digest is None else {"digest": digest}


def other_value(owner: Owner | None, golden: Path, sha256: str) -> str | None:
    """Say that a golden image was recorded for another value of the parameter, and which fits."""
    from pytest_editmetrics.config.reader import shown_path
    from pytest_editmetrics.goldens.provenance import entry_of

    own = digest_of(owner).get("digest")
    if owner is None or own is None:
        return None
    session = session_of(owner.config)
    entries = session.goldens.provenance(golden.parent)
    entry = entry_of(entries, golden.name, sha256) or {}
    if entry.get("digest") in (None, own):
        return None
    fits = [str(one.get("test")) for one in entries.values() if one.get("digest") == own]
    shown = shown_path(golden, session.rootdir)
    return (
        f"the golden image {shown} was recorded for another value of a"
        f" parameter of {owner.test.key}, which pytest names by its place only; "
        + (f"that of {fits[0]} fits this value" if fits else "none fits this value")
        + ": give ids= to parametrize and record it again with --editmetrics-update=failed"
    )
