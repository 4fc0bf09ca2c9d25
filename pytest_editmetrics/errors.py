"""Every error this project raises on purpose.

Nothing here imports anything heavy: the surface needs these names when pytest starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

CONFLICT = r"^(<<<<<<< |\|\|\|\|\|\|\| |=======\r?$|>>>>>>> )"
"""How git marks, in the lines of a file, the two sides of a merge: one that is left is enough."""
LFS_POINTER = "version https://git-lfs.github.com/spec/"
"""What a file begins with that stands for one that Git LFS keeps."""
IN_CONFLICT = (
    "holds the marks of a merge conflict ({}); take one side (`git checkout --ours` or"
    " `--theirs`), or write what is to hold"
)
"""What is said of a file with such a mark."""
NO_FILE = "there is no such file"
"""What is said of an image's path where there is none."""


BOUNDS_ELSEWHERE = (
    "threshold", "thresholds", "tolerance", "bound", "bounds", "limit", "max", "min",
)  # fmt: skip
"""What others call a bound."""
_ELSEWHERE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("before", "original", "source", "input", "ref", "ref_image"), ("reference",)),
    **dict.fromkeys(("after", "output", "result", "target", "edited_image"), ("edited", "image")),
    "name": ("id",),
    **dict.fromkeys(
        ("box", "boxes", "bbox", "bboxes", "area", "region", "regions", "mask", "masks"),
        ("coords",),
    ),
    **dict.fromkeys(BOUNDS_ELSEWHERE, ("threshold", "tolerance")),
    "gpu": ("cuda",),
    **dict.fromkeys(("metric", "metrics", "comparators"), ("metrics", "comparator")),
    **dict.fromkeys(("prompt", "seed", "instruction", "model"), ("facts", "params")),
    **dict.fromkeys(("object_sim", "clip_sim", "clip"), ("sam_clip_cls_sim",)),
    "psnr": ("unedit_psnr",),
    "unedit_emd": ("emd",),
    "unedit_lpips": ("lpips",),
}
"""What others call something, and its names here: of these the first that is valid is meant."""

# GitHub: `::name::` after blanks, and `##[name]` anywhere; Azure: `##vso[`; TeamCity: `##teamcity[`
_COMMAND = re.compile(r"^(?P<blanks>\s*):(?=:)|(?<=#)#(?=\w*\[)")


class EditMetricsError(Exception):
    r"""Something that must be put right before a measurement can be trusted.

    The message says what is wrong, where, and what to do. A gate that meets one gets the verdict
    ``error``: it fails, and never becomes an xfail. What it names of a user can steer no terminal.

    >>> print(InputError("red\x1b[31m"))
    red\x1b[31m
    """

    __module__ = "builtins"  # as pytest's own outcomes do, so that reports show the short name

    def __str__(self) -> str:
        return _printable(super().__str__())


class InputError(EditMetricsError, ValueError):
    """An argument that makes no sense: an unknown metric, mask mode, option or bound."""

    __module__ = "builtins"


class ImageError(EditMetricsError, ValueError):
    """An image that cannot be read, or does not fit its pair."""

    __module__ = "builtins"


class RegionError(EditMetricsError, ValueError):
    """A region that makes no sense: a box that is not four finite pixel numbers, no mask.

    ``size`` is that of a mask which cannot be used, (height, width), if it has one.
    """

    __module__ = "builtins"
    size: tuple[int, int] | None = None


class ConfigError(EditMetricsError):
    """A YAML file that cannot be used; the message starts with ``file:line:``.

    If several things are wrong, each has a line of the message, and ``each`` holds them.
    """

    __module__ = "builtins"

    def __init__(self, message: str, path: str | Path | None = None, line: int | None = None):
        where = "" if path is None else f"{path}:{line}: " if line else f"{path}: "
        super().__init__(where + message)
        self.path = None if path is None else Path(path)
        self.line = line
        self.each: tuple[ConfigError, ...] = ()

    @classmethod
    def of(cls, errors: Sequence[ConfigError]) -> ConfigError:
        """Return one error of several."""
        error = cls("\n".join(map(str, errors)))
        error.path, error.line, error.each = errors[0].path, errors[0].line, tuple(errors)
        return error


class MissingResourceError(EditMetricsError):
    """Weights or a package that a pipe needs are not there.

    ``pipe`` is the key of the pipe that needs them, which ``--editmetrics-skip-missing`` takes;
    ``fetch`` names what ``editmetrics weights fetch`` can bring.
    """

    __module__ = "builtins"

    def __init__(self, message: str, pipe: str, fetch: Iterable[str] = ()):
        super().__init__(message)
        self.pipe = pipe
        self.fetch = tuple(fetch)


class WeightsError(EditMetricsError):
    """Weights that are there and cannot be trusted: wrong hash, truncated, another architecture."""

    __module__ = "builtins"


class GateFailure(AssertionError):
    """Raised by a check when at least one of its gates did not pass."""

    __module__ = "builtins"

    def __str__(self) -> str:
        return _printable(super().__str__())


def printable(text: str) -> str:
    r"""Return text as one line that shows itself and does nothing else.

    >>> printable("red\x1b[31m\nnext")
    'red\\x1b[31m\\nnext'
    >>> printable("  ::stop-commands::x"), printable("a ##[error]b")
    ('  \\x3a:stop-commands::x', 'a #\\x23[error]b')
    """
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
    return _COMMAND.sub(lambda found: f"{found['blanks'] or ''}\\x{ord(found[0][-1]):02x}", shown)


def _printable(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def nearest(name: object, valid: Iterable[str]) -> str | None:
    """Return the name that was probably meant, ``None`` if none is near.

    >>> nearest("cdua", ["cpu", "cuda"]), nearest("CUDA", ["cpu", "cuda"])
    ('cuda', 'cuda')
    >>> nearest("boxes", ["coords", "ref_boxes"]), nearest("boxes", ["box"])
    ('coords', 'box')
    """
    import difflib

    names = sorted(valid)
    if (meant := synonym(name, names)) is not None:
        return meant
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if not close:  # written in other letters
        of_small = {known.casefold(): known for known in names}
        near = difflib.get_close_matches(str(name).casefold(), of_small, n=1, cutoff=0.6)
        close = [of_small[one] for one in near]
    return close[0] if close else None


def synonym(name: object, valid: Iterable[str]) -> str | None:
    """Return the valid name of what others call so, ``None`` if there is none.

    >>> synonym("boxes", ["coords", "ref_boxes"]), synonym("cord", ["coords"])
    ('coords', None)
    """
    names = set(valid)
    return next((meant for meant in _ELSEWHERE.get(str(name), ()) if meant in names), None)


def did_you_mean(name: object, valid: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` or `` (valid: 'x', 'y')`` for an unknown name.

    >>> did_you_mean("treshold", ["threshold", "scope"])
    " (did you mean 'threshold'?)"
    >>> did_you_mean("qqq", ["b", "a"])
    " (valid: 'a', 'b')"
    """
    names = sorted(valid)
    close = nearest(name, names)
    if close is not None:
        return f" (did you mean {close!r}?)"
    return f" (valid: {', '.join(map(repr, names))})" if names else ""


def counted(number: int, one: str, more: str | None = None) -> str:
    """Return a number with what it counts.

    >>> counted(1, "gate"), counted(2, "gate"), counted(2, "gate is", "gates are")
    ('1 gate', '2 gates', '2 gates are')
    """
    return f"{number} {one if number == 1 else more or f'{one}s'}"
