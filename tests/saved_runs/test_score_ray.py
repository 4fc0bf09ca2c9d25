"""``editmetrics score --engine ray``: the same numbers from the actors of a real Ray cluster."""

from __future__ import annotations

import json
import pickle
import secrets
import subprocess
import sys
import tempfile
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.runs.folder import read_run
from pytest_editmetrics.saved_runs.engines import ray as engine

CLUSTER = """
import sys
import ray

context = ray.init(num_cpus=2, include_dashboard=False, object_store_memory=100_000_000,
                   logging_level="error", _temp_dir=sys.argv[1])
print("ADDRESS", context.address_info["gcs_address"], flush=True)
sys.stdin.read()
"""
POISON = 77


@pytest.fixture
def cluster(monkeypatch):
    """A Ray cluster of two CPUs in another process, which ``RAY_ADDRESS`` names."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    # the paths of Ray's sockets, which lie in its folder, may have 107 characters
    with tempfile.TemporaryDirectory(
        prefix="ray-", dir="/tmp", ignore_cleanup_errors=True
    ) as folder:
        command = [sys.executable, "-c", CLUSTER, folder]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            started = (line for line in process.stdout if line.startswith("ADDRESS"))
            monkeypatch.setenv("RAY_ADDRESS", next(started).split()[1])
            yield
            process.communicate(timeout=60)  # the end of its input ends the cluster
        assert process.returncode == 0


def save(path, pixels) -> None:
    Image.fromarray(pixels).save(path)


def write_pairs(folder) -> list[dict]:
    """Return rows of every kind: measured by LPIPS or the suite's pipe, failing, broken, a URL, cut."""
    noise = np.random.default_rng(0)
    rows = []
    for number in range(6):
        before = noise.integers(0, 255, (64, 80, 3), dtype=np.uint8)
        after = before.copy()
        after[:20, :20] = 255 - after[:20, :20]
        if number % 2:
            after[40 + number :, 60:] = 0
        after[0, 0] = number
        save(folder / f"r{number}.png", before)
        save(folder / f"e{number}.png", after)
        rows.append({"reference": f"r{number}.png", "edited": f"e{number}.png",
                     "coords": [[0, 0, 20, 20]], "metrics": ["lpips", "score"]})  # fmt: skip
    rows[2]["edited"] = f"file://{folder}/e2.png"
    rows[3]["thresholds"] = {"lpips": 5}
    save(folder / "e0.png", np.asarray(Image.open(folder / "e0.png"))[:, 4:76])
    rows[0]["resize"] = "crop-center"
    (folder / "e4.png").write_bytes(b"nothing that Pillow reads")
    return rows


@pytest.mark.slow
def test_a_cluster_measures_what_this_process_does(suite, cluster):
    """The row that ends its process is in Ray's manifest only; it must cost nothing but itself."""
    suite.makeconftest(
        (suite.path / "conftest.py").read_text().replace(
            "value = int(edited[0, 0, 0])",
            "value = int(edited[0, 0, 0])\n"
            f"        if value == {POISON}: import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
        )
    )  # fmt: skip
    (suite.path / "editmetrics.yaml").write_text("thresholds: {lpips: 0.1, score: 0.5}\n")
    rows = write_pairs(suite.path)

    def score(name: str, rows: list[dict], *args: str) -> pytest.RunResult:
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (suite.path / "pairs.jsonl").write_text(text)
        command = (sys.executable, "-m", "pytest_editmetrics.cli.main", "score", "pairs.jsonl")
        return suite.run(*command, "-o", name, "--keep-images", "failing", *args)

    assert score("local", rows).ret == 1
    save(suite.path / "poison.png", np.full((64, 80, 3), POISON, np.uint8))
    poison = {"reference": "r0.png", "edited": "poison.png", "metrics": ["score"]}
    result = score("ray", [*rows, poison], "--engine", "ray")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["FAILED: 2 gates fail", "FAILED: 3 gates could not be judged"])

    local, ray = read_run(suite.path / "local"), read_run(suite.path / "ray")
    assert local.complete
    assert ray.complete
    assert ray.session["manifest"] == {"path": "pairs.jsonl", "rows": 7, "engine": "ray"}
    found = {(record.nodeid, record.gate.metric): record for record in ray.gates}
    assert len(found) == len(ray.gates) == 13
    ended = found.pop(("manifest::poison.png", "score")).gate
    assert ended.verdict == "error"
    assert ended.message.startswith("measuring it alone ended 2 processes")
    assert found == {(record.nodeid, record.gate.metric): record for record in local.gates}
    assert {r.gate.verdict for r in local.gates} == {
        "pass",
        "fail",
        "error",
    }
    names = [sorted(path.name for path in (run.path / "images").iterdir()) for run in (local, ray)]
    assert names[0] == names[1] != []
    for name in names[0]:
        files = [(run.path / "images" / name).read_bytes() for run in (local, ray)]
        assert files[0] == files[1]


# Without a cluster


@pytest.fixture
def pairs(tmp_path, monkeypatch):
    """A project with one pair; the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "editmetrics.yaml").write_text("thresholds: {lpips: 0.1}\n")
    save(tmp_path / "a.png", np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "pairs.jsonl").write_text('{"reference": "a.png", "edited": "a.png"}\n')
    return tmp_path


def test_without_ray_the_command_that_installs_it_is_named(pairs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["score", "pairs.jsonl", "--engine", "ray"]) == 1
    assert "pip install 'pytest-editmetrics[ray]'" in capsys.readouterr().err
    assert not (pairs / "pairs-scored").exists()


@pytest.mark.parametrize(
    ("address", "says"),
    [(None, "cannot join a Ray cluster here"), ("10.0.0.1:6379", "the Ray cluster 10.0.0.1:6379")],
)
def test_without_a_cluster_it_is_said_how_to_start_one(pairs, monkeypatch, capsys, address, says):
    asked = []

    def init(address: str, **_: object) -> None:
        asked.append(address)
        raise ConnectionError("Could not find any running Ray instance.\nMore of it.")

    fake = SimpleNamespace(is_initialized=lambda: False, init=init, __path__=[])
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.setitem(sys.modules, "ray.data", SimpleNamespace())
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if address:
        monkeypatch.setenv("RAY_ADDRESS", address)
    assert main(["score", "pairs.jsonl", "--engine", "ray"]) == 1
    assert asked == ["auto"]
    err = capsys.readouterr().err
    assert says in err
    assert "`ray start --head`" in err
    assert not (pairs / "pairs-scored").exists()


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ({"CPU": 16.0}, (16, {"num_cpus": 1.0})),
        ({"CPU": 64.0, "GPU": 8.0}, (8, {"num_gpus": 1.0})),
        ({"CPU": 0.5}, (1, {"num_cpus": 1.0})),
        ({}, (1, {"num_cpus": 1.0})),
    ],
)
def test_actors_are_as_many_as_the_cluster_has_room_for(resources, expected):
    assert engine._size(resources) == expected


# One actor, in this process


class Remote:
    """A handle of an actor whose calls happen at once."""

    def __init__(self, actor: object):
        self._actor = actor

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(remote=getattr(self._actor, name))


class Scorer:
    """Decodes a row to its number and scores it by that; notes what it decoded."""

    decoded: ClassVar[list[int]] = []

    def keep_in(self, folder) -> None:
        pass

    def decode(self, row) -> int:
        self.decoded.append(row.number)
        return row.number

    def score(self, decoded) -> list[SimpleNamespace]:
        values = [pair for _, pair in decoded]
        if POISON in values:
            raise SystemExit
        return [SimpleNamespace(value=str(value), gates=()) for value in values]


@pytest.fixture
def run(monkeypatch):
    """Score a chunk with an actor that shares its journal with the earlier ones."""
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=lambda value: value))
    monkeypatch.setattr(Scorer, "decoded", [])
    journal = Remote(engine.Journal())

    def run(*numbers: int) -> list[str]:
        actor = engine.RowActor(pickle.dumps(Scorer()), journal)
        rows = [SimpleNamespace(id=f"row {number}", number=number) for number in numbers]
        table = actor(pa.table({"rows": [pickle.dumps(rows)]}))
        sent = [pickle.loads(each)[0] for each in table.column("outcome").to_pylist()]
        return [outcome.value for outcome in sent]

    return run


def test_a_row_that_ends_its_process_is_blamed_and_not_its_neighbours(run):
    for _ in range(1 + engine.TRIES):
        with pytest.raises(SystemExit):
            run(1, 2, POISON, 3)
    one, two, ended, three = run(1, 2, POISON, 3)
    assert (one, two, three) == ("1", "2", "3")
    assert ended.startswith(f"measuring it alone ended {engine.TRIES} processes")


def test_a_chunk_that_ended_a_process_is_decoded_row_by_row(run):
    with pytest.raises(SystemExit):
        run(POISON, 1, 2)
    assert len(Scorer.decoded) > 1
    Scorer.decoded.clear()
    with pytest.raises(SystemExit):
        run(POISON, 1, 2)
    assert Scorer.decoded == [POISON]
