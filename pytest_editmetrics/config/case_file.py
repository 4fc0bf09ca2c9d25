"""Cases without Python: ``test_*.edit.yaml``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any
from unicodedata import normalize

from pytest_editmetrics.config.areas import IMAGE, coords
from pytest_editmetrics.config.asset_roots import AssetRoots, wider_rootdir
from pytest_editmetrics.config.case_fields import (
    EDITED,
    EXPECTED,
    FIELDS,
    ID,
    REFERENCE,
    PairFields,
    check_measured,
    identifier,
    pair_fields,
)
from pytest_editmetrics.config.expect import Expect, left_out
from pytest_editmetrics.config.keys import END, Block, Key, Kind, Schema
from pytest_editmetrics.config.metric_keys import METRICS
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import read_yaml, shown_path
from pytest_editmetrics.config.sizes import SIZES
from pytest_editmetrics.images.data_url import is_data_url, short
from pytest_editmetrics.pipes.registry import PipeRegistry
from pytest_editmetrics.whole_file import real_path

MARKS_OF_OTHER_KEYS = {
    "usefixtures": "write the fixtures under the key `usefixtures`",
    "parametrize": "write one case for each parameter",
    "editmetrics": "write `metrics` and `thresholds` in the case",
}

# a case is a function of a module that pytest reads
_RESERVED = (
    rf"^(__|pytest_|pytestmark{END}|(setup|teardown)(_module|_function|Module)?{END}"
    rf"|(setUp|tearDown)Module{END})"
)

_OF_FILE = (*SIZES, EXPECTED)


@dataclass(frozen=True)
class CaseMark:
    """A mark of a case: ``pytest.mark.<name>``, with keyword arguments if there are any."""

    name: str
    kwargs: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class CaseSpec(PairFields):
    """One case as written, with what stands at the file's top where it does not say it itself.

    ``edited`` of ``None`` means that the fixture ``edit_image`` makes the image; ``metrics`` of
    ``None`` that the file's hold, else the configuration's.
    """

    id: str
    reference: Path
    edited: Path | None
    metrics: tuple[str, ...] | None
    params: dict[str, Any]
    marks: tuple[CaseMark, ...]
    usefixtures: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class CaseFile:
    """The cases of one file; ``metrics`` are measured by every case that names none."""

    path: Path
    metrics: tuple[str, ...] | None
    cases: tuple[CaseSpec, ...]

    def left_out(
        self, case: CaseSpec, expect: Expect | None, registry: PipeRegistry, shown: Path
    ) -> str | None:
        """Say what the metrics of a case, or of the file, leave out of what ``expect`` holds."""
        asked = [registry.metric(name).name for name in case.metrics or self.metrics or ()]
        return left_out(asked, expect, f"metrics in {shown}") if asked else None


def read_case_file(
    path: Path, registry: PipeRegistry, rootdir: Path, roots: AssetRoots | None = None
) -> CaseFile:
    """Read a file of cases. Images are looked for when a case runs, not here.

    Args:
        path: the file; image paths are relative to it and must stay inside ``rootdir``.
        registry: the known metrics.
        rootdir: paths in messages and sources are relative to it.
        roots: where else images may lie; nowhere, if it is left out.

    Raises:
        ConfigError: with file and line, for anything unknown, misspelt, missing or impossible.
    """
    root = read_yaml(path, rootdir).root
    if root.value is None:
        root.fail("the file is empty; it needs a list of `cases`")
    given = FILE.read(root, registry)
    of_file = {key.name: given.get(key.name) for key in _OF_FILE}
    metrics = given.get("metrics")
    reader = _CaseReader(path, registry, roots or AssetRoots(rootdir), of_file, metrics)
    return CaseFile(
        path=path,
        metrics=metrics,
        cases=tuple(reader.case(node) for node in given["cases"]),
    )


class _CaseReader:
    def __init__(
        self,
        path: Path,
        registry: PipeRegistry,
        roots: AssetRoots,
        of_file: Mapping[str, Any],
        metrics: tuple[str, ...] | None,
    ):
        self._path = path
        self._of_file = of_file
        self._metrics = metrics
        self._registry = registry
        self._roots = roots
        self._rootdir = real_path(roots.rootdir)
        self._images: dict[str, Path] = {}
        self._folders: dict[Path, Path] = {}
        self._ids: dict[str, Node] = {}

    def case(self, node: Node) -> CaseSpec:
        given = {**self._of_file, **CASE.read(node, self._registry)}
        edited = given.get("edited")
        measured = given.get("metrics") or self._metrics
        if measured is not None:
            check_measured(node, given.get("thresholds", {}), measured, "this case")
        return CaseSpec(
            id=self._id(given["id"]),
            reference=self._image(given["reference"], "reference"),
            edited=None if edited is None else self._image(edited, "edited"),
            metrics=given.get("metrics"),
            params=given.get("params", {}),
            marks=given.get("marks", ()),
            usefixtures=given.get("usefixtures", ()),
            line=node.line,
            **pair_fields(node, given, lambda mask: str(self._image(mask, "mask"))),
        )

    def _id(self, node: Node) -> str:
        name = identifier(node, "the id of a case")
        if re.match(_RESERVED, name):
            node.fail(f"the id {name!r} has a meaning of its own in pytest; choose another")
        seen = normalize("NFC", name)
        twin = self._ids.setdefault(seen.casefold(), node)
        if twin is not node:
            alike = f"looks like {twin.value!a} and is not the same text"
            if seen != normalize("NFC", twin.value):
                alike = f"differs from {twin.value!r} in case only"
            same = "is taken" if twin.value == name else alike
            node.fail(f"the id {name!r} {same}, on line {twin.line}")
        return name

    def _image(self, node: Node, what: str) -> Path:
        text = node.text(f"{what} of a case")
        if text not in self._images:
            self._images[text] = self._checked_image(node, text, what)
        return self._images[text]

    def _checked_image(self, node: Node, text: str, what: str) -> Path:
        if is_data_url(text):
            node.fail(f"{what} is an image in place of a file's path ({short(text)}); save it")
        path = Path(text)
        if path.is_absolute() or PureWindowsPath(text).drive:
            node.fail(f"{what} is the absolute path {text!r}; write it relative to this file")
        path = self._path.parent / path
        real = self._resolved(path)
        if not real.is_relative_to(self._rootdir) and not self._roots.hold(real):
            node.fail(f"{what} {text!r} {self._refusal(real)}")
        return path

    def _refusal(self, real: Path) -> str:
        """Say why a resolved path is refused: the file of cases lies outside, too, or only it."""
        own = real_path(self._path)
        option = wider_rootdir(self._rootdir, own)
        if own.is_relative_to(self._rootdir) or option is None:
            return self._roots.outside(real)
        return (
            f"lies outside {shown_path(self._roots.rootdir, None)}, the rootdir, and so does this"
            f" file: pytest takes one package's folder for the rootdir; give {option}"
        )

    def _resolved(self, path: Path) -> Path:
        """Return where a path leads; a folder is resolved once for all of its images."""
        folder = path.parent
        if path.name == ".." or os.path.islink(path):
            return real_path(path)
        if folder not in self._folders:
            self._folders[folder] = real_path(folder)
        return self._folders[folder] / path.name


def _params(node: Node, what: str, registry: PipeRegistry) -> Any:
    node.mapping(what)
    return node.plain


def _names(node: Node, what: str, registry: PipeRegistry) -> tuple[str, ...]:
    return tuple(_name(item, what) for item in node.items(what))


def _name(node: Node, what: str) -> str:
    name = node.text(f"a name under {what}")
    if not name.isidentifier():
        node.fail(f"{name!r} under {what} is no name of a fixture or mark (letters, digits, '_')")
    return name


def _marks(node: Node, what: str, registry: PipeRegistry) -> tuple[CaseMark, ...]:
    return tuple(map(_mark, node.items(what)))


def _mark(node: Node) -> CaseMark:
    kwargs: dict[str, Any] = {}
    name_node = node
    if node.is_mapping:
        if len(node.value) != 1:
            node.fail("a mark with arguments has one name: `xfail: {reason: ...}`")
        name, arguments = next(iter(node.value.items()))
        name_node = Node(name, node.source, arguments.line)
        arguments.mapping(f"the arguments of the mark {name!r}")
        kwargs = arguments.plain or {}
    name = _name(name_node, "marks")
    if name in MARKS_OF_OTHER_KEYS:
        name_node.fail(f"the mark {name!r} cannot be written here: {MARKS_OF_OTHER_KEYS[name]}")
    return CaseMark(name, kwargs)


_LETTER = r"A-Za-z_\u00aa-\uffff"
_NAME: Schema = {"type": "string", "pattern": rf"^[{_LETTER}][0-9{_LETTER}]*{END}"}
_MARK: Schema = {**_NAME, "not": {"enum": list(MARKS_OF_OTHER_KEYS)}}
_MARK_WITH_ARGUMENTS: Schema = {
    "type": "object",
    "minProperties": 1,
    "maxProperties": 1,
    "propertyNames": _MARK,
    "additionalProperties": {"type": ["object", "null"]},
}
_MARKS: Schema = {"type": "array", "items": {"anyOf": [_MARK, _MARK_WITH_ARGUMENTS]}}
_ID = replace(
    ID.kind,
    schema=lambda registry: {**ID.kind.schema(registry), "not": {"pattern": _RESERVED}},
)
CASE = Block(
    "a case",
    "one pair of images, or one edit that the fixture `edit_image` makes",
    (
        replace(ID, kind=_ID, required=True),
        replace(REFERENCE, required=True),
        replace(EDITED, default="the fixture `edit_image` makes it"),
        coords(IMAGE),
        *FIELDS,
        Key(
            "params",
            Kind("a mapping", _params, lambda _: {"type": "object"}),
            "what the fixture `edit_image` is to know, as `case.params`",
            "{prompt: make it red}",
            call="params",
        ),
        Key(
            "marks",
            Kind("a list of names, or of a name with its arguments", _marks, lambda _: _MARKS),
            "pytest's marks of the test",
            "[gpu, {xfail: {reason: slow}}]",
            call="marks",
        ),
        Key(
            "usefixtures",
            Kind("a list of names", _names, lambda _: {"type": "array", "items": _NAME}),
            "fixtures that the test uses",
            "[seeded]",
            call="usefixtures",
        ),
    ),
)


def _case_nodes(node: Node, what: str, registry: PipeRegistry) -> list[Node]:
    cases = node.items(what)
    if not cases:
        node.fail("no cases: write at least one under `cases`")
    return cases


def _cases_schema(registry: PipeRegistry) -> Schema:
    return {"type": "array", "items": CASE.schema(registry), "minItems": 1}


FILE = Block(
    "a file of cases",
    "test_*.edit.yaml: tests without code",
    (
        Key(
            "metrics",
            METRICS,
            "what every case measures that names no metrics",
            "[lpips]",
            call="metrics",
        ),
        *_OF_FILE,
        Key(
            "cases",
            Kind("a list of cases", _case_nodes, _cases_schema, CASE),
            "the cases",
            "[{id: red mug, reference: mug.png}]",
            required=True,
        ),
    ),
)
