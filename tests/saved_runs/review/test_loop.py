"""The loop: decide, look at the diff, write; what is written is what was shown."""

from __future__ import annotations

import difflib
import json
import re
from pathlib import Path

import pytest
from golden_gate import GOLDEN
from reviewed import STARTED, failing, image_gate, served, write_run

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.goldens import file as golden_file
from pytest_editmetrics.images.load import read_pixels
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.review import read_review


def files(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "run" not in path.relative_to(root).parts[0]
    }


@pytest.fixture
def run(project):
    return write_run(
        project / "run",
        {
            "test_a": [failing("test_a")],
            "test_b": [failing("test_b", value=0.3)],
            "test_c": [failing("test_c")],
            "test_image": [image_gate("test_image")],
            "test_ok": [failing("test_ok", verdict="pass")],
            "test_hand": [failing("test_hand", origin="argument", source="tests/test_x.py:7")],
        },
    )


def test_what_is_accepted_is_written_as_shown_and_nothing_else(project, run):
    golden = project / GOLDEN
    golden.parent.mkdir()
    old = '"test_a":\n  lpips: {measured: 0.05}  # Ada\n"test_c":\n  lpips: {max: 0.1}\n'
    golden.write_text(old)
    with served(run) as one:
        assert one.decide("accepted", "test_a", "test_b", "test_image").json["left"] == []
        assert one.decide("refused", "test_c", note="halo").status == 200
        before = files(project)
        plan = one.plan()
        assert files(project) == before
        reply = one.write(plan)
        assert reply.status == 200
        after = files(project)
        state = one.state()
        assert one.plan()["files"] == []
        assert any(f"wrote {GOLDEN}" in line for line in one.said)
    assert {path for path in after if after[path] != before.get(path)} == set(reply.json["written"])
    assert {one["path"] for one in plan["files"]} == set(reply.json["written"])
    new = golden.read_text()
    assert new == (
        '"test_a":\n  lpips: {measured: 0.5, max: 0.575, size: "4x3"}  # Ada\n"test_c":\n  lpips: {max: 0.1}\n'
        '"test_b":\n  lpips: {max: 0.345, measured: 0.3, size: "4x3"}\n'
    )
    shown = next(one for one in plan["files"] if one["path"] == GOLDEN)
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), f"a/{GOLDEN}", f"b/{GOLDEN}", lineterm=""
    )
    assert shown["diff"] == list(lines)
    assert {case["verb"] for case in state.values() if case["written"]} == {"accepted"}
    assert sum(case["written"] is not None for case in state.values()) == 3


@pytest.mark.parametrize("other", [None, "refused", "put-off", "accepted"])
def test_what_is_left_of_a_test_whose_goldens_are_written_is_named(project, tmp_path, other):
    """The test of one case that was accepted fails by the other one still."""
    golden = {"file": GOLDEN, "test": "test_a", "gate": "lpips@sky"}
    sky = failing("test_a", name="sky", value=0.3, golden=golden)
    tests = {"test_a": [failing("test_a"), sky], "test_b": [failing("test_b")]}
    with served(write_run(tmp_path / "run", tests)) as one:
        first, second = re.findall(
            r'id="(c-\w+)"[^>]*data-test="tests/test_x.py::test_a"', one.page().text
        )
        one.ask("POST", "/decide", body={"cases": {first: {"verb": "accepted"}}})
        if other is not None:
            body = {"cases": {second: {"verb": other, "note": "halo"}}}
            assert one.ask("POST", "/decide", body=body).status == 200
        still = one.write(one.plan()).json["still"]
        written = len(one.said)
        if other == "accepted":
            assert still == ""
        else:
            left = "1 other case of these tests is not accepted, so the tests fail still"
            assert still.startswith(f"{left} (first tests/test_x.py::test_a")
            assert still in one.said
    assert one.said[written:-1] == ([still] if still else [])


def test_a_golden_image_is_what_approve_would_write(project, run):
    with served(run) as one:
        one.decide("accepted", "test_image")
        plan = one.plan()
        (image,) = (file for file in plan["files"] if "new" in file)
        shown = one.ask("GET", f"/goldens/{image['new']}")
        assert one.write(plan).status == 200
    target = project / image["path"]
    assert target.read_bytes() == shown.body
    by_review = files(project)
    edited = read_run(run).gates[3].gate.images["edited"]
    assert (read_pixels(target).pixels == read_pixels(run / edited).pixels).all()
    for path in by_review:
        if path.startswith("tests/goldens"):
            (project / path).unlink()
    assert main(["approve", str(run), "-k", "test_image"]) == 0
    assert files(project) == by_review


def test_what_no_golden_can_hold_is_not_accepted_and_says_why(project, run):
    with served(run) as one:
        hand = one.anchor("test_hand")
        assert "its bound is the argument's; edit tests/test_x.py:7" in one.cases[hand]["why"]
        left = one.decide("accepted", "test_hand", "test_ok").json
        assert left["decisions"] == {}
        assert [case["test"] for case in left["left"]] == [
            "tests/test_x.py::test_hand",
            "tests/test_x.py::test_ok",
        ]
        assert one.decide("refused", "test_ok", note="the hat is gone").status == 200
        assert one.state()[one.anchor("test_ok")]["note"] == "the hat is gone"


@pytest.mark.parametrize(
    ("gate", "why"),
    [
        (failing("test_a", golden={"file": "../x.yaml", "test": "test_a"}), "does not lie inside"),
        (failing("test_a", golden={"file": ".github/x.yaml"}), "this project in"),
        (failing("test_a", value=float("nan")), "cannot be a golden"),
    ],
)
def test_what_is_no_golden_of_this_project_is_left_and_the_rest_written(
    project, tmp_path, gate, why
):
    run = write_run(tmp_path / "run", {"test_a": [gate], "test_b": [failing("test_b")]})
    with served(run) as one:
        answer = one.decide("accepted", "test_a", "test_b").json
        (left,) = answer["left"]
        assert why in left["why"]
        assert one.write(one.plan()).status == 200
    assert list(files(project)) == ["pytest.ini", GOLDEN, "tests/test_x.py"]
    assert "test_b" in (project / GOLDEN).read_text()


def test_a_test_that_failed_for_another_reason_is_accepted_by_itself_only(project, tmp_path):
    run = write_run(tmp_path / "run", {"test_a": [failing()]}, other_failure=True)
    with served(run) as one:
        many = one.decide("accepted", "test_a", bulk=True).json
        assert "failed for another reason" in many["left"][0]["why"]
        assert one.decide("accepted", "test_a").json["left"] == []
        assert one.write(one.plan()).status == 200
    assert (project / GOLDEN).is_file()


def test_undo_gives_back_what_was(project, run):
    with served(run) as one:
        one.decide("refused", "test_a", note="halo")
        first = one.state()[one.anchor("test_a")]
        second = one.decide("accepted", "test_a").json["decisions"]
        ((anchor, now),) = second.items()
        back = {"cases": {anchor: {"restore": first["id"], "seen": now["id"]}}}
        assert one.ask("POST", "/decide", body=back).status == 200
        assert one.state()[anchor] == first
        nothing = {"cases": {anchor: {"restore": None, "seen": first["id"]}}}
        assert one.ask("POST", "/decide", body=nothing).status == 200
        assert one.state() == {}
        unknown = {"cases": {anchor: {"restore": "0" * 16, "seen": None}}}
        assert one.ask("POST", "/decide", body=unknown).status == 400
        other = {"cases": {one.anchor("test_b"): {"restore": first["id"], "seen": None}}}
        assert one.ask("POST", "/decide", body=other).status == 400
        assert one.state() == {}


def test_a_second_person_sees_them_in_the_review_the_report_and_a_copy(project, run, tmp_path):
    with served(run) as one:
        one.decide("refused", "test_a", note="a <b>halo</b> round the hat")
        one.decide("put-off", "test_b")
        kept = one.state()
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in [*run.rglob("*")]:
        if path.is_file():
            (copy / path.relative_to(run)).parent.mkdir(exist_ok=True)
            (copy / path.relative_to(run)).write_bytes(path.read_bytes())
    with served(copy, read_only=True) as other:
        assert other.state() == kept
        assert "2 decided" in other.said[0]
    assert main(["report", str(copy)]) == 0
    page = (copy / "report.html").read_text()
    assert "a &lt;b&gt;halo&lt;/b&gt; round the hat" in page
    assert "Put off" in page


def test_read_only_decides_nothing_and_needs_no_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = write_run(tmp_path / "run", {"test_a": [failing()]})
    with served(run, read_only=True) as one:
        assert one.page().status == 200
        for path in ("/decide", "/plan", "/write"):
            assert one.ask("POST", path, body={}).status == 403
    assert not (run / "review.json").exists()


def test_shards_are_one_page_and_each_keeps_its_own_decisions(project, tmp_path):
    shards = [
        write_run(tmp_path / name, {f"test_{name}": [failing(f"test_{name}", value=value)]})
        for name, value in (("a", 0.5), ("b", 0.3))
    ]
    with served(*shards) as one:
        one.decide("accepted", "test_a", "test_b")
        assert one.write(one.plan()).status == 200
    assert (project / GOLDEN).read_text().count("measured") == 2
    for shard, name in zip(shards, "ab", strict=True):
        (decision,) = read_review(shard, STARTED).values()
        assert decision.test == f"tests/test_x.py::test_{name}"
        assert decision.written


def test_a_merge_takes_the_decisions_of_its_shards_along(project, tmp_path):
    shards = [
        write_run(tmp_path / name, {f"test_{name}": [failing(f"test_{name}")]}) for name in "ab"
    ]
    with served(*shards) as one:
        one.decide("refused", "test_a", "test_b", note="halo")
        kept = one.state()
    assert main(["merge", *map(str, shards), "-o", str(tmp_path / "all")]) == 0
    with served(tmp_path / "all") as one:
        assert one.state() == kept


def test_shards_that_contradict_each_other_are_refused(project, tmp_path):
    from pytest_editmetrics.errors import EditMetricsError

    one = write_run(tmp_path / "one", {"test_a": [failing()]})
    two = write_run(tmp_path / "two", {"test_a": [failing(value=0.4)]})
    with pytest.raises(EditMetricsError, match="different results"), served(one, two):
        pass


def test_other_images_under_the_same_name_are_refused(project, tmp_path):
    from pytest_editmetrics.errors import EditMetricsError

    one = write_run(tmp_path / "one", {"test_a": [failing()]})
    two = write_run(tmp_path / "two", {"test_b": [failing("test_b")]})
    for path in (two / "images").iterdir():
        path.write_bytes(path.read_bytes()[:-20] + b"x" * 20)
    with pytest.raises(EditMetricsError, match="different images of one name"), served(one, two):
        pass


def test_the_command_says_how_to_open_and_how_to_end_it(project, run):
    with served(run, enter=False) as one:
        pass
    assert one.said[0] == f"review: 5 of 6 cases to look at, in {run}"
    assert one.said[1].startswith(f"open http://{one.host}/?token=")
    assert sum(one.first in line for line in one.said) == 1
    assert f"ssh -L {one.port}:127.0.0.1:{one.port}" in one.said[2]
    assert one.said[3].startswith("Ctrl-C ends it")


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        (("--allow-host", "http://x/"), 2, "is no host"),
        (("--port", "70000"), 2, "is no port"),
        (("nowhere",), 1, "cannot be read"),
        (("run",), 2, "is given twice"),
    ],
)
def test_what_cannot_be_is_refused_at_the_start(project, run, capsys, more, status, says):
    assert main(["review", "run", *more]) == status
    assert says in capsys.readouterr().err


def test_a_run_that_is_a_file_or_empty_is_refused(project, run, tmp_path, capsys):
    assert main(["review", str(run / "results.jsonl")]) == 2
    assert "give the run directory" in capsys.readouterr().err
    assert main(["review", str(write_run(tmp_path / "none", {}))]) == 1
    assert "no gate to look at" in capsys.readouterr().err


def test_decisions_are_those_of_this_run_only(project, run):
    with served(run) as one:
        one.decide("refused", "test_a", note="halo")
    write_run(run, {"test_a": [failing("test_a")]}, started="2032")
    with served(run) as one:
        assert one.state() == {}
        assert any("is of another run" in line for line in one.said)
        one.decide("refused", "test_a", note="again")
        assert len(one.state()) == 1
    old = json.loads((run / "review.json.old").read_text())
    assert [case["note"] for case in old["cases"].values()] == ["halo"]


def test_a_golden_file_is_not_read_for_each_case(project, monkeypatch):
    goldens = project / GOLDEN
    goldens.parent.mkdir(parents=True, exist_ok=True)
    goldens.write_text('"test_old":\n  lpips: {max: 0.5}\n')
    read, one_read = [], golden_file.read_golden_file
    monkeypatch.setattr(
        golden_file, "read_golden_file", lambda *args: read.append(args) or one_read(*args)
    )

    def reads(cases: int) -> list[int]:
        tests = [f"test_{number}" for number in range(cases)]
        run = write_run(project / f"run-{cases}", {test: [failing(test)] for test in tests})
        found = []
        with served(run) as one:
            for do in (lambda: one.decide("accepted", *tests, bulk=True), one.plan):
                read.clear()
                do()
                found.append(len(read))
        return found

    assert reads(12) == reads(2)
