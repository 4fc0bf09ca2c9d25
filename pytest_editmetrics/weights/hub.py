"""Models of the hub: found out and filed by huggingface_hub, the weights checked before they are.

``huggingface_hub`` checks no hash, and forgets what an interrupted transfer left. So the weights
file is fetched as any other and put where its cache keeps the file of that hash; it then finds it
there, and files it under its name.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from pytest_editmetrics.errors import EditMetricsError, WeightsError
from pytest_editmetrics.weights.catalog import fetch_command
from pytest_editmetrics.weights.check import check_stated
from pytest_editmetrics.weights.find import FoundWeights, find
from pytest_editmetrics.weights.folders import CONFIGURATIONS, KINDS, shard_names
from pytest_editmetrics.weights.transfer import Say, Source, reason, transfer, without_login
from pytest_editmetrics.whole_file import real_path


def fetch_folder(
    name: str, revision: str | None, mirror: str | None, say: Say, *, force: bool
) -> FoundWeights:
    """Fetch configuration and weights of a hub model into the hub's cache.

    Args:
        name: ``clip:<hub id>`` and the like.
        revision: branch, tag or commit.
        mirror: the address of another hub.
        say: takes one line of text at a time.
        force: what is in the cache is damaged.

    Raises:
        WeightsError: what came is not what is published; nothing was kept.
        EditMetricsError: it could not be fetched; the message says what to do.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    hub_id = name.partition(":")[2]
    if constants.HF_HUB_OFFLINE:
        raise EditMetricsError(
            f"{name} cannot be fetched: HF_HUB_OFFLINE is set; unset it for this command"
        )
    endpoint = mirror or constants.ENDPOINT
    try:
        info = HfApi(endpoint=endpoint).model_info(hub_id, revision=revision, files_metadata=True)
        sizes = {file.rfilename: file.size for file in info.siblings or ()}
        taken = _weights_file(name, set(sizes))

        def file_of_hub(file: str, again: bool) -> Path:
            return Path(
                hf_hub_download(
                    hub_id, file, revision=revision, endpoint=endpoint, force_download=again
                )
            )

        listed = taken.endswith(".json")
        shards = shard_names(file_of_hub(taken, force)) if listed else [taken]
        if lacking := [shard for shard in shards if shard not in sizes]:
            raise EditMetricsError(
                f"{name} has no {lacking[0]} on the hub, which its {taken} lists; nothing of it can"
                " be used. Choose another model"
            )
        size = sum(sizes[shard] or 0 for shard in shards)
        told = f" ({size / 1e6:,.1f} MB)" if size else ""
        at = without_login(endpoint)
        say(f"fetching {name}{told} from {at}/{hub_id} to {constants.HF_HUB_CACHE}")
        placed = {shard: _place_weights(name, shard, revision, endpoint, say) for shard in shards}
        for file in (*CONFIGURATIONS, *shards):
            if file in sizes:
                path = file_of_hub(file, force and not placed.get(file))
    except EditMetricsError:
        raise
    except Exception as error:
        # The hub's transport has been requests, httpx and httpx2, which share no base class.
        raise EditMetricsError(_failure(name, revision, endpoint, error)) from error
    try:
        return find(name, revision)
    except WeightsError as error:
        _remove(path)
        raise WeightsError(f"{error}. Nothing was kept: the download was spoiled") from error


def _place_weights(name: str, file: str, revision: str | None, endpoint: str, say: Say) -> bool:
    """Put the weights where the cache keeps a file of their hash; ``False`` if none is stated."""
    from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
    from huggingface_hub.file_download import repo_folder_name
    from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

    hub_id = name.partition(":")[2]
    url = hf_hub_url(hub_id, file, revision=revision, endpoint=endpoint)
    about = get_hf_file_metadata(url, endpoint=endpoint)
    if about.etag is None or not re.fullmatch(r"[0-9a-f]{64}", about.etag):
        return False
    repository = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="model")
    blob = repository / "blobs" / about.etag
    remedy = "nothing was kept. Something between here and there spoiled the download: try again"
    digest = about.etag
    source = Source(
        name,
        url,
        about.size,
        lambda part: check_stated(part, digest, "the hub states", remedy),
        fetch_command(name, revision),
        "give a local directory as model_path",
        build_hf_headers(),
    )
    if not _is_whole(source, blob):
        transfer(source, blob, say)
    filed = try_to_load_from_cache(hub_id, file, revision=revision)
    if isinstance(filed, str) and not Path(filed).is_symlink():  # a copy, where links are not
        Path(filed).unlink()
    return True


def _is_whole(source: Source, blob: Path) -> bool:
    """Tell whether the cache holds a file already, of another revision or of an earlier fetch."""
    try:
        source.check(blob)
    except WeightsError:
        return False
    return True


def _weights_file(name: str, files: set[str]) -> str:
    kind = KINDS[name.partition(":")[0]]
    weights = kind.weights_in(files)
    if weights is None or "config.json" not in files:
        raise EditMetricsError(
            f"{name} has no config.json beside one of {', '.join(kind.files)} on the hub, so it "
            f"is no {kind.label} model in the transformers layout; nothing was fetched. Choose "
            "another model"
        )
    return weights


def _failure(name: str, revision: str | None, endpoint: str, error: Exception) -> str:
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    at = without_login(endpoint)
    if isinstance(error, RevisionNotFoundError):
        return f"{name} has no revision {revision!r} on {at}; check what stands after @"
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{name} is not on {at}, or is private or gated: check the name; for a "
            "private model set HF_TOKEN or run `hf auth login`"
        )
    return (
        f"{name} could not be fetched from {at}: {reason(error)}. Check the "
        "network (HTTPS_PROXY and HF_ENDPOINT are honoured) and the disk, then run the command "
        "again; or give a local directory as model_path"
    )


def _remove(path: Path) -> None:
    for file in (real_path(path), path):
        with suppress(OSError):
            file.unlink(missing_ok=True)
