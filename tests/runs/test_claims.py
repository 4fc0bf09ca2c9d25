"""Who writes what: nothing of anybody else is replaced, and one process writes at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from pytest_editmetrics.errors import EditMetricsError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.runs.claims import Claim, is_stream
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.runs.results import ResultsFile
from pytest_editmetrics.runs.writing import RunDir, RunResults

GATE = Gate("lpips", "pass", value=0.1, region={}, details={}, images={})


def results(path, **more):
    return ResultsFile(path, {}, "2026", **more)


# Nothing of anybody else


@pytest.mark.parametrize(
    "held",
    [
        b"def test_it(): ...\n",
        b"{}\n",
        b'{"record": "session", "schema": "other/results"}\n',
        b'[{"record": "session"}]\n',
        b"\xff\xfe\x00",
        b'{"record": "gate"}\n',
        b" ",
    ],
)
def test_a_file_that_holds_no_results_is_left(tmp_path, held):
    path = tmp_path / "mine"
    path.write_bytes(held)
    with pytest.raises(EditMetricsError, match="mine: the file holds something else, and nothing"):
        results(path)
    assert path.read_bytes() == held
    assert os.listdir(tmp_path) == ["mine"]


def test_a_file_that_is_reached_by_a_link_is_left_too(tmp_path):
    (tmp_path / "mine").write_text("years of work")
    (tmp_path / "link").symlink_to("mine")
    with pytest.raises(EditMetricsError, match="holds something else"):
        results(tmp_path / "link")


def test_an_empty_file_and_a_new_one_are_written(tmp_path):
    (tmp_path / "empty").touch()
    for name in ("empty", "new", "folder/new"):
        with results(tmp_path / name) as file:
            file.close({})
        assert read_run(tmp_path / name).complete


def test_a_pipe_takes_records_as_they_come(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    got = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_text()))
    reader.start()
    with results(tmp_path / "pipe") as file:
        file.close({})
    reader.join()
    assert [line[:12] for line in got[0].splitlines()] == ['{"record": "'] * 2
    assert os.listdir(tmp_path) == ["pipe"]


@pytest.mark.parametrize("name", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_a_device_is_a_stream_whatever_it_leads_to(name):
    assert is_stream(Path(name))


# What was there stays until something replaces it


def test_an_earlier_file_stays_until_the_first_record(tmp_path):
    path = tmp_path / "r.jsonl"
    with results(path) as file:
        file.gate("test_x.py::test_a", 1, True, "passed", GATE)
        file.close({})
    before = path.read_bytes()
    with results(path) as file:
        assert not file.begun
    assert path.read_bytes() == before
    with results(path) as file:
        file.close({})  # nothing ran
    assert path.read_bytes() == before
    with results(path) as file:
        file.begin()
        file.crashed("test_x.py::test_b")
    run = read_run(path)
    assert (run.gates, run.crashed, run.complete) == ((), ("test_x.py::test_b",), False)


def test_images_of_an_earlier_run_stay_until_the_new_one_ends(tmp_path):
    def gate(value):
        name = run_dir.save_image(np.full((2, 2), value, np.uint8))
        return Gate("lpips", "pass", images={"edited": name}), tmp_path / "run" / name

    run_dir = RunDir(tmp_path / "run")
    with RunResults(run_dir, {}, "2026") as file:
        first, old = gate(1)
        file.gate("test_x.py::test_a", 1, True, "passed", first)
        both, shared = gate(2)
        file.gate("test_x.py::test_b", 1, True, "passed", both)
        file.close({})
    before = run_dir.results_path.read_bytes()
    with RunResults(run_dir, {}, "2026") as file:
        gate(3)  # by a worker, whose gate has not come yet
    assert run_dir.results_path.read_bytes() == before
    assert old.exists()
    with RunResults(run_dir, {}, "2026") as file:
        second, new = gate(3)
        file.gate("test_x.py::test_a", 1, True, "passed", second)
        assert old.exists()
        file.gate("test_x.py::test_b", 1, True, "passed", both)
        file.close({})
    assert [path.exists() for path in (old, shared, new)] == [False, True, True]


# Nobody else meanwhile


def test_a_second_writer_is_told_who_holds_it(tmp_path):
    path = tmp_path / "r.jsonl"
    with results(path):
        before = path.read_bytes()
        for _ in range(2):
            with pytest.raises(
                EditMetricsError,
                match=rf"r.jsonl is being written by another session \(process {os.getpid()} on"
                r" .*, since 2.*\), and two would mix in it; wait",
            ):
                results(path)
        assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["r.jsonl"]
    with results(path) as file:
        file.close({})


def test_other_names_of_a_file_are_held_too(tmp_path):
    (tmp_path / "link.jsonl").symlink_to("r.jsonl")
    (tmp_path / "folder").symlink_to(tmp_path)
    with results(tmp_path / "r.jsonl"):
        for name in ("link.jsonl", "folder/r.jsonl"):
            with pytest.raises(EditMetricsError, match="being written by another session"):
                results(tmp_path / name)


def test_a_run_directory_is_held_by_whichever_option_names_it(tmp_path):
    run_dir = RunDir(tmp_path / "run")
    with RunResults(run_dir, {}, "2026"):
        for other in (lambda: results(run_dir.results_path), lambda: RunResults(run_dir, {}, "")):
            with pytest.raises(EditMetricsError, match="being written by another session"):
                other()


def test_a_writer_that_was_killed_holds_nothing(tmp_path):
    path = tmp_path / "r.jsonl"
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from pytest_editmetrics.runs.results import ResultsFile\n"
        "file = ResultsFile(Path(sys.argv[1]), {}, '2026')\nos.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)])
    assert killed.returncode == -9
    assert not read_run(path).complete
    with results(path) as file:
        file.begin()
        file.close({})
    assert read_run(path).complete
    assert os.listdir(tmp_path) == ["r.jsonl"]


def test_a_folder_that_was_killed_at_once_is_taken_again(tmp_path):
    (tmp_path / ".results.jsonl.lock").write_text("process 1 on nowhere")
    with RunResults(RunDir(tmp_path), {}, "2026") as file:
        file.close({})
    assert read_run(tmp_path).complete


def test_a_claim_is_let_go_once(tmp_path):
    claim = Claim(tmp_path / "x")
    claim.release()
    claim.release()
    Claim(tmp_path / "x").release()
    assert not os.listdir(tmp_path)
