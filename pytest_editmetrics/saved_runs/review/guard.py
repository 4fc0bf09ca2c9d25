"""Who may ask the server for what: its address, its origin, a cookie, and a token to write.

A page of another site can make a browser send requests here, under a name that it chose. So the
name must be the one that was printed, and who asks must hold the cookie that the first URL gave.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from email.message import Message

WRITE_TOKEN = "X-Editmetrics-Token"
ADDRESS = "127.0.0.1"
PORT = 8723


class Refused(Exception):
    """A request that is not answered: the HTTP status, and a line for whoever sees it."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


def _secret() -> str:
    return secrets.token_urlsafe(32)


@dataclass(frozen=True)
class Guard:
    """The secrets of one server.

    Args:
        port: where it listens, on 127.0.0.1.
        also: other names that it answers to, as the Host header gives them.
    """

    port: int
    also: tuple[str, ...] = ()
    first: str = field(default_factory=_secret)
    cookie: str = field(default_factory=_secret)
    write: str = field(default_factory=_secret)

    @property
    def url(self) -> str:
        """The first URL, which lets a browser in."""
        return f"http://{ADDRESS}:{self.port}/?token={self.first}"

    @property
    def cookie_name(self) -> str:
        """The cookie's name: cookies are shared by all ports of an address."""
        return f"editmetrics-{self.port}"

    @property
    def set_cookie(self) -> str:
        """The header that gives the cookie."""
        return f"{self.cookie_name}={self.cookie}; Path=/; HttpOnly; SameSite=Strict"

    def host(self, headers: Message) -> None:
        """Refuse another name than was printed, or none.

        Raises:
            Refused: 421.
        """
        named = _one(headers, "Host")
        if named is None or named.lower() not in self._hosts():
            raise Refused(421, "This server does not answer to this name.")

    def _hosts(self) -> set[str]:
        return {f"{ADDRESS}:{self.port}", *(name.lower() for name in self.also)}

    def same_origin(self, headers: Message, *, needed: bool) -> None:
        """Refuse what a page of another origin asks for.

        Args:
            headers: of the request.
            needed: whether it must say where it comes from, as browsers do of what writes.

        Raises:
            Refused: 403.
        """
        origin, site = _one(headers, "Origin"), _one(headers, "Sec-Fetch-Site")
        origins = {f"http://{ADDRESS}:{self.port}"}
        for name in self.also:
            origins |= {f"http://{name.lower()}", f"https://{name.lower()}"}
        known = origin is not None and origin.lower() in origins
        if (origin is None and needed) or not (origin is None or known):
            raise Refused(403, "This came from a page of another origin.")
        if site not in (None, "same-origin", "none"):
            raise Refused(403, "This came from a page of another origin.")

    def opens(self, query: str) -> bool:
        """Tell whether a query holds the token of the first URL.

        Raises:
            Refused: 403, it holds another.
        """
        given = parse_qs(query, max_num_fields=50).get("token") if "token" in query else None
        if given is None:
            return False
        if len(given) == 1 and _same(given[0], self.first):
            return True
        raise Refused(403, "This is not the address that the terminal printed.")

    def known(self, headers: Message) -> None:
        """Refuse whoever has no cookie of this server.

        Raises:
            Refused: 403.
        """
        if not any(_same(value, self.cookie) for value in self._cookies(headers)):
            raise Refused(
                403,
                "Open the address that `editmetrics review` printed; behind its token a link's #..."
                " may stand.",
            )

    def _cookies(self, headers: Message) -> Iterable[str]:
        for header in headers.get_all("Cookie") or ():
            for part in str(header).split(";"):
                name, _, value = part.strip().partition("=")
                if name == self.cookie_name:
                    yield value

    def may_write(self, headers: Message) -> None:
        """Refuse what does not name the token that the page holds.

        Raises:
            Refused: 403.
        """
        token = _one(headers, WRITE_TOKEN)
        if token is None or not _same(token, self.write):
            raise Refused(403, "This page is of an earlier server; load it again.")


def security_headers(nonce: str | None = None) -> Mapping[str, str]:
    """Return the headers of every answer; ``nonce`` is of the page's own script and style."""
    own = f"script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; " if nonce else ""
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; {own}img-src 'self' blob:; connect-src 'self'; base-uri 'none';"
            " form-action 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


def _one(headers: Message, name: str) -> str | None:
    """Return a header; one that is there twice counts as none that could be right."""
    values = headers.get_all(name) or []
    return str(values[0]) if len(values) == 1 else ("" if values else None)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), secret.encode())
