"""The review from its start to its end: what is printed, when a browser opens, how it stops."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_editmetrics.cache.work import work_folder
from pytest_editmetrics.errors import EditMetricsError, InputError, counted
from pytest_editmetrics.runs.review import REVIEW, who
from pytest_editmetrics.saved_runs.review.decisions import Decisions
from pytest_editmetrics.saved_runs.review.guard import ADDRESS, PORT, Guard
from pytest_editmetrics.saved_runs.review.page import Page
from pytest_editmetrics.saved_runs.review.server import Answer, Request, Server
from pytest_editmetrics.saved_runs.review.site import Site
from pytest_editmetrics.saved_runs.review.together import Together, read_together
from pytest_editmetrics.saved_runs.review.writing import Writer
from pytest_editmetrics.session.options import in_ci

if TYPE_CHECKING:
    from pytest_editmetrics.session.state import EditSession

_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What the command was asked for; ``port`` of ``None`` is the usual one, or any free one."""

    folders: tuple[Path, ...]
    rootdir: str | None = None
    read_only: bool = False
    port: int | None = None
    allow_host: tuple[str, ...] = ()
    open_browser: bool = False


def review(
    asked: Asked, say: Say, note: Say, started: Callable[[Server], None] | None = None
) -> int:
    """Serve a review until it is interrupted; return the exit status.

    ``started`` is given the server once it can be asked.

    Raises:
        InputError: what was asked for makes no sense.
        EditMetricsError: a run cannot be read, the project cannot be used, or the port be had.
    """
    from pytest_editmetrics.saved_runs.project import in_project

    for host in asked.allow_host:
        if not _HOST.fullmatch(host):
            raise InputError(
                f"--allow-host: {host!r} is no host; give it as the address bar has it, without"
                " http:// and path: box.example.org, localhost:9000"
            )
    if asked.port is not None and not 0 <= asked.port <= 65535:
        raise InputError(f"--port: {asked.port} is no port; give 1 to 65535, or 0 for any")
    together = read_together(asked.folders)
    if not together.gates:
        raise EditMetricsError(f"{together.shown}: there is no gate to look at")
    if asked.read_only:
        return _serve(asked, together, None, say, note, started)
    for run in together.parts:
        if not os.access(run.path, os.W_OK):
            raise EditMetricsError(
                f"{run.path} cannot be written, so no decision could be kept in it; copy the run,"
                " or give --read-only"
            )
    return in_project(
        lambda session: _serve(asked, together, session, say, note, started), asked.rootdir
    )


def _serve(
    asked: Asked,
    together: Together,
    session: EditSession | None,
    say: Say,
    note: Say,
    started: Callable[[Server], None] | None,
) -> int:
    with ExitStack() as stack:
        work = stack.enter_context(work_folder())
        answering = _Later()
        server = _listening(asked, answering, note)
        stack.callback(server.close)
        guard = Guard(server.port, asked.allow_host)
        page = Page(together, read_only=session is None, token=guard.write)
        decisions = Decisions(together, page.cases, who())
        decisions.all()
        writer = None if session is None else Writer(session, decisions, work)
        answering.site = Site(guard, page, decisions, writer, note)
        _greet(together, guard, decisions, session is None, say)
        if started is not None:
            started(server)
        if asked.open_browser and _has_screen():
            _open(guard.url, work)
        with _ended_by_signals():
            with suppress(KeyboardInterrupt):
                server.serve()
            # whoever interrupts again waits, too: a write ends before the process does
            if writer is not None:
                writer.lock.acquire()
        _farewell(decisions, session is None, say)
    return 0


class _Later:
    """Answers once there is a site: the port is known before the page."""

    site: Site

    def __call__(self, request: Request) -> Answer:
        return self.site.answer(request)


def _listening(asked: Asked, answer: Callable[[Request], Answer], note: Say) -> Server:
    ports = [PORT, 0] if asked.port is None else [asked.port]
    for port in ports:
        try:
            return Server(port, answer, note)
        except OSError as error:
            reason = error.strerror or str(error)
    raise EditMetricsError(
        f"--port: {ADDRESS}:{ports[-1]} cannot be used ({reason}); give another, or 0 for any"
    )


def _greet(
    together: Together, guard: Guard, decisions: Decisions, read_only: bool, say: Say
) -> None:
    failing = sum(bool(case.fails) for case in decisions.cases.values())
    known = len(decisions.all())
    where = ", ".join(str(run.shown) for run in together.parts)
    more = f", {known} decided" if known else ""
    say(
        f"review: {failing} of {counted(len(decisions.cases), 'case')} to look at{more}, in {where}"
    )
    if not together.complete:
        say("the run was cut off; only what finished can be looked at")
    for run in together.parts:
        if (run.path / REVIEW).exists() and not known:
            say(f"{run.path / REVIEW} holds no decision on these cases: it is of another run")
    say(f"open {guard.url}")
    say(
        f"from another machine: ssh -L {guard.port}:{ADDRESS}:{guard.port} THIS-MACHINE, then open"
        " the same address there"
    )
    kept = "nothing is decided or written" if read_only else "decisions are kept in the run"
    say(f"Ctrl-C ends it; {kept}")


def _farewell(decisions: Decisions, read_only: bool, say: Say) -> None:
    if read_only:
        return
    if still := decisions.still_failing():
        say(still)
    pending = len(decisions.pending())
    if pending:
        cases = counted(pending, "case is", "cases are")
        say(f"{cases} accepted and not written; that is kept in the run, for the next review")
    else:
        say("ended; decisions are kept in the run")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """End as Ctrl-C does where the process is asked to end; a second time changes nothing."""

    def interrupt(number: int, frame: Any) -> None:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise KeyboardInterrupt

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                number = getattr(signal, name)
                before[number] = signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _has_screen() -> bool:
    """Tell whether a browser would open where the person is who started this."""
    if in_ci() or any(name in os.environ for name in ("SSH_CONNECTION", "SSH_TTY")):
        return False
    if sys.platform.startswith("linux"):
        return any(name in os.environ for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return True


def _open(url: str, work: Path) -> None:
    """Open a browser on a page that leads to the URL: a process's arguments are seen by all."""
    import webbrowser

    page = work / "open.html"
    with suppress(OSError, webbrowser.Error):
        page.touch(0o600)
        page.write_text(
            '<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={url}">'
            f'<a href="{url}">Open the review</a>\n'
        )
        webbrowser.open(page.as_uri())
