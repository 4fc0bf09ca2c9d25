"""Colour profiles: what numbers of an image mean, as levels of sRGB.

A profile is read once: what it does to the colours of a grid tells whether it is sRGB, and its
transform serves every image that carries it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import product
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.levels import Array
from pytest_editmetrics.images.matrix_profile import exact_levels, is_matrix
from pytest_editmetrics.images.replaced import check_made

Levels: TypeAlias = "NDArray[np.uint8] | NDArray[np.floating[Any]]"
"""Levels in [0, 255], whole or not: grey (H, W), RGB or RGBA (H, W, C)."""
Shown: TypeAlias = Callable[[Levels], Array]

_GREY, _RGB, _CMYK, _LAB = "GRAY", "RGB", "CMYK", "Lab"
_SPACES = {
    **dict.fromkeys(("1", "L", "LA", "La", "I", "F", "I;16", "I;16L", "I;16B", "I;16N"), _GREY),
    "CMYK": _CMYK,
    "LAB": _LAB,
}
_OF_DEVICES = (b"mntr", b"scnr", b"prtr", b"spac")
_LONGEST = 1 << 24  # bytes of a profile
_GRID = 17
_SHOWN = 60  # characters of a profile's name
_AT_ONCE = 1 << 22  # values that are computed as floats


@dataclass(frozen=True)
class Profile:
    """What a profile makes of images of one colour space.

    ``ignored`` says why it is not applied, ``None`` if it is; ``is_srgb`` that it moves no colour
    by more than a level. ``shown`` gives the levels of sRGB of levels, ``picture`` RGB of a PIL
    image that has no levels of its own (CMYK, Lab); neither is there where nothing is to be done.
    """

    name: str
    digest: str
    ignored: str | None = None
    is_srgb: bool = False
    shown: Shown | None = None
    picture: Callable[[Image.Image], Image.Image] | None = None


def space_of(mode: str) -> str:
    """Return the colour space that a profile of a PIL image of this mode must be of.

    >>> space_of("I;16"), space_of("P"), space_of("YCbCr")
    ('GRAY', 'RGB', 'RGB')
    """
    return _SPACES.get(mode, _RGB)


def fits(icc: bytes, pixels: Array) -> bool:
    """Tell whether a file of these pixels, grey (H, W) or in colour, may carry a profile."""
    return icc[16:20].decode("latin-1").strip() == (_GREY if pixels.ndim == 2 else _RGB)


def profile_of(icc: bytes, mode: str, what: str) -> Profile:
    """Return what a profile makes of images of a PIL mode; read once for each profile.

    Raises:
        ImageError: Pillow was built without LittleCMS; ``what`` names the image.
    """
    try:
        return _profile(icc, space_of(mode))
    except ImportError as error:
        raise ImageError(
            f"{what}: carries a colour profile, and this Pillow was built without LittleCMS, which"
            f" applies it ({error}); install Pillow's own wheel (pip install --force-reinstall"
            " --only-binary pillow pillow), or say colour='numbers' (in YAML `colour: numbers`)"
            " to measure the bare numbers"
        ) from error


def lab_picture(image: Image.Image, what: str) -> Image.Image:
    """Return a PIL image of mode LAB, which needs no profile, as RGB; raises as ``profile_of``."""
    from PIL import ImageCms

    try:
        transform = _transform(ImageCms.createProfile("LAB"), "LAB", exact=True)
        converted: Image.Image = transform.apply(image)
        return converted
    except ImportError as error:
        raise ImageError(
            f"{what}: is CIE Lab, and this Pillow was built without LittleCMS, which converts it"
            f" ({error}); save it as RGB"
        ) from error


def described(icc: bytes | None) -> str | None:
    """Return what tells a profile from others, in words; ``None`` for none, and for sRGB's."""
    if icc is None:
        return None
    name = "of its own"
    try:
        profile = _profile(icc, icc[16:20].decode("latin-1").strip())
        if profile.is_srgb:
            return None
        name = profile.name
    except ImportError:  # without LittleCMS it has no name
        pass
    return f"{name} (sha256 {digest_of(icc)})"


def digest_of(icc: bytes) -> str:
    """Return what names a profile in results: the start of its SHA-256."""
    return hashlib.sha256(icc).hexdigest()[:12]


@lru_cache(maxsize=32)
def _profile(icc: bytes, space: str) -> Profile:
    from PIL import ImageCms

    name, digest = "unnamed", digest_of(icc)

    def ignored(why: str) -> Profile:
        return Profile(name, digest, why)

    if len(icc) > _LONGEST:
        return ignored(f"it is longer than {_LONGEST >> 20} MiB")
    try:
        opened = ImageCms.ImageCmsProfile(BytesIO(icc))
        name = _name(opened.profile)
        own = _plain(str(opened.profile.xcolor_space))
    except (OSError, ValueError) as error:
        return ignored(f"it cannot be read ({error})")
    if space == own == _LAB:
        lab = ImageCms.createProfile("LAB")
        return Profile(name, digest, picture=_transform(lab, "LAB", exact=True).apply)
    if icc[12:16] not in _OF_DEVICES:
        return ignored("it is no profile of a device or a colour space")
    if space == _GREY and own == _RGB and _profile(icc, _RGB).is_srgb:
        return Profile(name, digest, is_srgb=True)  # as which it would be read without it
    if own != space:
        return ignored(f"it is one of {own}, the image is {space}")
    try:
        if space == _GREY:
            return _grey(name, digest, _transform(opened, "L", exact=True))
        if space == _RGB:
            transform = _transform(opened, "RGB", exact=not is_matrix(icc))
            return _colour(name, digest, transform, exact_levels(icc))
        return Profile(name, digest, picture=_transform(opened, "CMYK", exact=True).apply)
    except ImageCms.PyCMSError as error:
        return ignored(f"it cannot be converted to sRGB ({error})")


def _name(profile: Any) -> str:
    try:
        return _plain(profile.profile_description or "") or "unnamed"
    except ValueError:  # Pillow reads no other letters than those of ASCII
        return "unnamed"


def _plain(text: str) -> str:
    text = " ".join(text.replace("\0", "").split())
    return (text if text.isprintable() else ascii(text))[:_SHOWN].strip()


def _transform(profile: Any, mode: str, *, exact: bool) -> Any:
    """Return the transform to sRGB, relative colorimetric.

    LittleCMS would put a coarse grid in the place of a profile's own tables and curves, and be off
    by up to 40 levels of 255 between its points: ``exact`` forbids that.
    """
    from PIL import ImageCms

    return ImageCms.buildTransform(
        profile,
        ImageCms.createProfile("sRGB"),
        mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.NOOPTIMIZE if exact else ImageCms.Flags.NONE,
    )


def _grey(name: str, digest: str, transform: Any) -> Profile:
    check_made()
    levels = np.arange(256, dtype=np.uint8)
    table = np.asarray(transform.apply(Image.fromarray(levels[None])))[0]
    if np.abs(table.astype(int) - levels[:, None]).max() <= 1:
        return Profile(name, digest, is_srgb=True)
    neutral = bool(np.ptp(table.astype(int), axis=1).max() <= 1)

    def looked_up(grey: Levels) -> Array:
        columns = (1,) if neutral else (0, 1, 2)
        found = [_between(table[:, column], grey) for column in columns]
        return found[0] if neutral else np.stack(found, axis=-1)

    def shown(values: Levels) -> Array:
        if values.ndim == 2:
            return looked_up(values)
        colours = looked_up(values[..., 0])
        if neutral:
            colours = np.repeat(colours[..., None], 3, axis=2)
        return _with_alpha(colours, values)

    return Profile(name, digest, shown=shown)


def _between(table: NDArray[np.uint8], levels: Levels) -> NDArray[np.uint8]:
    if levels.dtype == np.uint8:
        found: NDArray[np.uint8] = table[levels]
        return found
    mixed: NDArray[np.uint8] = np.rint(np.interp(levels, np.arange(256), table)).astype(np.uint8)
    return mixed


def _colour(
    name: str,
    digest: str,
    transform: Any,
    of_unrounded: Callable[[NDArray[np.float32]], NDArray[np.uint8]] | None,
) -> Profile:
    def of_whole(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
        check_made()
        picture = Image.fromarray(np.ascontiguousarray(colours))
        shown: NDArray[np.uint8] = np.asarray(transform.apply(picture))
        return shown

    steps = np.rint(np.linspace(0, 255, _GRID)).astype(np.uint8)
    grid = np.array(list(product(steps, repeat=3)), np.uint8)[None]
    if np.abs(of_whole(grid).astype(int) - grid).max() <= 1:
        return Profile(name, digest, is_srgb=True)

    def shown(values: Levels) -> Array:
        if values.dtype == np.uint8:
            return _with_alpha(of_whole(np.asarray(values[..., :3], np.uint8)), values)
        strips = np.array_split(values[..., :3].astype(np.float32), -(-values.size // _AT_ONCE))
        some = of_unrounded or (lambda strip: _mixed(strip, of_whole))
        return _with_alpha(np.concatenate([some(strip) for strip in strips]), values)

    return Profile(name, digest, shown=shown)


def _mixed(colours: NDArray[np.float32], of_whole: Callable[[Array], Array]) -> Array:
    """Return what levels show that are not whole: a mixture of the eight whole ones around each."""
    low = np.floor(colours).clip(0, 254).astype(np.uint8)
    share = colours - low
    mixed = np.zeros(colours.shape, np.float32)
    for corner in product((0, 1), repeat=3):
        up = np.array(corner, np.uint8)
        red, green, blue = np.moveaxis(np.where(up, share, 1 - share), 2, 0)
        mixed += (red * green * blue)[..., None] * of_whole(low + up)
    return np.rint(mixed).astype(np.uint8)


def _with_alpha(colours: NDArray[np.uint8], values: Levels) -> Array:
    if values.shape[2] == 3:
        return np.ascontiguousarray(colours)
    alpha = np.rint(values[..., 3:]).astype(np.uint8)
    return np.concatenate([colours, alpha], axis=2)
