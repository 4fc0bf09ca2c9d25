"""Models that are a folder in the transformers layout: a directory, or in the local hub cache."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pytest_editmetrics.errors import InputError, MissingResourceError, WeightsError, counted
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import (
    CLIP_DEFAULT,
    DINO_DEFAULT,
    PACKAGED,
    SAM2_DEFAULT,
    fetch_words,
)
from pytest_editmetrics.weights.check import (
    Hash,
    check_filed,
    check_format,
    check_stated,
    read_json_object,
    unreadable,
)
from pytest_editmetrics.whole_file import real_path

CONFIGURATIONS = ("config.json", "preprocessor_config.json", "processor_config.json")
NOTHING = "a test run downloads nothing"


@dataclass(frozen=True)
class FoundWeights:
    """Weights that lie on this machine and passed their checks.

    ``path`` is the directory that holds ``config.json`` for CLIP, DINO and SAM 2, the file itself
    for SAM and LPIPS. ``files`` are the weights files, ``sha256`` is the hash of the file, or of
    the list of the hashes of several shards. ``config`` is the JSON of dimensions of a SAM that is
    not one of the published sizes, else ``None``. ``smoke`` marks the packaged
    random weights, wherever they lie: they judge no quality.
    """

    name: str
    path: Path
    sha256: str
    smoke: bool
    config: Path | None
    files: tuple[Path, ...]


@dataclass(frozen=True)
class FolderKind:
    """A kind of model that is a folder: how names and messages call it, and its weights files.

    Of ``files`` the first that is there is taken; one that ends in ``.index.json`` lists shards.
    """

    name: str
    pipe: str
    label: str
    default: str
    files: tuple[str, ...]

    def weights_in(self, names: Collection[str]) -> str | None:
        """Return which of ``files`` is taken where there are files of these names."""
        return next((file for file in self.files if file in names), None)


SAFETENSORS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "model.fp16.safetensors",
    "model.safetensors.index.fp16.json",
)
_WITH_TORCH = (*SAFETENSORS, "pytorch_model.bin", "pytorch_model.bin.index.json")

KINDS = {
    kind.name: kind
    for kind in (
        FolderKind("clip", "clip-pipe", "CLIP", CLIP_DEFAULT, _WITH_TORCH),
        FolderKind("dino", "dino-v3-pipe", "DINO", DINO_DEFAULT, SAFETENSORS),
        FolderKind("sam2", "sam-pipe", "SAM 2", SAM2_DEFAULT, SAFETENSORS),
    )
}


def find_folder(kind: FolderKind, text: str, revision: str | None, hashed: Hash) -> FoundWeights:
    """Find a model: a directory that holds ``config.json`` and one weights file, or a hub id.

    A hub id is looked up in the local hub cache; a directory of that name comes before it.

    Raises:
        InputError: a malformed hub id, or a revision of a local directory.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: damaged, a pointer, a web page.
    """
    folder = local_path(kind.pipe, text)
    if path_kind(folder) is not None:
        no_revision(revision, f"the local directory {folder}")
        return _in_directory(kind, f"{kind.name}:{real_path(folder).name}", folder, hashed)
    if text.startswith(("/", ".", "~")) or text.count("/") > 1 or "\\" in text:
        raise MissingResourceError(
            f"{kind.pipe}: model_path {text!r}: there is no such directory; give a directory that "
            f"holds config.json, or a hub id such as {kind.default!r}",
            pipe=kind.pipe,
        )
    return find_on_hub(kind, text, revision, hashed)


def find_on_hub(kind: FolderKind, hub_id: str, revision: str | None, hashed: Hash) -> FoundWeights:
    """Find a model in the local hub cache; raises as ``find_folder`` does."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.file_download import repo_folder_name

    try:
        cached = try_to_load_from_cache(hub_id, "config.json", revision=revision)
    except HFValidationError as error:
        raise InputError(
            f"{kind.pipe}: {hub_id!r} is neither a directory here nor a hub id: {error}"
        ) from error
    name = f"{kind.name}:{hub_id}"
    command = catalog.fetch_command(name, revision)
    snapshot = Path(cached).parent if isinstance(cached, str) else None
    if snapshot is not None and kind.weights_in({entry.name for entry in snapshot.iterdir()}):
        return _in_directory(kind, name, snapshot, hashed, f"run `{command}`")
    what = f"revision {revision!r} of {kind.label} model" if revision else f"{kind.label} model"
    folder = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=hub_id, repo_type="model")
    has = (
        "only its config.json"
        if snapshot is not None
        else _revisions(kind, folder) or "nothing of it"
    )
    raise MissingResourceError(
        f"{what} {hub_id!r} is not on this machine: there is no directory of that name, and "
        f"{has} in the local hub cache {constants.HF_HUB_CACHE}; {NOTHING}. Fetch it once with: "
        f"{command}",
        pipe=kind.pipe,
        fetch=[fetch_words(name, revision)],
    )


def _revisions(kind: FolderKind, folder: Path) -> str:
    """Say which revisions a repository of the hub cache holds, and how to name one."""
    try:
        commits = sorted(entry.name for entry in (folder / "snapshots").iterdir())
    except OSError:
        return ""
    refs = folder / "refs"
    named: dict[str, list[str]] = {commit: [] for commit in commits}
    for ref in sorted(file for file in refs.rglob("*") if file.is_file()):
        with suppress(OSError, UnicodeDecodeError):
            named.setdefault(ref.read_text().strip(), []).append(ref.relative_to(refs).as_posix())
    told = [
        commit + (f" ({', '.join(named[commit])})" if named[commit] else "") for commit in commits
    ]
    if not told:
        return ""
    lacks = "" if (refs / "main").is_file() else "no refs/main and "
    option = "" if kind.name == "sam2" else "name one as `revision:`, or "
    place = folder / "snapshots" / commits[0]
    return (
        f"{lacks}only the revision{'s' if len(told) > 1 else ''} {', '.join(told)} ({option}give"
        f" its folder, {place}, as model_path)"
    )


def _in_directory(
    kind: FolderKind,
    name: str,
    folder: Path,
    hashed: Hash,
    remedy: str = "copy the file there again",
) -> FoundWeights:
    if path_kind(folder) != "directory":
        raise WeightsError(
            f"{kind.pipe}: model_path {folder} is a file; give the directory that holds config.json"
        )
    try:
        present = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise unreadable(folder, error) from error
    if "config.json" not in present:
        holds = f"it holds {_some(present)}" if present else "it is empty"
        layout = f"config.json and {kind.files[0]}"
        raise MissingResourceError(
            f"{kind.label} model directory {folder} has no config.json ({holds}); give a directory "
            f"in the transformers layout: {layout}",
            pipe=kind.pipe,
        )
    taken = kind.weights_in(present)
    if taken is None:
        raise MissingResourceError(
            f"{kind.label} model directory {folder} has no weights: none of "
            f"{', '.join(kind.files)} (it holds {_some(present)}); copy the file there",
            pipe=kind.pipe,
        )
    for file in CONFIGURATIONS:
        if file in present:
            check_filed(folder / file, remedy)
    read_json_object(folder / "config.json", f"the configuration of a {kind.label} model")
    if not taken.endswith(".json"):
        return found_weights(name, folder, _hash(folder / taken, remedy, hashed), folder / taken)
    shards = [folder / shard for shard in shard_names(folder / taken)]
    lacking = [shard.name for shard in shards if path_kind(shard) != "file"]
    if lacking:
        raise MissingResourceError(
            f"{kind.label} model directory {folder} lacks {', '.join(lacking)}, of the"
            f" {counted(len(shards), 'shard')} that {taken} lists;"
            f" {remedy.replace('the file', 'the shards')}",
            pipe=kind.pipe,
        )
    digests = [_hash(shard, remedy, hashed) for shard in shards]
    whole = sha256("\n".join(digests).encode()).hexdigest()
    return found_weights(name, folder, whole, *shards)


def shard_names(index: Path) -> list[str]:
    """Return the names of the shards that an index lists, each once, in order.

    Raises:
        WeightsError: it is no index of shards beside it.
    """
    listed = read_json_object(index, "an index of shards").get("weight_map")
    names = sorted(set(map(str, listed.values()))) if isinstance(listed, dict) else []
    if not names or any(Path(name).name != name for name in names):
        raise WeightsError(
            f"{index} lists no shards: its weight_map must give the file beside it of each tensor"
        )
    return names


def _hash(file: Path, remedy: str, hashed: Hash) -> str:
    check_format(file, remedy)
    stored_as = real_path(file).name
    if re.fullmatch(r"[0-9a-f]{64}", stored_as):
        return check_stated(file, stored_as, "the hub cache filed it under", remedy, hashed)
    return hashed(file)


def found_weights(
    name: str, path: Path, digest: str, *files: Path, config: Path | None = None
) -> FoundWeights:
    """Return weights that passed their checks; whether they are smoke ones is told by the hash."""
    smoke = digest in {PACKAGED[key].sha256 for key in PACKAGED if key.endswith(":smoke")}
    return FoundWeights(name, path, digest, smoke, config, files or (path,))


def checked_text(what: str, value: Any) -> str:
    """Return a text that is not empty; raise ``InputError`` for anything else."""
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InputError(f"{what} must be a non-empty text, not {value!r}")
    return value


def local_path(pipe: str, text: str) -> Path:
    """Return the path that ``text`` names, ``~`` included."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{pipe}: {text!r} names a home directory that is unknown") from error


def path_kind(path: Path) -> Literal["file", "directory"] | None:
    """Tell what lies at ``path``; raise ``WeightsError`` if that cannot be told."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else None


def no_revision(revision: str | None, what: str) -> None:
    """Raise ``InputError`` if a revision is given: ``what`` has none."""
    if revision is not None:
        raise InputError(
            f"revision {revision!r} is for hub models only, and {what} is none; leave it out"
        )


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
