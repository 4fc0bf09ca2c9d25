"""Fetch weights by name: the only part of the project that touches the network.

A download takes its final name only when its size and hash are right; what fails leaves nothing
behind under that name.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from pytest_editmetrics.errors import InputError, MissingResourceError, WeightsError
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import PACKAGED, Checkpoint
from pytest_editmetrics.weights.check import check_known
from pytest_editmetrics.weights.find import FoundWeights, find
from pytest_editmetrics.weights.transfer import Source, alone, transfer, without_login

Say = Callable[[str], None]

MIRROR = "EDITMETRICS_MIRROR"


def fetch(
    name: str, revision: str | None = None, *, mirror: str | None = None, say: Say = print
) -> FoundWeights:
    """Make sure that ``name`` is on this machine and whole; fetch it only if it is not.

    A process that fetches the same name is waited for.

    Args:
        name: ``sam:vit_b``, ``lpips:vgg``, ``clip:<hub id>``, ``dino:<hub id>`` and the like.
        revision: branch, tag or commit of a hub model.
        mirror: address of a folder that holds the published files under their names, or of another
            hub; else ``EDITMETRICS_MIRROR`` for files, ``HF_ENDPOINT`` for hub models.
        say: takes one line of text for people at a time.

    Raises:
        InputError: an unknown name, a revision of anything but a hub model, no address.
        WeightsError: what came is not what is published; nothing was kept.
        EditMetricsError: it could not be fetched; the message says what to do.

    >>> fetch("lpips:alex").name
    lpips:alex is part of this package; there is nothing to fetch
    'lpips:alex'
    """
    published = catalog.PUBLISHED.get(name)
    if published is not None:
        mirror = mirror or os.environ.get(MIRROR) or None
    if mirror is not None:
        mirror = _checked_mirror(mirror)
    found, damaged = _here(name, revision, say)
    if found is not None:
        return found
    with alone(_lock(name, published), name, say) as waited:
        if waited:
            found, damaged = _here(name, revision, say)
            if found is not None:
                return found
        if published is not None:
            fetch_checkpoint(published, mirror, say)
            return find(name)
        from pytest_editmetrics.weights.hub import fetch_folder

        return fetch_folder(name, revision, mirror, say, force=damaged)


def _here(name: str, revision: str | None, say: Say) -> tuple[FoundWeights | None, bool]:
    """Return the weights if they are on this machine and whole, and whether they are damaged."""
    try:
        found = find(name, revision)
    except MissingResourceError:
        return None, False
    except WeightsError as error:
        if name in PACKAGED:
            raise
        say(f"fetching again, because {error}")
        return None, True
    if name in PACKAGED:
        say(f"{name} is part of this package; there is nothing to fetch")
    else:
        say(f"{name} is here already, and its hash is right")
    return found, False


def _checked_mirror(mirror: str) -> str:
    try:
        parts = urlsplit(mirror)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise InputError(
            f"the mirror {without_login(mirror)!r} is no address of a folder, such as "
            "https://mirror.local/weights; for files on a disk give model_path in editmetrics.yaml"
        )
    return mirror.rstrip("/")


def _lock(name: str, published: Checkpoint | None) -> Path:
    if published is not None:
        return published.path.with_name(f".{published.path.name}.lock")
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / ".locks" / f"{name.replace(':', '-').replace('/', '--')}"


def fetch_checkpoint(checkpoint: Checkpoint, mirror: str | None, say: Say) -> None:
    """Download one published file to ``checkpoint.path``; raises as ``transfer`` does."""
    path = checkpoint.path
    url = f"{mirror}/{checkpoint.file}" if mirror else f"{checkpoint.url}"
    shown = without_login(url)
    say(f"fetching {checkpoint.name} ({checkpoint.size_text}) from {shown} to {path}")
    otherwise = f"download it in another way to {path} (sha256 {checkpoint.sha256})"
    remedy = (
        "nothing was kept. Something between here and there (a proxy, a full disk, a lost "
        f"connection) spoiled the download: try again, or {otherwise}"
    )
    source = Source(
        checkpoint.name,
        url,
        checkpoint.size,
        lambda part: check_known(part, checkpoint, remedy),
        checkpoint.fetch_command,
        otherwise,
    )
    transfer(source, path, say)
