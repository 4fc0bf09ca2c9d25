"""Servers that truncate, corrupt, stall, lie and redirect: the right file, or none and an error."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback import Answer, Server

from pytest_editmetrics.errors import EditMetricsError, InputError, WeightsError
from pytest_editmetrics.weights import catalog, transfer
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.weights.fetch import fetch

CONTENT = b"\x80\x02" + os.urandom(1 << 20)
SIZE = len(CONTENT)
FILE = "/models/sam_vit_b_01ec64.pth"
SPOILED = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
WHOLE = Answer(CONTENT, ranges=True)
BROKEN = Answer(CONTENT, short=400_000, ranges=True)
KEPT = SIZE - 400_000
PAGE = b"<html>Please log in</html>"


def redirect(to: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": to})


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.close()


@pytest.fixture
def vit_b(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Checkpoint:
    monkeypatch.setenv("EDITMETRICS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(transfer, "_TIMEOUT_S", 1)
    digest = hashlib.sha256(CONTENT).hexdigest()
    checkpoint = Checkpoint(
        "sam:vit_b", "sam_vit_b_01ec64.pth", SIZE, "1 MB", digest, f"{server.url}/models/"
    )
    monkeypatch.setattr(catalog, "PUBLISHED", {**catalog.PUBLISHED, "sam:vit_b": checkpoint})
    return checkpoint


def part_of(checkpoint: Checkpoint) -> Path:
    return checkpoint.path.with_name("sam_vit_b_01ec64.part.pth")


def quietly(line: str) -> None:
    pass


RIGHT = {
    "another part than asked for": [BROKEN, Answer(CONTENT, ranges=True, shifted=7)],
    "breaks off, goes on": [BROKEN, WHOLE],
    "breaks off three times": [
        Answer(CONTENT, short=900_000, ranges=True),
        Answer(CONTENT, short=600_000, ranges=True),
        Answer(CONTENT, short=300_000, ranges=True),
        WHOLE,
    ],
    "is reset half-way, goes on": [
        Answer(CONTENT, short=400_000, then="reset", piece=1 << 17),
        WHOLE,
    ],
    "stalls, goes on": [Answer(CONTENT, short=400_000, then="stall"), WHOLE],
    "ignores Range": [BROKEN, Answer(CONTENT)],
    "is slow": [Answer(CONTENT, piece=50_000)],
    "says no length": [Answer(CONTENT, length="")],
    "says a length that is none": [Answer(CONTENT, length="many")],
    "redirects": [redirect("/elsewhere")],
    "redirects the rest": [BROKEN, redirect("/elsewhere")],
    "refuses the range": [BROKEN, Answer(status=416), WHOLE],
}


@pytest.mark.quick(3)
@pytest.mark.parametrize("case", RIGHT)
def test_the_right_file(case: str, vit_b: Checkpoint, server: Server) -> None:
    server.answers = {FILE: RIGHT[case], "/elsewhere": WHOLE}
    assert fetch("sam:vit_b", say=quietly).path.read_bytes() == CONTENT
    assert not part_of(vit_b).exists()


WRONG = {
    "always breaks off at one place": ([Answer(CONTENT, short=400_000)], "IncompleteRead"),
    "always resets": (
        [Answer(CONTENT, short=SIZE, then="reset")],
        "Connection reset|Remote end closed",
    ),
    "stalls before the first byte": ([Answer(CONTENT, short=SIZE, then="stall")], "timed out"),
    "truncated, and says so": ([Answer(CONTENT[:KEPT], ranges=True)], "the download was cut off"),
    "truncated, without a length": (
        [Answer(CONTENT, short=400_000, length="")],
        "the download was cut off",
    ),
    "claims more than it has": ([Answer(CONTENT, length=str(SIZE + 9))], "IncompleteRead"),
    "claims less than it has": ([Answer(CONTENT, length="1000")], "the download was cut off"),
    "too long": ([Answer(CONTENT + b"x")], "it is another file"),
    "corrupted": ([Answer(SPOILED, ranges=True)], "it is damaged or another file"),
    "corrupted rest": ([BROKEN, Answer(SPOILED, ranges=True)], "it is damaged or another file"),
    "empty": ([Answer(b"")], "is empty"),
    "a log-in page": ([Answer(PAGE)], "is a web page"),
    "a log-in page for the rest": ([BROKEN, Answer(PAGE)], "is a web page"),
    "403": ([Answer(b"no", 403)], "403"),
    "404": ([Answer(b"no", 404)], "404"),
    "500": ([Answer(b"no", 500)], "500"),
    "503 for the rest": ([BROKEN, Answer(b"no", 503)], "503"),
    "redirects in a circle": ([redirect(FILE)], "TooManyRedirects"),
    "redirects to nowhere": ([redirect("http://127.0.0.1:9/")], "Connection refused"),
    "redirects to a file of this machine": ([redirect("file:///etc/passwd")], "could not be"),
    "redirects to a page": ([redirect("/page")], "is a web page"),
    "not HTTP": ([Answer(status=0, headers={"": "\x00"})], "could not be fetched"),
}


@pytest.mark.quick(5)
@pytest.mark.parametrize("case", WRONG)
def test_a_clear_error_and_no_file(case: str, vit_b: Checkpoint, server: Server) -> None:
    answers, message = WRONG[case]
    server.answers = {FILE: answers, "/page": Answer(PAGE)}
    with pytest.raises(EditMetricsError, match=message) as caught:
        fetch("sam:vit_b", say=quietly)
    assert not vit_b.path.exists()
    spoiled = isinstance(caught.value, WeightsError)
    assert not (spoiled and part_of(vit_b).exists())
    assert ("nothing was kept" in str(caught.value)) == spoiled
    assert "editmetrics weights fetch sam:vit_b" in str(caught.value) or spoiled

    server.answers = {FILE: WHOLE}  # and whatever was left does not stand in the way
    assert fetch("sam:vit_b", say=quietly).path.read_bytes() == CONTENT


class TestWhatWasKept:
    def test_the_next_fetch_is_told_to_go_on(self, vit_b: Checkpoint, server: Server) -> None:
        server.answers = {FILE: [BROKEN, Answer(b"", 500), WHOLE]}
        with pytest.raises(EditMetricsError) as caught:
            fetch("sam:vit_b", say=quietly)
        kept = part_of(vit_b).stat().st_size
        assert 0 < kept <= KEPT
        assert f"{kept:,} bytes came and are kept: that command goes on there" in str(caught.value)
        fetch("sam:vit_b", say=quietly)
        assert server.ranges == [None, f"bytes={kept}-", f"bytes={kept}-"]

    def test_all_of_it_needs_no_server(self, vit_b: Checkpoint, server: Server) -> None:
        vit_b.path.parent.mkdir(parents=True)
        part_of(vit_b).write_bytes(CONTENT)
        assert fetch("sam:vit_b", say=quietly).path.read_bytes() == CONTENT
        assert server.asked == []

    @pytest.mark.parametrize(
        "kept", [SPOILED, SPOILED[1:], b"x" * 5000, CONTENT + b"more"], ids=len
    )
    def test_what_does_not_fit_is_fetched_anew(
        self, kept: bytes, vit_b: Checkpoint, server: Server
    ) -> None:
        server.answers = {FILE: WHOLE}
        vit_b.path.parent.mkdir(parents=True)
        part_of(vit_b).write_bytes(kept)
        said: list[str] = []
        assert fetch("sam:vit_b", say=said.append).path.read_bytes() == CONTENT
        assert server.ranges[-1] is None
        assert any("starting over" in line for line in said) == (len(kept) <= SIZE)


FETCH = """
import sys
from pytest_editmetrics.weights import catalog
from pytest_editmetrics.weights.catalog import Checkpoint
from pytest_editmetrics.weights.fetch import fetch

size, digest, url = sys.argv[1:]
catalog.PUBLISHED = {"sam:vit_b": Checkpoint(
    "sam:vit_b", "sam_vit_b_01ec64.pth", int(size), "1 MB", digest, url)}
fetch("sam:vit_b", say=lambda line: print(line, flush=True))
"""


def another_process(checkpoint: Checkpoint) -> subprocess.Popen[str]:
    args = [str(checkpoint.size), checkpoint.sha256, str(checkpoint.base_url)]
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, *args], stdout=subprocess.PIPE, text=True, bufsize=1
    )


class TestAtOnce:
    def test_the_second_waits_and_fetches_nothing(self, vit_b: Checkpoint, server: Server) -> None:
        release = threading.Event()
        server.answers = {FILE: Answer(CONTENT, release=release)}
        with another_process(vit_b) as other:
            assert server.arrived.wait(60)

            def say(line: str) -> None:
                said.append(line)
                if "waiting" in line:
                    release.set()

            said: list[str] = []
            found = fetch("sam:vit_b", say=say)
            assert other.wait(60) == 0
        assert found.path.read_bytes() == CONTENT
        assert said == [
            "another process fetches sam:vit_b: waiting for it",
            "sam:vit_b is here already, and its hash is right",
        ]
        assert len(server.asked) == 1

    def test_a_killed_one_blocks_nobody(self, vit_b: Checkpoint, server: Server) -> None:
        release = threading.Event()
        server.answers = {FILE: [Answer(CONTENT, release=release), WHOLE]}
        with another_process(vit_b) as other:
            assert server.arrived.wait(60)
            other.send_signal(signal.SIGKILL)
            other.wait(60)
        release.set()
        said: list[str] = []
        assert fetch("sam:vit_b", say=said.append).path.read_bytes() == CONTENT
        assert not any("waiting" in line for line in said)


class TestMirror:
    def test_the_argument_then_the_variable_then_the_publisher(
        self, vit_b: Checkpoint, server: Server, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.answers = {f"/{place}/{vit_b.file}": WHOLE for place in ("a", "b", "models")}
        for mirror, variable, asked in (
            (f"{server.url}/a/", f"{server.url}/b", "a"),
            (None, f"{server.url}/b", "b"),
            (None, "", "models"),
        ):
            monkeypatch.setenv("EDITMETRICS_MIRROR", variable)
            fetch("sam:vit_b", mirror=mirror, say=quietly)
            assert server.asked[-1] == f"GET /{asked}/{vit_b.file}"
            vit_b.path.unlink()

    def test_a_mirror_is_not_trusted(self, vit_b: Checkpoint, server: Server) -> None:
        server.answers = {f"/a/{vit_b.file}": Answer(SPOILED)}
        with pytest.raises(WeightsError, match="damaged or another file"):
            fetch("sam:vit_b", mirror=f"{server.url}/a", say=quietly)
        assert not vit_b.path.exists()

    @pytest.mark.parametrize("mirror", ["/mnt/weights", "ftp://a/b", "http://", "http://[", "a b"])
    def test_no_address(self, mirror: str, vit_b: Checkpoint) -> None:
        with pytest.raises(InputError, match="is no address of a folder"):
            fetch("sam:vit_b", mirror=mirror, say=quietly)

    def test_its_password_is_not_told(self, vit_b: Checkpoint, server: Server) -> None:
        said: list[str] = []
        mirror = server.url.replace("//", "//me:secret@")
        with pytest.raises(EditMetricsError, match="404") as caught:
            fetch("sam:vit_b", mirror=mirror, say=said.append)
        assert "secret" not in str(caught.value) + "".join(said)
        assert server.url in said[0]


def test_a_disk_that_takes_no_more_is_told(vit_b: Checkpoint, server: Server) -> None:
    server.answers = {FILE: WHOLE}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(EditMetricsError, match=r"File too large\. Check .* the disk"):
            fetch("sam:vit_b", say=quietly)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not vit_b.path.exists()
    assert fetch("sam:vit_b", say=quietly).path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=500000-"]
