"""What is found of a pipe: each kind of fault once, with where it was met first."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from pytest_editmetrics.checks.measure import Bound, asked
from pytest_editmetrics.config.settings import MetricConfig
from pytest_editmetrics.errors import counted
from pytest_editmetrics.images.load import Array, ImageLike, load_image
from pytest_editmetrics.images.regions import region_mask
from pytest_editmetrics.measurement import MASK_MODE, Metric, Scope
from pytest_editmetrics.testing import scenes

_WORDS: Mapping[Scope, str] = {"edit_area": "inside", "unedit_area": "outside"}


@dataclass(frozen=True)
class Inquiry:
    """A pipe, the metric that it is asked for, and what is allowed to it, see ``check_pipe``."""

    pipe: Any
    metric: Metric
    reference: ImageLike | None
    tolerance: float
    leak: float
    scopes: tuple[Scope, ...]
    params: Mapping[str, Any]
    _found: dict[str, list[str]] = field(default_factory=dict, init=False)

    def findings(self) -> list[str]:
        """Ask the pipe, and return what is wrong, a text for each kind of fault."""
        self._check_keywords()
        picture = scenes.made_picture() if self.reference is None else load_image(self.reference)
        if self.metric.compares == "objects":
            self._check_objects(picture)
        else:
            self._check_regions(picture)
            self._check_none(picture)
        return [_text(kind, places) for kind, places in self._found.items()]

    def _check_keywords(self) -> None:
        call = getattr(self.pipe, "measure", self.pipe)
        try:
            taken = inspect.signature(call).parameters
        except (TypeError, ValueError):  # some callables that are written in C tell nothing
            return
        if any(one.kind is one.VAR_KEYWORD for one in taken.values()):
            return
        for name in ("metric", *self.metric.params):
            if name not in taken:
                self._note("takes no keyword that a gate gives it", repr(name))

    def _check_regions(self, picture: Array) -> None:
        height, width = picture.shape[:2]
        edited = scenes.slightly(picture)
        asked_first: list[tuple[str, Callable[[], float | None], float]] = []
        for words, coords in scenes.regions(height, width).items():
            for scope in self.scopes:
                where = f"{_WORDS[scope]} {words}"
                measured = region_mask(coords, MASK_MODE[scope], height, width)
                ask = partial(self._value, picture, coords=coords, scope=scope, where=where)
                value = ask(edited)
                if value is None:
                    self._note("returns None where there are pixels to compare", where)
                    continue
                asked_first.append((where, partial(ask, edited), value))
                self._check_leak(ask, value, edited, ~measured, where)
                self._check_sight(ask, value, picture, edited, measured, where)
        for where, again, value in asked_first:
            self._check_same(again, value, where)
        if "unedit_area" in self.scopes and asked_first:
            where = "the whole image (coords=None, measured outside)"
            if self._value(picture, edited, None, "unedit_area", where) is None:
                self._note("returns None where there are pixels to compare", where)

    def _check_leak(
        self,
        ask: Callable[[Array], float | None],
        value: float,
        edited: Array,
        other: Any,
        where: str,
    ) -> None:
        for words, change in scenes.changes().items():
            moved = ask(scenes.put(edited, other, change))
            if moved is not None and abs(moved - value) > self.leak:
                self._note(
                    "does not honour its region: pixels that are not measured move the value"
                    " (Region.of(coords).inside(height, width) are those of the edit area; `leak=`"
                    " states how much you allow)",
                    f"measured {where}, the rest {words}: {value:.6g} became {moved:.6g}",
                )

    def _check_sight(
        self,
        ask: Callable[[Array], float | None],
        value: float,
        picture: Array,
        edited: Array,
        measured: Any,
        where: str,
    ) -> None:
        """Some change of what is measured must be seen, and an unchanged image not be the worst."""
        values = [
            seen
            for change in scenes.changes().values()
            if (seen := ask(scenes.put(edited, measured, change))) is not None
        ]
        if all(abs(seen - value) <= max(self.leak, self.tolerance) for seen in values):
            self._note(
                "does not see what it measures: no change of the measured pixels moves the value"
                f" ({', '.join(scenes.changes())})",
                f"{where}: {value:.6g}",
            )
            return
        unchanged = ask(picture.copy())
        if unchanged is None:
            return
        lower = (self.metric.better == "lower") == (self.metric.asks == "same")
        worse = [seen < unchanged if lower else seen > unchanged for seen in values]
        if all(worse):
            self._note(
                f"finds every changed image {'better' if self.metric.asks == 'same' else 'worse'}"
                f" than an unchanged one, with better={self.metric.better!r} and"
                f" asks={self.metric.asks!r}",
                f"{where}: unchanged {unchanged:.6g}, changed from {min(values):.6g} to"
                f" {max(values):.6g}",
            )

    def _check_same(self, ask: Callable[[], float | None], value: float, where: str) -> None:
        again = ask()
        if again is None or abs(again - value) > self.tolerance:
            self._note(
                "gives another value for the same pair (`tolerance=` states how much you allow)",
                f"{where}: {value:.6g}, later {again if again is None else f'{again:.6g}'}",
            )

    def _check_none(self, picture: Array) -> None:
        edited = scenes.slightly(picture)
        for words, scope, coords in scenes.empty_regions(*picture.shape[:2]):
            if scope not in self.scopes:
                continue
            value = self._value(picture, edited, coords, scope, words)
            if value is not None:
                self._note(
                    "returns a value where the region holds no pixel; return None",
                    f"{words}: {value:.6g}",
                )

    def _check_objects(self, picture: Array) -> None:
        height, width = picture.shape[:2]
        one = (width // 8, height // 4, width // 2, height * 3 // 4)
        two = (width // 2, height // 4, width * 7 // 8, height * 3 // 4)
        edited, scope = scenes.slightly(picture), self.metric.scope
        for words, coords in (("one object", [one, one]), ("two objects", [one, two, one, two])):
            value = self._value(picture, edited, coords, scope, words)
            for change in scenes.changes().values():
                self._value(picture, change(edited), coords, scope, words)
            if value is None:
                self._note("returns None where there are objects to compare", words)
                continue
            self._check_same(
                partial(self._value, picture, edited, coords, scope, words),
                value,
                words,
            )
        for words, coords in (("no boxes", []), ("an odd number of boxes", [one, two, one])):
            value = self._value(picture, edited, coords, scope, words)
            if value is not None:
                self._note(
                    "returns a value where objects do not pair; return None",
                    f"{words}: {value:.6g}",
                )

    def _value(
        self, reference: Array, edited: Array, coords: Any, scope: Scope, where: str
    ) -> float | None:
        """Return what the pipe says of copies; what is wrong with that is noted."""
        pair = reference.copy(), edited.copy()
        given = list(coords) if isinstance(coords, list) else coords
        config = MetricConfig(
            self.metric, type(self.pipe).__name__, {}, scope, {}, self.metric.margin
        )
        try:
            measurement = asked(Bound(self.pipe, self.params), config, pair, given)
        except Exception as error:
            self._note("raises an error", f"{where}: {type(error).__name__}: {error}")
            return None
        if not (np.array_equal(pair[0], reference) and np.array_equal(pair[1], edited)):
            self._note("changes the images that it is given; copy what you change", where)
        if isinstance(coords, list) and given != coords:
            self._note("changes the boxes that it is given", where)
        value = measurement.value
        if value is None:
            return None
        whole = scope == "unedit_area" and not coords
        if self.metric.compares == "region" and measurement.scope != scope and not whole:
            self._note(
                "returns a Measurement of another scope than was asked for",
                f"{where}: {measurement.scope!r}, not {scope!r}",
            )
        if not math.isfinite(value):
            self._note(
                "returns NaN or infinity; return None where nothing can be compared",
                f"{where}: {value}",
            )
            return None
        if not self.metric.low <= value <= self.metric.high:
            self._note(
                f"leaves the range that its metric states, {self.metric.low:g} to"
                f" {self.metric.high:g}",
                f"{where}: {value:.6g}",
            )
        return value

    def _note(self, kind: str, where: str) -> None:
        self._found.setdefault(kind, []).append(where)


def _text(kind: str, places: list[str]) -> str:
    more = len(places) - 1
    again = f" (and {counted(more, 'more time')})" if more else ""
    return f"{kind}\n    {places[0]}{again}"
