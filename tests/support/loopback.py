"""A loopback HTTP server that gives the answers it was told, well or badly, and keeps who asked."""

from __future__ import annotations

import re
import socket
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit


@dataclass
class Answer:
    """What the server gives for one path.

    ``short`` bytes of the body are never sent; ``then`` says what happens instead: the connection
    is closed, reset, or kept open in silence (``stall``). ``ranges`` tells whether a ``Range`` is
    answered with that part, ``shifted`` by how many bytes another part than asked for is given.
    ``length`` replaces the ``Content-Length``; empty leaves it out. ``piece`` is how many bytes are
    sent at a time, ``release`` what is waited for before the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    short: int = 0
    then: str = "close"
    ranges: bool = False
    shifted: int = 0
    length: str | None = None
    piece: int | None = None
    release: threading.Event | None = None


class Server:
    """``answers`` by path: one, or a list of which each request takes the next, the last for ever.

    ``asked`` are the requests, ``ranges`` their ``Range`` headers.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Sequence[Answer]] = {}
        self.asked: list[str] = []
        self.ranges: list[str | None] = []
        self.arrived = threading.Event()
        self._closing = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(urlsplit(self.path).path)
                before = outer.asked.count(f"{self.command} {path}")
                outer.asked.append(f"{self.command} {path}")
                outer.ranges.append(self.headers.get("Range"))
                outer.arrived.set()
                given = outer.answers.get(path, Answer(b"not found", 404))
                outer._give(
                    self, given if isinstance(given, Answer) else given[min(before, len(given) - 1)]
                )

            do_HEAD = do_GET

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _give(self, to: BaseHTTPRequestHandler, answer: Answer) -> None:
        body, status, headers = answer.body, answer.status, dict(answer.headers)
        asked = re.fullmatch(r"bytes=(\d+)-", to.headers.get("Range", ""))
        if asked and answer.ranges and status == 200:
            start = int(asked[1]) + answer.shifted
            status = 206 if start < len(body) else 416
            headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            body = body[start:]
        to.send_response(status)
        for key, value in headers.items():
            to.send_header(key, value)
        if answer.length != "":
            to.send_header("Content-Length", answer.length or str(len(body)))
        to.end_headers()
        if to.command == "HEAD":
            return
        if answer.release is not None:
            answer.release.wait(60)
        sent = body[: max(0, len(body) - answer.short)]
        piece = answer.piece or len(sent) or 1
        for at in range(0, len(sent), piece):
            to.wfile.write(sent[at : at + piece])
            if answer.piece:
                self._closing.wait(0.01)
        if answer.short and answer.then == "reset":
            linger = struct.pack("ii", 1, 0)
            to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            for end in (to.rfile, to.wfile, to.connection):
                end.close()
        elif answer.short and answer.then == "stall":
            self._closing.wait(60)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
