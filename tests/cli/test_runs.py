"""``editmetrics report``, ``merge``, ``approve``: run directories without a test run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from golden_gate import GOLDEN
from golden_gate import failing_gate as gate

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir


def write(path: Path, tests: dict[str, list[Gate]], crashed=(), close=True, started="2026") -> Path:
    run_dir = RunDir(path)
    run_dir.prepare()
    with ResultsFile(run_dir.results_path, {"torch": "2"}, started) as results:
        for test, gates in tests.items():
            for one in gates:
                picture = np.full((3, 4, 3), len(test), np.uint8)
                kept = replace(one, images={"edited": run_dir.save_image(picture)})
                results.gate(f"tests/test_x.py::{test}", 1, True, "failed", kept)
        for test in crashed:
            results.crashed(f"tests/test_x.py::{test}")
        if close:
            results.close({})
    return path


@pytest.fixture
def editmetrics(capsys):
    def run(*args: object) -> tuple[int, str, str]:
        status = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return status, out, err

    return run


# report


def test_report_lies_in_the_run_unless_told(tmp_path, editmetrics):
    run = write(tmp_path / "run", {"test_a": [gate()]})
    assert editmetrics("report", run)[:2] == (0, f"report: {run / 'report.html'}\n")
    assert "test_a" in (run / "report.html").read_text()
    assert editmetrics("report", run, "-o", tmp_path / "folder")[0] == 0
    assert (tmp_path / "folder" / "index.html").is_file()


def test_report_of_nothing(tmp_path, editmetrics):
    status, _, err = editmetrics("report", tmp_path)
    assert status == 1
    assert "results.jsonl cannot be read" in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk of Linux")
def test_a_full_disk_is_told_in_one_line(tmp_path):
    for name in ("base", "run"):
        write(tmp_path / name, {"test_a": [gate()]})
    for command in (["schema"], ["compare", "base", "run"]):
        with open("/dev/full", "w") as full:
            ended = subprocess.run(
                [sys.executable, "-m", "pytest_editmetrics.cli.main", *command],
                cwd=tmp_path,
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
        assert ended.stderr == (
            "editmetrics: error: the output cannot be written: No space left on device\n"
        )
        assert ended.returncode == 1


def test_two_results_files_of_one_folder_are_told_apart(tmp_path, editmetrics, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("base", "head"):
        write(tmp_path / name, {"test_a": [gate()]})
        shutil.copy(tmp_path / name / "results.jsonl", f"{name}.jsonl")
    out = editmetrics("compare", "base.jsonl", "head.jsonl")[1]
    assert "base  base.jsonl, " in out
    assert "head  head.jsonl, " in out
    assert "base  base, " in editmetrics("compare", "base", "head")[1]


# merge


def test_two_shards_become_one(tmp_path, editmetrics):
    one = write(
        tmp_path / "one", {"test_a": [gate()], "test_long": [gate("test_long")]}, started="2027"
    )
    two = write(tmp_path / "two", {"test_b": [gate("test_b")]}, crashed=["test_dies"])
    status, out, _ = editmetrics("merge", one, two, "-o", tmp_path / "all")
    assert status == 0
    assert "lpips" in out
    assert "merged 2 runs" in out
    run = read_run(tmp_path / "all")
    parts = [read_run(one), read_run(two)]
    assert run.gates == parts[0].gates + parts[1].gates
    assert run.crashed == ("tests/test_x.py::test_dies",)
    assert run.complete
    assert run.session["started"] == "2026"
    assert [shard["path"] for shard in run.session["shards"]] == [str(one), str(two)]
    for record in run.gates:
        kept = run.image_path(record.gate.images["edited"])
        assert any((part.path / record.gate.images["edited"]).is_file() for part in parts)
        assert kept.read_bytes()
    end = json.loads((tmp_path / "all" / "results.jsonl").read_text().splitlines()[-1])
    assert (end["gates"], end["failed"], end["crashed"], end["full"]) == (3, 3, 1, False)


def test_a_test_that_two_shards_agree_on_is_taken_once(tmp_path, editmetrics):
    runs = [
        write(tmp_path / name, {"test_a": [gate(value=float("nan"))]}) for name in ("one", "two")
    ]
    status, _, err = editmetrics("merge", *runs, "-o", tmp_path / "all")
    assert status == 0
    assert (
        f"tests/test_x.py::test_a ran in {runs[0]} and in {runs[1]}, with the same results; they"
        " are taken once\n" in err
    )
    assert len(read_run(tmp_path / "all").gates) == 1


@pytest.mark.parametrize("how", ["gates", "crashed"])
def test_a_shard_that_is_there_twice_is_refused_where_their_number_is_stated(
    tmp_path, editmetrics, how
):
    names = ("test_a", "test_b")
    gates = {name: [gate(name)] for name in names} if how == "gates" else {}
    crashed = () if how == "gates" else names
    runs = [write(tmp_path / name, gates, crashed=crashed) for name in ("one", "two")]
    status, _, err = editmetrics("merge", *runs, "-o", tmp_path / "all", "--shards", 2)
    assert status == 1
    assert (
        f"not merged: tests/test_x.py::test_a ran in {runs[0]} and in {runs[1]}"
        " (and so did 1 more test)" in err
    )
    assert not (tmp_path / "all").exists()


def test_a_fixture_that_two_shards_set_up_is_in_both(tmp_path, editmetrics):
    wide = gate("fixture out", fixture={"set_up": "1", "for": "test_a"})
    runs = [
        write(tmp_path / name, {"fixture out": [wide], name: [gate(name)]})
        for name in ("test_a", "test_b")
    ]
    status, _, err = editmetrics("merge", *runs, "-o", tmp_path / "all", "--shards", 2)
    assert status == 0
    assert " ran in " not in err
    assert len(read_run(tmp_path / "all").gates) == 3


@pytest.mark.parametrize("difference", [{"value": 0.6}, {"verdict": "pass"}, {"name": "sky"}])
def test_shards_that_contradict_each_other_are_refused(tmp_path, editmetrics, difference):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    two = write(tmp_path / "two", {"test_a": [gate(**difference)]})
    status, _, err = editmetrics("merge", one, two, "-o", tmp_path / "all")
    assert status == 1
    assert f"test_x.py::test_a ran in {one} and in {two}, with different results" in err
    assert not (tmp_path / "all").exists()


def test_a_crash_contradicts_a_result(tmp_path, editmetrics):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    two = write(tmp_path / "two", {}, crashed=["test_a"])
    assert editmetrics("merge", one, two, "-o", tmp_path / "all")[0] == 1


def test_a_shard_that_was_cut_off_fails_unless_allowed_and_hides_no_other(tmp_path, editmetrics):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    two = write(tmp_path / "two", {"test_b": [gate("test_b")]}, close=False)
    status, _, err = editmetrics("merge", one, two, "-o", tmp_path / "all")
    assert status == 1
    assert f"FAILED: {two} was cut off, so tests are missing from {tmp_path / 'all'}" in err
    status, out, _ = editmetrics("comment", tmp_path / "all")
    assert status == 0
    assert f"gates failed, {two} was cut off, so not every test ran" in out
    assert editmetrics("report", tmp_path / "all", "-o", tmp_path / "r.html")[0] == 0
    status, _, err = editmetrics("merge", one, two, "-o", tmp_path / "all", "--allow-incomplete")
    assert status == 0
    assert f"incomplete: {two} was cut off" in err
    run = read_run(tmp_path / "all")
    assert len(run.gates) == 2
    assert not run.complete
    assert [shard["complete"] for shard in run.session["shards"]] == [True, False]


@pytest.mark.parametrize(("shards", "status"), [(2, 0), (3, 1), (1, 2)])
def test_a_shard_that_is_missing_fails_where_their_number_is_stated(
    tmp_path, editmetrics, shards, status
):
    runs = [write(tmp_path / name, {f"test_{name}": [gate(f"test_{name}")]}) for name in "ab"]
    found, _, err = editmetrics("merge", *runs, "-o", tmp_path / "all", "--shards", shards)
    assert found == status
    assert ("2 runs were given, --shards says 1; one too many" in err) == (status == 2)
    assert ("FAILED: 1 shard is missing, so tests are missing from" in err) == (status == 1)
    assert (tmp_path / "all").exists() == (status < 2)
    if status < 2:
        run = read_run(tmp_path / "all")
        assert (len(run.gates), run.complete) == (2, not status)


def test_a_merge_shows_no_picture_of_another_machine(tmp_path, editmetrics):
    shown = replace(gate(), picture=".pytest_cache/d/editmetrics/a.png (reference | edited)")
    status, out, _ = editmetrics(
        "merge", write(tmp_path / "a", {"test_a": [shown]}), "-o", tmp_path / "all"
    )
    assert status == 0
    assert "1 gate failed" in out
    assert ".pytest_cache" not in out


def test_what_shows_a_merged_run_says_that_a_shard_is_missing(tmp_path, editmetrics):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    merged, page = tmp_path / "all", tmp_path / "r.html"
    assert editmetrics("merge", one, "-o", merged, "--shards", 2)[0] == 1
    assert "1 gate failed, 1 shard is missing, so not every test ran" in (
        editmetrics("comment", merged)[1].replace("1 of 1", "1")
    )
    assert editmetrics("report", merged, "-o", page)[0] == 0
    text = page.read_text(encoding="utf-8")
    assert "Not every test ran: 1 shard is missing" in text
    assert "was cut off" not in text
    _, out, _ = editmetrics("compare", one, merged, "--fail", "lpips:0.1")
    assert "INCOMPLETE: 1 shard is missing" in out
    assert "FAILED: the head lacks tests (1 shard is missing), so gates that it lost would" in out
    _, _, err = editmetrics("merge", merged, "-o", tmp_path / "again")
    assert f"FAILED: {merged} lacks tests (1 shard is missing), so tests are missing" in err


@pytest.mark.parametrize("empty", ["a folder", "an empty file"])
@pytest.mark.parametrize("shards", [(), ("--shards", 2)])
def test_a_shard_without_results_hides_no_other(tmp_path, editmetrics, empty, shards):
    one, two = write(tmp_path / "one", {"test_a": [gate()]}), tmp_path / "two"
    two.mkdir()
    if empty == "an empty file":
        (two / "results.jsonl").write_text("")
    status, out, err = editmetrics("merge", one, two, "-o", tmp_path / "all", *shards)
    assert status == 1
    assert "merged 1 run: " in out
    assert f"FAILED: {two} holds no results, so tests are missing from" in err
    run = read_run(tmp_path / "all")
    assert (len(run.gates), run.complete) == (1, False)
    assert (
        f"{two} holds no results, so not every test ran"
        in (editmetrics("comment", tmp_path / "all")[1])
    )
    given = ("merge", one, two, "-o", tmp_path / "all", "--allow-incomplete")
    assert editmetrics(*given, *shards)[0] == 0


def test_shards_without_any_results_are_no_merge(tmp_path, editmetrics):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    given = (tmp_path / "one", tmp_path / "two", "-o", tmp_path / "all")
    status, _, err = editmetrics("merge", *given)
    assert (status, (tmp_path / "all").exists()) == (1, False)
    assert "one/results.jsonl cannot be read" in err


def test_a_folder_of_runs_is_no_shard_without_results(tmp_path, editmetrics):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    write(tmp_path / "shards/1", {"test_b": [gate("test_b")]})
    status, _, err = editmetrics("merge", one, tmp_path / "shards", "-o", tmp_path / "all")
    assert (status, (tmp_path / "all").exists()) == (1, False)
    assert "holds 1 run" in err


def test_a_run_that_was_cut_off_says_so_where_it_is_approved_and_shown(
    project, tmp_path, editmetrics
):
    run = write(tmp_path / "cut", {"test_a": [gate()]}, close=False)
    status, _, err = editmetrics("approve", run)
    assert status == 0
    assert "was cut off; only what finished can be approved" in err
    status, _, _ = editmetrics("report", run, "-o", tmp_path / "r.html")
    assert status == 0
    assert "This run was cut off" in (tmp_path / "r.html").read_text()


def test_versions_that_differ_are_all_told(tmp_path, editmetrics):
    one, two = (write(tmp_path / name, {}) for name in ("one", "two"))
    text = (two / "results.jsonl").read_text().replace('"torch": "2"', '"torch": "3", "pot": null')
    (two / "results.jsonl").write_text(text)
    assert editmetrics("merge", one, two, "-o", tmp_path / "all")[0] == 0
    assert read_run(tmp_path / "all").session["versions"] == {"torch": "2, 3", "pot": None}


def test_a_missing_image_or_run_is_an_error_and_the_old_merge_stays(tmp_path, editmetrics):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    assert editmetrics("merge", one, "-o", tmp_path / "all")[0] == 0
    before = (tmp_path / "all" / "results.jsonl").read_bytes()
    for image in (one / "images").iterdir():
        image.unlink()
    status, _, err = editmetrics("merge", one, "-o", tmp_path / "all")
    assert status == 1
    assert "has no image" in err
    assert editmetrics("merge", one, tmp_path / "gone", "-o", tmp_path / "all")[0] == 1
    assert (tmp_path / "all" / "results.jsonl").read_bytes() == before


@pytest.mark.parametrize("output", ["one", "one/images", "."])
def test_merge_overwrites_none_of_its_inputs(tmp_path, editmetrics, output):
    one = write(tmp_path / "one", {"test_a": [gate()]})
    status, _, err = editmetrics("merge", one, "-o", tmp_path / output)
    assert status == 2
    assert "would overwrite" in err
    assert len(read_run(one).gates) == 1
    assert editmetrics("merge", one, one, "-o", tmp_path / "all")[0] == 2


# approve


def test_goldens_are_written_for_what_failed(project, tmp_path, editmetrics):
    tests = {
        "test_a": [gate(), gate(metric="emd", verdict="missing-golden", value=7.18, origin=None,
                                golden={"file": GOLDEN, "test": "test_a", "gate": "emd"})],
        "test_b[x]": [gate("test_b[x]", origin="default")],
        "test_ok": [gate("test_ok", verdict="pass")],
        "test_soft": [gate("test_soft", verdict="unmeasured", value=None)],
    }  # fmt: skip
    status, out, _ = editmetrics("approve", write(tmp_path / "downloaded", tests))
    assert status == 0
    assert (project / GOLDEN).read_text() == (
        '"test_a":\n  lpips: {max: 0.575, measured: 0.5, size: "4x3"}\n  emd: {max: 7.9, measured: 7.18, size: "4x3"}\n'
        '"test_b[x]":\n  lpips: {max: 0.575, measured: 0.5, size: "4x3"}\n'
    )
    assert "approved: tests/test_x.py::test_a lpips 0.500, max 0.575" in out
    assert f"wrote {GOLDEN}; review the change and commit it" in out


def test_an_approved_bound_beyond_the_default_is_said(project, tmp_path, editmetrics):
    (project / "editmetrics.yaml").write_text("thresholds: {lpips: 0.55}\n")
    status, out, _ = editmetrics("approve", write(tmp_path / "run", {"test_a": [gate()]}))
    assert status == 0
    said = "approved: tests/test_x.py::test_a lpips 0.500, max 0.575"
    assert f"{said}, looser than max 0.55 of editmetrics.yaml:1" in out


def test_the_bound_that_a_golden_had_is_said_where_it_changes(project, tmp_path, editmetrics):
    goldens = project / GOLDEN
    goldens.parent.mkdir()
    goldens.write_text(
        '"test_a": {lpips: {max: 0.1}}\n"test_b": {lpips: {max: 0.02, env: {cuda: {max: 0.6}}}}\n'
    )
    held = {"origin": "golden", "bound": 0.1, "source": f"{GOLDEN}:1"}
    tests = {
        "test_a": [gate(**held, value=2.551)],
        "test_b": [
            gate("test_b", origin="golden", bound=0.6, source=f"{GOLDEN}:2", value=0.7, env="cuda")
        ],
        "test_c": [gate("test_c")],
    }
    run = write(tmp_path / "run", tests)
    for more in (["--dry-run"], []):
        status, out, _ = editmetrics("approve", run, *more)
        assert status == 0
        assert "test_a lpips 2.551, max 0.1 -> 2.94, looser by 2.84, 28 times\n" in out
        assert "test_b lpips 0.700, max 0.6 -> 0.805, looser by 0.205, 34.2 % (env cuda)\n" in out
        assert "test_c lpips 0.500, max 0.575\n" in out
    again = editmetrics("approve", run)[1]
    assert "test_a lpips 2.551, max 2.940\n" in again


def test_gates_that_could_not_be_judged_are_said(project, tmp_path, editmetrics):
    sizes = {"verdict": "error", "value": None, "message": "the edited image is 384x256 pixels"}
    tests = {
        f"test_{n}": [gate(f"test_{n}", **sizes), gate(f"test_{n}", metric="emd", **sizes)]
        for n in range(3)
    }
    tests["test_3"] = [gate("test_3"), gate("test_3", metric="emd", **{**sizes, "message": "oom"})]
    status, out, _ = editmetrics("approve", write(tmp_path / "run", tests))
    assert status == 0
    assert "approved: tests/test_x.py::test_3 lpips" in out
    assert out.endswith(
        "gates that could not be judged, which no golden mends: 7\n"
        "  tests/test_x.py::test_0 and 2 more: lpips, emd could not be judged: the edited image is"
        " 384x256 pixels\n"
        "  tests/test_x.py::test_3: emd could not be judged: oom\n"
    )


@pytest.mark.parametrize("origin", ["argument", "marker", "case"])
def test_bounds_that_a_test_states_are_never_written(project, tmp_path, editmetrics, origin):
    run = write(tmp_path / "run", {"test_a": [gate(origin=origin, source="tests/test_x.py:7")]})
    status, out, _ = editmetrics("approve", run)
    assert status == 0
    marker = "the marker " if origin == "marker" else ""  # whose source is "on test_x.py::test_a"
    assert f"its bound is the {origin}'s; edit {marker}tests/test_x.py:7" in out
    assert "nothing to approve" in out
    assert not (project / "tests" / "goldens").exists()


@pytest.mark.parametrize("told", [5, {}, {"row": "pairs.jsonl:3"}])
def test_a_gate_of_a_manifest_is_left_whatever_it_says_of_it(project, tmp_path, editmetrics, told):
    run = write(tmp_path / "run", {"test_a": [gate(details={"manifest": told})]})
    status, out, _ = editmetrics("approve", run)
    assert status == 0
    row = "pairs.jsonl:3" if told == {"row": "pairs.jsonl:3"} else "its row"
    assert f"a manifest has no goldens; give {row} a threshold" in out
    assert not (project / GOLDEN).exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_never_approved(project, tmp_path, editmetrics, value):
    run = write(tmp_path / "run", {"test_a": [gate(value=value)]})
    assert "nothing to approve" in editmetrics("approve", run)[1]


def test_only_the_last_attempt_counts(project, tmp_path, editmetrics):
    run = write(tmp_path / "run", {"test_a": [gate()]})
    text = (run / "results.jsonl").read_text().replace('"final": true', '"final": false')
    (run / "results.jsonl").write_text(text)
    assert "nothing to approve" in editmetrics("approve", run)[1]


@pytest.mark.parametrize(
    ("expression", "approved"),
    [
        ("test_a", ["test_a", "test_ab"]),
        ("TEST_AB", ["test_ab"]),
        ("test_a and not test_ab", ["test_a"]),
        ("test_ab or emd", ["test_ab", "test_c[d e (f)]"]),
        ("tests/test_x.py::test_a", ["test_a"]),
        ("tests/test_x.py::test_c[d e (f)]", ["test_c[d e (f)]"]),
        ("not lpips", ["test_c[d e (f)]"]),
        ("mug", ["test_c[d e (f)]"]),
        ("lpips or MUG and test_c", ["test_a", "test_ab", "test_c[d e (f)]"]),
    ],
)
def test_k_selects(project, tmp_path, editmetrics, expression, approved):
    odd = "test_c[d e (f)]"
    golden = {"file": GOLDEN, "test": odd, "gate": "emd@mug"}
    emd = gate(metric="emd", name="mug", golden=golden)
    tests = {"test_a": [gate()], "test_ab": [gate("test_ab")], odd: [emd]}
    status, out, _ = editmetrics("approve", write(tmp_path / "run", tests), "-k", expression)
    assert status == 0
    written = [
        line.split("::")[1].rpartition(" max")[0] for line in out.splitlines() if "approved" in line
    ]
    assert [line.rpartition(" ")[0].rpartition(" ")[0] for line in written] == approved


@pytest.mark.parametrize(
    ("expression", "says"), [("and", "cannot be read"), ("test_q", "selects none of 1 gate")]
)
def test_k_that_selects_nothing_is_an_error(project, tmp_path, editmetrics, expression, says):
    status, _, err = editmetrics(
        "approve", write(tmp_path / "run", {"test_a": [gate()]}), "-k", expression
    )
    assert status == 2
    assert says in err


@pytest.mark.parametrize(
    "file",
    [
        "../tests/goldens/test_x.py.yaml",
        "tests/../../x.yaml",
        "/etc/cron.d/x.yaml",
        "C:\\goldens\\x.yaml",
        "C:/goldens/x.yaml",
        "\\\\server\\share\\x.yaml",
        "tests\\goldens\\test_x.py.yaml",
        "link/test_x.py.yaml",
        "",
        None,
    ],
)
def test_a_golden_outside_the_project_is_refused(project, tmp_path, editmetrics, file):
    (project / "link").symlink_to(tmp_path)
    hostile = {} if file is None else {"file": file, "test": "test_b", "gate": "lpips"}
    tests = {"test_a": [gate()], "test_b": [gate("test_b", golden=hostile)]}
    status, _, err = editmetrics("approve", write(tmp_path / "run", tests))
    assert status == 1
    assert "nothing was written" in err
    assert "does not lie inside" in err
    assert not list(project.rglob("*.yaml"))
    assert not list(tmp_path.glob("*.yaml"))


@pytest.mark.parametrize(
    ("file", "key"),
    [(".github/workflows/ci.yaml", "test_a"), (GOLDEN, "test_other"), ("goldens/x.yaml", "test_a")],
)
def test_a_golden_that_this_project_keeps_elsewhere_is_refused(
    project, tmp_path, editmetrics, file, key
):
    golden = {"file": file, "test": key, "gate": "lpips"}
    run = write(tmp_path / "run", {"test_a": [gate(golden=golden)]})
    status, _, err = editmetrics("approve", run)
    assert status == 1
    assert f"in {file}, this project in {GOLDEN}" in err
    assert not list(project.rglob("*.yaml"))


def test_a_folder_of_goldens_that_leads_out_of_the_project_is_refused(
    project, tmp_path, editmetrics
):
    (project / "tests" / "goldens").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (tmp_path / "elsewhere").mkdir()
    status, _, err = editmetrics("approve", write(tmp_path / "run", {"test_a": [gate()]}))
    assert status == 1
    assert "does not lie inside" in err
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_folder_of_all_goldens_may_be_a_link(project, tmp_path, editmetrics):
    (project / "pytest.ini").write_text("[pytest]\neditmetrics_goldens = all\n")
    (tmp_path / "approved").mkdir()
    (project / "all").symlink_to(tmp_path / "approved")
    golden = {"file": "all/tests/test_x.py.yaml", "test": "test_a", "gate": "lpips"}
    status, out, err = editmetrics(
        "approve", write(tmp_path / "run", {"test_a": [gate(golden=golden)]})
    )
    assert (status, err) == (0, "")
    assert "wrote all/tests/test_x.py.yaml" in out
    assert (tmp_path / "approved/tests/test_x.py.yaml").is_file()


@pytest.mark.parametrize(
    "nodeid", ["../test_x.py::test_a", "/test_x.py::test_a", "tests/gone.py::t"]
)
def test_a_test_that_is_not_in_the_project_is_refused(project, tmp_path, editmetrics, nodeid):
    run = write(tmp_path / "run", {"test_a": [gate()]})
    results = run / "results.jsonl"
    results.write_text(results.read_text().replace("tests/test_x.py::test_a", nodeid))
    status, _, err = editmetrics("approve", run)
    assert status == 1
    assert "nothing was written" in err


def test_another_root_is_named(project, tmp_path, editmetrics, monkeypatch):
    run = write(tmp_path / "run", {"test_a": [gate()]})
    monkeypatch.chdir(tmp_path)
    status, _, err = editmetrics("approve", run)
    assert status == 1
    assert "give the project's root as --rootdir" in err
    assert editmetrics("approve", run, "--rootdir", project)[0] == 0
    assert (project / GOLDEN).is_file()
    assert editmetrics("approve", run, "--rootdir", project / "gone")[0] == 2


def test_margins_and_goldens_are_the_projects(project, tmp_path, editmetrics):
    (project / "pytest.ini").write_text("[pytest]\neditmetrics_goldens = approved\n")
    (project / "editmetrics.yaml").write_text(
        "metric_configs:\n  lpips: {margin: {relative: 1, absolute: 0}}\n"
    )
    golden = {"file": "approved/tests/test_x.py.yaml", "test": "test_a", "gate": "lpips"}
    assert (
        editmetrics("approve", write(tmp_path / "run", {"test_a": [gate(golden=golden)]}))[0] == 0
    )
    assert 'lpips: {max: 1.0, measured: 0.5, size: "4x3"}' in (project / golden["file"]).read_text()


def test_variants_stay_apart(project, tmp_path, editmetrics):
    run = write(tmp_path / "run", {"test_a": [gate(env="smoke")]})
    assert editmetrics("approve", run)[0] == 0
    assert "env: {smoke: {max: 0.575" in (project / GOLDEN).read_text()


def test_a_project_that_pytest_cannot_start_in(project, tmp_path, editmetrics):
    (project / "pytest.ini").write_text("[pytest]\neditmetrics_update = sometimes\n")
    status, _, err = editmetrics("approve", write(tmp_path / "run", {"test_a": [gate()]}))
    assert status == 1
    assert "cannot be 'sometimes'" in err


def test_what_a_run_says_cannot_steer_the_terminal(project, tmp_path, editmetrics):
    run = write(tmp_path / "run", {"test_a": [gate(origin="argument", source="x\x1b[2J")]})
    out = editmetrics("approve", run)[1]
    assert "x\\x1b[2J" in out
    assert "\x1b" not in out


def test_score_of_a_run_without_gates(project, tmp_path, editmetrics):
    run = write(tmp_path / "run", {})
    for target in (run, run / "results.jsonl"):
        status, _, err = editmetrics("score", target)
        assert status == 1
        assert "there is no gate to score" in err
    assert editmetrics("score", tmp_path / "run", "-c", "gone.yaml")[0] == 2
