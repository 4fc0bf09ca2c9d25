"""Attackers: pages of other sites, names that lead here, guessed paths, endless bodies, slow clients."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from dataclasses import replace

import pytest
from golden_gate import GOLDEN
from reviewed import Served, failing, image_gate, served, write_run
from synthetic_run import HOSTILE

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.runs.review import read_review
from pytest_editmetrics.saved_runs.review import server as server_module

SECRET = "the secret of this machine"


TESTS = {"test_a": [failing()], "test_image": [image_gate("test_image")]}


@pytest.fixture
def run(project, tmp_path):
    return write_run(tmp_path / "run", TESTS)


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One server for all that it refuses."""
    root = tmp_path_factory.mktemp("attacked")
    (root / "tests").mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "tests" / "test_x.py").write_text("raise AssertionError('never imported')")
    (root / "secret.txt").write_text(SECRET)
    run = write_run(root / "run", TESTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDITMETRICS_CACHE", str(root / "cache"))
        patch.chdir(root)
        opened = served(run)
        found = opened.__enter__()
    found.root = root
    yield found
    opened.__exit__(None, None, None)
    assert not (root / "tests" / "goldens").exists()


@pytest.fixture
def fresh(run):
    """A server of its own, for what it lets happen."""
    with served(run) as found:
        yield found


@pytest.fixture
def quick(monkeypatch):
    """A server that is patient for a second."""
    monkeypatch.setattr(server_module, "PATIENCE", 1.0)


def raw(one: Served, data: bytes, *, wait: float = 10.0, half: bool = False) -> bytes:
    """Send bytes and return all that is answered until the server ends it."""
    found = b""
    with socket.create_connection(("127.0.0.1", one.port), timeout=wait) as client:
        try:
            client.sendall(data)
            if half:
                client.shutdown(socket.SHUT_WR)
            while block := client.recv(65536):
                found += block
        except TimeoutError:
            raise
        except OSError:  # it was put out in the middle
            pass
    return found


def assert_untouched(one: Served) -> None:
    assert one.ask("GET", "/state").json["decisions"] == {}
    assert not (one.root / "tests" / "goldens").exists()


# --- who may ask


def test_it_listens_on_this_machine_only(one):
    others = {
        found[4][0]
        for found in socket.getaddrinfo(socket.gethostname(), one.port, socket.AF_INET)
        if not found[4][0].startswith("127.")
    }
    for address in others:
        with pytest.raises(OSError), socket.create_connection((address, one.port), timeout=2):
            pass
    with pytest.raises(OSError), socket.create_connection(("127.0.0.2", one.port), timeout=2):
        pass


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "localhost:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1:{port}.evil.example",
        "evil.example@127.0.0.1:{port}",
        "[::1]:{port}",
        "",
        None,
    ],
)
@pytest.mark.parametrize("path", ["/", "/state", "/images/0.png", "/?token={first}"])
def test_another_name_is_not_answered(one, host, path):
    """DNS rebinding: a page of evil.example, whose name leads here meanwhile, reads nothing."""
    sent = None if host is None else host.format(port=one.port)
    reply = one.ask("GET", path.format(first=one.first), {"Host": sent})
    assert reply.status in (400, 421)
    assert "Set-Cookie" not in reply.headers
    assert one.token not in reply.text
    posted = one.ask("POST", "/plan", {"Host": sent}, {})
    assert posted.status in (400, 421)


def test_two_names_are_none(one):
    head = (
        f"GET / HTTP/1.1\r\nHost: {one.host}\r\nHost: evil.example\r\nCookie: {one.cookie}\r\n\r\n"
    )
    assert raw(one, head.encode()).startswith(b"HTTP/1.1 421")
    line = f"GET http://evil.example/ HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n"
    assert raw(one, f"{line}Connection: close\r\n\r\n".encode()).startswith(b"HTTP/1.1 404")


def test_a_name_that_was_allowed_is_answered_and_no_other(run):
    with served(run, allow_host=("box.example:9000",)) as one:
        origin = {"Host": "box.example:9000", "Origin": "https://box.example:9000"}
        assert one.ask("GET", "/", {"Host": "BOX.example:9000"}).status == 200
        assert one.ask("POST", "/plan", origin, {}).status == 200
        assert one.ask("GET", "/", {"Host": "box.example"}).status == 421
        assert one.ask("GET", "/", {"Host": "forwarded.example"}).status == 421
        assert any("--allow-host forwarded.example" in line for line in one.said)
        assert one.page().status == 200


@pytest.mark.parametrize(
    "name", [b"x\x1b[2J", b"x; touch here", b"$(x)", b"\xe2\x80\xae", b"a" * 300]
)
def test_a_name_that_is_no_name_steers_no_terminal_and_is_no_advice(run, name):
    with served(run) as one:
        sent = b"GET / HTTP/1.1\r\nHost: " + name + b"\r\n\r\n"
        assert raw(one, sent).startswith(b"HTTP/1.1 421")
        (told,) = (line for line in one.said if line.startswith("refused"))
    assert told.isascii()
    assert told.isprintable()
    assert "--allow-host" not in told
    assert len(told) < 500


@pytest.mark.parametrize(
    "cookie", [None, "", "editmetrics-{port}=", "editmetrics-{port}=x", "{first}"]
)
@pytest.mark.parametrize("path", ["/", "/state", "/images/0.png", "/goldens/0"])
def test_without_the_cookie_nothing_is_seen(one, cookie, path):
    sent = None if cookie is None else cookie.format(port=one.port, first=one.first)
    reply = one.ask("GET", path, {"Cookie": sent})
    assert reply.status == 403
    assert "test_a" not in reply.text
    assert one.ask("POST", "/plan", {"Cookie": sent}, {}).status == 403


@pytest.mark.parametrize(
    "token", ["", "x", "{first}x", "{first}&token=x", "x&token={first}", "%00", "{cookie}"]
)
def test_another_token_lets_nobody_in(one, token):
    path = "/?token=" + token.format(first=one.first, cookie=one.cookie.partition("=")[2])
    reply = one.ask("GET", path, {"Cookie": None})
    assert reply.status == 403
    assert "Set-Cookie" not in reply.headers


def test_the_first_url_gives_a_cookie_by_a_page_that_moves_on(one):
    """A redirect from a link of another site would arrive without a cookie of `SameSite=Strict`."""
    far = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Cookie": None}
    reply = one.ask("GET", f"/?token={one.first}", far)
    assert reply.status == 200
    assert reply.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "Clear-Site-Data" not in one.page().headers
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"editmetrics-{one.port}=")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert b'<meta http-equiv="refresh" content="0; url=/">' in reply.body
    secrets = {one.first, one.token, cookie.partition("=")[2].partition(";")[0]}
    assert len(secrets) == 3
    assert min(map(len, secrets)) >= 40
    assert not [secret for secret in secrets if secret in reply.text]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": ""},
        {"Origin": "https://127.0.0.1:{port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:{port}.evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site"},
        {"X-Editmetrics-Token": None},
        {"X-Editmetrics-Token": ""},
        {"X-Editmetrics-Token": "x"},
        {"X-Editmetrics-Token": "{first}"},
        {"Cookie": None},
    ],
)
@pytest.mark.parametrize("path", ["/decide", "/plan", "/write"])
def test_a_page_of_another_origin_writes_nothing(one, headers, path):
    """Even with the cookie, which a browser sends from another port of the same address."""
    body = {"cases": {one.anchor("test_a"): {"verb": "accepted", "seen": None}}, "files": {}}
    sent = {
        name: value and value.format(port=one.port, first=one.first)
        for name, value in headers.items()
    }
    assert one.ask("POST", path, sent, body).status == 403
    assert_untouched(one)


@pytest.mark.parametrize("path", ["/", "/state", "/images/0.png"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_origin_embeds_nothing(one, path, site):
    assert one.ask("GET", path, {"Sec-Fetch-Site": site}).status == 403


def test_what_every_answer_says_to_the_browser(one):
    for reply in (
        one.page(),
        one.ask("GET", "/state"),
        one.ask("GET", "/images/0.png"),
        one.ask("GET", "/nothing"),
        one.ask("GET", "/", {"Cookie": None}),
        one.ask("GET", f"/?token={one.first}"),
        one.ask("PUT", "/"),
    ):
        headers = reply.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Access-Control-Allow-Origin" not in headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert {"base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} <= set(
            policy.split("; ")
        )
        assert "Python" not in str(headers)


def test_each_page_has_a_nonce_of_its_own_and_no_handler(one):
    seen = set()
    for _ in range(2):
        page = one.page()
        nonce = re.search(r"script-src 'nonce-([\w-]+)'", page.headers["Content-Security-Policy"])
        assert nonce is not None
        seen.add(nonce[1])
        opened = re.findall(r"<(?:script|style)\b([^>]*)>", page.text)
        assert opened
        assert {
            attributes for attributes in opened if f'nonce="{nonce[1]}"' not in attributes
        } == set()
        assert not re.findall(r"<[^>]*\son\w+=", page.text)
    assert len(seen) == 2


# --- what can be asked for


PATHS = [
    "/secret.txt",
    "/../secret.txt",
    "/images/../results.jsonl",
    "/images/..%2f..%2fsecret.txt",
    "/images/%2e%2e/%2e%2e/secret.txt",
    "/images/..\\..\\secret.txt",
    "/images/..%5c..%5csecret.txt",
    "/images//etc/passwd",
    "/images/%2fetc%2fpasswd",
    "//etc/passwd",
    "/images/0.png/../../results.jsonl",
    "/images/0.png%00",
    "/images/0.png;x",
    "/images/-1.png",
    "/images/+0.png",
    "/images/ 0.png",
    "/images/\u0660.png",
    "/images/0x0.png",
    "/images/9999999.png",
    "/images/99999999999999999999999999.png",
    "/images/{image}",
    "/goldens/0",
    "/goldens/" + "0" * 64,
    "/goldens/../secret.txt",
    "/goldens/tests/test_x.py",
    "/results.jsonl",
    "/review.json",
    "/static/decide.js",
    "/decide",
    "/plan",
    "/%2e",
    "/.",
    "/images/",
    "*",
    "",
    "file:///etc/passwd",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_guessed_path_gives_nothing(one, path):
    image = next((one.root / "run" / "images").iterdir()).name
    head = f"GET {path.format(image=image)} HTTP/1.1\r\nHost: {one.host}\r\n"
    sent = f"{head}Cookie: {one.cookie}\r\nConnection: close\r\n\r\n".encode()
    answer = raw(one, sent)
    assert re.match(rb"(HTTP/1\.1 (400|404|505) |There is nothing)", answer), answer[:100]
    assert SECRET.encode() not in answer
    assert b"root:" not in answer
    assert b"pytest-editmetrics/results" not in answer


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "HEAD", "FOO"])
def test_another_method_does_nothing(one, method):
    assert raw(
        one,
        f"{method} /decide HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n\r\n".encode(),
    ).startswith(b"HTTP/1.1 501")
    assert_untouched(one)


def test_images_are_those_of_the_run(one):
    run = one.root / "run"
    number = 0
    bodies = []
    while (reply := one.ask("GET", f"/images/{number}.png")).status == 200:
        assert reply.headers["Content-Type"] == "image/png"
        bodies.append(reply.body)
        number += 1
    assert sorted(bodies) == sorted(path.read_bytes() for path in (run / "images").iterdir())


@pytest.mark.parametrize("what", ["image", "images", "results", "review", "lock"])
def test_a_link_in_the_run_leads_nowhere(project, run, tmp_path, what):
    """Whoever made the run may have put links in it, to be read or to be written through."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n" + SECRET.encode())
    if what == "image":
        for path in (run / "images").iterdir():
            path.unlink()
            path.symlink_to(secret)
    elif what == "images":
        (run / "images").rename(tmp_path / "elsewhere")
        (run / "images").symlink_to(tmp_path / "elsewhere")
    elif what == "results":
        (run / "results.jsonl").rename(tmp_path / "elsewhere.jsonl")
        (run / "results.jsonl").symlink_to(tmp_path / "elsewhere.jsonl")
    elif what == "review":
        (run / "review.json").symlink_to(secret)
    else:
        (run / ".review.json.lock").symlink_to(secret)
    before = secret.read_bytes()
    if what in ("results", "review"):
        refused = pytest.raises(EditMetricsError, match="is a link, which a run may not hold")
        with refused, served(run):
            pass
    else:
        with served(run) as one:
            assert (one.ask("GET", "/images/0.png").status == 404) == (what != "lock")
            decided = one.decide("refused", "test_a", note="halo")
            assert (decided.status == 200) == (what != "lock")
    assert secret.read_bytes() == before


def test_a_link_that_comes_later_leads_nowhere(fresh, run, tmp_path):
    one = fresh
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n" + SECRET.encode())
    for path in (run / "images").iterdir():
        path.unlink()
        path.symlink_to(secret)
    assert one.ask("GET", "/images/0.png").status == 404
    for path in (run / "images").iterdir():
        path.unlink()
        os.mkfifo(path)
    assert one.ask("GET", "/images/0.png").status == 404
    (run / "review.json").symlink_to(secret)
    for reply in (one.ask("GET", "/state"), one.ask("POST", "/plan", body={})):
        assert reply.status == 500
        assert SECRET not in reply.text
    (run / "images").rename(tmp_path / "elsewhere")
    (tmp_path / "other").mkdir()
    (run / "images").symlink_to(tmp_path / "other")
    for path in (tmp_path / "elsewhere").iterdir():
        (tmp_path / "other" / path.name).write_bytes(secret.read_bytes())
    assert one.ask("GET", "/images/0.png").status == 404


@pytest.mark.parametrize(
    "content",
    [
        SECRET.encode(),
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"\x89PNG<script>alert(1)</script>",
        b"GIF89a",
        b"",
    ],
    ids=["text", "svg", "sound", "half-a-head", "gif", "empty"],
)
def test_what_is_no_image_is_not_given_out(fresh, run, content):
    """A hard link looks like a file of the run; only what begins as an image leaves this machine."""
    for path in (run / "images").iterdir():
        path.write_bytes(content)
    assert fresh.ask("GET", "/images/0.png").status == 404


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")
@pytest.mark.parametrize("name", ["review.json", "results.jsonl"])
def test_a_pipe_in_the_run_stops_nothing(project, run, name):
    """Who opens one waits for somebody who writes to it."""
    with served(run) as one:
        anchor = one.anchor("test_a")
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)
        decide = {"cases": {anchor: {"verb": "refused", "seen": None}}}
        assert one.ask("POST", "/decide", body=decide).status == 500
    with pytest.raises(EditMetricsError, match=re.escape(name)), served(run):
        pass


@pytest.mark.parametrize("name", [".review.json.lock", "review.json.old"])
def test_a_link_beside_the_decisions_leads_nowhere(project, run, tmp_path, name):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (run / name).symlink_to(victim)
    head = {"schema": "pytest-editmetrics/review", "version": 1}
    (run / "review.json").write_text(json.dumps({**head, "run": "another", "cases": {}}))
    with served(run) as one:
        one.decide("refused", "test_a")
    assert victim.read_text() == "mine"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": "pytest-editmetrics/review", "version": 1, "cases": []}',
        '{"schema": "pytest-editmetrics/review", "version": true, "cases": {}}',
        '{"schema": "pytest-editmetrics/review", "version": 9, "cases": {}}',
        "[" * 100_000,
        "\udcff",
    ],
)
def test_a_review_that_is_none_is_an_error_that_names_it(project, run, text):
    (run / "review.json").write_text(text, errors="surrogateescape")
    with pytest.raises(EditMetricsError, match=r"review\.json"), served(run):
        pass


@pytest.mark.parametrize(
    "change",
    [
        {"verb": "written"},
        {"verb": None},
        {"note": 3},
        {"note": "x" * 5000},
        {"at": None},
        {"by": ["x"]},
        {"written": True},
    ],
)
def test_a_decision_that_is_none_is_an_error(project, run, change):
    with served(run) as one:
        one.decide("refused", "test_a", note="halo")
    path = run / "review.json"
    told = json.loads(path.read_text())
    ((anchor, case),) = told["cases"].items()
    told["cases"][anchor] = {**case, **change}
    path.write_text(json.dumps(told))
    with pytest.raises(EditMetricsError, match=f"of {anchor} cannot be"), served(run):
        pass


# --- what can be sent


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"3", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b"[" * 1_000_000, 400),
        (b"{}", 400),
        (b'{"cases": []}', 400),
        (b'{"cases": {}}', 400),
        (b'{"cases": {"c-000000000000": {"verb": "accepted"}}}', 400),
        (b'{"cases": {"../x": {"verb": "accepted"}}}', 400),
    ],
)
def test_a_body_that_is_no_decision_does_nothing(one, body, status):
    assert one.ask("POST", "/decide", body=body).status == status
    assert_untouched(one)


@pytest.mark.parametrize(
    "asked",
    [
        3,
        {},
        {"verb": "written"},
        {"verb": 3},
        {"verb": "accepted", "note": 3},
        {"verb": "accepted", "note": "x" * 4001},
        {"verb": "accepted", "seen": 3},
        {"restore": 3},
        {"restore": "x"},
    ],
)
def test_a_decision_that_makes_no_sense_does_nothing(one, asked):
    anchor = one.anchor("test_a")
    assert one.ask("POST", "/decide", body={"cases": {anchor: asked}}).status == 400
    assert_untouched(one)


@pytest.mark.parametrize("files", [None, [], "x", {"../x": {"before": None, "after": "0"}}])
def test_writing_what_was_not_shown_writes_nothing(fresh, project, files):
    one = fresh
    one.decide("accepted", "test_a")
    assert one.ask("POST", "/write", body={"files": files}).status == 409
    assert not (project / "tests" / "goldens").exists()


def head(one: Served, *more: str) -> bytes:
    lines = [
        "POST /decide HTTP/1.1",
        f"Host: {one.host}",
        f"Cookie: {one.cookie}",
        f"Origin: http://{one.host}",
        f"X-Editmetrics-Token: {one.token}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 1073741824"], 413),
        (["Content-Length: 99999999999999999999999999"], 413),
        (["Content-Length: 000000000000000000000000000040"], 413),
        (["Content-Length: -1"], 411),
        (["Content-Length: +3"], 411),
        (["Content-Length: 0x10"], 411),
        (["Content-Length: \u0663"], 411),
        (["Content-Length: 2", "Content-Length: 3"], 411),
        (["Transfer-Encoding: chunked"], 411),
        (["Transfer-Encoding: chunked", "Content-Length: 2"], 411),
        (["Transfer-Encoding: gzip"], 411),
        ([], 411),
        (["Content-Length: 2", "Expect: 100-continue"], 417),
    ],
)
def test_a_body_of_a_gigabyte_is_not_read(one, lines, status):
    """It is refused by its head, declared or in chunks; what is sent all the same is not kept."""
    with socket.create_connection(("127.0.0.1", one.port), timeout=30) as client:
        client.sendall(head(one, *lines))
        answer = client.recv(65536)
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"Connection: close" in answer
        sent = 0
        chunk = b"40000\r\n" + b"x" * 0x40000 + b"\r\n"
        with pytest.raises(OSError):
            while sent < 1 << 30:
                sent += client.send(chunk)
        assert sent < 64 << 20
    assert_untouched(one)


def test_a_body_that_ends_early_does_nothing(one):
    answer = raw(one, head(one, "Content-Length: 100") + b'{"cases"', half=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert_untouched(one)


def test_a_request_in_a_body_is_not_a_request(one):
    """Smuggling: what follows a refused body is not taken for the next request."""
    inner = f"GET /state HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n\r\n".encode()
    answer = raw(one, head(one, "Transfer-Encoding: chunked", "Content-Length: 4") + inner)
    assert answer.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize(
    "line",
    [
        "junk",
        "Content-Length : 9",
        ": x",
        " folded: x",
        "X: a\rHost: evil.example",
        "X: a\rY: b",
        "X: a\0b",
        "X\u00e9: a",
    ],
)
@pytest.mark.parametrize("place", [0, 1])
def test_a_header_that_is_none_hides_no_other(one, line, place):
    """A server in between may read such a head otherwise, and take a body for the next request."""
    inner = f"GET /state HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n\r\n"
    lines = [f"Host: {one.host}", f"Cookie: {one.cookie}"]
    lines.insert(place, line)
    begin = "\r\n".join(["GET /state HTTP/1.1", *lines, f"Content-Length: {len(inner)}", "", inner])
    answer = raw(one, begin.encode("latin-1"))
    assert answer.startswith(b"HTTP/1.1 400")
    assert answer.count(b"HTTP/1.1") == 1


def test_a_head_that_is_cut_off_is_no_request(one):
    begin = f"GET /state HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n"
    assert b" 200 " not in raw(one, begin.encode(), half=True)


@pytest.mark.parametrize("second", ["evil.example", None])
def test_each_request_of_a_connection_is_asked_for_its_name_and_cookie(one, second):
    """Pipelining: what one request was let in with does not count for the next."""
    well = f"GET /state HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n\r\n"
    named = (
        f"Host: {one.host}\r\n" if second is None else f"Host: {second}\r\nCookie: {one.cookie}\r\n"
    )
    answer = raw(one, f"{well}GET /state HTTP/1.1\r\n{named}\r\n".encode())
    codes = re.findall(rb"HTTP/1\.1 (\d+)", answer)
    assert codes == [b"200", b"403" if second is None else b"421"]


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\r\n",
        b"\r\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"\x00" * 1000 + b"\r\n\r\n",
    ],
    ids=range(9),
)
def test_what_is_no_request_is_refused(one, data):
    answer = raw(one, data, half=True)
    assert b" 200 " not in answer[:20]
    assert one.token.encode() not in answer
    assert one.page().status == 200


# --- who is slow


@pytest.mark.slow
@pytest.mark.parametrize("where", ["nothing", "line", "headers", "body"])
def test_a_client_that_trickles_is_put_out_and_others_are_served(quick, run, where):
    """Slowloris: the time is for the whole request, a byte now and then does not prolong it."""
    with served(run) as one:
        begun = {
            "nothing": b"",
            "line": b"GET /sta",
            "headers": f"GET / HTTP/1.1\r\nHost: {one.host}\r\nX: ".encode(),
            "body": head(one, "Content-Length: 1000"),
        }[where]
        start = time.monotonic()
        clients = [socket.create_connection(("127.0.0.1", one.port), timeout=20) for _ in range(20)]
        try:
            for client in clients:
                client.sendall(begun)
            asked = time.monotonic()
            assert one.page().status == 200
            assert time.monotonic() - asked < 5
            ended = 0.0
            while not ended and time.monotonic() - start < 15:
                time.sleep(0.2)
                try:
                    if where != "nothing":
                        clients[0].sendall(b"x")
                    clients[0].settimeout(0.01)
                    if clients[0].recv(100) == b"":
                        ended = time.monotonic()
                except TimeoutError:
                    continue
                except OSError:
                    ended = time.monotonic()
            assert 0.5 < ended - start < 10
        finally:
            for client in clients:
                client.close()


def test_a_client_that_reads_nothing_holds_up_nobody(quick, run):
    with served(run) as one, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        client.connect(("127.0.0.1", one.port))
        ask = f"GET / HTTP/1.1\r\nHost: {one.host}\r\nCookie: {one.cookie}\r\n\r\n".encode()
        client.sendall(ask * 50)
        assert one.page().status == 200
        assert one.decide("refused", "test_a").status == 200


@pytest.mark.long
def test_hundreds_of_strangers_keep_nobody_out(run):
    """Where there are too many, the oldest without a cookie goes, not the one that asks now."""
    with served(run) as one:
        clients = []
        try:
            for _ in range(server_module.MOST_CLIENTS * 3):
                clients.append(socket.create_connection(("127.0.0.1", one.port), timeout=5))
            assert one.page().status == 200
            assert clients[0].recv(1) == b""
            ours = [thread.name for thread in threading.enumerate()]
            assert sum("process_request" in name for name in ours) < server_module.MOST_CLIENTS + 25
        finally:
            for client in clients:
                client.close()


def test_ending_waits_for_no_client(run):
    with served(run) as one:
        client = socket.create_connection(("127.0.0.1", one.port), timeout=20)
        client.sendall(b"GET /")
        start = time.monotonic()
    assert time.monotonic() - start < 5
    client.close()


# --- what the run says


def test_text_of_a_run_is_never_markup(project, tmp_path):
    tests = {}
    for number, text in enumerate(HOSTILE):
        test = f"test_{number}[{text}]"
        tests[test] = [
            replace(
                failing(test),
                name=text,
                message=text,
                source=text,
                details={"change": text, "causes": [{"kind": text, "text": text, "share": 1.0}]},
            )
        ]
    run = write_run(tmp_path / "run", tests)
    with served(run) as one:
        page = one.page()
        nonce = re.search(r"'nonce-([\w-]+)'", page.headers["Content-Security-Policy"])
        assert nonce is not None
        assert len(re.findall(r"<script\b", page.text)) == len(
            re.findall(rf'<script\b[^>]*nonce="{nonce[1]}"', page.text)
        )
        assert "<img src=x" not in page.text
        for anchor in one.cases:
            reply = one.ask(
                "POST",
                "/decide",
                body={"cases": {anchor: {"verb": "refused", "note": HOSTILE[0], "seen": None}}},
            )
            assert reply.status == 200
            assert reply.headers["Content-Type"] == "application/json"


def test_a_run_chooses_no_golden_outside_the_project(project, tmp_path):
    hostile = [
        failing(f"test_{number}", golden={"file": file, "test": f"test_{number}", "gate": "lpips"})
        for number, file in enumerate(
            ["../x.yaml", "/etc/x.yaml", "C:\\x.yaml", "tests/../../x.yaml", ".git/hooks/x", ""]
        )
    ]
    image = image_gate("test_image")
    assert image.snapshot is not None
    hostile.append(replace(image, snapshot={**image.snapshot, "file": "../../x-00000000.png"}))
    names = [f"test_{number}" for number in range(len(hostile) - 1)] + ["test_image"]
    run = write_run(
        tmp_path / "run", {name: [gate] for name, gate in zip(names, hostile, strict=True)}
    )
    before = sorted(path for path in tmp_path.rglob("*") if "run" not in path.parts)
    with served(run) as one:
        answer = one.decide("accepted", *names).json
        assert len(answer["left"]) == len(names)
        assert one.plan()["files"] == []
    after = sorted(path for path in tmp_path.rglob("*") if "run" not in path.parts)
    assert [path for path in after if path not in before and "cache" not in path.parts] == []


def test_a_golden_that_a_link_leads_out_is_not_written(project, run, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (project / "tests" / "goldens").symlink_to(tmp_path / "elsewhere")
    with served(run) as one:
        answer = one.decide("accepted", "test_a", "test_image").json
        assert ["does not lie inside" in left["why"] for left in answer["left"]] == [True, True]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_golden_image_that_a_link_leads_out_is_not_written(project, run, tmp_path, suffix):
    """Also one of the other format, whose place the run does not name."""
    if suffix == ".webp":
        (project / "editmetrics.yaml").write_text("golden_images: {format: webp}\n")
    with served(run) as one:
        one.decide("accepted", "test_image")
        (image,) = (file["path"] for file in one.plan()["files"] if "new" in file)
    target = project / image
    assert target.suffix == suffix
    target.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("mine")
    target.symlink_to(victim)
    with served(run) as one:
        reply = one.ask("POST", "/plan", body={})
        if reply.status == 200:
            one.write(reply.json)
    assert victim.read_text() == "mine"


@pytest.mark.slow
def test_ten_thousand_cases_are_served_decided_and_written(project, tmp_path):
    from pytest_editmetrics.runs.writing import RunDir, RunResults

    names = [f"test_{number}[{HOSTILE[0]}]" for number in range(10_000)]
    run_dir = RunDir(tmp_path / "run")
    with RunResults(run_dir, {}, "2031") as results:
        for name in names:
            results.gate(f"tests/test_x.py::{name}", 1, True, "failed", failing(name))
        results.close({})
    with served(tmp_path / "run") as one:
        page = one.page()
        assert page.text.count("<article") == 10_000
        cases = {anchor: {"verb": "accepted", "seen": None} for anchor in one.cases}
        assert one.ask("POST", "/decide", body={"cases": cases, "bulk": True}).status == 200
        assert one.write(one.plan()).status == 200
    assert (project / GOLDEN).read_text().count("measured") == 10_000
    assert len(read_review(tmp_path / "run", "2031")) == 10_000
