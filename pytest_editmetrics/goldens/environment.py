"""Where an edit ran, by name: which variant of a golden holds, and what such names are."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_editmetrics.cache.accelerator import (
    Accelerator,
    ask_aside,
    no_accelerator,
    started_here,
)
from pytest_editmetrics.errors import EditMetricsError, nearest

SMOKE = "smoke"
CPU = "cpu"
KINDS = ("cpu", "cuda", "mps", "rocm", "xpu", "npu", "hpu")
_CALLED = {"gpu": "cuda", "nvidia": "cuda", "amd": "rocm", "apple": "mps", "metal": "mps"}
_VISIBLE = (
    "CUDA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
    "ONEAPI_DEVICE_SELECTOR",
)
LONGEST = 64
_MAKERS = ("amd", "apple", "ascend", "geforce", "grid", "intel", "nvidia", "quadro", "radeon")
_ACCELERATORS = re.compile(
    rf"{'|'.join(KINDS)}|cuda-sm\d{{2,3}}|rocm-gfx[0-9a-f]{{3,5}}|"
    rf"({'|'.join(_MAKERS)}|tesla|titan)-.+"
)
NAMES = "lower-case letters and digits, with '-' for everything else"


def environment_name(text: str) -> str:
    """Return the name of an environment as goldens write it; empty if nothing of it is left.

    >>> environment_name("NVIDIA H100 80GB HBM3")
    'nvidia-h100-80gb-hbm3'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:LONGEST].strip("-")


def wrong_name(name: str) -> str | None:
    """Say what is wrong with the name of an environment, and the right one; ``None`` if nothing.

    >>> wrong_name("cuda:0")
    "a device's number is no part of it: write 'cuda'"
    """
    right = environment_name(name)
    if name == right and name:
        return None
    number = re.fullmatch(rf"({'|'.join(KINDS)}):\d+", name.lower())
    if number:
        return f"a device's number is no part of it: write {number[1]!r}"
    if len(name) > LONGEST:
        return f"its name is longer than {LONGEST} characters"
    return f"its name is of {NAMES}" + (f": write {right!r}" if right else "")


def names_in(value: object) -> tuple[str, ...] | None:
    """Return a list of names as a tuple, ``None`` for anything else."""
    if not isinstance(value, list):
        return None
    names = tuple(name for name in value if isinstance(name, str) and not wrong_name(name))
    return names if len(names) == len(value) else None


def is_accelerator(name: str) -> bool:
    """Tell whether some accelerator could be called so, here or elsewhere.

    >>> [is_accelerator(name) for name in ("cuda", "cuda-sm90", "nvidia-h100", "cdua")]
    [True, True, True, False]
    """
    return _ACCELERATORS.fullmatch(name) is not None


def less_specific(name: str, other: str) -> bool:
    """Tell whether an environment called ``other`` may have the less specific name ``name``, too.

    A name that the user gives may stand for anything.

    >>> less_specific("cuda", "cuda-sm90"), less_specific("cuda", "cpu")
    (True, False)
    """
    if name in (other, SMOKE):
        return False
    if other in KINDS:
        return (other, name) == ("rocm", "cuda")
    if not is_accelerator(other):
        return True
    kind = other.partition("-")[0]
    if kind in KINDS:
        return name in ("cuda", kind)
    return name != CPU and is_accelerator(name) and name.partition("-")[0] in KINDS


@dataclass(frozen=True)
class Seen:
    """What an environment is seen to be: the device as its driver calls it, and all names.

    ``others`` are devices that torch sees, too, and that are called otherwise.
    """

    device: str
    names: tuple[str, ...]
    others: tuple[str, ...] = ()


class Environment:
    """Where edits run: names of the user's, then of what is seen, most specific first.

    Args:
        given: the user's; ``cpu`` among them says that no accelerator is asked for.
        ask: gives what is seen; may take seconds.
        known: gives it if that costs nothing, else ``None``.
    """

    def __init__(
        self,
        given: Sequence[str],
        ask: Callable[[], Seen],
        known: Callable[[], Seen | None],
    ):
        self.given = tuple(given)
        self._ask = ask
        self._known = known
        self._told: set[tuple[str, ...]] = set()

    @property
    def typed(self) -> dict[str, str]:
        """The detail of a gate by which its golden is recorded for the same environment."""
        return {"env_given": ",".join(self.given)} if self.given else {}

    @classmethod
    def recorded(cls, names: Iterable[str], device: str | None, where: str) -> Environment:
        """Return the environment that a run states of the gate ``where``; empty: it does not."""
        stated = tuple(names)

        def ask() -> Seen:
            if stated:
                return Seen(device or stated[-1], stated)
            raise EditMetricsError(
                f"the run does not say where the edit of {where} ran, and its golden holds entries"
                " by environment (env) that were not asked for then: run the test again"
            )

        return cls((), ask, lambda: ask() if stated else None)

    def seen(self) -> Seen:
        """Return the device and all names, most specific first.

        Raises:
            EditMetricsError: it could not be asked.
        """
        return self._named(Seen(CPU, ()) if CPU in self.given else self._ask())

    def known(self) -> Seen | None:
        """Return the same, ``None`` where it would have to be asked."""
        found = Seen(CPU, ()) if CPU in self.given else self._known()
        return None if found is None else self._named(found)

    def device_if_known(self) -> str | None:
        """Return what its driver calls the device, ``None`` if that would have to be asked for."""
        found = self.known()
        return None if found is None else found.device

    def names_if_known(self) -> tuple[str, ...]:
        """Return all names, most specific first; empty where they would have to be asked for."""
        found = self.known()
        return () if found is None else found.names

    def _named(self, found: Seen) -> Seen:
        return replace(found, names=tuple(dict.fromkeys((*self.given, *found.names))))

    def among(self, stated: Collection[str]) -> list[str]:
        """Return those of ``stated`` that name this environment, most specific first.

        Nothing is asked where none is stated.

        Raises:
            EditMetricsError: it could not be asked, and no name that the user gave is stated.
        """
        stated = [name for name in stated if name != SMOKE]
        if not stated:
            return []
        try:
            names = self.seen().names
        except EditMetricsError:
            if not set(self.given) & set(stated):
                raise
            names = self.given
        return [name for name in names if name in stated]

    def first(self, *what: str) -> bool:
        """Tell whether this is asked for the first time of ``what``: it is to be said once."""
        before = len(self._told)
        self._told.add(what)
        return len(self._told) > before

    def unknown(self, stated: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Give the names of ``stated`` that no environment has; with each, how this one is called.

        Where the user gave a name that is near and that nothing states, either may be misspelt.
        """
        seen = self.known()
        names = self.given if seen is None else seen.names
        listed = [repr(name) if name in self.given else name for name in names]
        more = ["what torch sees"] if seen is None else []
        called = ", ".join([*listed, *more])
        wanted = tuple(dict.fromkeys(stated))
        free = [name for name in self.given if name not in wanted]
        for name in wanted:
            if name not in names and name != SMOKE and not is_accelerator(name):
                if nearest(name, free) is not None:
                    yield name, f"{called} (is one of the two misspelt?)"
                    continue
                close = nearest(_CALLED.get(name, name), {*names, *KINDS})
                yield name, called if close is None else f"{called} (did you mean {close!r}?)"


def environment_here(given: Sequence[str]) -> Environment:
    """Return the environment of edits in this process; what torch sees is asked for once.

    A process that changes which devices it sees before it starts CUDA is asked again.
    """
    answers: dict[tuple[str | None, ...], Seen] = {}
    none: list[bool] = []

    def visible() -> tuple[str | None, ...]:
        return tuple(map(os.environ.get, _VISIBLE))

    def known() -> Seen | None:
        if (started := started_here()) is not None:
            return _seen(started)
        if not none:
            none.append(no_accelerator())
        return _seen(None) if none[0] else answers.get(visible())

    def ask() -> Seen:
        found = known()
        if found is None:
            found = answers[visible()] = _seen(ask_aside())
        return found

    return Environment(given, ask, known)


def _seen(found: Accelerator | None) -> Seen:
    if found is None:
        return Seen(CPU, (CPU,))
    names = (environment_name(name) for name in found.names)
    return Seen(found.name, tuple(name for name in names if name), found.others)
