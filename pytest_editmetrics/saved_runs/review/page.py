"""The page of the review: the report's, with what it takes to decide."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_editmetrics.report.html.case_view import groups_of
from pytest_editmetrics.report.html.data import build_view, revived
from pytest_editmetrics.report.html.page import Form, page, script
from pytest_editmetrics.report.html.pictures import Gallery
from pytest_editmetrics.runs.folder import Run
from pytest_editmetrics.saved_runs.review.decisions import Case
from pytest_editmetrics.saved_runs.review.together import Together

_STATIC = Path(__file__).parent / "static"
_SCRIPTS = ("bar.js", "once.js", "asking.js", "undo.js", "decide.js", "write.js")


class NumberedGallery(Gallery):
    """Images that the page knows by their place in ``listed``, and by nothing else."""

    def __init__(self, together: Together):
        super().__init__(together)
        self.listed: list[Path] = []
        self._numbers: dict[str, int] = {}

    def use(self, name: str, run: Run | None = None) -> dict[str, Any] | None:
        """Return an image's number and size in pixels; ``None`` if no run holds it."""
        found = super().use(name, run)
        if found is None:
            return None
        image = found["image"]
        if image not in self._numbers:
            self._numbers[image] = len(self.listed)
            self.listed.append(self.files[image])
        return {**found, "image": str(self._numbers[image])}


class Page:
    """The page, made once; each answer gets a nonce of its own.

    Args:
        together: the runs.
        read_only: whether nothing can be decided.
        token: what the page names when it writes.
    """

    def __init__(self, together: Together, *, read_only: bool, token: str):
        shown = revived(together)
        gallery = NumberedGallery(together)
        self.view = build_view(shown, gallery, None)
        self.images: list[Path] = gallery.listed
        groups = groups_of(together)
        anchors = {case.number: case.anchor for case in self.view.cases}
        self.cases: Mapping[str, Case] = {
            anchors[number]: Case(anchors[number], tuple(group.records))
            for number, group in enumerate(groups)
        }
        mark = secrets.token_hex(16)
        form = Form("images/*.png", nonce=mark)
        text = "".join(page(self.view, form, script_text=script(*map(_own, _SCRIPTS))))
        told = {"token": token, "readOnly": read_only, "cases": self._told()}
        data = json.dumps(told).replace("<", "\\u003c")
        head = f'<style nonce="{mark}">{_own("review.css")}</style></head>'
        held = f'<script type="application/json" id="review-data" nonce="{mark}">{data}</script>'
        text = text.replace("</head>", head, 1).replace("</header>", f"</header>{held}", 1)
        self._parts = text.encode("utf-8", "backslashreplace").split(mark.encode())

    def _told(self) -> dict[str, Any]:
        return {
            anchor: {"why": case.refusal, "other": case.other_failure}
            for anchor, case in self.cases.items()
        }

    def parts(self, nonce: str) -> tuple[bytes, ...]:
        """Return the page with this nonce."""
        return (nonce.encode().join(self._parts),)


def _own(name: str) -> str:
    return (_STATIC / name).read_text("utf-8")
