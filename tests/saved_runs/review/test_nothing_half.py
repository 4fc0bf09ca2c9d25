"""Nothing half, nothing lost: two tabs, two people, a golden changed meanwhile, a full disk, a kill."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from golden_gate import GOLDEN
from reviewed import STARTED, Served, failing, image_gate, served, write_run

from pytest_editmetrics import whole_file
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens import changes, images
from pytest_editmetrics.goldens.lock import golden_lock
from pytest_editmetrics.goldens.provenance import PROVENANCE, entry_of, read_provenance
from pytest_editmetrics.runs.review import read_review
from pytest_editmetrics.saved_runs.project import in_project
from pytest_editmetrics.saved_runs.review.decisions import Decisions
from pytest_editmetrics.saved_runs.review.page import Page
from pytest_editmetrics.saved_runs.review.together import read_together
from pytest_editmetrics.saved_runs.review.writing import Writer

OLD = '"test_a":\n  lpips: {max: 0.1, measured: 0.05}\n'


@pytest.fixture
def run(project):
    (project / GOLDEN).parent.mkdir()
    (project / GOLDEN).write_text(OLD)
    return write_run(
        project / "run",
        {
            "test_a": [failing(origin="golden", approved=0.05)],
            "test_b": [failing("test_b", value=0.3)],
            "test_one": [image_gate("test_one")],
            "test_two": [image_gate("test_two")],
        },
    )


ALL = ("test_a", "test_b", "test_one", "test_two")


def goldens(project: Path) -> dict[str, bytes]:
    """Return every file below the goldens, leftovers and locks included."""
    folder = project / "tests"
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def assert_each_whole(project: Path) -> None:
    """Each golden image has the entry of its content; the thresholds can be read."""
    folder = project / "tests/goldens/test_x.py"
    entries = read_provenance(folder / PROVENANCE, project)
    for path in folder.glob("*.png"):
        entry = entry_of(entries, path.name, images.sha256_of(path))
        assert entry is not None, path.name
    text = (project / GOLDEN).read_text()
    assert text.startswith('"test_a":')
    assert text.endswith("}\n")


# --- two tabs, two people


def test_a_tab_that_saw_less_overwrites_nothing(project, run):
    with served(run) as one:
        one.decide("refused", "test_a", note="halo")
        late = one.decide("accepted", "test_a", "test_b", seen=None)
        assert late.status == 409
        assert "tests/test_x.py::test_a" in late.json["error"]
        assert "refused it meanwhile" in late.json["error"]
        assert "halo" in late.json["error"]
        assert [case["verb"] for case in one.state().values()] == ["refused"]
        assert one.decide("accepted", "test_a").status == 200


def test_what_a_tab_shows_is_not_written_once_another_tab_decided_otherwise(project, run):
    with served(run) as one:
        one.decide("accepted", *ALL)
        shown = one.plan()
        before = goldens(project)
        one.decide("refused", "test_b")
        reply = one.write(shown)
        assert reply.status == 409
        assert goldens(project) == before
        assert reply.json["plan"]["files"] == one.plan()["files"] != shown["files"]
        assert one.write(reply.json["plan"]).status == 200
    assert "test_b" not in (project / GOLDEN).read_text()


def test_two_servers_share_the_decisions_of_a_run(project, run):
    with served(run) as ada, served(run) as bob:
        ada.decide("refused", "test_a", note="halo")
        assert bob.state() == ada.state() != {}
        assert bob.decide("accepted", "test_a", seen=None).status == 409
        bob.decide("accepted", "test_b")
        assert len(ada.state()) == 2


def test_many_at_once_lose_nothing(project, tmp_path):
    names = [f"test_{number}" for number in range(16)]
    run = write_run(tmp_path / "run", {name: [failing(name)] for name in names})
    with served(run) as ada, served(run) as bob:
        anchors = {name: ada.anchor(name) for name in names}
        statuses = []

        def decide(one, name):
            cases = {anchors[name]: {"verb": "refused", "note": name, "seen": None}}
            statuses.append(one.ask("POST", "/decide", body={"cases": cases}).status)

        threads = [
            threading.Thread(target=decide, args=((ada, bob)[number % 2], name))
            for number, name in enumerate(names)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert statuses == [200] * 16
        assert {case["note"] for case in ada.state().values()} == set(names)


def test_two_writers_of_one_diff_write_once(project, run):
    with served(run) as ada, served(run) as bob:
        ada.decide("accepted", *ALL)
        plans = [ada.plan(), bob.plan()]
        replies = []
        threads = [
            threading.Thread(target=lambda one, plan: replies.append(one.write(plan)), args=pair)
            for pair in zip((ada, bob), plans, strict=True)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(reply.status for reply in replies) == [200, 409]
        assert ada.plan()["files"] == []
    assert_each_whole(project)


def test_a_case_that_is_refused_while_it_is_written_stays_refused(project, run, monkeypatch):
    """The goldens are written, as the diff said; the refusal is not lost."""
    with served(run) as ada, served(run) as bob:
        ada.decide("accepted", "test_a", "test_b")
        plan = ada.plan()
        real = changes.apply

        def apply(*arguments):
            bob.decide("refused", "test_a", note="halo")
            return real(*arguments)

        monkeypatch.setattr("pytest_editmetrics.saved_runs.review.writing.apply", apply)
        assert ada.write(plan).status == 200
        state = ada.state()
    assert state[ada_anchor(state, "test_a")]["note"] == "halo"
    assert state[ada_anchor(state, "test_b")]["written"]


def ada_anchor(state, test):
    return next(a for a, case in state.items() if case["test"].endswith(f"::{test}"))


# --- a golden that changed, a run that changed, other weights


@pytest.mark.parametrize("what", ["bound", "image", "provenance", "gone", "new"])
def test_a_golden_changed_since_it_was_shown_is_not_overwritten(project, run, what):
    folder = project / "tests/goldens/test_x.py"
    with served(run) as one:
        one.decide("accepted", *ALL)
        if what in ("image", "provenance"):
            assert one.write(one.plan()).status == 200
            assert main(["approve", str(run)]) == 0
            one.decide("accepted", *ALL)
            (project / GOLDEN).write_text(OLD)
        shown = one.plan()
        if what == "bound":
            (project / GOLDEN).write_text(OLD.replace("0.1", "0.2"))
        elif what == "image":
            next(folder.glob("*.png")).write_bytes(b"\x89PNG\r\n\x1a\nother")
        elif what == "provenance":
            path = folder / PROVENANCE
            path.write_text(path.read_text().replace('device: "cpu"', 'device: "H100"'))
        elif what == "gone":
            (project / GOLDEN).unlink()
        else:
            folder.mkdir()
            name = next(Path(file["path"]).name for file in shown["files"] if "new" in file)
            (folder / name).write_bytes(b"\x89PNG\r\n\x1a\nother")
        before = goldens(project)
        reply = one.write(shown)
        if what == "image":  # nothing of it was to be written, nor is it now
            assert reply.status == 200
            assert len(reply.json["left"]) == 1
            assert b"\x89PNG\r\n\x1a\nother" in goldens(project).values()
            return
        if what == "provenance" and reply.status == 200:
            pytest.fail("an entry that changed was overwritten unseen")
        assert reply.status == 409
        assert "nothing was written" in reply.json["error"]
        assert goldens(project) == before
        assert one.write(reply.json["plan"]).status == 200
        left = [one["test"] for one in reply.json["plan"]["left"]]
    if what == "provenance":
        assert left == []
        assert_each_whole(project)
        return
    after = goldens(project)
    assert len(left) == 1  # it is no golden that the run was judged by, so it stays as it is
    if what == "new":
        assert b"\x89PNG\r\n\x1a\nother" in after.values()
    else:
        entry = b'"test_a":\n  lpips: {max: 0.2' if what == "bound" else b'"test_b":'
        assert after["goldens/test_x.py.yaml"].startswith(entry)


def test_a_golden_that_changes_in_the_last_moment_is_seen_under_the_lock(project, run, monkeypatch):
    with served(run) as one:
        one.decide("accepted", "test_a")
        shown = one.plan()
        real = changes._check

        def check(*arguments):
            monkeypatch.setattr(changes, "_check", real)
            (project / GOLDEN).write_text(OLD.replace("0.1", "0.2"))
            real(*arguments)

        monkeypatch.setattr(changes, "_check", check)
        reply = one.write(shown)
        assert reply.status == 409
        assert (project / GOLDEN).read_text() == OLD.replace("0.1", "0.2")
        (left,) = reply.json["plan"]["left"]
        assert "is max 0.2 (measured 0.05) now, and was max 0.1 (measured 0.05)" in left["why"]


def test_it_waits_for_another_writer_and_says_so_where_it_waits_in_vain(project, run, monkeypatch):
    with served(run) as one:
        one.decide("accepted", "test_a")
        shown = one.plan()
        real = changes.golden_lock
        monkeypatch.setattr(changes, "golden_lock", lambda f, r: real(f, r, patience=0.5))
        before = (project / GOLDEN).read_bytes()
        with golden_lock((project / GOLDEN).parent, project):
            reply = one.write(shown)
        assert reply.status == 500
        assert "another process has been writing goldens here" in reply.json["error"]
        assert (project / GOLDEN).read_bytes() == before
        assert one.write(shown).status == 200


def test_a_run_that_was_replaced_meanwhile_is_not_accepted(project, run):
    with served(run) as one:
        one.decide("accepted", *ALL)
        shown = one.plan()
        write_run(run, {"test_a": [failing(value=0.9)]}, started="2032")
        before = goldens(project)
        for reply in (one.write(shown), one.ask("POST", "/plan", body={})):
            assert reply.status == 500
            assert "the run was replaced or changed" in reply.json["error"]
        assert goldens(project) == before


@pytest.mark.parametrize("gone", [False, True])
def test_nothing_is_decided_on_a_run_that_is_another_by_now(project, run, gone):
    """What its next review decided is not put aside; a folder that is gone does not come back."""
    with served(run) as one:
        anchor = one.anchor("test_a")
        if gone:
            shutil.rmtree(run)
        else:
            write_run(run, {"test_a": [failing(value=0.9)]}, started="2032")
            with served(run) as later:
                later.decide("refused", "test_a", note="halo")
        asked = {"cases": {anchor: {"verb": "accepted", "seen": None}}}
        reply = one.ask("POST", "/decide", body=asked)
        assert reply.status == 500
        assert "the run was replaced or changed" in reply.json["error"]
    assert run.exists() is not gone
    if not gone:
        assert [kept.note for kept in read_review(run, "2032").values()] == ["halo"]


def test_the_picture_of_a_diff_is_not_that_of_another_tabs(project, run):
    """Tabs load pictures late: by then another tab may have asked for a diff of other cases."""
    with served(run) as one:
        one.decide("accepted", "test_one", "test_two")
        shown = {file["path"]: file for file in one.plan()["files"] if "new" in file}
        assert len(shown) == 2
        one.decide("refused", "test_one")
        one.plan()
        for file in shown.values():
            picture = one.ask("GET", f"/goldens/{file['new']}")
            assert picture.status == 200
            assert hashlib.sha256(picture.body).hexdigest() == file["after"]
        one.write(one.plan())
        (path,) = (project / "tests/goldens/test_x.py").glob("*.png")
        now = images.sha256_of(path)
        gate = image_gate("test_two")
        gate = replace(gate, snapshot={**gate.snapshot, "sha256": now})
        before = write_run(project / "run-2", {"test_two": [gate]})
    with served(before) as one:
        one.decide("accepted", "test_two")
        (file,) = (file for file in one.plan()["files"] if "new" in file)
        assert one.ask("GET", f"/goldens/{file['old']}").body == path.read_bytes()
        path.write_bytes(path.read_bytes() + b"more")
        assert one.ask("GET", f"/goldens/{now}").status == 404


def test_an_image_that_went_from_the_run_stops_the_write(project, run):
    with served(run) as one:
        one.decide("accepted", "test_a", "test_one")
        for path in (run / "images").iterdir():
            path.unlink()
        plan = one.plan()
        assert [left["test"] for left in plan["left"]] == ["tests/test_x.py::test_one"]
        assert "has no image" in plan["left"][0]["why"]
        assert one.write(plan).status == 200
        assert [case["written"] is None for case in one.state().values()].count(True) == 1


ALEX, OTHER = "a" * 64, "b" * 64


def of_weights(test: str, sha256: str, **values):
    weights = ({"name": "lpips:alex", "sha256": sha256, "smoke": False},)
    return failing(test, weights=weights, **values)


def test_a_run_of_other_weights_is_accepted_knowingly(project, tmp_path):
    """The golden's weights are another's: it is an error of the run, and the diff shows the line."""
    golden = project / GOLDEN
    golden.parent.mkdir()
    golden.write_text(
        f'"test_a":\n  lpips: {{max: 0.1, measured: 0.05, weights: "{OTHER[:12]}"}}\n'
    )
    held = {"origin": "golden", "approved": 0.05, "details": {"other_weights": OTHER[:12]}}
    gate = of_weights("test_a", ALEX, verdict="error", message="other weights", **held)
    run = write_run(tmp_path / "run", {"test_a": [gate]})
    with served(run) as one:
        assert one.decide("accepted", "test_a").json["left"] == []
        plan = one.plan()
        assert any(f'weights: "{ALEX[:12]}"' in line for line in plan["files"][0]["diff"])
        assert one.write(plan).status == 200


def test_two_shards_of_other_weights_for_one_golden_are_written_by_neither(project, tmp_path):
    names = ["test_a[1-2]", "test_a[2-2]"]
    gates = [
        of_weights("test_a", sha256, golden={"file": GOLDEN, "test": "test_a", "gate": "lpips"})
        for sha256 in (ALEX, OTHER)
    ]
    shards = [
        write_run(tmp_path / str(number), {name: [gate]})
        for number, (name, gate) in enumerate(zip(names, gates, strict=True))
    ]
    with served(*shards) as one:
        one.decide("accepted", *names)
        reply = one.ask("POST", "/plan", body={})
        assert reply.status == 500
        assert "weights of sha256" in reply.json["error"]
        assert not (project / GOLDEN).exists()
        one.decide("refused", names[1], note="the other weights")
        assert one.write(one.plan()).status == 200
    assert ALEX[:12] in (project / GOLDEN).read_text()


def test_smoke_weights_write_their_own_variant(project, tmp_path):
    run = write_run(tmp_path / "run", {"test_a": [failing(env="smoke", smoke=True)]})
    with served(run) as one:
        one.decide("accepted", "test_a")
        assert one.write(one.plan()).status == 200
    assert "env: {smoke: {max: 0.575" in (project / GOLDEN).read_text()


# --- a full disk


class Full:
    """Lets so many writes through, and says of the next that the disk is full."""

    def __init__(self, monkeypatch, only: str | None = None):
        self.left: int | None = None
        self.met = 0
        self.only = only
        for module, name in (
            (changes, "write_whole"),
            (changes, "put"),
            (images, "write_whole"),
            (os, "fsync"),
            (os, "replace"),
        ):
            monkeypatch.setattr(module, name, self._around(getattr(module, name)))

    def _around(self, real):
        def called(*arguments, **options):
            self.met += 1
            if self.left is not None and self.met > self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))
            return real(*arguments, **options)

        return called


@pytest.mark.slow
def test_a_disk_that_is_full_at_any_write_leaves_each_golden_whole(project, run, monkeypatch):
    """And the rest is written by the next try: what was accepted is not lost."""
    first = goldens(project)
    with served(run) as one:
        one.decide("accepted", *ALL)
        full = Full(monkeypatch)
        reached = set()
        for step in range(40):
            for path in (project / "tests/goldens").rglob("*"):
                if path.is_file():
                    path.unlink()
            (project / GOLDEN).write_text(OLD)
            state = one.state()
            for anchor, case in state.items():
                body = {"cases": {anchor: {"verb": "accepted", "seen": case["id"]}}}
                assert one.ask("POST", "/decide", body=body).status == 200
            plan = one.plan()
            full.met, full.left = 0, step
            reply = one.write(plan)
            full.left = None
            if reply.status == 200:
                break
            error = reply.json["error"]
            assert "No space left" in error, (step, error)
            after = goldens(project)
            assert not [
                path for path in after if ".staged" in path or ".tmp" in path or ".lock" in path
            ]
            assert_each_whole(project)
            if "written" not in reply.json:
                assert after == first, (step, error)
                reached.add("none")
            else:
                reached.add("part" if len(reply.json["written"]) < len(plan["files"]) else "all")
            again = one.write(one.plan())
            assert again.status == 200, again.text
            assert_each_whole(project)
            assert all(case["written"] for case in one.state().values())
        assert reply.status == 200
        assert step > 10
    assert reached == {"none", "part", "all"}


def test_a_decision_that_cannot_be_kept_is_not_shown_as_kept(project, run, monkeypatch):
    with served(run) as one:
        one.decide("refused", "test_a", note="halo")
        kept = (run / "review.json").read_bytes()
        real = whole_file.os.fsync
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def fail(descriptor):
            raise full

        monkeypatch.setattr(whole_file.os, "fsync", fail)
        reply = one.decide("refused", "test_b", note="blur")
        monkeypatch.setattr(whole_file.os, "fsync", real)
        assert reply.status == 500
        assert "No space left on device" in reply.json["error"]
        assert (run / "review.json").read_bytes() == kept
        assert sorted(path.name for path in run.iterdir()) == [
            "images",
            "results.jsonl",
            "review.json",
        ]
        assert len(one.state()) == 1


def test_a_decision_in_two_shards_is_kept_in_both_or_none(project, tmp_path, monkeypatch):
    shards = [write_run(tmp_path / n, {f"test_{n}": [failing(f"test_{n}")]}) for n in "ab"]
    with served(*shards) as one:
        real, calls = os.replace, []

        def replace_once(source, target):
            calls.append(target)
            if len(calls) == 2:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(source, target)

        monkeypatch.setattr(os, "replace", replace_once)
        assert one.decide("refused", "test_a", "test_b").status == 500
        monkeypatch.setattr(os, "replace", real)
        assert one.state() == {}
        assert one.decide("refused", "test_a", "test_b").status == 200
        assert len(one.state()) == 2


# --- a killed server, Ctrl-C


def write_and_die(writer: Writer, at: int) -> int:
    """Write in a process that is killed before its step ``at``; return how it ended."""
    plan = writer.plan()
    files = {f["path"]: {key: f[key] for key in ("before", "after")} for f in plan["files"]}
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    met = 0

    def dies(real):
        def called(*arguments, **options):
            nonlocal met
            met += 1
            if met == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return called

    try:
        for module, name in (
            (changes, "write_whole"),
            (changes, "put"),
            (os, "fsync"),
            (os, "replace"),
        ):
            setattr(module, name, dies(getattr(module, name)))
        writer.write(files)
    except BaseException:
        os._exit(1)
    os._exit(0)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a child of its own")
def test_killed_before_any_step_each_golden_is_whole_and_the_rest_waits(project, run, tmp_path):
    with served(run) as one:
        one.decide("accepted", *ALL)
    kept = (run / "review.json").read_bytes()

    def work(session):
        together = read_together([run])
        page = Page(together, read_only=False, token="")
        decisions = Decisions(together, page.cases, "ada")
        seen = set()
        for step in range(1, 60):
            for path in (project / "tests/goldens").rglob("*"):
                if path.is_file() and not path.name.startswith("."):
                    path.unlink()
            (project / GOLDEN).write_text(OLD)
            (run / "review.json").write_bytes(kept)
            folder = tmp_path / f"work-{step}"
            folder.mkdir()
            writer = Writer(session, decisions, folder)
            code = write_and_die(writer, step)
            if code == 0:
                break
            assert code == -signal.SIGKILL
            assert_each_whole(project)
            seen.add((project / GOLDEN).read_text() == OLD)
            rest = writer.plan()["files"]
            writer.write({f["path"]: {key: f[key] for key in ("before", "after")} for f in rest})
            assert all(decision.written for decision in decisions.all().values())
            assert_each_whole(project)
            assert [path for path in goldens(project) if ".staged" in path] == []
        assert code == 0
        assert step > 10
        assert seen == {True, False}
        return 0

    assert in_project(work) == 0


@pytest.mark.quick(1)
@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_it_ends_what_was_decided_is_kept(project, run, number):
    command = [sys.executable, "-m", "pytest_editmetrics.cli.main", "review", "run", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            lines = []
            while "Ctrl-C" not in (line := server.stdout.readline()):
                assert line, server.communicate()
                lines.append(line)
            url = re.search(r"http://127\.0\.0\.1:(\d+)/\?token=(\S+)", "".join(lines))
            assert url is not None
            one = Served(int(url[1]), url[2], []).enter()
            assert one.decide("accepted", "test_a", "test_b").status == 200
            server.send_signal(number)
            out, err = server.communicate(timeout=60)
        finally:
            server.kill()
    status = server.returncode
    assert err == ""
    if number != signal.SIGKILL:
        assert status == 0
        assert (
            out
            == "2 cases are accepted and not written; that is kept in the run, for the next review\n"
        )
    decided = read_review(run, STARTED)
    assert [decision.verb for decision in decided.values()] == ["accepted", "accepted"]
    assert (project / GOLDEN).read_text() == OLD
    assert [path.name for path in run.iterdir() if path.name.endswith(".tmp")] == []


def test_the_end_waits_for_a_write_that_has_begun(project, run, monkeypatch):
    begun, go = threading.Event(), threading.Event()
    real = changes._write

    def slow(*arguments):
        begun.set()
        assert go.wait(30)
        return real(*arguments)

    monkeypatch.setattr(changes, "_write", slow)
    replies = []
    with served(run) as one:
        one.decide("accepted", "test_a")
        plan = one.plan()
        thread = threading.Thread(target=lambda: replies.append(one.write(plan)))
        thread.start()
        assert begun.wait(30)
        threading.Timer(0.5, go.set).start()
    thread.join()
    assert "max: 0.575" in (project / GOLDEN).read_text()
    (decision,) = read_review(run, STARTED).values()
    assert decision.written
    assert json.loads((run / "review.json").read_text())["version"] == 1


def test_a_gate_without_its_image_says_so(project, tmp_path):
    gate = replace(image_gate("test_one"), images={})
    run = write_run(tmp_path / "run", {"test_one": [gate]})
    for path in (run / "images").iterdir():
        path.unlink()
    with served(run) as one:
        (left,) = one.decide("accepted", "test_one").json["left"]
    assert "has no image" in left["why"]
