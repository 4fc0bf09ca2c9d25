"""What the server gives out, and what it takes: each address by its exact name, no path in it."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.goldens.changes import PartlyWritten
from pytest_editmetrics.runs.review import Contradicted
from pytest_editmetrics.saved_runs.review.decisions import Decisions
from pytest_editmetrics.saved_runs.review.guard import Guard, Refused
from pytest_editmetrics.saved_runs.review.page import Page
from pytest_editmetrics.saved_runs.review.server import Answer, Request, open_plain
from pytest_editmetrics.saved_runs.review.writing import Outdated, Writer

_IMAGE = re.compile(r"/images/(\d{1,7})\.png", re.ASCII)
_GOLDEN = re.compile(r"/goldens/([0-9a-f]{64})")
_NAME = re.compile(r"[\w.\-\[\]:]{1,100}", re.ASCII)
_KINDS = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): "image/png",
    re.compile(rb"RIFF....WEBP", re.DOTALL): "image/webp",
}
_LARGEST_IMAGE = 1 << 30
# what an earlier program on this port left in the browser, a service worker above all
CLEARED = {"Clear-Site-Data": '"cache", "storage"'}
# it moves on with the case and the filters that stand behind the address's #
_OPENING = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>editmetrics review</title>
<script nonce="NONCE">location.replace("/" + location.hash)</script>
<noscript><meta http-equiv="refresh" content="0; url=/"></noscript></head>
<body><p><a href="/">Open the review</a></p></body></html>
"""


class Site:
    """Answers requests.

    Args:
        guard: who may ask.
        page: what is looked at.
        decisions: what was decided.
        writer: writes goldens; ``None`` where nothing can be decided.
        note: is told what the person at the terminal should know.
    """

    def __init__(
        self,
        guard: Guard,
        page: Page,
        decisions: Decisions,
        writer: Writer | None,
        note: Callable[[str], None],
    ):
        self._guard = guard
        self._page = page
        self._decisions = decisions
        self._writer = writer
        self._note = note
        self._noted: set[str] = set()

    def answer(self, request: Request) -> Answer:
        """Return the answer of a request.

        Raises:
            Refused: it may not be asked, or there is nothing of this name.
        """
        try:
            self._guard.host(request.headers)
        except Refused:
            self._tell_of_host(str(request.headers.get("Host", "")))
            raise
        if request.method == "GET" and request.path == "/" and self._guard.opens(request.query):
            more = {"Set-Cookie": self._guard.set_cookie, **CLEARED}
            nonce = secrets.token_urlsafe(16)
            parts = (_OPENING.replace("NONCE", nonce).encode(),)
            return Answer(kind="text/html; charset=utf-8", parts=parts, nonce=nonce, more=more)
        self._guard.same_origin(request.headers, needed=request.method == "POST")
        self._guard.known(request.headers)
        request.trusted()
        if request.method == "POST":
            self._guard.may_write(request.headers)
            return self._posted(request)
        return self._given(request)

    def _tell_of_host(self, host: str) -> None:
        """Say once how a forwarded name is let in: whoever forwards it sees the terminal."""
        if host not in self._noted and len(self._noted) < 5:
            self._noted.add(host)
            yours = ""
            if _NAME.fullmatch(host):
                yours = f"; if that is yours, start with --allow-host {host}"
            self._note(f"refused: a request for the name {host[:100]!a}{yours}")

    def _given(self, request: Request) -> Answer:
        if request.path == "/":
            nonce = secrets.token_urlsafe(16)
            parts = self._page.parts(nonce)
            return Answer(kind="text/html; charset=utf-8", parts=parts, nonce=nonce)
        if request.path == "/favicon.ico":
            return Answer(204)
        if request.path == "/state":
            seen = request.query.removeprefix("seen=") or None
            return _checked(lambda: self._decisions.state(seen))
        if found := _IMAGE.fullmatch(request.path):
            images = self._page.images
            number = int(found[1])
            return _image(images[number] if number < len(images) else None, links=False)
        if (found := _GOLDEN.fullmatch(request.path)) and self._writer is not None:
            return _image(self._writer.image(found[1]), links=True)
        raise Refused(404, "There is nothing of this name.")

    def _posted(self, request: Request) -> Answer:
        writer = self._writer
        if writer is None:
            raise Refused(403, "This review is read-only.")
        if request.path == "/decide":
            asked = _parsed(request.body())
            cases, bulk = asked.get("cases"), asked.get("bulk") is True
            return _checked(lambda: self._decisions.decide(cases, bulk, writer.refusal))
        if request.path == "/plan":
            _parsed(request.body())
            return _checked(writer.plan)
        if request.path == "/write":
            files = _parsed(request.body()).get("files")
            answer = _checked(lambda: writer.write(files))
            self._tell_of_writing(answer)
            return answer
        raise Refused(404, "There is nothing of this name.")

    def _tell_of_writing(self, answer: Answer) -> None:
        told = json.loads(b"".join(answer.parts))
        for path in told.get("written", ()):
            self._note(f"wrote {path}; review the change and commit it")
        if still := told.get("still"):
            self._note(still)
        if answer.status not in (200, 409):
            self._note(told["error"])


def _image(path: Any, *, links: bool) -> Answer:
    if path is None:
        raise Refused(404, "There is nothing of this name.")
    try:
        file = open_plain(path, links=links)
    except OSError:
        raise Refused(404, "This image is not there any more.") from None
    head = file.read(12)
    kind = next((kind for begins, kind in _KINDS.items() if begins.match(head)), None)
    size = file.seek(0, 2)
    if kind is None or size > _LARGEST_IMAGE:
        file.close()
        raise Refused(404, "This is no image.")
    return Answer(kind=kind, file=file)


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "The body is no JSON.") from None
    if not isinstance(value, dict):
        raise Refused(400, "The body is no JSON object.")
    return value


def _checked(work: Callable[[], Mapping[str, Any]]) -> Answer:
    """Return what ``work`` gives, or its error, as JSON."""
    try:
        return _json(200, work())
    except Outdated as error:
        return _json(409, {"error": str(error), "plan": error.plan})
    except Contradicted as error:
        return _json(409, {"error": str(error)})
    except InputError as error:
        return _json(400, {"error": str(error)})
    except PartlyWritten as error:
        written = [path.as_posix() for path in error.written]
        return _json(500, {"error": str(error), "written": written})
    except EditMetricsError as error:
        return _json(500, {"error": str(error)})


def _json(status: int, value: Mapping[str, Any]) -> Answer:
    text = json.dumps(value).encode("ascii")
    return Answer(status, "application/json", (text,))
