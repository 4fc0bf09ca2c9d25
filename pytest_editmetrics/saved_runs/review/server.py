"""The HTTP server under the review: only this machine reaches it, and nobody can hold it up.

A client has so many seconds for a request, however it trickles in. Bodies are small. Where too many
clients are there at once, the oldest that has shown no cookie is put out.
"""

from __future__ import annotations

import io
import os
import re
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO

from pytest_editmetrics.saved_runs.review.guard import ADDRESS, Refused, security_headers

LARGEST_BODY = 8 << 20
PATIENCE = 10.0
MOST_CLIENTS = 100
_FAREWELL = 3.0
_BLOCK = 1 << 16
_FIELD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*\r?\n")
_LONGEST_LENGTH = 20


@dataclass(frozen=True)
class Request:
    """What is asked: the path is as it was sent, nothing in it is decoded.

    ``body`` reads it, and refuses one that is too large or of unknown size. ``trusted`` is called
    once the client is known.
    """

    method: str
    path: str
    query: str
    headers: Message
    body: Callable[[], bytes]
    trusted: Callable[[], None]


@dataclass(frozen=True)
class Answer:
    """What is answered; ``parts`` come one after the other, ``file`` is read as it is sent."""

    status: int = 200
    kind: str = "text/plain; charset=utf-8"
    parts: tuple[bytes, ...] = ()
    file: BinaryIO | None = None
    nonce: str | None = None
    more: Mapping[str, str] = field(default_factory=dict)


class Server:
    """Serves ``answer`` on 127.0.0.1.

    Args:
        port: 0 is any that is free.
        answer: gives the answer of a request; may raise ``Refused``.
        trouble: is told of an error that ``answer`` did not expect.

    Raises:
        OSError: the port cannot be had.
    """

    def __init__(
        self,
        port: int,
        answer: Callable[[Request], Answer],
        trouble: Callable[[str], None],
    ):
        self._server = _Threads((ADDRESS, port), answer, trouble)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def serve(self) -> None:
        """Serve until this is interrupted, or ``stop`` is called in another thread."""
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        """End ``serve``."""
        self._server.shutdown()

    def close(self) -> None:
        """Close every connection, once what is being answered is sent."""
        self._server.server_close()
        self._server.wait_for_answers()
        self._server.put_out()


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    # on Windows a second server could take the port over, elsewhere it frees one that was just left
    allow_reuse_address = os.name == "posix"

    def __init__(
        self,
        address: tuple[str, int],
        answer: Callable[[Request], Answer],
        trouble: Callable[[str], None],
    ):
        self.answer = answer
        self.trouble = trouble
        self._clients: dict[Any, bool] = {}
        self._answers = 0
        self._lock = threading.Condition()
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, without asking for this machine's name as the base class does."""
        reuse = int(self.allow_reuse_address)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = ADDRESS, int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._clients[request] = False
            strangers = [one for one, known in self._clients.items() if not known]
            crowded = len(self._clients) > MOST_CLIENTS and strangers[0] is not request
            if crowded:  # its thread may take a while to notice, and the next is another's turn
                del self._clients[strangers[0]]
        if crowded:
            _end(strangers[0])
        super().process_request(request, client_address)

    def trusted(self, request: Any) -> None:
        with self._lock:
            if request in self._clients:
                self._clients[request] = True

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._clients.pop(request, None)
        super().shutdown_request(request)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Count an answer, so that the end waits for it."""
        with self._lock:
            self._answers += 1
        try:
            yield
        finally:
            with self._lock:
                self._answers -= 1
                self._lock.notify_all()

    def wait_for_answers(self) -> None:
        """Wait until none is being made or sent, but for no client that is slow to take it."""
        with self._lock:
            self._lock.wait_for(lambda: self._answers == 0, _FAREWELL)

    def put_out(self) -> None:
        with self._lock:
            for request in self._clients:
                _end(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


def _end(request: socket.socket) -> None:
    with suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)


class _Timed(io.RawIOBase):
    """What a socket sends, as long as there is time."""

    def __init__(self, connection: socket.socket):
        self._connection = connection
        self.until = time.monotonic() + PATIENCE

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self.until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Lines(io.BufferedReader):
    """What is read of a socket; ``lines`` are those of the head of the request."""

    def __init__(self, raw: io.RawIOBase):
        super().__init__(raw)
        self.lines: list[bytes] = []

    def readline(self, size: int | None = -1) -> bytes:
        line = super().readline(size)
        self.lines.append(line)
        return line


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Threads
    rfile: _Lines

    def setup(self) -> None:
        super().setup()
        self.connection.settimeout(PATIENCE)
        with suppress(OSError):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.rfile.close()
        self._timed = _Timed(self.connection)
        self.rfile = _Lines(self._timed)

    def handle_one_request(self) -> None:
        self._timed.until = time.monotonic() + PATIENCE
        self.rfile.lines.clear()
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Refuse a head that others would read otherwise: a header that is none hides the next."""
        if not super().parse_request():
            return False
        *fields, end = self.rfile.lines[1:]
        if end.strip() or not end or not all(map(_FIELD.fullmatch, fields)):
            self.send_error(HTTPStatus.BAD_REQUEST)
            return False
        return True

    def version_string(self) -> str:
        return "editmetrics"

    def log_message(self, *args: Any) -> None:
        """Log nothing: a request's text is a stranger's."""

    def handle_expect_100(self) -> bool:
        self.send_error(HTTPStatus.EXPECTATION_FAILED)
        return False

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer an error in plain text, and nothing of what was asked in it."""
        self.close_connection = True
        text = f"{code} {HTTPStatus(code).phrase}\n"
        self._send(Answer(code, parts=(text.encode(),)))

    def do_GET(self) -> None:
        with self.server.answering():
            self._answer()

    do_POST = do_GET

    def _answer(self) -> None:
        path, _, query = self.path.partition("?")
        self._read = False
        request = Request(
            self.command,
            path,
            query,
            self.headers,
            self._body,
            lambda: self.server.trusted(self.request),
        )
        if "Content-Length" not in self.headers and "Transfer-Encoding" not in self.headers:
            self._read = True
        try:
            answer = self.server.answer(request)
        except Refused as refused:
            answer = Answer(refused.status, parts=(f"{refused}\n".encode(),))
            self.close_connection = True
        except TimeoutError:
            raise
        except Exception as error:
            self.server.trouble(f"{self.command} failed: {type(error).__name__}: {error}")
            answer = Answer(500, parts=(b"Something failed here; the terminal says what.\n",))
        if not self._read:
            self.close_connection = True
        self._send(answer)

    def _body(self) -> bytes:
        """Read the body.

        Raises:
            Refused: it is too large, or of unknown size.
        """
        if "Transfer-Encoding" in self.headers:
            raise Refused(411, "A body needs its Content-Length.")
        lengths = self.headers.get_all("Content-Length") or []
        if len(lengths) != 1 or not (lengths[0].isascii() and lengths[0].isdigit()):
            raise Refused(411, "A body needs its Content-Length.")
        if len(lengths[0]) > _LONGEST_LENGTH or int(lengths[0]) > LARGEST_BODY:
            raise Refused(413, "The body is too large.")
        length = int(lengths[0])
        body = self.rfile.read(length)
        if len(body) < length:
            raise Refused(400, "The body ended early.")
        self._read = True
        return body

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(PATIENCE)
        with answer.file or io.BytesIO(b"".join(answer.parts)) as body:
            length = os.fstat(body.fileno()).st_size if answer.file else body.seek(0, 2)
            body.seek(0)
            self.send_response_only(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(length))
            for name, value in {**security_headers(answer.nonce), **answer.more}.items():
                self.send_header(name, value)
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            left = length
            while left and (block := body.read(min(_BLOCK, left))):
                self.wfile.write(block)
                left -= len(block)
            if left:  # a file that became shorter: the length was a lie
                self.close_connection = True


def open_plain(path: Path, *, links: bool) -> BinaryIO:
    """Open a file to be given out: a plain one, and where ``links`` is false no link to one.

    Raises:
        OSError: it is none.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not links:
        flags |= getattr(os, "O_NOFOLLOW", 0)
        if path.is_symlink() or path.parent.is_symlink():
            raise OSError(f"{path} is a link")
    if links or os.open not in os.supports_dir_fd:
        descriptor = os.open(path, flags)
    else:  # no link can take the folder's place meanwhile
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            descriptor = os.open(path.name, flags, dir_fd=folder)
        finally:
            os.close(folder)
    file = os.fdopen(descriptor, "rb")
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        file.close()
        raise OSError(f"{path} is no plain file")
    return file
