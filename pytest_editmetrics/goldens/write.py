"""Writing golden files: as a whole or not at all, checked before the old file is replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NoReturn

from pytest_editmetrics.cache.precision import FULL
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.errors import ConfigError, EditMetricsError
from pytest_editmetrics.goldens.file import GoldenEntry, GoldenFile, read_golden_file
from pytest_editmetrics.goldens.lock import golden_lock
from pytest_editmetrics.goldens.text import CannotEditError, Wanted, edited_text
from pytest_editmetrics.images.resize_modes import NOT_RESIZED
from pytest_editmetrics.measurement import NO_WEIGHTS
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.whole_file import real_path, replacing, write_through

_BOM = "\ufeff"
_STATED = tuple(one.name for one in fields(GoldenEntry) if one.name not in ("line", "env"))
_KINDS = {"max": "bound", "min": "bound", **{name: name for name in _STATED}}
"""What a golden file holds by what is to be written: all of it is compared when it was written."""


def write_golden_file(path: Path, wanted: Wanted, registry: PipeRegistry, rootdir: Path) -> bool:
    """Set values in a golden file, or make the file; return whether anything changed.

    The new text goes to a temporary file beside it, is read back, must hold what the old one held
    and ``wanted`` on top, and then takes the old one's place at once.

    Args:
        path: the golden file.
        wanted: tests -> gates -> ``{"max" | "min": ..., "measured": ..., "weights": ...,
            "digest": ..., "resize": ..., "dtype": ..., "share": ..., "size": ...,
            "edit": ..., "reason": ..., "env": {...}}``. That there are no weights is written only
            where the golden states some, that nothing was resized only where it states that
            something was, and so that float32 was the precision, that the share was no little one,
            and that there was an edit.
        registry: the known metrics.
        rootdir: paths in messages are relative to it.

    Raises:
        EditMetricsError: the file cannot be read or written, or a value to change is shared with
            other entries (anchors and aliases); the message names the file. Or a gate has a
            ``review`` that would not lie on the good side of its new bound: that gate stays as it
            is, the others are written.
    """
    try:
        with golden_lock(path.parent, rootdir):
            old_file = read_golden_file(path, registry, rootdir) if path.exists() else None
            kept, left = _apart(wanted, old_file)
            written = bool(kept) and _write(path, old_file, kept, registry, rootdir)
    except OSError as error:
        _fail(path, rootdir, error.strerror or str(error))
    except (CannotEditError, UnicodeError) as error:
        _fail(path, rootdir, str(error))
    if left:
        raise EditMetricsError("\n".join(left))
    return written


def preview_golden_file(
    path: Path, wanted: Wanted, registry: PipeRegistry, rootdir: Path, copy: Path
) -> list[str]:
    """Write what ``write_golden_file`` would make of a golden file to ``copy``, and nothing else.

    No ``copy`` is made where nothing would change.

    Returns:
        Why gates of it would be left as they are.

    Raises:
        EditMetricsError: as ``write_golden_file``.
    """
    try:
        old_file = read_golden_file(path, registry, rootdir) if path.exists() else None
        kept, left = _apart(wanted, old_file)
        new = _new_content(path, old_file, kept) if kept else None
        if new is not None:
            write_through(copy, new)
            _check_written(copy, path, _expected(old_file, kept), registry, rootdir)
    except OSError as error:
        _fail(path, rootdir, error.strerror or str(error))
    except (CannotEditError, UnicodeError) as error:
        _fail(path, rootdir, str(error))
    return left


def _apart(wanted: Wanted, old_file: GoldenFile | None) -> tuple[Wanted, list[str]]:
    """Return the gates that can be written, and what keeps the others from it."""
    kept: dict[str, dict[str, Any]] = {}
    left = []
    for test, gates in wanted.items():
        for gate, values in gates.items():
            old = old_file.tests.get(test, {}).get(gate) if old_file else None
            problem = None if old is None else _review_in_the_way(values, old)
            if problem is None:
                kept.setdefault(test, {})[gate] = _without_needless(values, old)
            elif old_file is not None:
                left.append(f"{old_file.shown}:{problem} of {test!r}, then record again")
    return kept, left


def _without_needless(values: Mapping[str, Any], old: GoldenEntry | None) -> dict[str, Any]:
    """Leave out that there is nothing of a kind where the golden does not say anything else."""
    kept = dict(values)
    if kept.get("weights") == NO_WEIGHTS and (old is None or old.weights is None):
        del kept["weights"]
    if kept.get("resize") == NOT_RESIZED and (old is None or old.resize is None):
        del kept["resize"]
    if kept.get("dtype") == FULL and (old is None or old.dtype is None):
        del kept["dtype"]
    if kept.get("share") == 1 and (old is None or old.share is None):
        del kept["share"]
    if kept.get("edit") == "made" and (old is None or old.edit is None):
        del kept["edit"]
    if "env" in kept:
        before = {} if old is None else old.env
        kept["env"] = {
            env: _without_needless(variant, before.get(env)) for env, variant in kept["env"].items()
        }
    return kept


def _review_in_the_way(values: Mapping[str, Any], old: GoldenEntry) -> str | None:
    for env, variant in values.get("env", {}).items():
        if env in old.env and (problem := _review_in_the_way(variant, old.env[env])):
            return problem
    for kind in ("max", "min"):
        bound, review = values.get(kind), old.review
        if bound is None or review is None:
            continue
        if not (review < bound if kind == "max" else review > bound):
            return (
                f"{old.line}: the golden was not written: its review {review:g} would not lie on"
                f" the good side of the new {kind} {bound:g}; change or remove the review"
            )
    return None


def _fail(path: Path, rootdir: Path, reason: str) -> NoReturn:
    raise EditMetricsError(f"{shown_path(path, rootdir)}: the golden was not written: {reason}")


def _write(
    path: Path, old_file: GoldenFile | None, wanted: Wanted, registry: PipeRegistry, rootdir: Path
) -> bool:
    target = real_path(path)
    new = _new_content(path, old_file, wanted)
    if new is None:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        write_through(temporary, new)
        if old_file:
            temporary.chmod(target.stat().st_mode & 0o7777)
        _check_written(temporary, path, _expected(old_file, wanted), registry, rootdir)
    return True


def _new_content(path: Path, old_file: GoldenFile | None, wanted: Wanted) -> bytes | None:
    """Return what the file would hold; ``None`` if that is what it holds."""
    old_text = real_path(path).read_bytes().decode("utf-8") if old_file else ""
    bom = _BOM if old_text.startswith(_BOM) else ""
    new_text = bom + edited_text(old_text.removeprefix(_BOM), wanted)
    return None if new_text == old_text else new_text.encode("utf-8")


def _check_written(
    temporary: Path, path: Path, expected: Mapping[str, Any], registry: PipeRegistry, rootdir: Path
) -> None:
    try:
        got = read_golden_file(temporary, registry, rootdir)
    except ConfigError as error:
        _fail(path, rootdir, f"it could not be read again: {error}")
    if _expected(got, {}) != expected:
        _fail(
            path,
            rootdir,
            "other entries would have changed with it; write anchors, aliases and '<<' out",
        )


def _expected(golden_file: GoldenFile | None, wanted: Wanted) -> dict[str, Any]:
    """Return what a file must hold: what it held, and ``wanted`` on top."""
    held: dict[str, Any] = {}
    for test, gates in (golden_file.tests if golden_file else {}).items():
        held[test] = {gate: _held(entry) for gate, entry in gates.items()}
    for test, gates in wanted.items():
        for gate, values in gates.items():
            entry = held.setdefault(test, {}).setdefault(gate, {"env": {}})
            for env, variant in values.get("env", {}).items():
                entry["env"].setdefault(env, {}).update(_values(variant))
            entry.update(_values(values))
    return held


def _held(entry: GoldenEntry) -> dict[str, Any]:
    values = {name: getattr(entry, name) for name in _STATED}
    held: dict[str, Any] = {key: value for key, value in values.items() if value is not None}
    return {**held, "env": {env: _held_variant(variant) for env, variant in entry.env.items()}}


def _held_variant(entry: GoldenEntry) -> dict[str, Any]:
    held = _held(entry)
    del held["env"]
    return held


def _values(wanted: Mapping[str, Any]) -> dict[str, Any]:
    return {_KINDS[key]: value for key, value in wanted.items() if key in _KINDS}
