"""Models that are a folder in the transformers layout: a directory, or in the local hub cache."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pytest_editmetrics.errors import InputError, MissingResourceError, WeightsError
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import CLIP_DEFAULT, DINO_DEFAULT, PACKAGED, SAM2_DEFAULT
from pytest_editmetrics.weights.check import (
    Hash,
    check_format,
    check_stated,
    read_json_object,
    unreadable,
)

NOTHING = "a test run downloads nothing"


@dataclass(frozen=True)
class FoundWeights:
    """Weights that lie on this machine and passed their checks.

    ``path`` is the directory that holds ``config.json`` for CLIP, DINO and SAM 2, the file itself
    for SAM and LPIPS. ``sha256`` is that of the weights file. ``config`` is the JSON of dimensions
    of a SAM that is not one of the published sizes, else ``None``. ``smoke`` marks the packaged
    random weights, wherever they lie: they judge no quality.
    """

    name: str
    path: Path
    sha256: str
    smoke: bool
    config: Path | None


@dataclass(frozen=True)
class FolderKind:
    """A kind of model that is a folder: how names and messages call it, and its weights files."""

    name: str
    pipe: str
    label: str
    default: str
    files: tuple[str, ...]


KINDS = {
    kind.name: kind
    for kind in (
        FolderKind(
            "clip", "clip-pipe", "CLIP", CLIP_DEFAULT, ("model.safetensors", "pytorch_model.bin")
        ),
        FolderKind("dino", "dino-v3-pipe", "DINO", DINO_DEFAULT, ("model.safetensors",)),
        FolderKind("sam2", "sam-pipe", "SAM 2", SAM2_DEFAULT, ("model.safetensors",)),
    )
}


def find_folder(kind: FolderKind, text: str, revision: str | None, hashed: Hash) -> FoundWeights:
    """Find a model: a directory that holds ``config.json`` and one weights file, or a hub id.

    A hub id is looked up in the local hub cache; a directory of that name comes before it.

    Raises:
        InputError: a malformed hub id, or a revision of a local directory.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: damaged, sharded, a pointer, a web page.
    """
    folder = local_path(kind.pipe, text)
    if path_kind(folder) is not None:
        no_revision(revision, f"the local directory {folder}")
        return _in_directory(kind, f"{kind.name}:{folder.resolve().name}", folder, hashed)
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

    try:
        cached = {
            file: try_to_load_from_cache(hub_id, file, revision=revision)
            for file in ("config.json", *kind.files)
        }
    except HFValidationError as error:
        raise InputError(
            f"{kind.pipe}: {hub_id!r} is neither a directory here nor a hub id: {error}"
        ) from error
    name = f"{kind.name}:{hub_id}"
    command = catalog.fetch_command(name, revision)
    config = cached["config.json"]
    if isinstance(config, str) and any(isinstance(cached[file], str) for file in kind.files):
        return _in_directory(kind, name, Path(config).parent, hashed, f"run `{command}`")
    what = f"revision {revision!r} of {kind.label} model" if revision else f"{kind.label} model"
    has = "only its config.json" if isinstance(config, str) else "nothing of it"
    raise MissingResourceError(
        f"{what} {hub_id!r} is not on this machine: there is no directory of that name, and "
        f"{has} in the local hub cache {constants.HF_HUB_CACHE}; {NOTHING}. Fetch it once with: "
        f"{command}",
        pipe=kind.pipe,
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
        layout = f"config.json and {kind.files[0]}" + "".join(
            f" (or {file})" for file in kind.files[1:]
        )
        raise MissingResourceError(
            f"{kind.label} model directory {folder} has no config.json ({holds}); give a directory "
            f"in the transformers layout: {layout}",
            pipe=kind.pipe,
        )
    weights = next((folder / file for file in kind.files if file in present), None)
    if weights is None:
        if any(f"{file}.index.json" in present for file in kind.files):
            raise WeightsError(
                f"{kind.label} model directory {folder} holds its weights in several shards, which "
                "is not supported; save it again as one file: "
                "model.save_pretrained(directory, max_shard_size='50GB')"
            )
        lacks = f"{'neither ' if len(kind.files) > 1 else 'no '}{' nor '.join(kind.files)}"
        raise MissingResourceError(
            f"{kind.label} model directory {folder} has no weights: {lacks} "
            f"(it holds {_some(present)}); copy the file there",
            pipe=kind.pipe,
        )
    read_json_object(folder / "config.json", f"the configuration of a {kind.label} model")
    check_format(weights, remedy)
    stored_as = weights.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", stored_as):
        digest = check_stated(weights, stored_as, "the hub cache filed it under", remedy, hashed)
    else:
        digest = hashed(weights)
    return found_weights(name, folder, digest)


def found_weights(name: str, path: Path, digest: str, config: Path | None = None) -> FoundWeights:
    """Return weights that passed their checks; whether they are smoke ones is told by the hash."""
    smoke = digest in {PACKAGED[key].sha256 for key in PACKAGED if key.endswith(":smoke")}
    return FoundWeights(name, path, digest, smoke, config)


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
