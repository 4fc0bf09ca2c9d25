"""A manifest: a table whose rows are pairs of images to measure."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from pytest_editmetrics.config.areas import coords
from pytest_editmetrics.config.case_fields import (
    EDITED,
    FIELDS,
    ID,
    REFERENCE,
    PairFields,
    check_measured,
    identifier,
    pair_fields,
)
from pytest_editmetrics.config.expect import Expect
from pytest_editmetrics.config.keys import TEXT, Block, Schema, mapping, unread
from pytest_editmetrics.config.node import Node, Source
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.config.row_columns import Columns, holds_image, is_called
from pytest_editmetrics.config.row_files import SUFFIXES, RawRow, form_of, read_rows
from pytest_editmetrics.errors import ConfigError, InputError
from pytest_editmetrics.images.data_url import is_data_url, short
from pytest_editmetrics.images.encoded import Encoded
from pytest_editmetrics.images.masks import Cut
from pytest_editmetrics.images.remote import check_url, is_url
from pytest_editmetrics.pipes.registry import PipeRegistry

Measured: TypeAlias = "Callable[[Expect | None], tuple[tuple[str, ...], bool]]"
WHAT = (
    "a manifest is a table with a pair of images in each row, `reference` and `edited`: JSON Lines"
    " (.jsonl), CSV (.csv, .tsv) or Parquet (.parquet)"
)


def _image_schema(registry: PipeRegistry) -> Schema:
    text = TEXT.schema(registry)
    struct = mapping({"bytes": {"type": "null"}, "path": text}, required=["path"])
    return {"anyOf": [text, struct]}


_IMAGE = unread(
    "an image: a path, a URL, a `data:` URL, or in Parquet its bytes or `{bytes, path}`",
    _image_schema,
)
_ID = replace(
    ID.kind,
    words=f"{ID.kind.words}, or a whole number",
    schema=lambda registry: {"anyOf": [ID.kind.schema(registry), {"type": "integer"}]},
)
ROW = Block(
    "a row",
    "one pair of a manifest",
    (
        replace(ID, kind=_ID, default="the edited image as written"),
        replace(REFERENCE, kind=_IMAGE, required=True),
        replace(EDITED, kind=_IMAGE, required=True),
        coords(_IMAGE),
        *FIELDS,
    ),
)


def row_schema(registry: PipeRegistry) -> Schema:
    """Return the JSON Schema of a row: other columns than keys are taken too."""
    return {**ROW.schema(registry), "additionalProperties": True}


@dataclass(frozen=True, kw_only=True)
class Row(PairFields):
    """One pair of a manifest.

    ``reference`` and ``edited`` are as written: URLs, ``data:`` URLs, paths relative to ``folder``,
    or the bytes of their files. ``where`` is the row's ``file:line``. ``unnamed`` tells that an
    expectation chose the metrics. ``more`` is what results keep of the columns that are no keys.
    """

    id: str
    reference: str | Encoded
    edited: str | Encoded
    folder: str
    metrics: tuple[str, ...]
    where: str
    unnamed: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)


def image_text(image: str | Encoded) -> str:
    """Return how messages and results call the image of a row."""
    return image.text if isinstance(image, Encoded) else short(image)


class Manifest:
    """The rows of a manifest. They are read anew each time they are asked for, and not held.

    Args:
        path: the file; its suffix says what it is.
        registry: the known metrics.
        rootdir: paths in messages are relative to it.
        metrics: gives what a row measures that names none, by what it expects, and whether an
            expectation chose that.
        columns: the columns of keys that are called otherwise.
        cut: how masks are cut that are images and do not say it themselves.

    Raises:
        InputError: there is no such file, or its suffix is none of a manifest.
    """

    def __init__(
        self,
        path: Path,
        registry: PipeRegistry,
        rootdir: Path,
        metrics: Measured,
        columns: Mapping[str, str] | None = None,
        cut: Cut | None = None,
    ):
        check_manifest(path)
        self.path = path.absolute()
        self.shown = shown_path(self.path, rootdir)
        self._source = Source(self.path, self.shown)
        self._registry = registry
        self._metrics = metrics
        self._cut = cut or Cut()
        texts = form_of(path) != "json"
        self._columns = Columns(ROW.names, columns or {}, self._source, texts=texts)

    @property
    def kept(self) -> list[str]:
        """The columns that are no keys, as far as rows were read, and which key each may be."""
        return self._columns.told

    def rows(self) -> Iterator[Row]:
        """Give each row, checked. Images are not looked for.

        Raises:
            ConfigError: with file and line (in Parquet the number of the row, from 1), for anything
                misspelt, missing, twice or impossible, and for a manifest without a row.
        """
        ids: dict[str, int] = {}
        schemes: set[str] = set()
        for raw in read_rows(self.path, self.shown):
            node, more = self._columns.split(raw)
            row = self._row(node, raw, more, schemes)
            if (line := ids.setdefault(row.id, node.line)) != node.line:
                stated = "id" in node.value
                node.fail(
                    f"the id {row.id!r}{'' if stated else ' (its edited image; it states none)'} is"
                    f" taken, on line {line}"
                )
            yield row
        if not ids:
            raise ConfigError("no rows, so nothing would be measured", self.shown)

    def _row(self, node: Node, raw: RawRow, more: Mapping[str, Any], schemes: set[str]) -> Row:
        try:
            given = ROW.read(node, self._registry)
        except ConfigError as error:
            missing = [key for key in ("reference", "edited") if node.get(key) is None]
            if missing:
                raise ConfigError(f"{error}{_hint(raw, missing)}") from None
            raise
        reference = _image(given["reference"], "reference", schemes)
        edited = _image(given["edited"], "edited", schemes)
        own = given.get("id")
        metrics, unnamed = given.get("metrics"), False
        if metrics is None:
            metrics, unnamed = self._metrics(given.get("expect"))
        row = Row(
            id=_own_id(node, reference, edited) if own is None else _stated_id(own),
            reference=reference,
            edited=edited,
            folder=str(self.path.parent),
            metrics=metrics,
            unnamed=unnamed,
            where=node.where,
            more=more,
            **pair_fields(node, given, lambda mask: self._mask(mask, schemes)),
        )
        self._check_metrics(row, node)
        return row

    def _mask(self, node: Node, schemes: set[str]) -> str | Encoded | Mapping[str, Any]:
        """Return what names a mask, with how it is cut where that holds for the whole manifest."""
        mask = _image(node, "mask", schemes)
        if isinstance(mask, str) and not is_url(mask) and not is_data_url(mask):
            mask = str(self.path.parent / mask)
        return {"path": mask, **asdict(self._cut)} if self._cut else mask

    def _check_metrics(self, row: Row, node: Node) -> None:
        check_measured(node, row.thresholds, row.metrics, "this row")
        for name in row.metrics:
            if self._registry.metric(name).compares == "objects" and not row.ref_boxes:
                node.fail(f"{name} compares objects: the row needs ref_boxes and edited_boxes")


def check_manifest(path: Path) -> None:
    """Refuse what is no manifest by its name, and say what one is.

    Raises:
        InputError: see ``Manifest``.
    """
    if path.is_dir():
        names = sorted(os.listdir(path)) if os.access(path, os.R_OK) else []
        tables = [name for name in names if form_of(Path(name)) is not None]
        named = f"; it is one file, as {path / tables[0]}" if tables else ""
        raise InputError(f"{path} is a folder without results, so no run; {WHAT}{named}")
    if not path.is_file():
        raise InputError(f"there is no run directory and no manifest {path}; {WHAT}")
    if form_of(path) is None:
        raise InputError(f"{path} is no run and no manifest{_other_form(path)}; {WHAT}")


def _other_form(path: Path) -> str:
    """Say how a file of another form becomes a manifest, if that is known."""
    suffix = path.suffix.lower()
    if suffix == ".json":
        if _starts(path).startswith(b"["):
            return " (a JSON array: `jq -c '.[]' a.json > a.jsonl` makes lines of it)"
        return " (if each line is a JSON object, rename it to .jsonl)"
    if suffix in (".xlsx", ".xls", ".ods"):
        return " (a spreadsheet: save it as CSV in UTF-8)"
    if suffix in (".arrow", ".feather"):
        return " (Arrow: datasets' to_parquet, or pyarrow, writes it as Parquet)"
    names = ", ".join(SUFFIXES)
    return f" (those end in {names}; text also in .gz)"


def _starts(path: Path) -> bytes:
    """Return how the text of a file starts; nothing of one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(1000).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError:
        return b""


def _hint(raw: RawRow, missing: Iterable[str]) -> str:
    columns = ", ".join(map(repr, list(raw.values)[:12]))
    images = [column for column, value in raw.values.items() if holds_image(value)]
    meant = {key: [one for one in images if is_called(one, key)][:1] for key in missing}
    named = ",".join(f"{key}={column}" for key, found in meant.items() for column in found)
    told = f", perhaps --columns {named}" if named else ""
    return (
        f"; if a column is called otherwise, give --columns KEY=COLUMN (there are {columns}){told}"
    )


def _stated_id(node: Node) -> str:
    number = node.value
    if isinstance(number, float) and number.is_integer():  # a table's column with an empty cell
        number = int(number)
    if isinstance(number, int) and not isinstance(number, bool):
        node = Node(str(number), node.source, node.line)
    return identifier(node, "the id of a row")


def _own_id(node: Node, reference: str | Encoded, edited: str | Encoded) -> str:
    """Return the id of a row that states none.

    That of bytes without a name is its row and reference: the edited image's hash would be another
    with each version of the model.
    """
    if isinstance(edited, str):
        return short(edited).replace("::", ":")
    if edited.name:
        return edited.name.replace("::", ":")
    text = reference.digest if isinstance(reference, Encoded) else _digest(reference)
    return f"row {node.line} of {text[:8]}"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _image(node: Node, what: str, schemes: set[str]) -> str | Encoded:
    if isinstance(node.value, list) and len(node.value) == 1:
        (only,) = node.value
        node = only if only.is_mapping or isinstance(only.value, bytes) else node
    if isinstance(node.value, bytes):
        return Encoded(node.value)
    if node.is_mapping:
        return _of_struct(node, what, schemes)
    text = node.text(f"{what} of a row")
    scheme = text.partition("://")[0]
    if is_url(text) and scheme not in schemes:
        try:
            check_url(text)
        except InputError as error:
            node.fail(f"{what} {text!r}: {error}")
        schemes.add(scheme)
    return text


def _of_struct(node: Node, what: str, schemes: set[str]) -> str | Encoded:
    """Return an image of Hugging Face's data sets: its bytes, or where they lie."""
    node.mapping(what, ("bytes", "path"))
    data, path = node.get("bytes"), node.get("path")
    if data is None:
        if path is None:
            node.fail(f"{what} of a row holds neither bytes nor a path")
        return _image(path, what, schemes)
    if not isinstance(data.value, bytes):
        node.fail(
            f"the bytes of {what} are {data.shown}; in text an image is a path, a URL, or"
            " data:image/png;base64,..."
        )
    return Encoded(data.value, "" if path is None else path.text(f"path of {what}"))
