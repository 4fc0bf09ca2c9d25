"""The HTML report: one self-contained file, or a folder of page, style sheet, script and images."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_editmetrics.errors import EditMetricsError, counted
from pytest_editmetrics.runs.claims import check_ours, is_stream
from pytest_editmetrics.runs.folder import OWN_IMAGE, is_run_dir, read_run
from pytest_editmetrics.runs.review import read_review
from pytest_editmetrics.runs.writing import MADE_BY, is_report
from pytest_editmetrics.whole_file import replacing

if TYPE_CHECKING:
    from pytest_editmetrics.report.html.case_view import CaseView
    from pytest_editmetrics.report.html.data import ReportView
    from pytest_editmetrics.report.html.page import Embedded
    from pytest_editmetrics.report.html.pictures import Gallery
    from pytest_editmetrics.runs.folder import Run

PAGE, STYLE, SCRIPT, IMAGES = "index.html", "report.css", "report.js", "images"
_LARGE = 200_000_000
_UNFINISHED = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
{MADE_BY}
<meta name="color-scheme" content="light dark">
<title>The session did not finish · editmetrics</title>
</head>
<body>
<h1>The session did not finish</h1>
<p>It began at *, and was killed, or is still running. When it ends its report stands here.</p>
</body>
</html>
"""


def _silent(line: str) -> None:
    """Say nothing."""


def write_html(
    run: Run,
    output: Path,
    *,
    say: Callable[[str], None] = _silent,
    keeps_run: bool = True,
    begun: bool = False,
    earlier: Run | None = None,
    start: Path | None = None,
) -> None:
    """Write the report of ``run``.

    Args:
        run: as ``read_run`` returned it.
        output: a path that ends in ``.html`` becomes one self-contained file, in which each image
            is embedded once; any other a folder with ``index.html``, ``report.css``, ``report.js``
            and ``images/``.
        say: is told, in a line each, what the reader should know beyond the report.
        keeps_run: whether ``run.path`` stays, so that the report may name it in commands.
        begun: whether ``check_report`` looked at ``output`` before, when this began.
        earlier: a run whose images stand beside this one's; default: the base of its suite, if that
            is a run directory that is there.
        start: the folder in which commands are typed; default: the current one, which a test may
            have left, or removed.

    Raises:
        EditMetricsError: the report cannot be written, would overwrite a page that is not ours, or
            a record makes no sense.
    """
    from pytest_editmetrics.report.html.data import build_view, revived
    from pytest_editmetrics.report.html.pictures import Gallery

    gallery = Gallery(run)
    try:
        decisions = read_review(run.path, run.session.get("started"))
    except EditMetricsError as error:
        say(f"report: without what was decided on its cases: {error}")
        decisions = {}
    approve_from = _shown(run.path, start or Path.cwd()) if keeps_run else None
    view = build_view(revived(run), gallery, approve_from, decisions, earlier or _base(run))
    if gallery.missing:
        missing = counted(len(gallery.missing), "image is", "images are")
        say(f"report: {missing} not in {run.path}")
    one_file = output.suffix.lower() == ".html"
    page = check_report(output, begun=begun)
    try:
        page.parent.mkdir(parents=True, exist_ok=True)
        if not one_file:
            _copy_images(gallery, output / IMAGES)
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


def write_unfinished(output: Path, began: str) -> None:
    """Let the page say that the session did not finish, so that a killed one leaves that.

    ``check_report`` has looked at ``output``. What cannot be written is said when the report is.
    """
    page = output if output.suffix.lower() == ".html" else output / PAGE
    if is_stream(page):
        return
    with suppress(OSError):
        page.parent.mkdir(parents=True, exist_ok=True)
        _write(page, [_UNFINISHED.replace("*", began)])


def _base(run: Run) -> Run | None:
    suite = run.end.get("suite")
    base = suite.get("base") if isinstance(suite, Mapping) else None
    if not isinstance(base, str) or not is_run_dir(Path(base)):
        return None
    try:
        return read_run(Path(base))
    except EditMetricsError:
        return None


def check_report(output: Path, *, begun: bool = False) -> Path:
    """Return the page of a report; refuse to overwrite what is not ours.

    ``begun`` says that the folder was looked at before: others may have written there since.

    Raises:
        EditMetricsError: the page is there and is no report of ours, or the folder holds something
            and is neither a report nor a run.
    """
    if output.suffix.lower() == ".html":
        check_ours(output, "the report", is_report)
        return output
    page = output / PAGE
    known = begun or is_report(page) or is_run_dir(output)
    if not known and (other := _other_file(output)):
        raise EditMetricsError(
            f"cannot write the report {output}: the folder holds something else ({other}); give"
            " another folder, or an empty one (or a path that ends in .html, for one file)"
        )
    check_ours(page, "the report", is_report)
    check_ours(output / STYLE, "the report's style sheet", lambda _: is_report(page))
    check_ours(output / SCRIPT, "the report's script", lambda _: is_report(page))
    return page


def _other_file(folder: Path) -> str | None:
    """Return the name of something in a folder that no report leaves there; hidden files may be."""
    with suppress(OSError):  # of what cannot be looked at: writing it says so
        for path in sorted(folder.iterdir()):
            ours = path.name in (PAGE, STYLE, SCRIPT) or path.name.startswith(".")
            if path.is_dir() and not ours:
                # a run, one that this session begins, images of a process that was killed
                seen = [one.name for one in path.iterdir() if not one.name.startswith(".")]
                ours = is_run_dir(path) or all(map(OWN_IMAGE.fullmatch, seen))
            if not ours:
                return path.name
    return None


def _shown(path: Path, start: Path) -> str:
    absolute = start / path
    return str(absolute.relative_to(start) if absolute.is_relative_to(start) else path)


def _copy_images(gallery: Gallery, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for image, source in gallery.files.items():
        target = folder / f"{image}.png"
        if not target.exists():
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)


def _write_page(page: Path, view: ReportView, gallery: Gallery, *, embed: bool) -> None:
    from pytest_editmetrics.report.html.page import (
        FOLDER_POLICY,
        Form,
        embedding_policy,
        script,
        style_sheet,
    )
    from pytest_editmetrics.report.html.page import page as parts_of

    if embed:
        policy = embedding_policy(script(), style_sheet())
        _write(page, parts_of(view, Form(policy=policy), _embedder(gallery)))
        return
    form = Form(f"{IMAGES}/*.png", style=STYLE, script=SCRIPT, policy=FOLDER_POLICY)
    _write(page, parts_of(view, form))
    # after the page, which tells whose they are: what a killed process left is written again
    _write(page.with_name(STYLE), [style_sheet()])
    _write(page.with_name(SCRIPT), [script()])


def _write(path: Path, parts: Iterable[str]) -> None:
    # a lone surrogate, which JSON can hold and UTF-8 cannot, is shown as its escape
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        file.writelines(parts)


def _embedder(gallery: Gallery) -> Embedded:
    """Return what gives the images of a case that no case before it showed."""
    from pytest_editmetrics.report.html.pictures import picture_images

    given: set[str] = set()

    def images(case: CaseView) -> Iterator[tuple[str, str, int, int]]:
        for image in picture_images(case.picture) if case.picture else ():
            if image not in given:
                given.add(image)
                data = base64.b64encode(gallery.files[image].read_bytes()).decode("ascii")
                yield image, data, *gallery.size(image)

    return images
