"""``editmetrics score MANIFEST``: pairs of images measured in bulk, by the local engine."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from typing import NamedTuple

import fsspec
import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.report.text import headline
from pytest_editmetrics.runs.folder import Run, read_run

# pytester forgets modules that a test imported first; those that are patched here stay
from pytest_editmetrics.saved_runs import score_manifest
from pytest_editmetrics.saved_runs.engines import local
from pytest_editmetrics.saved_runs.engines.local import look_ahead

NOT_FOUND, NAN, MISSING = 255, 254, 253  # what the suite's pipe takes for special


def save(path, value: int, size: int = 8) -> None:
    Image.fromarray(np.full((size, size, 3), value, np.uint8)).save(path)


def write_pairs(folder, values, **more) -> None:
    """Write a manifest of pairs that the suite's pipe scores as ``values``, in hundredths."""
    save(folder / "reference.png", 0)
    rows = []
    for number, value in enumerate(values):
        save(folder / f"edited{number}.png", value)
        row = {"id": f"row {number}", "reference": "reference.png", "edited": f"edited{number}.png"}
        rows.append({**row, **more})
    write_rows(folder, rows)


def write_rows(folder, rows) -> None:
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def gates(run: Run) -> dict[str, object]:
    return {record.nodeid: record.gate for record in run.gates}


class Result(NamedTuple):
    """What a command came to."""

    ret: int
    stdout: pytest.LineMatcher
    stderr: pytest.LineMatcher


@pytest.fixture
def editmetrics(suite, capsys):
    """Run the command in this process: a fresh one for each would take most of the time."""

    def run(*args: object) -> Result:
        capsys.readouterr()
        status = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return Result(status, *(pytest.LineMatcher(text.splitlines()) for text in (out, err)))

    return run


@pytest.fixture
def score(suite, editmetrics):
    """Score the manifest of a suite whose default bound of ``score`` is 0.10."""
    (suite.path / "editmetrics.yaml").write_text("metrics: [score]\nthresholds: {score: 0.1}\n")
    return lambda *args: editmetrics("score", "pairs.jsonl", *args)


def test_each_row_becomes_gates_of_a_run(score, suite):
    write_pairs(suite.path, [5, 20, NOT_FOUND, NAN, MISSING])
    (suite.path / "edited0.png").rename(suite.path / "moved.png")
    with (suite.path / "pairs.jsonl").open("a") as manifest:
        for row in (
            {"reference": "reference.png", "edited": "moved.png", "coords": [[0, 0, 4, 4]]},
            {"id": "own", "reference": "reference.png", "edited": "edited1.png",
             "metrics": ["score", "likeness"], "thresholds": {"score": 0.3, "likeness": {"min": 0.3}}},
        ):  # fmt: skip
            manifest.write(json.dumps(row) + "\n")
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "score * 7 * 2 * 2 * 2 * 1 *",
            "likeness * 1 * 0 * 1 * 0 *(min 0.300, 0.100 beyond): manifest::own",
            "failing: 5",
            "  manifest::row 0: score could not be judged: edited image *edited0.png: there is no such file",
            "  manifest::row 1: unedit score 0.200 > max 0.100*",
            "unmeasured: 1",
            "  manifest::row 2: unedit score unmeasured (no-value): *",
            "run directory: pairs-scored",
            "FAILED: 3 gates fail",
            "FAILED: 2 gates could not be judged",
        ]
    )
    run = read_run(suite.path / "pairs-scored")
    assert run.complete
    assert run.session["manifest"] == {"path": "pairs.jsonl", "rows": 7, "engine": "local"}
    verdicts = [(r.nodeid, r.gate.metric, r.gate.verdict, r.outcome) for r in run.gates]
    assert verdicts == [
        ("manifest::row 0", "score", "error", "failed"),
        ("manifest::row 1", "score", "fail", "failed"),
        ("manifest::row 2", "score", "unmeasured", "xfailed"),
        ("manifest::row 3", "score", "fail", "failed"),
        ("manifest::row 4", "score", "error", "failed"),
        ("manifest::moved.png", "score", "pass", "passed"),
        ("manifest::own", "score", "pass", "failed"),
        ("manifest::own", "likeness", "fail", "failed"),
    ]
    found = gates(run)
    moved = found["manifest::moved.png"]
    assert (moved.value, moved.region["coords"]) == (0.05, [[0, 0, 4, 4]])
    assert moved.details["manifest"] == {
        "row": "pairs.jsonl:6", "reference": "reference.png", "edited": "moved.png",
    }  # fmt: skip
    assert (found["manifest::own"].origin, found["manifest::own"].source) == (
        "case",
        "pairs.jsonl:7",
    )
    assert found["manifest::row 0"].message.startswith("edited image ")
    assert not list((suite.path / "pairs-scored" / "images").iterdir())


def test_rows_in_the_review_band_warn_or_fail(score, suite):
    write_pairs(suite.path, [5, 8], thresholds={"score": {"max": 0.1, "review": 0.06}})
    result = score()
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "score * 2 * 1 * 1 * 0 * 0 *",
            "for review: 1",
            "  manifest::row 1: unedit score 0.080 > review 0.060, inside max 0.100*",
        ]
    )
    suite.makeini("[pytest]\neditmetrics_review = fail\n")
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: 1 gate is for review (editmetrics_review is fail)"])


def test_one_file_as_both_images_of_a_row_is_an_error_and_a_copy_is_none(score, suite):
    write_pairs(suite.path, [5, 6])
    edited = suite.path / "edited1.png"
    (suite.path / "out").mkdir()
    for name in ("link.png", "out/link.png"):
        (suite.path / name).symlink_to(edited)
    (suite.path / "hard.png").hardlink_to(edited)
    (suite.path / "copy.png").write_bytes(edited.read_bytes())
    url = f"file://{edited}"
    one = ["edited1.png", "out/../edited1.png", str(edited), "link.png", "out/link.png", "hard.png"]
    pairs = [("edited1.png", name) for name in (*one, url)] + [(url, "link.png"), (url, url)]
    pairs += [("edited1.png", "copy.png")]
    rows = [{"id": str(n), "reference": a, "edited": b} for n, (a, b) in enumerate(pairs)]
    write_rows(suite.path, rows)
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*: score could not be judged: *one and the same file*"])
    found = gates(read_run(suite.path / "pairs-scored"))
    verdicts = [found[f"manifest::{n}"].verdict for n in range(len(pairs))]
    assert verdicts == ["error"] * (len(pairs) - 1) + ["pass"]
    assert found["manifest::3"].message == (
        "reference and edited image are one and the same file (link.png), so nothing can have"
        " changed between them: name the file that the editor wrote, or a copy where an image is to"
        " be compared with itself"
    )


def test_compare_report_and_merge_read_it(score, suite, editmetrics):
    write_pairs(suite.path, [5, 6])
    assert score("-o", "base").ret == 0
    write_pairs(suite.path, [5, 9])
    assert score("-o", "head").ret == 0
    result = editmetrics("compare", "base", "head", "--fail", "score:5%")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["score (lower is better): 2 paired, 0 improved, 1 worse, 1 unchanged", "*manifest::row 1*"]
    )
    assert editmetrics("report", "head").ret == 0
    page = (suite.path / "head" / "report.html").read_text()
    assert "edited1.png (pairs.jsonl:2)" in page
    assert "2 pairs of pairs.jsonl" in page
    assert editmetrics("merge", "head", "-o", "all").ret == 0
    assert len(read_run(suite.path / "all").gates) == 2


def test_approve_says_that_a_manifest_has_no_goldens(score, suite, editmetrics):
    write_pairs(suite.path, [20])
    assert score().ret == 1
    result = editmetrics("approve", "pairs-scored")
    result.stdout.fnmatch_lines(
        ["left: manifest::row 0 score: a manifest has no goldens; give pairs.jsonl:1 a threshold",
         "nothing to approve"]
    )  # fmt: skip
    editmetrics("comment", "pairs-scored").stdout.no_fnmatch_line("*to accept*")


def test_what_no_bound_holds_is_refused_before_anything_is_measured(score, suite):
    write_pairs(suite.path, [5, 6], metrics=["score", "likeness"])
    result = score()
    assert result.ret == 2
    result.stderr.fnmatch_lines(
        ["editmetrics: error: pairs.jsonl:1: nothing holds likeness: *--allow-unbounded*"]
    )
    assert not (suite.path / "pairs-scored").exists()
    result = score("--allow-unbounded")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["metric * recorded *", "score * 2 * 2 * 0 * 0 * 0 *", "likeness * 2 * 0 * 0 * 0 * 2 *-"]
    )
    verdicts = {r.gate.metric: r.gate.verdict for r in read_run(suite.path / "pairs-scored").gates}
    assert verdicts == {"score": "pass", "likeness": "recorded"}
    recorded = read_run(suite.path / "pairs-scored").gates[1].gate
    assert headline(recorded) == "unedit likeness 0.050 recorded, held to no bound"


@pytest.mark.parametrize("form", ["row", "cell", "configuration"])
def test_what_an_expectation_only_tells_needs_no_bound_as_under_pytest(suite, editmetrics, form):
    save(suite.path / "a.png", 90, 64)
    edited = np.full((64, 64, 3), 92, np.uint8)
    edited[:32, :32] = np.random.default_rng(0).integers(0, 255, (32, 32, 3))
    Image.fromarray(edited).save(suite.path / "b.png")
    row = {"reference": "a.png", "edited": "b.png", "coords": [[0, 0, 32, 32]]}
    expect = "expect: generative\n"
    if form == "cell":
        (suite.path / "pairs.csv").write_text(
            'reference,edited,coords,expect\na.png,b.png,"[[0, 0, 32, 32]]",generative\n'
        )
    else:
        write_rows(suite.path, [{**row, "expect": "generative"} if form == "row" else row])
    (suite.path / "editmetrics.yaml").write_text(expect if form == "configuration" else "{}\n")
    result = editmetrics("score", "pairs.csv" if form == "cell" else "pairs.jsonl")
    result.stderr.no_fnmatch_line("*nothing holds*")
    run = read_run(suite.path / "pairs-scored")
    found = {record.gate.metric: record.gate for record in run.gates}
    assert (found["tone"].verdict, found["tone"].message) == (
        "pass",
        "only reported: no bound is stated",
    )
    # nor does a flat background, which shows no motion, make it less than passed
    assert found["drift_px"].verdict == "unmeasured"
    assert {record.outcome for record in run.gates} == {"passed"}
    assert result.ret == 0


def test_a_metric_that_is_named_needs_a_bound_also_under_an_expectation_that_tells_it(
    suite, editmetrics
):
    write_pairs(suite.path, [5], metrics=["tone"], expect="generative")
    (suite.path / "editmetrics.yaml").write_text("{}\n")
    result = editmetrics("score", "pairs.jsonl")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*pairs.jsonl:1: nothing holds tone: *"])


def test_unbounded_values_that_are_no_numbers_and_errors_still_fail(score, suite):
    write_pairs(suite.path, [NAN, MISSING, 5], metrics=["likeness"])
    result = score("--allow-unbounded")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*row 0: unedit likeness nan is not a number",
            "FAILED: 1 gate fails",
            "FAILED: 1 gate could not be judged",
        ]
    )


def test_nothing_measured_is_no_success(score, suite):
    write_pairs(suite.path, [NOT_FOUND, NOT_FOUND])
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: not one gate could be measured, so this proves nothing"])


def test_the_metrics_of_rows_that_name_none(score, suite):
    write_pairs(suite.path, [50], thresholds={"likeness": 0.1})
    result = score("--metrics", "likeness")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["likeness * 1 * 1 *"])
    result = score("--metrics", "liknes")
    assert result.ret == 2
    result.stderr.fnmatch_lines(["*unknown metric 'liknes' (did you mean 'likeness'?)"])


@pytest.mark.parametrize(("keep", "kept"), [("none", 0), ("failing", 1), ("all", 2)])
def test_images_that_are_kept(score, suite, keep, kept):
    write_pairs(suite.path, [5, 20])
    assert score("--keep-images", keep).ret == 1
    run = read_run(suite.path / "pairs-scored")
    with_images = [record.gate for record in run.gates if record.gate.images]
    assert len(with_images) == kept
    for gate in with_images:
        assert run.image_path(gate.images["edited"]).is_file()
    assert len(list((run.path / "images").iterdir())) == (0, 3, 4)[kept]


def test_a_manifests_run_without_images_says_how_to_keep_them(score, suite, editmetrics):
    write_pairs(suite.path, [5])
    assert score().ret == 0
    assert editmetrics("score", "pairs-scored", "-o", "again").ret == 1
    (gate,) = read_run(suite.path / "again").gates
    assert gate.gate.verdict == "error"
    assert "score the manifest again, with --keep-images all" in gate.gate.message


def test_a_broken_row_stops_it_before_anything_is_measured(score, suite):
    write_pairs(suite.path, [5])
    with (suite.path / "pairs.jsonl").open("a") as manifest:
        manifest.write('{"reference": "a.png", "edit": "b.png"}\n')
    result = score()
    assert result.ret == 1
    result.stderr.fnmatch_lines(
        ["editmetrics: error: pairs.jsonl:2: a row without 'edited'*--columns KEY=COLUMN*'edit')"]
    )
    assert not (suite.path / "pairs-scored").exists()


def test_what_belongs_to_manifests_is_refused_for_a_run(suite, editmetrics):
    (suite.path / "run").mkdir()
    (suite.path / "run" / "results.jsonl").touch()
    for option in (("--engine", "ray"), ("--metrics", "lpips"), ("--allow-unbounded",)):
        result = editmetrics("score", "run", *option)
        assert result.ret == 2
        result.stderr.fnmatch_lines([f"*{option[0]} is for manifests, and run is not one"])


def test_a_pipe_that_ends_the_process_leaves_a_run_that_was_cut_off(score, suite):
    suite.makeconftest(
        (suite.path / "conftest.py").read_text().replace(
            "value = int(edited[0, 0, 0])",
            "value = int(edited[0, 0, 0])\n        if value == 77: raise KeyboardInterrupt",
        )
    )  # fmt: skip
    write_pairs(suite.path, [5, 6, 77, 8])
    result = score()
    assert result.ret == 130
    run = read_run(suite.path / "pairs-scored")
    assert [record.nodeid for record in run.gates] == ["manifest::row 0", "manifest::row 1"]
    assert not run.complete


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda outcomes: outcomes[:1], ["FAILED: the run was cut off: 2 rows have no result"]),
        (lambda outcomes: [outcomes[0], outcomes[0]], ["FAILED: scoring stopped: *measured twice",
                                                       "FAILED: *2 rows have no result"]),
    ],
)  # fmt: skip
def test_an_engine_that_loses_rows_never_ends_green(score, suite, monkeypatch, given, said):
    score_rows = local.score_rows
    monkeypatch.setattr(local, "score_rows", lambda *args: given(list(score_rows(*args))))
    write_pairs(suite.path, [5, 6, 7])
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(said)
    run = read_run(suite.path / "pairs-scored")
    assert len(run.gates) == 1
    assert not run.complete


def test_a_manifest_that_changes_meanwhile_leaves_a_run_that_was_cut_off(score, suite, monkeypatch):
    prepare = score_manifest.RowScorer

    def changing(*args):
        with (suite.path / "pairs.jsonl").open("a") as manifest:
            manifest.write("{}\n")
        return prepare(*args)

    monkeypatch.setattr(score_manifest, "RowScorer", changing)
    write_pairs(suite.path, [5])
    result = score()
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["FAILED: scoring stopped: pairs.jsonl:2: a row without 'reference'*"]
    )
    assert not read_run(suite.path / "pairs-scored").complete


def test_ctrl_c_ends_it_with_what_was_measured(score, suite):
    suite.makeconftest(
        (suite.path / "conftest.py").read_text().replace(
            "value = int(edited[0, 0, 0])",
            "import time; time.sleep(0.05); value = int(edited[0, 0, 0])",
        )
    )  # fmt: skip
    write_pairs(suite.path, [5] * 200)
    command = [sys.executable, "-m", "pytest_editmetrics.cli.main", "score", "pairs.jsonl"]
    with subprocess.Popen(
        command, cwd=suite.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        results = suite.path / "pairs-scored" / "results.jsonl"
        while not (results.exists() and results.read_bytes().count(b"\n") > 2):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    run = read_run(suite.path / "pairs-scored")
    assert 0 < len(run.gates) < 200
    assert not run.complete


def test_urls_are_opened_by_fsspec(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "a.png", 10, 32)
    with fsspec.open("memory://score/b.png", "wb") as file:
        file.write((tmp_path / "a.png").read_bytes())
    with fsspec.open("memory://score/lfs.png", "wb") as file:
        file.write(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "editmetrics.yaml").write_text("thresholds: {lpips: 0.1}\n")
    reference = f"file://{tmp_path}/a.png"
    write_rows(
        tmp_path,
        [{"reference": reference, "edited": f"memory://score/{n}.png"} for n in ("b", "lfs", "c")],
    )
    assert main(["score", "pairs.jsonl"]) == 1
    capsys.readouterr()
    same, pointer, gone = (record.gate for record in read_run(tmp_path / "pairs-scored").gates)
    assert (same.value, same.verdict) == (0.0, "pass")
    assert "git lfs pull" in pointer.message
    assert gone.message == "edited image memory://score/c.png: there is no such file"


# The thread that decodes


def test_it_keeps_the_order_and_works_ahead_by_no_more_than_asked():
    asked, made = [], []
    free = threading.Semaphore(0)

    def items():
        for number in range(10):
            asked.append(number)
            yield number

    def work(number: int) -> int:
        free.acquire()
        made.append(number)
        return -number

    found = []
    for _ in range(3):
        free.release()
    for item, result in look_ahead(items(), work, ahead=2):
        found.append((item, result))
        assert len(asked) <= item + 3
        free.release()
    assert found == [(number, -number) for number in range(10)]
    assert made == list(range(10))


def test_it_decodes_while_the_caller_works():
    threads = set()

    def work(number: int) -> int:
        threads.add(threading.current_thread().name)
        return number

    started = look_ahead(range(5), work, ahead=4)
    next(started)
    assert list(started) == [(n, n) for n in range(1, 5)]
    assert threads
    assert threading.current_thread().name not in threads


def test_what_goes_wrong_is_raised_in_its_place_and_ends_the_thread():
    def work(number: int) -> int:
        return 1 // (number - 2)

    found = []
    with pytest.raises(ZeroDivisionError):
        for item, _ in look_ahead(range(5), work, ahead=2):
            found.append(item)
    assert found == [0, 1]
    left = [thread.name for thread in threading.enumerate() if "editmetrics" in thread.name]
    assert left == []


def test_a_caller_that_stops_early_ends_the_thread():
    worked = []
    started = look_ahead(range(100), worked.append, ahead=3)
    next(started)
    started.close()
    assert len(worked) <= 5
    assert not [thread for thread in threading.enumerate() if "editmetrics" in thread.name]
