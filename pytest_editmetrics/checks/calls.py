"""What every check of a test shares: its name, the line it stands on, its failure."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

from pytest_editmetrics.checks.keywords import in_short
from pytest_editmetrics.errors import EditMetricsError, GateFailure, InputError
from pytest_editmetrics.session.typed import typed_test

if TYPE_CHECKING:
    from pytest_editmetrics.gates.verdict import Gate
    from pytest_editmetrics.session.state import EditSession

_PACKAGE = str(Path(__file__).parents[1])
_T = TypeVar("_T")

EXIT: type[BaseException] = pytest.exit.Exception
"""What ends the session in a pipe or fixture of the user's: a kind of ``Exception``."""
ENDED: tuple[type[BaseException], ...] = (
    pytest.skip.Exception,
    pytest.fail.Exception,
    EXIT,
)
"""What ends a test in a pipe or fixture of the user's; xfail is a kind of fail."""
NO_TEST = "there is no test here that it could end: let it raise an error, or return None"
"""What is said of one of these where a saved edit or a row of a manifest is measured."""


def check_name(name: object) -> None:
    """Raise ``InputError`` for a name that cannot be part of a golden's address."""
    if name is None:
        return
    if not isinstance(name, str) or not name.strip() or not name.isprintable() or "@" in name:
        raise InputError(
            f"name={in_short(name)} cannot be part of a golden's address: give a printable text"
            " without '@'"
        )


def each_check(checks: object, errors: AbstractContextManager[None]) -> Iterator[Any]:
    """Return what goes through the checks that ``check_all`` is given.

    Raises:
        InputError: nothing can go through them; ``errors`` has seen it.
    """
    with errors:
        if isinstance(checks, Mapping):
            raise InputError(
                "check_all takes a list or generator of checks; put the one mapping into [ ]"
            )
        try:
            return iter(checks)  # type: ignore[call-overload,no-any-return]
        except TypeError:
            raise InputError(
                "check_all takes a list or generator of checks, each a mapping of check's keywords,"
                f" not {checks!r:.80}"
            ) from None


def call_site(test_file: Path, session: EditSession) -> str:
    """Return ``file:line`` of the call in the test's file, else of the caller of this package."""
    frame: FrameType | None = sys._getframe(1)
    callers: list[tuple[Path, int]] = []
    while frame is not None:
        if not frame.f_code.co_filename.startswith(_PACKAGE):
            callers.append((Path(frame.f_code.co_filename), frame.f_lineno))
        frame = frame.f_back
    path, line = next((caller for caller in callers if caller[0] == test_file), callers[0])
    return f"{session.shown(path)}:{line}"


def drawn(checks: Iterator[_T], most: int) -> tuple[list[_T], BaseException | None]:
    """Return the next checks, and what ended them early: what was drawn before is still to hold."""
    __tracebackhide__ = True
    found: list[_T] = []
    try:
        for check in islice(checks, most):
            found.append(check)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return found, error
    return found, None


def raise_ended(
    ended: BaseException, gates: Sequence[Gate], nodeid: str, config: pytest.Config
) -> NoReturn:
    """Raise what ended a check early, or the failure of a gate that was judged before."""
    __tracebackhide__ = True
    if not isinstance(ended, pytest.exit.Exception):
        raise_failures(gates, nodeid, config, ended)
    raise ended


def raise_failures(
    gates: Sequence[Gate],
    nodeid: str,
    config: pytest.Config,
    ended: BaseException | None = None,
) -> None:
    """Raise one error or failure that holds every gate of a check, if one of them fails.

    ``ended`` is what would end the test otherwise, after these gates.
    """
    __tracebackhide__ = True
    if not any(gate.failing for gate in gates):
        return
    from pytest_editmetrics.report.failure import failure_text

    verbosity = config.get_verbosity()
    text = failure_text(gates, nodeid, verbosity, partial(typed_test, config))
    if ended is not None:
        said = str(ended).partition("\n")[0]
        text += f"\n    (the test was ended then, by {type(ended).__name__}: {said:.200})"
    cause = ended if isinstance(ended, Exception) else None
    if any(gate.verdict == "error" for gate in gates):
        raise EditMetricsError(text) from cause
    raise GateFailure(text) from cause
