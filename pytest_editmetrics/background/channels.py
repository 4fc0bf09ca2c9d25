"""Whether the channels of a background were exchanged or lost, or its colours were.

Moved and toned at once they still are: where the pair is aligned, one channel is compared with
another as gain and offset bring it nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from pytest_editmetrics.background.cause import Cause, Kind
from pytest_editmetrics.background.colour_cells import FEW, ColourCells
from pytest_editmetrics.background.differences import Planes
from pytest_editmetrics.background.mixed import fit_mix
from pytest_editmetrics.images.load import Array
from pytest_editmetrics.images.regions import Mask

_LEFT = 0.1  # of the squared difference, at most
_NAMES = ("red", "green", "blue")
_LETTERS = "RGB"
_SWAPPED = {
    "BGR": "red and blue are swapped (BGR?)",
    "GRB": "red and green are swapped (GRB?)",
    "RBG": "green and blue are swapped (RBG?)",
}
_BRIGHTNESS = ((0.299, 0.587, 0.114), (1 / 3, 1 / 3, 1 / 3))
_COLOURLESS = 4.0  # of 255, by which the channels of a grey pixel differ
_SHARE = 0.99  # of the pixels
_COLOURED = 8.0  # of 255, by which those of a picture in colour differ, on the mean
_PALE = 2.0  # the same of a pale one
_FAINT = 0.35  # of the colour that was there, root mean square, and
_HARDLY_ANY = 0.03  # of its strength, and
_CAST = 1.0  # of 255 of one hue: what is left of a greyscale that was encoded
_FLAT = 0.2  # of the standard deviation that was there: a channel of less is lost
_VARIED = 8.0  # of 255, standard deviation: a channel that had something to lose
_SILENT = 2.0  # of 255, root mean square: less is no exchange
_CLEARLY = 0.25  # of what else would be left: one channel of a greyscale, a hue of an order
_THIN = 8  # of every so many rows and columns one is looked at first
_MANY_PIXELS = 400_000  # of more every second row and column is looked at first
_TINY = 1e-9


def channels_cause(
    before: Planes,
    after: Planes,
    mask: Mask,
    aligned: Planes,
    within: Mask,
    unexplained: float,
    cells: ColourCells,
) -> tuple[Cause, Array] | None:
    """Return what became of the channels, where that explains nearly all of the difference.

    Args:
        before: float32 (3, H, W), of 255.
        after: the same.
        mask: boolean (H, W), true for the background; some of it differs.
        aligned: ``after`` with its motion undone.
        within: boolean (H, W), the pixels that are seen in it.
        unexplained: the squared difference that motion and tone leave.
        cells: of ``before`` and ``aligned``.

    Returns:
        The cause, and the reference with such channels, uint8 (H, W, 3).

    >>> from pytest_editmetrics.background.colour_cells import colour_cells
    >>> picture = np.random.default_rng(0).integers(0, 255, (3, 16, 16)).astype(np.float32)
    >>> all_of_it = np.ones((16, 16), bool)
    >>> swapped = picture[::-1]
    >>> cells = colour_cells(picture, swapped, all_of_it)
    >>> found = channels_cause(picture, swapped, all_of_it, swapped, all_of_it, 1e9, cells)
    >>> found[0].text, found[0].share
    ('red and blue are swapped (BGR?)', 1.0)
    >>> lighter = picture + 9
    >>> cells = colour_cells(picture, lighter, all_of_it)
    >>> channels_cause(picture, lighter, all_of_it, lighter, all_of_it, 0, cells) is None
    True
    """

    def told(
        kind: Kind, text: str, facts: dict[str, object], made: Planes, *, sure: bool = False
    ) -> tuple[Cause, Array] | None:
        left = sum(map(_squares, made, after, [mask] * 3))
        if not sure:
            total = sum(map(_squares, before, after, [mask] * 3))
            if left > _LEFT * total or left >= unexplained:
                return None
        away = sum(map(_squares, before, aligned, [within] * 3))
        away -= sum(map(_squares, made, aligned, [within] * 3))
        share = max(0.0, away) / max(max(0.0, away) + left, _TINY)
        return Cause(kind, share, text, facts), _image(made)

    if (lost := _lost(before, after, mask, cells)) is not None:
        return told("channels", *lost, sure=True)
    step = np.s_[::2, ::2] if mask.size > _MANY_PIXELS else np.s_[:, :]
    squares = np.array(
        [[_squares(one[step], other[step], mask[step]) for other in after] for one in before]
    )
    order, sure = _order(squares, cells)
    noisy_grey = _is_noisy_grey(cells)  # whose channels fit in any order
    if order != (0, 1, 2) and not noisy_grey:
        name = "".join(_LETTERS[channel] for channel in order)
        text = _SWAPPED.get(name, f"the channels are in another order ({name}?)")
        return told("channels", text, {"order": name}, before[list(order)], sure=sure)
    if not noisy_grey and not _is_grey(before, after, mask):
        return None
    for grey, sure, channel in _greys(before, cells):
        made = np.stack([grey] * 3)
        if channel is not None:
            text = f"all channels are the {_NAMES[channel]} one"
            found = told("channels", text, {"order": _LETTERS[channel] * 3}, made, sure=sure)
        else:
            found = told("greyscale", "lost its colours (greyscale)", {}, made, sure=sure)
        if found is not None:
            return found
    return None


def _order(squares: NDArray[np.float64], cells: ColourCells) -> tuple[tuple[int, ...], bool]:
    """Return the order of channels that fits best, and whether it does so after any tone."""
    same = (0, 1, 2)
    every = list(permutations(range(3)))
    if len(cells) >= FEW:
        left = np.array(
            [[_off(one, other) for other in cells.after] for one in cells.before]
        )  # what a tone leaves of each
        best = min(every, key=lambda order: float(left[order, same].sum()))
        least, plainly = float(left[best, same].sum()), float(np.trace(left))
        if plainly >= 3 * _SILENT**2 and least <= _LEFT * plainly:
            mixed = fit_mix(cells.before, cells.after).applied(cells.before) - cells.after
            if least > 1 and float(np.square(mixed).sum(axis=0).mean()) < _CLEARLY * least:
                return same, False  # another hue
            return best, True
    return min(every, key=lambda order: float(squares[order, same].sum())), False


def of_a_part(channels: Cause, others: Sequence[Cause]) -> bool:
    """Tell whether channels only look exchanged or lost: a part changed, to grey as it happens."""
    if "levels" in channels.facts:  # which is so everywhere
        return False
    local = sum(cause.share for cause in others if cause.kind in ("spill", "seam"))
    return channels.share < local


def _off(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the mean square that gain and offset leave; a gain of less than nothing is none."""
    a, b = one - one.mean(), other - other.mean()
    size, common = float(a @ a), float(a @ b)
    explained = common**2 / size if size > 0 and common > 0 else 0.0
    return (float(b @ b) - explained) / len(b)


def _lost(
    before: Planes, after: Planes, mask: Mask, cells: ColourCells
) -> tuple[str, dict[str, object], Planes] | None:
    """Return the channels that are of one level, or copies of others, and the reference so."""
    thin = np.s_[::_THIN, ::_THIN]
    if not mask[thin].any():
        return None
    made, levels, exactly = before, dict[int, list[str]](), True
    for channel, name in enumerate(_NAMES):
        was, is_ = (image[channel] for image in (before, after))
        if is_[thin][mask[thin]].std() > 2 * _FLAT * was[thin][mask[thin]].std():
            continue
        spread = float(was[mask].std())
        if spread < _VARIED or is_[mask].std() > _FLAT * spread:
            continue
        level = float(np.median(is_[mask]))
        exactly &= bool((np.abs(is_ - level) <= 1)[mask].all())
        made = made.copy() if made is before else made
        made[channel] = level
        levels.setdefault(round(level), []).append(name)
    lost = {name: level for level, names in levels.items() for name in names}
    if lost:
        said = ", ".join(
            f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} "
            f"{'' if exactly else 'nearly '}{level}"
            for level, names in levels.items()
        )
        return (f"{said} everywhere", {"levels": lost}, made) if len(lost) < 3 else None
    alike = [pair for pair in combinations(range(3), 2) if _alike(after, mask, *pair)]
    if len(alike) != 1 or len(cells) < FEW:
        return None  # none, or all: that is a picture without colours
    one, other = alike[0]
    if np.abs(before[one] - before[other])[mask].mean() < _COLOURED:
        return None
    own, others = (_off(cells.before[of], cells.after[one]) for of in (one, other))
    of, copy = (one, other) if own <= others else (other, one)
    made = before.copy()
    made[copy] = before[of]
    text = f"{_NAMES[copy]} is a copy of {_NAMES[of]}"
    order = "".join(_LETTERS[of if channel == copy else channel] for channel in range(3))
    return text, {"order": order}, made


def _alike(image: Planes, mask: Mask, one: int, other: int) -> bool:
    thin = np.s_[::_THIN, ::_THIN]
    for part in (thin, np.s_[:, :]):
        off = np.abs(image[one][part] - image[other][part])[mask[part]]
        if off.size and (off <= _COLOURLESS).mean() < _SHARE:
            return False
    return True


def _is_grey(before: Planes, after: Planes, mask: Mask) -> bool:
    """Tell whether a picture in colour lost its colours; a pale one has to lose nearly all."""
    if not all(_alike(after, mask, *pair) for pair in combinations(range(3), 2)):
        return False
    had, left = (float(np.ptp(image, axis=0)[mask].mean()) for image in (before, after))
    return had >= _COLOURED or (had >= _PALE and left <= _LEFT * had)


def _is_noisy_grey(cells: ColourCells) -> bool:
    """Tell whether nothing of the colours is left but an encoder's noise, which has no hue."""
    if len(cells) < FEW or np.ptp(cells.before, axis=0).mean() < _COLOURED:
        return False
    had, left = (colours - colours.mean(axis=0) for colours in (cells.before, cells.after))
    size = float((had * had).sum())
    kept = float((had * left).sum()) / size
    faint = float((left * left).sum()) <= _FAINT**2 * size
    return faint and abs(kept) <= _HARDLY_ANY and float(np.abs(left.mean(axis=1)).max()) <= _CAST


def _greys(
    before: Planes, cells: ColourCells
) -> Iterator[tuple[NDArray[np.float32], bool, int | None]]:
    """Give the reference without colours, in each of the usual ways, the likeliest first.

    And whether it fits whatever the tone, and which channel it is, if it is one.
    """
    ways = [*_BRIGHTNESS, *np.eye(3)]
    of_one = {2 + channel: channel for channel in range(3)}
    order, sure = list(range(len(_BRIGHTNESS))), False
    if len(cells) >= FEW:
        is_ = cells.after.mean(axis=0)
        left = [_off(np.asarray(way) @ cells.before, is_) for way in ways]
        mixed = int(np.argmin(left[:2]))
        single = 2 + int(np.argmin(left[2:]))
        sure = min(left) <= _LEFT * float(is_.var())
        order = [mixed, 1 - mixed]
        if left[single] < _CLEARLY * left[mixed]:
            order.insert(0, single)
    for n in order:
        grey = np.tensordot(np.asarray(ways[n], np.float32), before, 1).round()
        yield grey, sure, of_one.get(n)


def _squares(one: NDArray[np.float32], other: NDArray[np.float32], mask: Mask) -> float:
    return float(np.sum(np.square(one - other), where=mask, dtype=np.float64))


def _image(planes: Planes) -> Array:
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2).astype(np.uint8))
