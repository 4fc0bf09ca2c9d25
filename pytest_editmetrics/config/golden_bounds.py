"""Bounds of golden images that nothing would be held to: each is an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pytest_editmetrics.config.golden_block import BLOCK
from pytest_editmetrics.config.golden_images import WITH_TOLERANCE
from pytest_editmetrics.config.mistakes import Mistakes
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.errors import ConfigError
from pytest_editmetrics.pipes.registry import PipeRegistry

_WHOLE, _TILE = "golden_images.tolerance", "golden_images.tile.tolerance"


def _read(node: Node, what: str, registry: PipeRegistry) -> dict[str, Any]:
    mistakes = Mistakes()
    found: dict[str, Any] = {}
    with mistakes.noted():
        found = BLOCK.read(node, registry, what)
    asked, tile = node.get("comparator"), node.get("tile")
    for call, bounds in (
        (_WHOLE, node.get("tolerance")),
        (_TILE, tile and tile.get("tolerance")),
    ):
        if asked is None or bounds is None or not bounds.is_mapping:
            continue
        for name, bound in bounds.value.items():
            if bound.source in (node.source, asked.source):  # else put aside by a file on top
                with mistakes.noted():
                    _check(call, name, bound, asked, registry)
    mistakes.tell()
    return found


def _check(call: str, name: str, bound: Node, asked: Node, registry: PipeRegistry) -> None:
    """Refuse a bound of a comparator that is not asked for, or that has a bound there."""
    key = BLOCK.key("comparator")
    assert key is not None
    try:
        names: Mapping[str, Any] = key.kind.read(asked, key.name, registry)
    except ConfigError:  # which the block tells
        return
    if name in WITH_TOLERANCE and name not in names:
        own = (  # a bound of a check's comparator is of the whole, and a tile's is far looser
            f" (a check that names {name} itself gives its bound, as"
            f' comparator={{"{name}": {bound.value}}})'
        )
        bound.fail(
            f"{call} has a bound of {name}, and `comparator` ({asked.where}) asks for"
            f" {' and '.join(names)} alone, so nothing would be held to it; name {name} there too,"
            f" or take the bound out{own if call == _WHOLE else ''}"
        )
    if call == _WHOLE and names.get(name) is not None:
        bound.fail(
            f"{call} has a bound of {name}, and so has `comparator` ({asked.where}), which alone"
            " would hold; give one of the two"
        )


KIND = replace(BLOCK.kind(), read=_read)
"""The block ``golden_images`` of the settings in force; an older version may hold such bounds."""
