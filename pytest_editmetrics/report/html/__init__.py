"""The HTML report: one self-contained file, or a folder with the images beside its page."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.claims import check_ours
from pytest_editmetrics.runs.writing import is_report
from pytest_editmetrics.whole_file import replacing

if TYPE_CHECKING:
    from jinja2 import Environment

    from pytest_editmetrics.report.html.data import CaseView, ReportView
    from pytest_editmetrics.report.html.pictures import Gallery
    from pytest_editmetrics.runs.folder import Run

_HERE = Path(__file__).parent
_SCRIPTS = ("images.js", "viewer.js", "overlays.js", "cases.js", "report.js")
_LARGE = 200_000_000


def _silent(line: str) -> None:
    """Say nothing."""


def write_html(
    run: Run,
    output: Path,
    *,
    say: Callable[[str], None] = _silent,
    keeps_run: bool = True,
) -> None:
    """Write the report of ``run``.

    Args:
        run: as ``read_run`` returned it.
        output: a path that ends in ``.html`` becomes one self-contained file, in which each image
            is embedded once; any other a folder with ``index.html`` and ``images/``.
        say: is told, in a line each, what the reader should know beyond the report.
        keeps_run: whether ``run.path`` stays, so that the report may name it in commands.

    Raises:
        EditMetricsError: the report cannot be written, would overwrite a page that is not ours, or
            a record makes no sense.
    """
    from pytest_editmetrics.report.html.data import build_view, revived
    from pytest_editmetrics.report.html.pictures import Gallery

    gallery = Gallery(run)
    view = build_view(revived(run), gallery, _shown(run.path) if keeps_run else None)
    if gallery.missing:
        say(f"report: {len(gallery.missing)} images are not in {run.path}")
    one_file = output.suffix.lower() == ".html"
    page = check_report(output)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        if not one_file:
            _copy_images(gallery, output / "images")
        _write_page(page, view, gallery, embed=one_file)
    except OSError as error:
        raise EditMetricsError(
            f"cannot write the report {output}: {error.strerror or error}; give another path: one"
            " that ends in .html for one file, else a folder"
        ) from None
    if one_file and (size := page.stat().st_size) > _LARGE:
        say(
            f"report: {output} holds its images and has {size / 1e6:.0f} MB; a folder (a path"
            " without .html) opens faster"
        )


def check_report(output: Path) -> Path:
    """Return the page of a report; refuse to overwrite one that is not ours.

    Raises:
        EditMetricsError: the page is there and is no report of ours.
    """
    page = output if output.suffix.lower() == ".html" else output / "index.html"
    check_ours(page, "the report", is_report)
    return page


def _shown(path: Path) -> str:
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else path)


def _copy_images(gallery: Gallery, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for image, source in gallery.files.items():
        target = folder / f"{image}.png"
        if not target.exists():
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)


def _write_page(page: Path, view: ReportView, gallery: Gallery, *, embed: bool) -> None:
    script = "\n".join((_HERE / "static" / name).read_text("utf-8") for name in _SCRIPTS)
    parts = (
        _environment()
        .get_template("report.html")
        .generate(
            view=view,
            embed=embed,
            embedded=_embedder(gallery) if embed else _nothing,
            style=(_HERE / "static" / "report.css").read_text("utf-8"),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        )
    )
    # a lone surrogate, which JSON can hold and UTF-8 cannot, is shown as its escape
    with (
        replacing(page) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.writelines(parts)


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _nothing(case: CaseView) -> Iterator[tuple[str, str]]:
    """Give no image: they lie beside the page."""
    return iter(())


def _embedder(gallery: Gallery) -> Callable[[CaseView], Iterator[tuple[str, str]]]:
    """Return what gives (id, base64) of the images of a case that no case before it showed."""
    from pytest_editmetrics.report.html.pictures import picture_images

    given: set[str] = set()

    def images(case: CaseView) -> Iterator[tuple[str, str]]:
        for image in picture_images(case.picture) if case.picture else ():
            if image not in given:
                given.add(image)
                yield image, base64.b64encode(gallery.files[image].read_bytes()).decode("ascii")

    return images
