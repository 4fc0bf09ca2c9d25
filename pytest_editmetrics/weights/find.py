"""Find the weights a pipe needs, on this machine only, and check that they are what they should be.

Nothing here touches the network, ever: what is missing is an error that names the command which
fetches it.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from pytest_editmetrics.errors import (
    InputError,
    MissingResourceError,
    WeightsError,
    did_you_mean,
)
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import (
    CLIP_DEFAULT,
    DATA,
    DINO_DEFAULT,
    PACKAGED,
    SAM2_DEFAULT,
    Checkpoint,
)
from pytest_editmetrics.weights.check import (
    Hash,
    check_format,
    check_known,
    read_json_object,
    sha256_of,
)
from pytest_editmetrics.weights.folders import (
    KINDS,
    NOTHING,
    FoundWeights,
    checked_text,
    find_folder,
    find_on_hub,
    found_weights,
    local_path,
    no_revision,
    path_kind,
)
from pytest_editmetrics.weights.remember import recomputed_sha256, remembered_sha256

__all__ = [
    "FoundWeights",
    "find",
    "find_clip",
    "find_dino",
    "find_lpips",
    "find_sam",
    "find_sam2",
    "sha256_of",
]

SAM_TYPES = ("vit_b", "vit_l", "vit_h", "smoke")
LPIPS_NETS = ("alex", "vgg", "squeeze")
REINSTALL = "pip install --force-reinstall pytest-editmetrics"
_REINSTALL = f"reinstall it: {REINSTALL}"


def find_clip(
    model_path: str = CLIP_DEFAULT,
    revision: str | None = None,
    *,
    hashed: Hash = remembered_sha256,
) -> FoundWeights:
    """Find a CLIP model.

    Args:
        model_path: a directory that holds ``config.json`` and weights (``model.safetensors``, its
            shards with their index, ``model.fp16.safetensors``, or ``pytorch_model.bin``); a hub
            id, looked up in the local hub cache (``HF_HOME`` and ``HF_HUB_CACHE`` are honoured); or
            ``smoke``. A directory of that name comes before a hub id.
        revision: branch, tag or commit of a hub id; the hub's default is ``main``.
        hashed: gives the hash of a file; ``sha256_of`` reads it whole, whatever is remembered.

    Raises:
        InputError: an empty or malformed ``model_path``, or a revision of a local directory.
        MissingResourceError: not on this machine; the message names the command that fetches it.
        WeightsError: there, and not usable: damaged, a pointer, a web page.

    >>> find_clip("smoke").name
    'clip:smoke'
    """
    text = checked_text("clip-pipe: model_path", model_path)
    if revision is not None:
        checked_text("clip-pipe: revision", revision)
    if text == "smoke":
        no_revision(revision, "the packaged smoke model")
        found = _packaged("clip:smoke", hashed)
        return replace(found, path=found.path.parent)
    return find_folder(KINDS["clip"], text, revision, hashed)


def find_dino(
    model_path: str = DINO_DEFAULT,
    revision: str | None = None,
    *,
    hashed: Hash = remembered_sha256,
) -> FoundWeights:
    """Find a DINOv2 or DINOv3 model.

    Args:
        model_path: a directory that holds ``config.json`` and safetensors, or a hub id,
            looked up in the local hub cache.
        revision: as in ``find_clip``.
        hashed: as in ``find_clip``.

    Raises:
        InputError, MissingResourceError, WeightsError: as ``find_clip``.
    """
    text = checked_text("dino-v3-pipe: model_path", model_path)
    if revision is not None:
        checked_text("dino-v3-pipe: revision", revision)
    return find_folder(KINDS["dino"], text, revision, hashed)


def find_sam2(model_path: str = SAM2_DEFAULT, *, hashed: Hash = remembered_sha256) -> FoundWeights:
    """Find a SAM 2 model in the transformers layout.

    Args:
        model_path: a directory that holds ``config.json`` and safetensors, or a hub id,
            looked up in the local hub cache.
        hashed: as in ``find_clip``.

    Raises:
        InputError, MissingResourceError, WeightsError: as ``find_clip``.
    """
    text = checked_text("sam-pipe: model_path", model_path)
    return find_folder(KINDS["sam2"], text, None, hashed)


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
        return _sam_file(
            model_type, checked_text("sam-pipe: model_path", model_path), model_cfg, hashed
        )
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
        path = _file("lpips-pipe", checked_text("lpips-pipe: model_path", model_path))
        remedy = "give another file, or leave model_path out"
        check_format(path, remedy)
        return found_weights(f"lpips:{path.name}", path, _hash_in_name(path, remedy, hashed))
    if net == "alex":
        return _packaged("lpips:alex", hashed)
    return _from_cache(catalog.PUBLISHED[f"lpips:{net}"], "lpips-pipe", hashed)


def find(name: str, revision: str | None = None) -> FoundWeights:
    """Find weights by the name that ``editmetrics weights`` uses, such as ``sam:vit_b``.

    The file is read whole and hashed; what was remembered of it is forgotten.

    Raises:
        InputError: an unknown name, or a revision of anything but a hub model.
        MissingResourceError, WeightsError: as the functions above.

    >>> find("lpips:alex").path.name
    'lpips_alex.safetensors'
    """
    catalog.check_name(name)
    kind, _, key = name.partition(":")
    if name == "clip:smoke":
        no_revision(revision, name)
        return find_clip("smoke", hashed=recomputed_sha256)
    if kind in KINDS:
        return find_on_hub(KINDS[kind], key, revision, recomputed_sha256)
    no_revision(revision, name)
    if kind == "sam":
        return find_sam(key, hashed=recomputed_sha256)
    return find_lpips(key, hashed=recomputed_sha256)


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
        config = _file("sam-pipe", checked_text("sam-pipe: model_cfg", model_cfg), "model_cfg")
        read_json_object(config, "the dimensions of a SAM model")
    return found_weights(name, path, digest, config=config)


def _from_cache(checkpoint: Checkpoint, pipe: str, hashed: Hash) -> FoundWeights:
    path = checkpoint.path
    if path_kind(path) != "file":
        raise MissingResourceError(
            f"{checkpoint.name} is not at {path}; {NOTHING}. Fetch it once "
            f"({checkpoint.size_text}) with: {checkpoint.fetch_command}  (or give model_path)",
            pipe=pipe,
            fetch=[checkpoint.name],
        )
    remedy = f"run `{checkpoint.fetch_command}`, which replaces it"
    return found_weights(checkpoint.name, path, check_known(path, checkpoint, remedy, hashed))


def _packaged(name: str, hashed: Hash, config: Path | None = None) -> FoundWeights:
    path = PACKAGED[name].path
    if path_kind(path) != "file":
        raise WeightsError(f"{path}, part of this package, is not there; {_REINSTALL}")
    digest = check_known(path, PACKAGED[name], _REINSTALL, hashed)
    return found_weights(name, path, digest, config=config)


def _file(pipe: str, text: str, key: str = "model_path") -> Path:
    path = local_path(pipe, text)
    kind = path_kind(path)
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
