"""What the calls of ``bad_calls`` are made of: two images, their files, and what damages them."""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import shutil
import struct
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import imagecodecs
import numpy as np
import tifffile
import torch
from PIL import Image, ImageCms, ImageFile

from pytest_editmetrics import (
    CLIPPipe,
    Region,
    assert_object_sim_above,
    assert_unedit_lpips_below,
)
from pytest_editmetrics.goldens.images import image_address
from pytest_editmetrics.weights.catalog import DATA

__all__ = [
    "BOX",
    "CLIPPipe",
    "Image",
    "Pipeline",
    "Region",
    "after",
    "assert_object_sim_above",
    "assert_unedit_lpips_below",
    "before",
    "checkpoint",
    "claims",
    "closed",
    "data_url",
    "fifo",
    "golden",
    "heic",
    "imagecodecs",
    "inf",
    "itertools",
    "jpeg",
    "jxl",
    "lenient",
    "link_to_itself",
    "mask_file",
    "masked",
    "mocked",
    "nan",
    "nested",
    "np",
    "os",
    "png",
    "several",
    "text_bomb",
    "tiff",
    "torch",
    "with_alpha",
    "without",
    "without_littlecms",
    "write",
]

nan, inf = float("nan"), float("inf")
_numbers = itertools.count()
BOX = [(16, 16, 32, 32)]


def _scene():
    coarse = np.random.default_rng(0).integers(30, 220, (8, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((64, 64), Image.Resampling.BICUBIC)
    return np.asarray(picture)


before = _scene()
after = before.copy()
after[16:32, 16:32] = 255 - after[16:32, 16:32]


class Pipeline:
    """What a pipeline of diffusers returns."""

    images = (after,)


def _encoded(image, kind, **more):
    file = io.BytesIO()
    Image.fromarray(np.asarray(image)).save(file, kind, **more)
    return file.getvalue()


def png(image=after, **more):
    return _encoded(image, "PNG", **more)


def with_alpha(value):
    return np.dstack([after, np.full((64, 64), value, np.uint8)])


def closed():
    """A PIL image whose file was closed before its pixels were read."""
    with Image.open(io.BytesIO(png())) as image:
        pass
    return image


def jpeg(image=after):
    return _encoded(image, "JPEG")


def write(name, data):
    """Write a file into the current folder and return its path."""
    path = Path(name)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def _chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def claims(width, height):
    """A PNG that says it is that large and holds the data of 64x64 pixels."""
    data = png()
    return (
        data[:8]
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + data[33:]
    )


def text_bomb():
    """A PNG with 64 MiB of text, compressed to 64 KiB."""
    data = png()
    text = zlib.compress(b"a" * (1 << 26), 9)
    return data[:33] + _chunk(b"zTXt", b"c\0\0" + text) + data[33:]


def tiff(values):
    file = io.BytesIO()
    tifffile.imwrite(file, values, metadata=None, photometric="minisblack")
    return file.getvalue()


@contextmanager
def lenient():
    """Tell Pillow to allow files that are cut off, as many training scripts do."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


@contextmanager
def without(name, plugin):
    """Take from Pillow what decodes a format."""
    opener, modules = Image.OPEN.pop(name, None), sys.modules.copy()
    sys.modules[plugin] = None
    try:
        yield
    finally:
        del sys.modules[plugin]
        if plugin in modules:
            sys.modules[plugin] = modules[plugin]
        if opener is not None:
            Image.OPEN[name] = opener


def mocked(owner, name):
    """Replace a function of Pillow by one that gives another image."""
    return mock.patch.object(owner, name, return_value=Image.fromarray(before))


@contextmanager
def without_littlecms():
    """Take from Pillow what applies colour profiles."""

    def missing(*_):
        raise ImportError("The _imagingcms C module is not installed")

    profile, ImageCms.ImageCmsProfile = ImageCms.ImageCmsProfile, missing
    try:
        yield
    finally:
        ImageCms.ImageCmsProfile = profile


def jxl():
    """The first bytes of a JPEG XL file."""
    return b"\xff\n" + bytes(60)


def heic():
    """The first bytes of a HEIC file."""
    return bytes(4) + b"ftypheic" + bytes(60)


def data_url(data):
    return "data:image/png;base64," + base64.b64encode(data).decode()


def several(kind):
    """A file of two different frames."""
    file = io.BytesIO()
    first, second = (Image.fromarray(image) for image in (before, after))
    first.save(file, kind, save_all=True, append_images=[second])
    return file.getvalue()


def fifo(name):
    if not os.path.exists(name):
        os.mkfifo(name)
    return name


def link_to_itself(name):
    if not os.path.islink(name):
        os.symlink(name, name)
    return name


def masked():
    """An image of NumPy's masked arrays, some pixels of which are masked out."""
    return np.ma.masked_array(after, mask=after > 200)


def mask_file(name, value=255, size=(64, 64), mode="L"):
    """A mask with a square of ``value``."""
    image = Image.new(mode, size)
    image.paste(value, (16, 16, 32, 32))
    image.save(name)
    return name


def nested(depth, seed=0):
    for _ in range(depth):
        seed = [seed]
    return seed


def checkpoint(config=None, preprocessor=None, shards=None):
    """A copy of the packaged CLIP with other fields, or with an index in place of its weights."""
    folder = Path(f"model{next(_numbers)}")
    shutil.copytree(DATA / "smoke_clip", folder)
    for name, fields in (("config", config), ("preprocessor_config", preprocessor)):
        path = folder / f"{name}.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **(fields or {})}))
    if shards:
        (folder / "model.safetensors").unlink()
        index = {"weight_map": shards}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return str(folder)


def golden(golden_image, suffix, data):
    """Put a file where the golden image of the running test lies."""
    item, session = golden_image._record.item, golden_image._session
    test = item.nodeid.partition("::")[2]
    address = image_address(session.goldens, item.path, test, None)
    address.folder.mkdir(parents=True, exist_ok=True)
    return write(address.folder / (address.stem + suffix), data)
