"""The page of a report: the templates, filled, with its style sheet and its script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

    from pytest_editmetrics.report.html.case_view import CaseView
    from pytest_editmetrics.report.html.data import ReportView

_HERE = Path(__file__).parent
_STYLES = ("report.css", "viewer.css", "media.css")
_SCRIPTS = (
    "images.js",
    "blend.js",
    "overlays.js",
    "zoom.js",
    "panes.js",
    "pixel.js",
    "viewer.js",
    "cases.js",
    "triage.js",
    "decisions.js",
    "place.js",
    "address.js",
    "print.js",
    "report.js",
)
Embedded = Callable[["CaseView"], Iterator[tuple[str, str, int, int]]]


@dataclass(frozen=True)
class Form:
    """How a page gets its parts.

    ``images`` is the address of an image, ``*`` standing for its id; empty where they are in the
    page. ``style`` and ``script`` are addresses too; empty where their text is in the page, which
    bears the ``nonce`` if there is one. ``policy`` is the content security policy that the page
    itself states; empty where a server says it.
    """

    images: str = ""
    style: str = ""
    script: str = ""
    policy: str = ""
    nonce: str = ""

    def address(self, image: str) -> str:
        """Return the address of an image."""
        return self.images.replace("*", image)


def style_sheet() -> str:
    """Return the report's style sheet, of all its parts."""
    return "\n".join((_HERE / "static" / name).read_text("utf-8") for name in _STYLES)


def script(*more: str) -> str:
    """Return the report's script, of all its parts; ``more`` are further parts, before the last."""
    *parts, last = ((_HERE / "static" / name).read_text("utf-8") for name in _SCRIPTS)
    return "\n".join((*parts, *more, last))


def embedding_policy(script: str, style: str) -> str:
    """Return the policy of a page that holds all its parts."""
    return (
        f"default-src 'none'; img-src data:; style-src '{_hash(style)}'; script-src"
        f" '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


FOLDER_POLICY = (
    "default-src 'none'; img-src 'self' file:; style-src 'self' file:; script-src 'self' file:;"
    " base-uri 'none'; form-action 'none'"
)


def page(
    view: ReportView,
    form: Form,
    embedded: Embedded | None = None,
    more: Mapping[str, Any] | None = None,
    *,
    script_text: str | None = None,
) -> Iterator[str]:
    """Give the page, part by part.

    Args:
        view: what it shows.
        form: how it gets its style sheet, script and images.
        embedded: gives (id, base64, width, height) of the images that a case is the first to show;
            ``None`` where they are not in the page.
        more: further names that the templates know.
        script_text: the script, where it is in the page and another than ``script()``.
    """
    yield from (
        _environment()
        .get_template("report.html")
        .generate(
            view=view,
            form=form,
            embedded=embedded or _nothing,
            style_text="" if form.style else style_sheet(),
            script_text="" if form.script else script_text or script(),
            **(more or {}),
        )
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _nothing(case: CaseView) -> Iterator[tuple[str, str, int, int]]:
    """Give no image: they lie beside the page."""
    return iter(())
