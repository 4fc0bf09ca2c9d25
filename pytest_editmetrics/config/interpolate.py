"""Files that build on files (``_base_``) and values that refer to values (``${...}``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pytest_editmetrics.config.node import BUILT_IN, DEPTH_LIMIT, Node
from pytest_editmetrics.config.reader import read_yaml, scalar
from pytest_editmetrics.errors import did_you_mean
from pytest_editmetrics.whole_file import real_path

BASE = "_base_"
USER_CONFIG = "user_config"

_REFERENCE = re.compile(r"\$\{([^${}]*)\}")
_TEXT_LIMIT = 10_000


@dataclass(frozen=True)
class Tree:
    """A file with its ``_base_`` files in place, and each of these files for itself, by path."""

    root: Node
    files: Mapping[Path, Node]


def merge(base: Node | None, over: Node | None) -> Node | None:
    """Return ``over`` on top of ``base``: mappings are merged key by key, all else is replaced.

    A key left empty in ``over`` keeps the mapping that ``base`` has there.
    """
    if base is None or over is None:
        return base if over is None else over
    if not base.is_mapping or (over.value is not None and not over.is_mapping):
        return over
    if over.value is None:
        return base
    merged = dict(base.value)
    for key, child in over.value.items():
        merged[key] = merge(merged.get(key), child)
    return Node.holding(merged, over.source, over.line)


def load_tree(path: Path, rootdir: Path) -> Tree:
    """Read ``path`` and the files it names under ``_base_``, which may have a ``_base_`` too.

    ``_base_: {name: file}`` attaches the file as if it were written under the key ``name``;
    ``_base_: file`` or a list of files puts their contents under this file's, later ones on top.
    Paths are relative to the file that names them.

    Raises:
        ConfigError: a file is missing, is no mapping, or builds on itself.
    """
    files: dict[Path, Node] = {}
    return Tree(_load(path, rootdir, files, ()), files)


def _load(path: Path, rootdir: Path, files: dict[Path, Node], chain: tuple[Path, ...]) -> Node:
    own = read_yaml(path, rootdir).root
    entries = dict(own.mapping("the file"))
    base = entries.pop(BASE, None)
    tree = Node.holding(entries, own.source, own.line)
    if base is not None and base.value is not None:
        under = _bases(base, path, rootdir, files, (*chain, real_path(path)))
        tree = merge(under, tree) or tree
    files[real_path(path)] = tree
    return tree


def _bases(
    base: Node, path: Path, rootdir: Path, files: dict[Path, Node], chain: tuple[Path, ...]
) -> Node | None:
    def load(named: Node) -> Node:
        target = path.parent / named.text("a path under _base_")
        if not os.path.isfile(target):  # False too for a name that is too long
            named.fail(f"_base_ names {named.value!r}, which is no file")
        if real_path(target) in chain:
            names = [link.name for link in chain[chain.index(real_path(target)) :]]
            named.fail(f"circular _base_: {' -> '.join([*names, target.name])}")
        if len(chain) > DEPTH_LIMIT:
            named.fail(f"_base_ goes through more than {DEPTH_LIMIT} files")
        known = files.get(real_path(target))
        return known if known is not None else _load(target, rootdir, files, chain)

    if base.is_mapping:
        attached = {
            name: Node.holding(load(named).value, named.source, named.line)
            for name, named in base.value.items()
        }
        return Node.holding(attached, base.source, base.line)
    under: Node | None = None
    for named in base.value if isinstance(base.value, list) else [base]:
        under = merge(under, load(named))
    return under


def references(node: Node) -> Iterator[str]:
    """Yield what each ``${...}`` in or below ``node`` refers to."""
    if isinstance(node.value, str):
        yield from _REFERENCE.findall(node.value)
    elif isinstance(node.value, (dict, list)):
        for child in node.value.values() if isinstance(node.value, dict) else node.value:
            yield from references(child)


class Resolver:
    """Replaces ``${a.b.c}``, ``${env:NAME}`` and ``${env:NAME:default}`` by what they stand for.

    A name is looked up in the file that was loaded, then among the keys of its ``user_config``,
    then in the file in which the reference is written. A reference that is the whole value keeps
    the type of what it stands for (a variable's text is read as a plain YAML value); inside a
    text it is put in as text.
    """

    def __init__(self, tree: Tree):
        self._tree = tree
        self._active: dict[int, str] = {}
        self._done: dict[int, Node] = {}

    def resolve(self, node: Node) -> Node:
        """Return ``node`` without references.

        Raises:
            ConfigError: a name or variable does not exist, or references go in a circle.
        """
        return self._resolve(node, 0)

    def _resolve(self, node: Node, depth: int) -> Node:
        if depth > DEPTH_LIMIT:
            node.fail(f"nested deeper than {DEPTH_LIMIT} levels once references are followed")
        if isinstance(node.value, str):
            return self._text(node, depth) if "${" in node.value else node
        if isinstance(node.value, dict):
            entries = {key: self._resolve(child, depth + 1) for key, child in node.value.items()}
            return Node.holding(entries, node.source, node.line)
        if isinstance(node.value, list):
            items = [self._resolve(child, depth + 1) for child in node.value]
            return Node.holding(items, node.source, node.line, is_tuple=node.is_tuple)
        return node

    def _text(self, node: Node, depth: int) -> Node:
        whole = _REFERENCE.fullmatch(node.value.strip())
        if whole:
            found = self._target(node, whole[1], depth)
            if found.source is BUILT_IN:  # what is wrong with it there, the reference's line tells
                return Node.of(found.plain, node.source, node.line)
            return found
        if "${" in _REFERENCE.sub("", node.value):
            node.fail(f"'${{' without its '}}' in {node.shown}")
        text = _REFERENCE.sub(lambda found: self._inserted(node, found[1], depth), node.value)
        if len(text) > _TEXT_LIMIT:
            node.fail(f"longer than {_TEXT_LIMIT} characters once references are followed")
        return Node(text, node.source, node.line)

    def _inserted(self, node: Node, name: str, depth: int) -> str:
        target = self._target(node, name, depth)
        if target.value is None or isinstance(target.value, (dict, list)):
            node.fail(f"${{{name}}} is {target.shown}, which cannot stand inside a text")
        return {True: "true", False: "false"}.get(target.value, str(target.value))

    def _target(self, node: Node, name: str, depth: int) -> Node:
        if name.startswith("env:"):
            return _environment(node, name)
        keys = name.split(".")
        source = node.source.path
        own = None if source is None else self._tree.files.get(real_path(source))
        places = [self._tree.root, self._tree.root.get(USER_CONFIG), own]
        for place in places:
            if place is not None:
                found = self._find(place, keys, node, name, depth)
                if found is not None:
                    return found
        node.fail(self._unknown(name, keys))

    def _find(self, place: Node, keys: list[str], node: Node, name: str, depth: int) -> Node | None:
        for position, key in enumerate(keys):
            child = place.value.get(key) if place.is_mapping else None
            if child is None:
                return None
            last = position == len(keys) - 1
            reference = isinstance(child.value, str) and "${" in child.value
            place = self._followed(child, node, name, depth) if last or reference else child
        return place

    def _followed(self, target: Node, node: Node, name: str, depth: int) -> Node:
        if id(target) in self._active:
            names = list(self._active.values())[list(self._active).index(id(target)) :]
            circle = " -> ".join(f"${{{link}}}" for link in [*names, name])
            node.fail(f"circular reference: {circle}")
        if id(target) not in self._done:
            self._active[id(target)] = name
            try:
                self._done[id(target)] = self._resolve(target, depth + 1)
            finally:
                del self._active[id(target)]
        return self._done[id(target)]

    def _unknown(self, name: str, keys: list[str]) -> str:
        known: dict[str, Node] = self._tree.root.value
        found = 0
        while keys[found] in known:
            place = known[keys[found]]
            known = place.value if place.is_mapping else {}
            found += 1
        inside = f" in {'.'.join(keys[:found])}" if found else ""
        return f"${{{name}}}: there is no {keys[found]!r}{inside}{did_you_mean(keys[found], known)}"


def _environment(node: Node, name: str) -> Node:
    _, variable, *default = name.split(":", 2)
    if not variable:
        node.fail(f"${{{name}}} names no variable; write ${{env:NAME}} or ${{env:NAME:default}}")
    value = os.environ.get(variable) or (default[0] if default else None)
    if value is None:
        node.fail(
            f"the environment variable {variable} is not set; set it,"
            f" or give a default: ${{env:{variable}:default}}"
        )
    try:
        return Node(scalar(value), node.source, node.line)
    except ValueError as error:
        node.fail(f"{variable}: {error}")
