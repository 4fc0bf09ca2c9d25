"""A manifest: a JSON Lines or Parquet file whose rows are pairs of images to measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_editmetrics.config.case_fields import (
    EDITED,
    FIELDS,
    ID,
    IMAGE,
    REFERENCE,
    PairFields,
    coords,
    identifier,
    pair_fields,
)
from pytest_editmetrics.config.expect import Expect
from pytest_editmetrics.config.keys import TEXT, Block
from pytest_editmetrics.config.node import Node
from pytest_editmetrics.config.reader import shown_path
from pytest_editmetrics.config.row_files import SUFFIXES, read_rows
from pytest_editmetrics.errors import ConfigError, InputError, RegionError, did_you_mean
from pytest_editmetrics.images.data_url import is_data_url, short
from pytest_editmetrics.images.regions import normalise_boxes
from pytest_editmetrics.images.remote import check_url, is_url
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.pipes.registry import PipeRegistry

_IMAGE = replace(IMAGE, words="an image: a path, a URL or a `data:` URL", schema=TEXT.schema)
ROW = Block(
    "a row",
    "one pair of a manifest",
    (
        replace(ID, default="the edited image as written"),
        replace(REFERENCE, kind=_IMAGE, required=True),
        replace(EDITED, kind=_IMAGE, required=True),
        coords(_IMAGE),
        *FIELDS,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Row(PairFields):
    """One pair of a manifest.

    ``reference`` and ``edited`` are as written: URLs, ``data:`` URLs, or paths relative to
    ``folder``. ``where`` is the row's ``file:line``.
    """

    id: str
    reference: str
    edited: str
    folder: str
    metrics: tuple[str, ...]
    where: str


class Manifest:
    """The rows of a manifest. They are read anew each time they are asked for, and not held.

    Args:
        path: the file: ``.jsonl``, ``.ndjson``, ``.parquet`` or ``.pq``.
        registry: the known metrics.
        rootdir: paths in messages are relative to it.
        metrics: gives what a row measures that names none, by what it expects.

    Raises:
        InputError: there is no such file, or its suffix is none of these.
    """

    def __init__(
        self,
        path: Path,
        registry: PipeRegistry,
        rootdir: Path,
        metrics: Callable[[Expect | None], tuple[str, ...]],
    ):
        if not path.is_file():
            raise InputError(f"there is no run directory and no manifest {path}")
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(
                f"{path} is no run directory, and no manifest: those end in {', '.join(SUFFIXES)}"
            )
        self.path = path.absolute()
        self.shown = shown_path(self.path, rootdir)
        self._registry = registry
        self._metrics = metrics

    def rows(self) -> Iterator[Row]:
        """Give each row, checked. Images are not looked for.

        Raises:
            ConfigError: with file and line (in Parquet the number of the row, from 1), for anything
                unknown, misspelt, missing, twice or impossible, and for a manifest without a row.
        """
        ids: dict[str, int] = {}
        schemes: set[str] = set()
        for node in read_rows(self.path, self.shown):
            row = self._row(node, schemes)
            if (line := ids.setdefault(row.id, node.line)) != node.line:
                derived = "" if "id" in node.value else " (its edited image; it states none)"
                node.fail(f"the id {row.id!r}{derived} is taken, on line {line}")
            yield row
        if not ids:
            raise ConfigError("no rows, so nothing would be measured", self.shown)

    def _row(self, node: Node, schemes: set[str]) -> Row:
        given = ROW.read(node, self._registry)
        reference = _image(given["reference"], "reference", schemes)
        edited = _image(given["edited"], "edited", schemes)
        own = given.get("id")
        row = Row(
            id=(
                short(edited).replace("::", ":")
                if own is None
                else identifier(own, "the id of a row")
            ),
            reference=reference,
            edited=edited,
            folder=str(self.path.parent),
            metrics=given["metrics"] if "metrics" in given else self._metrics(given.get("expect")),
            where=node.where,
            **pair_fields(node, given, lambda mask: self._mask(mask, schemes)),
        )
        _check_boxes(row, node)
        self._check_metrics(row, node)
        return row

    def _mask(self, node: Node, schemes: set[str]) -> str:
        text = _image(node, "mask", schemes)
        return text if is_url(text) or is_data_url(text) else str(self.path.parent / text)

    def _check_metrics(self, row: Row, node: Node) -> None:
        for name in row.thresholds:
            if name not in row.metrics:
                node.fail(
                    f"a threshold of {name}, which this row does not measure"
                    f"{did_you_mean(name, row.metrics)}; add it to metrics"
                )
        for name in row.metrics:
            if self._registry.metric(name).compares == "objects" and not row.ref_boxes:
                node.fail(f"{name} compares objects: the row needs ref_boxes and edited_boxes")


def _image(node: Node, what: str, schemes: set[str]) -> str:
    text = node.text(f"{what} of a row")
    scheme = text.partition("://")[0]
    if is_url(text) and scheme not in schemes:
        try:
            check_url(text)
        except InputError as error:
            node.fail(f"{what} {text!r}: {error}")
        schemes.add(scheme)
    return text


def _check_boxes(row: Row, node: Node) -> None:
    for what in ("coords", "ref_boxes", "edited_boxes"):
        given = getattr(row, what)
        try:
            if not isinstance(given, Region):
                normalise_boxes(given, what)
        except RegionError as error:
            node.fail(str(error))
