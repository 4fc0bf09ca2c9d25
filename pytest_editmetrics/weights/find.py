"""Find the weights a pipe needs, on this machine only, and check that they are what they should be.

Nothing here touches the network, ever: what is missing is an error that names the command which
fetches it.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pytest_editmetrics.errors import (
    InputError,
    MissingResourceError,
    WeightsError,
    did_you_mean,
)
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import CLIP_DEFAULT, DATA, PACKAGED, Checkpoint
from pytest_editmetrics.weights.check import (
    Hash,
    check_format,
    check_known,
    read_json_object,
    sha256_of,
    unreadable,
)
from pytest_editmetrics.weights.remember import remembered_sha256

__all__ = ["FoundWeights", "find", "find_clip", "find_lpips", "find_sam", "sha256_of"]

CLIP_FILES = ("model.safetensors", "pytorch_model.bin")
SAM_TYPES = ("vit_b", "vit_l", "vit_h", "smoke")
LPIPS_NETS = ("alex", "vgg", "squeeze")
_NOTHING = "a test run downloads nothing"
REINSTALL = "pip install --force-reinstall pytest-editmetrics"
_REINSTALL = f"reinstall it: {REINSTALL}"


@dataclass(frozen=True)
class FoundWeights:
    """Weights that lie on this machine and passed their checks.

    ``path`` is the directory that holds ``config.json`` for CLIP, the file itself for SAM and
    LPIPS. ``sha256`` is that of the weights file. ``config`` is the JSON of dimensions of a SAM
    that is not one of the published sizes, else ``None``. ``smoke`` marks the packaged random
    weights, wherever they lie: they judge no quality.
    """

    name: str
    path: Path
    sha256: str
    smoke: bool
    config: Path | None


def find_clip(
    model_path: str = CLIP_DEFAULT,
    revision: str | None = None,
    *,
    hashed: Hash = remembered_sha256,
) -> FoundWeights:
    """Find a CLIP model.

    Args:
        model_path: a directory that holds ``config.json`` and one weights file
            (``model.safetensors``, or ``pytorch_model.bin``); a hub id, looked up in the local
            hub cache (``HF_HOME`` and ``HF_HUB_CACHE`` are honoured); or ``smoke``. A directory
            of that name comes before a hub id.
        revision: branch, tag or commit of a hub id; the hub's default is ``main``.
        hashed: gives the hash of a file; ``sha256_of`` reads it whole, whatever is remembered.

    Raises:
        InputError: an empty or malformed ``model_path``, or a revision of a local directory.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: damaged, sharded, a pointer, a web page.

    >>> find_clip("smoke").name
    'clip:smoke'
    """
    text = _text("clip-pipe: model_path", model_path)
    if revision is not None:
        _text("clip-pipe: revision", revision)
    if text == "smoke":
        _no_revision(revision, "the packaged smoke model")
        return replace(found := _packaged("clip:smoke", hashed), path=found.path.parent)
    folder = _local("clip-pipe", text)
    if _kind(folder) is not None:
        _no_revision(revision, f"the local directory {folder}")
        return _clip_directory(f"clip:{folder.resolve().name}", folder, hashed)
    if _is_path(text):
        raise MissingResourceError(
            f"clip-pipe: model_path {text!r}: there is no such directory; give a directory that "
            "holds config.json, or a hub id such as " + repr(CLIP_DEFAULT),
            pipe="clip-pipe",
        )
    return _clip_from_hub(text, revision, hashed)


def find_sam(
    model_type: str = "vit_b",
    model_path: str | None = None,
    model_cfg: str | None = None,
    *,
    hashed: Hash = remembered_sha256,
) -> FoundWeights:
    """Find a SAM checkpoint.

    Args:
        model_type: ``vit_b``, ``vit_l``, ``vit_h``, or ``smoke`` for the packaged one.
        model_path: the checkpoint file, ``.pth`` or ``.safetensors``; ``None`` is where
            ``editmetrics weights fetch`` puts it.
        model_cfg: a JSON file of dimensions, for a ``model_path`` of another size.
        hashed: as in ``find_clip``.

    Raises:
        InputError: an unknown ``model_type``, or arguments that contradict each other.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: wrong hash, cut off, a pointer, a web page.

    >>> find_sam("smoke").smoke
    True
    """
    if model_type not in SAM_TYPES:
        raise InputError(
            f"sam-pipe: unknown model_type {model_type!r}{did_you_mean(model_type, SAM_TYPES)}"
        )
    if model_type == "smoke":
        if model_path is not None or model_cfg is not None:
            raise InputError(
                "sam-pipe: model_type 'smoke' is the packaged model and takes neither model_path "
                "nor model_cfg; leave them out, or give the model_type of your file"
            )
        return _packaged("sam:smoke", hashed, config=DATA / "smoke_sam.json")
    if model_path is not None:
        return _sam_file(model_type, _text("sam-pipe: model_path", model_path), model_cfg, hashed)
    if model_cfg is not None:
        raise InputError("sam-pipe: model_cfg needs model_path, the checkpoint of that size")
    return _from_cache(catalog.PUBLISHED[f"sam:{model_type}"], "sam-pipe", hashed)


def find_lpips(
    net: str = "alex", model_path: str | None = None, *, hashed: Hash = remembered_sha256
) -> FoundWeights:
    """Find the convolution layers of an LPIPS backbone.

    Args:
        net: ``alex`` (packaged), ``vgg`` or ``squeeze`` (torchvision's hub folder, found through
            ``TORCH_HOME`` without importing torch).
        model_path: a torchvision checkpoint of ``net``, or only its ``features.*`` layers, as
            ``.pth`` or ``.safetensors``; it comes before the places above.
        hashed: as in ``find_clip``.

    Raises:
        InputError: an unknown ``net`` or an empty ``model_path``.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: wrong hash, cut off, a pointer, a web page.

    >>> find_lpips("alex").name
    'lpips:alex'
    """
    if net not in LPIPS_NETS:
        raise InputError(f"lpips-pipe: unknown net {net!r}{did_you_mean(net, LPIPS_NETS)}")
    if model_path is not None:
        path = _file("lpips-pipe", _text("lpips-pipe: model_path", model_path))
        remedy = "give another file, or leave model_path out"
        check_format(path, remedy)
        return _found(f"lpips:{path.name}", path, _hash_in_name(path, remedy, hashed))
    if net == "alex":
        return _packaged("lpips:alex", hashed)
    return _from_cache(catalog.PUBLISHED[f"lpips:{net}"], "lpips-pipe", hashed)


def find(name: str, revision: str | None = None) -> FoundWeights:
    """Find weights by the name that ``editmetrics weights`` uses, such as ``sam:vit_b``.

    The file is read whole and hashed, whatever is remembered of it.

    Raises:
        InputError: an unknown name, or a revision of anything but a hub model.
        MissingResourceError, WeightsError: as the functions above.

    >>> find("lpips:alex").path.name
    'lpips_alex.safetensors'
    """
    catalog.check_name(name)
    kind, _, key = name.partition(":")
    if kind == "clip":
        if key == "smoke":
            return find_clip("smoke", hashed=sha256_of)
        return _clip_from_hub(key, revision, sha256_of)
    _no_revision(revision, name)
    if kind == "sam":
        return find_sam(key, hashed=sha256_of)
    return find_lpips(key, hashed=sha256_of)


def _clip_from_hub(hub_id: str, revision: str | None, hashed: Hash) -> FoundWeights:
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = {
            file: try_to_load_from_cache(hub_id, file, revision=revision)
            for file in ("config.json", *CLIP_FILES)
        }
    except HFValidationError as error:
        raise InputError(
            f"clip-pipe: {hub_id!r} is neither a directory here nor a hub id: {error}"
        ) from error
    command = catalog.fetch_command(f"clip:{hub_id}", revision)
    config = cached["config.json"]
    if isinstance(config, str) and any(isinstance(cached[file], str) for file in CLIP_FILES):
        return _clip_directory(f"clip:{hub_id}", Path(config).parent, hashed, f"run `{command}`")
    what = f"revision {revision!r} of CLIP model" if revision else "CLIP model"
    has = "only its config.json" if isinstance(config, str) else "nothing of it"
    raise MissingResourceError(
        f"{what} {hub_id!r} is not on this machine: there is no directory of that name, and "
        f"{has} in the local hub cache {constants.HF_HUB_CACHE}; {_NOTHING}. Fetch it once with: "
        f"{command}",
        pipe="clip-pipe",
    )


def _clip_directory(
    name: str, folder: Path, hashed: Hash, remedy: str = "copy the file there again"
) -> FoundWeights:
    if _kind(folder) != "directory":
        raise WeightsError(
            f"clip-pipe: model_path {folder} is a file; give the directory that holds config.json"
        )
    try:
        present = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise unreadable(folder, error) from error
    if "config.json" not in present:
        holds = f"it holds {_some(present)}" if present else "it is empty"
        raise MissingResourceError(
            f"CLIP model directory {folder} has no config.json ({holds}); give a directory in the "
            "transformers layout: config.json and model.safetensors (or pytorch_model.bin)",
            pipe="clip-pipe",
        )
    weights = next((folder / file for file in CLIP_FILES if file in present), None)
    if weights is None:
        if any(f"{file}.index.json" in present for file in CLIP_FILES):
            raise WeightsError(
                f"CLIP model directory {folder} holds its weights in several shards, which is not "
                "supported; save it again as one file: "
                "model.save_pretrained(directory, max_shard_size='50GB')"
            )
        raise MissingResourceError(
            f"CLIP model directory {folder} has no weights: neither {' nor '.join(CLIP_FILES)} "
            f"(it holds {_some(present)}); copy the file there",
            pipe="clip-pipe",
        )
    read_json_object(folder / "config.json", "the configuration of a CLIP model")
    check_format(weights, remedy)
    digest = hashed(weights)
    stored_as = weights.resolve().name
    if re.fullmatch(r"[0-9a-f]{64}", stored_as) and stored_as != digest:
        raise WeightsError(
            f"{weights} has sha256 {digest}, the hub cache filed it under {stored_as}: it is "
            f"damaged; {remedy}"
        )
    return _found(name, folder, digest)


def _sam_file(model_type: str, text: str, model_cfg: str | None, hashed: Hash) -> FoundWeights:
    path = _file("sam-pipe", text)
    name = f"sam:{path.name}"
    published = next((c for c in catalog.PUBLISHED.values() if c.file == path.name), None)
    if published is None:
        remedy = "copy the file there again, or give another model_path"
    else:
        remedy = (
            f"delete it, run `{published.fetch_command}` and leave model_path out, or rename it "
            "if it is your own checkpoint"
        )
        if model_cfg is None and published.name != f"sam:{model_type}":
            raise InputError(
                f"sam-pipe: {path.name} is the checkpoint of model_type "
                f"{published.name.partition(':')[2]!r}, but model_type is {model_type!r}"
            )
    if published is None:
        check_format(path, remedy)
        digest = hashed(path)
    else:
        digest = check_known(path, published, remedy, hashed)
    config = None
    if model_cfg is not None:
        config = _file("sam-pipe", _text("sam-pipe: model_cfg", model_cfg), "model_cfg")
        read_json_object(config, "the dimensions of a SAM model")
    return _found(name, path, digest, config)


def _from_cache(checkpoint: Checkpoint, pipe: str, hashed: Hash) -> FoundWeights:
    path = checkpoint.path
    if _kind(path) != "file":
        raise MissingResourceError(
            f"{checkpoint.name} is not at {path}; {_NOTHING}. Fetch it once "
            f"({checkpoint.size_text}) with: {checkpoint.fetch_command}  (or give model_path)",
            pipe=pipe,
        )
    remedy = f"run `{checkpoint.fetch_command}`, which replaces it"
    return _found(checkpoint.name, path, check_known(path, checkpoint, remedy, hashed))


def _packaged(name: str, hashed: Hash, config: Path | None = None) -> FoundWeights:
    path = PACKAGED[name].path
    if _kind(path) != "file":
        raise WeightsError(f"{path}, part of this package, is not there; {_REINSTALL}")
    return _found(name, path, check_known(path, PACKAGED[name], _REINSTALL, hashed), config)


def _found(name: str, path: Path, digest: str, config: Path | None = None) -> FoundWeights:
    smoke = digest in {PACKAGED[key].sha256 for key in PACKAGED if key.endswith(":smoke")}
    return FoundWeights(name, path, digest, smoke, config)


def _file(pipe: str, text: str, key: str = "model_path") -> Path:
    path = _local(pipe, text)
    kind = _kind(path)
    if kind == "file":
        return path
    if kind == "directory":
        raise WeightsError(f"{pipe}: {key} {path} is a directory; give the file itself")
    raise MissingResourceError(
        f"{pipe}: {key} {text!r}: there is no such file; correct the path, or leave {key} out",
        pipe=pipe,
    )


def _hash_in_name(path: Path, remedy: str, hashed: Hash) -> str:
    digest = hashed(path)
    stated = re.search(r"-([0-9a-f]{8})\.pth$", path.name)
    if stated and not digest.startswith(stated[1]):
        raise WeightsError(
            f"{path} has sha256 {digest}, its name says {stated[1]}: it is damaged or cut off; "
            f"{remedy}"
        )
    return digest


def _text(what: str, value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise InputError(f"{what} must be a non-empty text, not {value!r}")
    return value


def _local(pipe: str, text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise InputError(f"{pipe}: {text!r} names a home directory that is unknown") from error


def _kind(path: Path) -> Literal["file", "directory"] | None:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return "directory" if stat.S_ISDIR(mode) else "file" if stat.S_ISREG(mode) else None


def _is_path(text: str) -> bool:
    return text.startswith(("/", ".", "~")) or text.count("/") > 1 or "\\" in text


def _no_revision(revision: str | None, what: str) -> None:
    if revision is not None:
        raise InputError(
            f"revision {revision!r} is for hub models only, and {what} is none; leave it out"
        )


def _some(names: set[str]) -> str:
    shown = sorted(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
