"""``goldens/<test file>/provenance.yaml``: what made each golden image, one entry a file.

An entry names the sha256 of the file that it belongs to. While a golden is replaced its entry also
holds the one before, as ``previous``: whichever of the two names the file that is there holds, so a
process killed in between leaves nothing that contradicts itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path, PurePath
from typing import Any

from pytest_editmetrics.config.reader import read_yaml, shown_path
from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.goldens.text import quoted
from pytest_editmetrics.whole_file import real_path, replacing, write_through

PROVENANCE = "provenance.yaml"
PREVIOUS = "previous"
REASON = "reason"
Entry = Mapping[str, Any]

KEYS = (
    "test",
    "name",
    "digest",
    "date",
    "versions",
    "device",
    "comparator",
    "weights",
    "facts",
    REASON,
)
"""What is written down of an image besides the hash of its file."""

_HEAD = (
    "# What made each golden image, written by pytest-editmetrics. An entry belongs to the file of"
    " its\n# name and sha256.\n"
)


def read_provenance(path: Path, rootdir: Path) -> dict[str, Entry]:
    """Return the entries by file name; none if there is no such file.

    Args:
        path: the file.
        rootdir: paths in messages are relative to it.

    Raises:
        ConfigError: with file and line, if it cannot be read.
    """
    if not path.exists():
        return {}
    entries = {}
    root = read_yaml(path, rootdir).root
    for name, node in root.mapping("a file of provenance").items():
        for key, child in node.mapping(f"the provenance of {name}").items():
            if key in ("test", "sha256", "device") and not isinstance(child.value, str):
                child.fail(f"{key} of {name} must be text, not {child.shown}")
        entries[name] = node.plain or {}
    return entries


def entry_of(entries: Mapping[str, Entry], name: str, sha256: str | None) -> Entry | None:
    """Return the entry that belongs to a file of this name and content, without ``previous``.

    >>> entries = {"a.png": {"sha256": "new", "previous": {"sha256": "old", "date": "2024"}}}
    >>> entry_of(entries, "a.png", "old")
    {'sha256': 'old', 'date': '2024'}
    """
    entry = entries.get(name)
    while isinstance(entry, Mapping):
        if entry.get("sha256") == sha256:
            return {key: value for key, value in entry.items() if key != PREVIOUS}
        entry = entry.get(PREVIOUS)
    return None


def with_reasons(before: Mapping[str, Entry], new: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return new entries; one without a reason has that of the golden it replaces, if any.

    A golden of another format is the same golden, as its file's name tells.

    >>> with_reasons({"a.png": {"sha256": "old", "reason": "#12"}}, {"a.webp": {"sha256": "new"}})
    {'a.webp': {'sha256': 'new', 'reason': '#12'}}
    """
    reasons = {
        PurePath(name).stem: {REASON: entry[REASON]}
        for name, entry in before.items()
        if REASON in entry
    }
    return {
        name: entry if REASON in entry else {**entry, **reasons.get(PurePath(name).stem, {})}
        for name, entry in new.items()
    }


def to_write(before: Mapping[str, Entry], new: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return new entries with their reasons, without those that tell no more than another date.

    >>> to_write({"a.png": {"sha256": "1", "date": "2024"}}, {"a.png": {"sha256": "1", "date": ""}})
    {}
    """
    return {
        name: entry
        for name, entry in with_reasons(before, new).items()
        if name not in before or {**before[name], "date": ""} != {**entry, "date": ""}
    }


def while_replaced(before: Mapping[str, Entry], new: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return the entries that hold while files are replaced: new ones, with those before in them.

    >>> while_replaced({"a.png": {"sha256": "old"}}, {"a.png": {"sha256": "new"}})
    {'a.png': {'sha256': 'new', 'previous': {'sha256': 'old'}}}
    """
    both = dict(before)
    for name, entry in new.items():
        both[name] = {**entry, PREVIOUS: before[name]} if name in before else entry
    return both


def write_provenance(path: Path, entries: Mapping[str, Entry], rootdir: Path) -> None:
    """Replace the file at once, entries in the order of their names; without entries remove it.

    What a killed process left half-written beside it is removed.

    Raises:
        EditMetricsError: it cannot be written; the message names the file.
    """
    try:
        for leftover in path.parent.glob(f".{path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)
        if not entries:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(real_path(path) if path.is_symlink() else path) as temporary:
            write_through(temporary, _text(entries).encode("utf-8"))
    except OSError as error:
        raise EditMetricsError(
            f"{shown_path(path, rootdir)}: cannot be written: {error.strerror or error}"
        ) from None


def _text(entries: Mapping[str, Entry]) -> str:
    lines = [_HEAD]
    for name in sorted(entries):
        lines.append(f"{quoted(name)}:\n")
        lines += [f"  {key}: {_flow(value)}\n" for key, value in entries[name].items()]
    return "".join(lines)


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(str(k))}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else repr(value)


def checked_facts(facts: Mapping[str, Any], call: str = "provenance") -> dict[str, Any]:
    """Return what a user tells of an edit to ``call``, as plain values.

    Raises:
        InputError: no mapping of names, or a value that is no text, number, bool or ``None``, nor a
            list or mapping of them; the message names it.

    >>> checked_facts({"model": "sdxl", "seed": 7})
    {'model': 'sdxl', 'seed': 7}
    """
    if not isinstance(facts, Mapping) or not all(isinstance(name, str) for name in facts):
        raise InputError(f"{call}={facts!r:.80} is no mapping of names, such as {{'seed': 7}}")
    return {name: _fact(f"{call}({name}=...)", value, 0) for name, value in facts.items()}


def _fact(name: str, value: Any, depth: int) -> Any:
    if value is None or type(value) in (bool, int) or _finite(value) or _encodable(value):
        return value
    if depth < 10 and isinstance(value, (list, tuple)):
        return [_fact(name, item, depth + 1) for item in value]
    if depth < 10 and isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _fact(name, item, depth + 1) for key, item in value.items()}
    raise InputError(
        f"{name}: {value!r:.80} cannot be written down; give a text, a finite"
        " number, or a list or mapping of them"
    )


def _encodable(value: Any) -> bool:
    return type(value) is str and not any("\ud800" <= char <= "\udfff" for char in value)


def _finite(value: Any) -> bool:
    return type(value) is float and isfinite(value)
