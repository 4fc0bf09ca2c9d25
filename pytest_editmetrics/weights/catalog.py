"""The public checkpoints: their names, addresses, sizes and hashes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pytest_editmetrics.errors import InputError, did_you_mean
from pytest_editmetrics.weights.kept import sam_folder, torch_folder

DATA = Path(__file__).with_name("data")
CLIP_DEFAULT = "openai/clip-vit-base-patch32"
CLIP_IDS = (
    CLIP_DEFAULT,
    "openai/clip-vit-base-patch16",
    "openai/clip-vit-large-patch14",
    "openai/clip-vit-large-patch14-336",
)
DINO_DEFAULT = "facebook/dinov2-base"
DINO_IDS = (DINO_DEFAULT, "facebook/dinov2-with-registers-base")
SAM2_DEFAULT = "facebook/sam2.1-hiera-tiny"
SAM2_IDS = (SAM2_DEFAULT, "facebook/sam2.1-hiera-large")
_SAM_URL = "https://dl.fbaipublicfiles.com/segment_anything/"
_TORCH_URL = "https://download.pytorch.org/models/"


class Checkpoint(NamedTuple):
    """One weights file whose hash is known.

    ``file`` is the name it is kept under; ``base_url`` is where it is published, ``None`` for a
    file that is part of this package. ``sha256`` may be a prefix (torchvision publishes eight
    digits, in the file's name). ``size`` is in bytes and ``None`` where the publisher states
    none; ``size_text`` is for people.
    """

    name: str
    file: str
    size: int | None
    size_text: str
    sha256: str
    base_url: str | None = None

    @property
    def url(self) -> str | None:
        """Where it is published."""
        return None if self.base_url is None else self.base_url + self.file

    @property
    def path(self) -> Path:
        """Where it is kept: this package, our cache (SAM), or torch's hub folder (LPIPS)."""
        if self.base_url is None:
            return DATA / self.file
        return (sam_folder() if self.name.startswith("sam:") else torch_folder()) / self.file

    @property
    def fetch_command(self) -> str:
        """The command that fetches it."""
        return fetch_command(self.name)


def _by_name(*checkpoints: Checkpoint) -> Mapping[str, Checkpoint]:
    return MappingProxyType({checkpoint.name: checkpoint for checkpoint in checkpoints})


PUBLISHED = _by_name(
    Checkpoint(
        "sam:vit_b",
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "375 MB",
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        _SAM_URL,
    ),
    Checkpoint(
        "sam:vit_l",
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "1.25 GB",
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        _SAM_URL,
    ),
    Checkpoint(
        "sam:vit_h",
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "2.56 GB",
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        _SAM_URL,
    ),
    Checkpoint("lpips:vgg", "vgg16-397923af.pth", None, "553 MB", "397923af", _TORCH_URL),
    Checkpoint("lpips:squeeze", "squeezenet1_1-b8a52dc0.pth", None, "5 MB", "b8a52dc0", _TORCH_URL),
)

PACKAGED = _by_name(
    Checkpoint(
        "lpips:alex",
        "lpips_alex.safetensors",
        9_879_792,
        "9.9 MB",
        "94bbe0919378dc8205b3c8edcd410ea8fc0b7fb7cfdf229b74951d8694637890",
    ),
    Checkpoint(
        "clip:smoke",
        "smoke_clip/model.safetensors",
        756_424,
        "0.8 MB",
        "5c8dbe32eb28c34c5a0ef5a40b1987e984f24ea44b32ad72d38506279bb9efbf",
    ),
    Checkpoint(
        "sam:smoke",
        "smoke_sam.safetensors",
        466_720,
        "0.5 MB",
        "a6a92bb4fe19eb0d0e7669fc3a83b4904442f042481b51694cb529d51cc44eeb",
    ),
)


def known_names() -> tuple[str, ...]:
    """Return every name the catalogue knows, packaged ones included."""
    hub = {"clip": CLIP_IDS, "dino": DINO_IDS, "sam2": SAM2_IDS}
    listed = (f"{kind}:{hub_id}" for kind, hub_ids in hub.items() for hub_id in hub_ids)
    return (*PACKAGED, *PUBLISHED, *listed)


def check_name(name: str) -> None:
    """Raise ``InputError``, naming the nearest name, unless ``name`` can be found or fetched.

    Besides the catalogue's names this is ``clip:``, ``dino:`` or ``sam2:`` and any ``owner/model``
    of the hub.

    >>> check_name("sam:vit_b")
    >>> check_name("sam:vitb")
    Traceback (most recent call last):
    InputError: unknown weights 'sam:vitb' (did you mean 'sam:vit_b'?)
    """
    if name in known_names():
        return
    kind, _, key = name.partition(":")
    if kind in ("clip", "dino", "sam2") and "/" in key:
        return
    hint = did_you_mean(name, known_names())
    raise InputError(f"unknown weights {name!r}{hint}")


def fetch_command(name: str, revision: str | None = None) -> str:
    """Return the command that fetches ``name``.

    >>> fetch_command("sam:vit_b")
    'editmetrics weights fetch sam:vit_b'
    """
    return f"editmetrics weights fetch {fetch_words(name, revision)}"


def fetch_words(name: str, revision: str | None = None) -> str:
    """Return what ``weights fetch`` takes for ``name``: several go into one command.

    >>> fetch_words("clip:acme/clip", "v2")
    'clip:acme/clip@v2'
    """
    return f"{name}@{revision}" if revision else name


def split_revision(words: str) -> tuple[str, str | None]:
    """Return name and revision of what ``fetch_words`` returned.

    >>> split_revision("clip:acme/clip@v2"), split_revision("sam:vit_b")
    (('clip:acme/clip', 'v2'), ('sam:vit_b', None))
    """
    name, _, revision = words.partition("@")
    return name, revision or None
