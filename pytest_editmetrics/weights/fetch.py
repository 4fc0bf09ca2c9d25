"""Fetch weights by name: the only part of the project that touches the network.

A download takes its final name only when its size and hash are right; what fails leaves nothing
behind under that name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError, MissingResourceError, WeightsError
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import PACKAGED, Checkpoint
from pytest_editmetrics.weights.check import check_known
from pytest_editmetrics.weights.find import FoundWeights, find
from pytest_editmetrics.weights.folders import KINDS

Say = Callable[[str], None]

_CHUNK = 1 << 18
_TIMEOUT_S = 60


def fetch(name: str, revision: str | None = None, *, say: Say = print) -> FoundWeights:
    """Make sure that ``name`` is on this machine and whole; fetch it only if it is not.

    Args:
        name: ``sam:vit_b``, ``lpips:vgg``, ``clip:<hub id>``, ``dino:<hub id>`` and the like.
        revision: branch, tag or commit of a hub model.
        say: takes one line of text for people at a time.

    Raises:
        InputError: an unknown name, or a revision of anything but a hub model.
        WeightsError: what came is not what is published; nothing was kept.
        EditMetricsError: it could not be fetched; the message says what to do.

    >>> fetch("lpips:alex").name
    lpips:alex is part of this package; there is nothing to fetch
    'lpips:alex'
    """
    damaged = False
    try:
        found = find(name, revision)
    except MissingResourceError:
        pass
    except WeightsError as error:
        if name in PACKAGED:
            raise
        damaged = True
        say(f"fetching again, because {error}")
    else:
        if name in PACKAGED:
            say(f"{name} is part of this package; there is nothing to fetch")
        else:
            say(f"{name} is here already, and whole")
        return found
    if name in catalog.PUBLISHED:
        fetch_checkpoint(catalog.PUBLISHED[name], say)
        return find(name)
    return _fetch_folder(name, revision, say, force=damaged)


def fetch_checkpoint(checkpoint: Checkpoint, say: Say) -> None:
    """Download one published file to ``checkpoint.path``.

    Raises:
        WeightsError: another size or hash than published; nothing was kept.
        EditMetricsError: no answer, an HTTP error, or the disk would not take it.
    """
    path = checkpoint.path
    part = path.with_name(f"{path.stem}.{os.getpid()}.part{path.suffix}")
    say(f"fetching {checkpoint.name} ({checkpoint.size_text}) from {checkpoint.url} to {path}")
    remedy = (
        "nothing was kept. Something between here and there (a proxy, a full disk, a lost "
        "connection) spoiled the download: try again, or download it in another way to "
        f"{path} (sha256 {checkpoint.sha256})"
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _download(checkpoint, part, say)
        check_known(part, checkpoint, remedy)
        part.replace(path)
    except WeightsError as error:
        came = str(error).replace(str(part), f"what came from {checkpoint.url}")
        raise WeightsError(came) from error
    except OSError as error:
        raise EditMetricsError(
            f"{checkpoint.name} could not be fetched from {checkpoint.url} to {path}: "
            f"{_reason(error)}. Check the network (HTTPS_PROXY is honoured) and the disk, then run "
            f"`{checkpoint.fetch_command}` again; or download it in another way to that place"
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _download(checkpoint: Checkpoint, part: Path, say: Say) -> None:
    from pooch import HTTPDownloader

    bar = True if sys.stderr.isatty() else _Lines(checkpoint.name, say)
    HTTPDownloader(progressbar=bar, chunk_size=_CHUNK, timeout=_TIMEOUT_S)(
        checkpoint.url, part, None
    )


class _Lines:
    """Progress as a line for every tenth, where there is no terminal (pooch's own protocol)."""

    def __init__(self, name: str, say: Say):
        self.total = 0
        self._name = name
        self._say = say
        self._done = 0
        self._tenths = 0

    def update(self, count: int) -> None:
        self._done += count
        tenths = min(10, 10 * self._done // self.total) if self.total else 0
        if tenths > self._tenths:
            self._tenths = tenths
            self._say(f"{self._name}: {10 * tenths} %")

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _fetch_folder(name: str, revision: str | None, say: Say, *, force: bool) -> FoundWeights:
    from huggingface_hub import HfApi, constants, hf_hub_download

    hub_id = name.partition(":")[2]
    if constants.HF_HUB_OFFLINE:
        raise EditMetricsError(
            f"{name} cannot be fetched: HF_HUB_OFFLINE is set; unset it for this command"
        )
    try:
        info = HfApi().model_info(hub_id, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size for file in info.siblings or ()}
        weights = _weights_file(name, set(sizes))
        size = sizes[weights]
        told = f" ({size / 1e6:,.1f} MB)" if size else ""
        say(f"fetching {name}{told} from {constants.ENDPOINT}/{hub_id} to {constants.HF_HUB_CACHE}")
        for file in ("config.json", "preprocessor_config.json", weights):
            if file in sizes:
                path = hf_hub_download(hub_id, file, revision=revision, force_download=force)
    except EditMetricsError:
        raise
    except Exception as error:
        # The hub's transport has been requests, httpx and httpx2, which share no base class.
        raise EditMetricsError(_hub_failure(name, revision, error)) from error
    try:
        return find(name, revision)
    except WeightsError as error:
        _remove(Path(path))
        raise WeightsError(f"{error}. Nothing was kept: the download was spoiled") from error


def _weights_file(name: str, files: set[str]) -> str:
    kind = KINDS[name.partition(":")[0]]
    weights = next((file for file in kind.files if file in files), None)
    if weights is None or "config.json" not in files:
        raise EditMetricsError(
            f"{name} has no config.json beside one of {' and '.join(kind.files)} on the hub, so it "
            f"is no {kind.label} model in the transformers layout (several shards are not "
            "supported); "
            "nothing was fetched. Choose another model, or save it as one file and give its "
            "directory as model_path"
        )
    return weights


def _hub_failure(name: str, revision: str | None, error: Exception) -> str:
    from huggingface_hub import constants
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no revision {revision!r} on {constants.ENDPOINT}; check --revision"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{name} is not on {constants.ENDPOINT}, or is private or gated: check the name; for a "
            "private model set HF_TOKEN or run `hf auth login`"
        )
    return (
        f"{name} could not be fetched from {constants.ENDPOINT}: {_reason(error)}. Check the "
        "network (HTTPS_PROXY and HF_ENDPOINT are honoured) and the disk, then run the command "
        "again; or give a local directory as model_path"
    )


def _reason(error: BaseException) -> str:
    """Say what lies at the bottom of an error, which for a network error is the system's own."""
    bottom = error
    while (below := bottom.__cause__ or bottom.__context__) is not None:
        bottom = below
    if isinstance(bottom, OSError) and bottom.strerror:
        return bottom.strerror
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no further message'}"


def _remove(path: Path) -> None:
    for file in (path.resolve(), path):
        with suppress(OSError):
            file.unlink(missing_ok=True)
