"""Markers that are meant for ``editmetrics`` and that pytest does not read, or not as ours."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_editmetrics.errors import InputError

NAME = "editmetrics"
_CUTOFF = 0.85
_conftests_key = pytest.StashKey["list[ModuleType]"]()


def refuse_unread_marks(item: pytest.Item | pytest.Collector) -> None:
    """Refuse a misspelt marker of a test, and one that stands where pytest reads none.

    Raises:
        InputError: its bounds would hold nothing.
    """
    for node, mark in item.iter_markers_with_node():
        if mark.name != NAME and _like_ours(mark.name) and mark.name not in _registered(item):
            raise InputError(
                f"{node.nodeid or node.name} has the mark {mark.name!r}, which holds nothing: write"
                f" @pytest.mark.{NAME}, or register the mark if it is yours"
            )
    for module in _without_effect(item):
        raise InputError(
            f"the pytestmark of {module.__file__} has an {NAME} marker, and pytest reads none"
            " there: put it into the test files, or the bounds into editmetrics.yaml"
        )


def _like_ours(name: str) -> bool:
    return name[:1] in "eE" and bool(
        difflib.get_close_matches(name.lower(), [NAME], n=1, cutoff=_CUTOFF)
    )


def _registered(item: pytest.Item | pytest.Collector) -> set[str]:
    lines = item.config.getini("markers")
    return {line.partition(":")[0].partition("(")[0].strip() for line in lines}


def _without_effect(item: pytest.Item | pytest.Collector) -> Iterator[ModuleType]:
    """Yield the ``conftest.py`` and ``__init__.py`` files above a test that have our marker."""
    for module in _marked_conftests(item.config):
        if item.path.is_relative_to(Path(str(module.__file__)).parent):
            yield module
    package = str(getattr(getattr(item, "module", None), "__package__", None) or "")
    while package:
        above = sys.modules.get(package)
        if above is not None and getattr(above, "__file__", None) and _marked(above):
            yield above
        package = package.rpartition(".")[0]


def _marked_conftests(config: pytest.Config) -> list[ModuleType]:
    """Return those of the session, which all are there once a test runs."""
    if (found := config.stash.get(_conftests_key, None)) is None:
        found = config.stash[_conftests_key] = [
            plugin
            for plugin in config.pluginmanager.get_plugins()
            if isinstance(plugin, ModuleType)
            and Path(getattr(plugin, "__file__", None) or "").name == "conftest.py"
            and _marked(plugin)
        ]
    return found


def _marked(module: ModuleType) -> bool:
    marks: Any = vars(module).get("pytestmark")
    marks = marks if isinstance(marks, (list, tuple)) else [marks]
    return any(getattr(mark, "name", None) == NAME for mark in marks)
