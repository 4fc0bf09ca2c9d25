"""What a check is called with: a keyword that it does not take is refused, with the one meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from pytest_editmetrics.errors import BOUNDS_ELSEWHERE, InputError, did_you_mean

_Call = TypeVar("_Call", bound=Callable[..., Any])

_BOUNDS = (
    "; a bound stands in @pytest.mark.editmetrics(thresholds={...}), in a golden, or under"
    " thresholds: in editmetrics.yaml"
)


def takes_only_its_keywords(
    errors: Callable[[Any], AbstractContextManager[None]],
) -> Callable[[_Call], _Call]:
    """Return what makes a call that Python would refuse an ``InputError`` that says what to write.

    ``errors`` records it with the test, given the first argument of the call.
    """

    def of(function: _Call) -> _Call:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def called(*args: Any, **keywords: Any) -> Any:
            __tracebackhide__ = True
            try:
                signature.bind(*args, **keywords)
            except TypeError as error:
                with errors(args[0] if args else None):
                    raise InputError(_refused(function, signature, keywords, error)) from None
            return function(*args, **keywords)

        return cast("_Call", called)

    return of


def _refused(
    function: Callable[..., Any],
    signature: inspect.Signature,
    keywords: Mapping[str, Any],
    error: TypeError,
) -> str:
    name = function.__name__
    known = [key for key in signature.parameters if key != "self"]
    for key in keywords:
        if key not in known:
            return unknown_keyword(name, key, known)
    positional = (
        key for key in known if signature.parameters[key].kind is not inspect.Parameter.KEYWORD_ONLY
    )
    return f"{name}: {error}; write {name}({', '.join(positional)}), and all else as keywords"


def unknown_keyword(name: str, key: str, known: Sequence[str]) -> str:
    """Return what is said of a keyword that a call does not take.

    >>> unknown_keyword("check", "boxes", ["reference", "edited", "coords", "ref_boxes"])
    "check takes no keyword 'boxes' (did you mean 'coords'?)"
    """
    bounds = key in BOUNDS_ELSEWHERE and not {"threshold", "tolerance"} & set(known)
    return f"{name} takes no keyword {key!r}{_BOUNDS if bounds else did_you_mean(key, known)}"


def check_keywords(
    given: object, check: Callable[..., Any], needed: Sequence[str]
) -> dict[str, Any]:
    """Return one of the checks that ``check_all`` is given, as the keywords of ``check``.

    Raises:
        InputError: it is no mapping, has a keyword that is not known, or lacks one that is needed.
    """
    if not isinstance(given, Mapping):
        raise InputError(
            f"check_all takes mappings of check's keywords, each with a name of its own, not"
            f" {_short(given)}"
        )
    known = [key for key in inspect.signature(check).parameters if key != "self"]
    for key in given:
        if key not in known:
            raise InputError(unknown_keyword("check", key, known))
    for key in needed:
        if key not in given:
            raise InputError(f"a check of check_all has no {key!r}: {sorted(given)}")
    return dict(given)


def _short(given: object) -> str:
    """Return what was given in words: an image by its kind, since its numbers say nothing."""
    said = repr(given)
    return said if len(said) <= 80 and "\n" not in said else f"an object of {type(given).__name__}"
