"""A run that is served by ``editmetrics review``, and whoever asks the server for something."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import numpy as np
from golden_gate import failing_gate

from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.writing import RunDir, RunResults
from pytest_editmetrics.saved_runs.review.serving import Asked, review

STARTED = "2031-02-03T04:05:06+00:00"


def failing(test: str = "test_a", **values: Any) -> Gate:
    """Return a failing gate with a cause."""
    causes = [{"kind": "shift", "share": 1.0, "text": "background moved"}]
    return failing_gate(test, **{"details": {"causes": causes}, **values})


def image_gate(test: str, date: str = "2031-01-01", **values: Any) -> Gate:
    """Return a gate that has no golden image yet."""
    from pytest_editmetrics.goldens.image_names import stem_of

    snapshot = {
        "file": f"tests/goldens/test_x.py/{stem_of(test, None)}.png",
        "variant": None,
        "comparator": "exact",
        "tile": None,
        "provenance": None,
        "proposed": {"test": test, "date": date, "device": "cpu"},
        "across": None,
    }
    made = Gate(
        "golden_exact",
        "missing-golden",
        bound_kind="max",
        bound=0.0,
        origin="default",
        source="comparator exact",
        device="cpu",
        device_name="cpu",
        region={"coords": None, "width": 4, "height": 3},
        snapshot=snapshot,
    )
    return replace(made, **values)


def write_run(
    path: Path, tests: Mapping[str, Sequence[Gate]], started: str = STARTED, **told: Any
) -> Path:
    """Write a run directory; each test has an edited image of its own."""
    run_dir = RunDir(path)
    with RunResults(run_dir, {"torch": "2"}, started) as results:
        for number, (test, gates) in enumerate(tests.items()):
            for gate in gates:
                edited = run_dir.save_image(np.full((3, 4, 3), number % 250 + 1, np.uint8))
                before = run_dir.save_image(np.zeros((3, 4, 3), np.uint8))
                images = {"edited": edited, **({} if gate.snapshot else {"reference": before})}
                kept = replace(gate, images={**images, **gate.images})
                results.gate(f"tests/test_x.py::{test}", 1, True, "failed", kept, **told)
        results.close({})
    return path


@dataclass
class Reply:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()


@dataclass
class Served:
    """A server that runs, and a browser that was let in."""

    port: int
    first: str
    said: list[str]
    cookie: str = ""
    token: str = ""
    cases: Mapping[str, Any] = field(default_factory=dict)
    root: Path = Path()

    @property
    def host(self) -> str:
        """The name that was printed."""
        return f"127.0.0.1:{self.port}"

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str | None] | None = None,
        body: Any = None,
    ) -> Reply:
        """Ask as the page does; a header of ``None`` is left out."""
        wanted: dict[str, str | None] = {"Host": self.host, "Cookie": self.cookie}
        if method == "POST":
            wanted |= {"Origin": f"http://{self.host}", "X-Editmetrics-Token": self.token}
            wanted |= {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
        wanted |= headers or {}
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        for name, value in wanted.items():
            if value is not None:
                connection.putheader(name, value)
        if data is not None:
            connection.putheader("Content-Length", str(len(data)))
        connection.endheaders(data)
        answer = connection.getresponse()
        reply = Reply(answer.status, dict(answer.getheaders()), answer.read())
        connection.close()
        return reply

    def enter(self) -> Served:
        """Open the first URL, and load the page."""
        opened = self.ask("GET", f"/?token={self.first}")
        assert opened.status == 200, opened.text
        self.cookie = opened.headers["Set-Cookie"].partition(";")[0]
        told = re.search(rb'id="review-data"[^>]*>(.*?)</script>', self.page().body)
        assert told is not None
        data = json.loads(told[1])
        self.token, self.cases = data["token"], data["cases"]
        return self

    def page(self) -> Reply:
        """Load the page."""
        return self.ask("GET", "/")

    def state(self) -> dict[str, Any]:
        """Return what was decided, by anchor."""
        return self.ask("GET", "/state").json["decisions"]

    def anchor(self, test: str) -> str:
        """Return the anchor of a test's case."""
        found = re.search(
            rf'id="(c-\w+)"[^>]*data-test="tests/test_x.py::{re.escape(test)}"', self.page().text
        )
        assert found is not None, test
        return found[1]

    def decide(
        self, verb: str | None, *tests: str, note: str = "", seen: Any = ..., **more: Any
    ) -> Reply:
        """Decide on the cases of tests."""
        state = self.state()
        cases = {}
        for test in tests:
            anchor = self.anchor(test)
            known = state.get(anchor, {}).get("id") if seen is ... else seen
            cases[anchor] = {"verb": verb, "note": note, "seen": known}
        return self.ask("POST", "/decide", body={"cases": cases, **more})

    def plan(self) -> dict[str, Any]:
        """Return the diff."""
        reply = self.ask("POST", "/plan", body={})
        assert reply.status == 200, reply.text
        return reply.json

    def write(self, plan: Mapping[str, Any]) -> Reply:
        """Write what a diff showed."""
        files = {
            one["path"]: {key: one[key] for key in ("before", "after")} for one in plan["files"]
        }
        return self.ask("POST", "/write", body={"files": files})


@contextmanager
def served(*folders: Path, enter: bool = True, port: int = 0, **asked: Any) -> Iterator[Served]:
    """Serve runs in a thread of this process, in the project of the current folder."""
    said: list[str] = []
    ready = threading.Event()
    servers: list[Any] = []
    failures: list[BaseException] = []

    def started(server: Any) -> None:
        servers.append(server)
        ready.set()

    def work() -> None:
        try:
            review(Asked(folders, port=port, **asked), said.append, said.append, started)
        except BaseException as error:
            failures.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    ready.wait(600)
    if failures:
        thread.join()
        raise failures[0]
    (server,) = servers
    url = next(line for line in said if line.startswith("open "))
    one = Served(server.port, url.partition("token=")[2], said)
    try:
        yield one.enter() if enter else one
    finally:
        server.stop()
        thread.join(60)
        assert not thread.is_alive()
