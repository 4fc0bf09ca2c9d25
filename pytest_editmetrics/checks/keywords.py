"""What a check is called with: a keyword that it does not take is refused, with the one meant."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from difflib import get_close_matches
from typing import Any, TypeVar, cast

from pytest_editmetrics.errors import BOUNDS_ELSEWHERE, InputError, did_you_mean, nearest, synonym

_Call = TypeVar("_Call", bound=Callable[..., Any])

_BOUNDS = (
    "; a bound stands in @pytest.mark.editmetrics(thresholds={...}), in a golden, or under"
    " thresholds: in editmetrics.yaml"
)

_IMAGE = ("image", "img", "picture")
_TAKEN_BY = {
    **dict.fromkeys(
        ("reference", "edited", "metrics", "expect", "facts", "resize", "aspect"),
        "edit_gate.check does",
    ),
    "metric": "edit_gate.check takes metrics=",
    "comparator": "golden_image.check does",
}
"""Where a keyword stands that another check does not take."""


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
                    said = _refused(function, signature, keywords, error)
                    which = keywords.get("name") if "name" in signature.parameters else None
                    named = f" (in the check of name={in_short(which)})" if which else ""
                    raise InputError(said + named) from None
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
    kinds = {one.kind for one in signature.parameters.values()}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        return f"{name}: {error}; write each argument as a keyword"
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

    >>> check = ["reference", "edited", "coords", "ref_boxes", "expect"]
    >>> unknown_keyword("check", "boxes", check)
    "check takes no keyword 'boxes' (did you mean 'coords'?)"
    >>> unknown_keyword("check", "image", check)
    "check takes no keyword 'image' (did you mean 'reference' or 'edited'?)"
    >>> helper = ["reference", "edited", "aspect", "threshold"]
    >>> unknown_keyword("assert_unedit_lpips_below", "expect", helper)
    "assert_unedit_lpips_below takes no keyword 'expect'; edit_gate.check does"
    >>> unknown_keyword("assert_unedit_lpips_below", "min", helper)
    "assert_unedit_lpips_below takes no keyword 'min'; its bound is a max: threshold="
    """
    return f"{name} takes no keyword {key!r}{_instead(name, key, known)}"


def _instead(name: str, key: str, known: Sequence[str]) -> str:
    """Return what is to be written instead of a keyword."""
    if (of := _bound_of(key, known)) is not None:
        stated = next((one for one in ("threshold", "tolerance") if one in known), None)
        if stated is None:
            return _BOUNDS
        if of and "comparator" in known:
            return f"; write comparator={{{of!r}: ...}}"
        kind, other = ("max", "min") if name.endswith("_below") else ("min", "max")
        if name.endswith(("_below", "_above")) and other in key.split("_"):
            return f"; its bound is a {kind}: {stated}="
        return f" (did you mean {stated!r}?)"
    if key in _IMAGE and {"reference", "edited"} <= set(known):
        return " (did you mean 'reference' or 'edited'?)"
    if key in _TAKEN_BY and synonym(key, known) is None:
        return f"; {_TAKEN_BY[key]}"
    return did_you_mean(key, known)


def _bound_of(key: str, known: Sequence[str]) -> str | None:
    """Return the metric that a keyword is meant to bound, empty if it names none.

    ``None`` if it is not meant as a bound.

    >>> known = ["metrics", "coords"]
    >>> [_bound_of(key, known) for key in ("treshold", "max_lpips", "lpips", "threshold_max")]
    ['', 'lpips', 'lpips', '']
    >>> [_bound_of(key, known) for key in ("mask", "max_size", "metrics_", "")]
    [None, None, None, None]
    """
    from pytest_editmetrics.config.golden_images import COMPARATORS
    from pytest_editmetrics.pipes.registry import BUILTIN

    metrics = {*(metric.name for spec in BUILTIN for metric in spec.metrics), *COMPARATORS}
    rest = "_".join(word for word in key.split("_") if word not in BOUNDS_ELSEWHERE)
    if rest in metrics | {metric.removeprefix("unedit_") for metric in metrics}:
        return rest
    alike = get_close_matches(key, BOUNDS_ELSEWHERE, n=1, cutoff=0.8)
    named = bool(key) and not rest
    return "" if named or (alike and nearest(key, known) is None) else None


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
            f" {in_short(given)}"
        )
    known = [key for key in inspect.signature(check).parameters if key != "self"]
    for key in given:
        if key not in known:
            raise InputError(unknown_keyword("check", key, known))
    for key in needed:
        if key not in given:
            raise InputError(f"a check of check_all has no {key!r}: {sorted(given)}")
    return dict(given)


def in_short(given: object) -> str:
    """Return what was given in words: an image by its kind, since its numbers say nothing.

    >>> in_short((1, 2)), in_short(object())
    ('(1, 2)', 'an object of object')
    """
    said = repr(given)
    short = len(said) <= 80 and "\n" not in said and not said.startswith("<")
    return said if short else f"an object of {type(given).__name__}"
