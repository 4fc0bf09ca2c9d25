"""Run directories: images by content, results read back, everything wrong named by file and line."""

from __future__ import annotations

import json
import multiprocessing
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.errors import EditMetricsError, InputError
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.runs.folder import is_run_dir, read_run
from pytest_editmetrics.runs.writing import RunDir, RunResults

IMAGE = np.arange(5 * 4 * 3, dtype=np.uint8).reshape(5, 4, 3)


def write(path: Path, *gates: Gate, close: bool = True) -> RunDir:
    run_dir = RunDir(path)
    with RunResults(run_dir, {"torch": "2"}, "2026-01-02T03:04:05+00:00") as results:
        results.begin()
        for number, gate in enumerate(gates):
            results.gate(f"test_x.py::test_{number}", 1, True, "passed", gate)
        if close:
            results.close({"gates": len(gates)})
    return run_dir


def test_a_run_that_lost_a_gates_line_is_not_complete(tmp_path):
    write(tmp_path, Gate("lpips", "pass"), Gate("emd", "fail"))
    assert read_run(tmp_path).complete
    results = tmp_path / "results.jsonl"
    lines = results.read_text(encoding="utf-8").splitlines(keepends=True)
    results.write_text("".join(line for line in lines if '"fail"' not in line), encoding="utf-8")
    run = read_run(tmp_path)
    assert not run.complete
    assert [one.gate.metric for one in run.gates] == ["lpips"]
    assert run.end == {}


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 3), (5, 4, 4)])
def test_an_image_is_kept_losslessly_and_once(tmp_path, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    run_dir = RunDir(tmp_path)
    name = run_dir.save_image(pixels)
    before = (tmp_path / name).stat().st_mtime_ns
    assert run_dir.save_image(pixels.copy(order="F")) == name
    assert (tmp_path / name).stat().st_mtime_ns == before
    with Image.open(tmp_path / name) as image:
        assert (np.asarray(image) == pixels).all()
    assert [path.name for path in (tmp_path / "images").iterdir()] == [name.partition("/")[2]]


def test_the_name_tells_shapes_apart(tmp_path):
    zeros = np.zeros(24, np.uint8)
    shapes = [(4, 6), (6, 4), (2, 4, 3), (2, 3, 4), (4, 2, 3)]
    assert len({RunDir(tmp_path).save_image(zeros.reshape(shape)) for shape in shapes}) == 5


@pytest.mark.parametrize("array", [IMAGE / 255, IMAGE[None], IMAGE[..., :2], IMAGE.ravel()])
def test_what_is_no_image_is_refused(tmp_path, array):
    with pytest.raises(InputError, match="keeps uint8 images"):
        RunDir(tmp_path).save_image(array)


def _save(path: str) -> None:
    for level in range(20):
        RunDir(Path(path)).save_image(np.full((64, 64, 3), level, np.uint8))


def test_processes_may_save_the_same_images_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_save, args=(str(tmp_path),)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    images = sorted((tmp_path / "images").iterdir())
    assert len(images) == 20
    assert all(load_image(path).shape == (64, 64, 3) for path in images)


def test_a_disk_error_leaves_nothing_half_written(tmp_path, monkeypatch):
    def fail(*args: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space"):
        RunDir(tmp_path).save_image(IMAGE)
    assert not list((tmp_path / "images").iterdir())


# Preparing


def test_an_earlier_run_is_replaced_and_nothing_else(tmp_path):
    run_dir = write(tmp_path / "run")
    run_dir.save_image(IMAGE)
    report = '<meta name="generator" content="pytest-editmetrics">'
    (run_dir.path / "report.html").write_text(report)
    mine = [run_dir.path / "notes.txt", run_dir.path / "images" / "mine.png"]
    for path in mine:
        path.write_text("mine")
    (run_dir.path / "images" / f".{'0' * 20}.png.{'0' * 8}.tmp").write_text("killed")
    write(tmp_path / "run")
    assert sorted(path for path in run_dir.path.rglob("*") if path.is_file()) == sorted(
        [*mine, run_dir.results_path]
    )


def test_a_run_that_was_killed_at_its_start_is_replaced(tmp_path):
    RunDir(tmp_path).prepare()
    RunDir(tmp_path).results_path.touch()
    kept = tmp_path / RunDir(tmp_path).save_image(IMAGE)
    write(tmp_path)
    assert not kept.exists()
    assert read_run(tmp_path).complete


def test_a_report_that_is_not_ours_stays_in_a_run(tmp_path):
    run_dir = write(tmp_path / "run")
    (run_dir.path / "report.html").write_text("mine")
    write(tmp_path / "run")
    assert (run_dir.path / "report.html").read_text() == "mine"


@pytest.mark.parametrize("damage", [b"", b"\x89PNG\r\n\x1a\n"])
def test_an_image_that_lost_its_end_is_written_again(tmp_path, damage):
    run_dir = RunDir(tmp_path)
    target = tmp_path / run_dir.save_image(IMAGE)
    whole = target.read_bytes()
    for again in (
        lambda: run_dir.save_image(IMAGE),
        lambda: run_dir.add_file(f"images/{target.name}", whole),
    ):
        target.write_bytes(damage)
        again()
        assert target.read_bytes() == whole


@pytest.mark.parametrize("name", ["thesis.tex", "results.jsonl", "images"])
def test_a_folder_that_is_no_run_is_refused_and_left_alone(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(EditMetricsError, match="is no run directory, so nothing in it is replaced"):
        RunDir(tmp_path).prepare()
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize("link", ["results.jsonl", "images"])
def test_a_run_with_links_is_never_written_through(tmp_path, link):
    run_dir = write(tmp_path / "run")
    run_dir.save_image(IMAGE)
    target = tmp_path / "elsewhere"
    (run_dir.path / link).rename(target)
    (run_dir.path / link).symlink_to(target)
    assert not is_run_dir(run_dir.path)
    with pytest.raises(EditMetricsError, match="no run directory"):
        run_dir.prepare()


def test_a_path_that_cannot_be_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EditMetricsError, match="cannot write the run directory"):
        RunDir(tmp_path / "file" / "run").prepare()


# Reading

numbers = st.none() | st.floats()
texts = st.none() | st.text()
gates = st.builds(
    Gate,
    metric=st.text(min_size=1),
    verdict=st.sampled_from(["pass", "fail", "unmeasured", "missing-golden", "recorded", "error"]),
    name=texts,
    value=numbers,
    distance=numbers,
    message=texts,
    details=st.dictionaries(st.text(), st.integers() | st.text()),
    weights=st.just(({"name": "lpips:alex", "sha256": "0", "smoke": False},)),
    region=st.just({"coords": [[1, 2, 3, 4]], "width": 8}),
    snapshot=st.none() | st.just({"file": "tests/goldens/x.png"}),
)


@settings(deadline=None)
@given(gate=gates)
def test_what_was_written_is_read_back(gate, tmp_path_factory):
    path = tmp_path_factory.mktemp("run")
    write(path, gate)
    run = read_run(path)
    assert run.complete
    assert run.path == path
    assert run.session["started"] == "2026-01-02T03:04:05+00:00"
    assert repr(run.gates[0].gate) == repr(gate)  # NaN is not equal to itself
    assert (run.gates[0].nodeid, run.gates[0].outcome) == ("test_x.py::test_0", "passed")
    results = path / "results.jsonl"
    assert repr(read_run(results)) == repr(replace(run, given=results))


def test_a_run_without_its_end_is_incomplete(tmp_path):
    run_dir = write(tmp_path, Gate("lpips", "pass"), Gate("emd", "pass"), close=False)
    assert not read_run(tmp_path).complete
    text = run_dir.results_path.read_text()
    run_dir.results_path.write_text(text[:-30])
    cut = read_run(tmp_path)
    assert not cut.complete
    assert [record.gate.metric for record in cut.gates] == ["lpips"]


def damaged(tmp_path: Path, change) -> Path:
    run_dir = write(tmp_path, Gate("lpips", "pass", value=0.5))
    lines = [json.loads(line) for line in run_dir.results_path.read_text().splitlines()]
    changed = change(lines) or lines
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in changed)
    run_dir.results_path.write_text(text)
    return run_dir.results_path


def put(number: int, **values: object):
    return lambda lines: lines[number].update(values)


@pytest.mark.parametrize(
    ("change", "line", "says"),
    [
        (put(0, version=2), 1, "version 2 is newer than this pytest-editmetrics reads"),
        (put(0, version="1"), 1, "version is '1', not a number"),
        (put(0, started={}), 1, "started is {}, not a text"),
        (put(1, details={"share": "x"}), 2, "share is 'x', not a number"),
        (put(0, schema="other"), 1, "not a results file: no session line"),
        (lambda lines: lines[1:], 1, "not a results file: no session line"),
        (lambda lines: [lines[0], "{cut", lines[2]], 2, "not a record"),
        (lambda lines: [lines[0], "[" * 100_000, lines[2]], 2, "not a record"),
        (lambda lines: [lines[0], "7", lines[2]], 2, "no JSON object"),
        (lambda lines: [*lines, lines[1]], 4, "a record after the end"),
        (lambda lines: lines + lines, 4, "a record after the end"),
        (put(1, record="party"), 2, "unknown record 'party'"),
        (put(1, nodeid=None), 2, "nodeid is None"),
        (put(1, attempt=0), 2, "attempt is 0"),
        (put(1, attempt=True), 2, "attempt is True"),
        (put(1, final="yes"), 2, "final is 'yes'"),
        (put(1, outcome="a\nb"), 2, "outcome is 'a"),
        (put(1, verdict="great"), 2, "verdict cannot be 'great'"),
        (put(1, verdict=[1]), 2, r"verdict cannot be \[1\]"),
        (lambda lines: lines[1].pop("metric") and None, 2, "a gate without its metric"),
        (put(1, metric=None), 2, "metric cannot be None"),
        (put(1, value="0.5"), 2, "value cannot be '0.5'"),
        (put(1, value=[]), 2, r"value cannot be \[\]"),
        (put(1, bound=True), 2, "bound cannot be True"),
        (put(1, details=[]), 2, r"details cannot be \[\]"),
        (put(1, images=None), 2, "images cannot be None"),
        (put(1, weights=["x"]), 2, r"weights cannot be \['x'\]"),
        (put(1, weights=[{}]), 2, r"weights cannot be \[\{\}\]"),
        (put(1, weights=[{"name": "lpips:alex", "sha256": 7}]), 2, "weights cannot be"),
        (put(1, smoke=0), 2, "smoke cannot be 0"),
        (put(1, message=5), 2, "message cannot be 5"),
        (put(1, images={"edited": "../../secret.png"}), 2, "'../../secret.png' is not the path"),
        (put(1, images={"edited": f"images/{'0' * 20}.png\n"}), 2, "is not the path of an image"),
        (put(1, images={"heat": {"lpips": "/etc/passwd"}}), 2, "'/etc/passwd' is not the path"),
        (put(1, images={"crops": [["images/x"]]}), 2, "'images/x' is not the path"),
        (put(1, images={"crops": 5}), 2, "5 is not the path"),
        (put(1, images={"heat": 5}), 2, "5 is not the path"),
        (put(1, region={"coords": "/etc/passwd"}), 2, "coords are no boxes"),
        (put(1, region={"coords": {"mask": "../m.png"}}), 2, "coords are no boxes"),
        (put(1, region={"coords": {"mask": {"path": "m.png"}}}), 2, "coords are no boxes"),
        (put(1, region={"coords": [[0, 0, 4, 4], {"mask": "m.png"}]}), 2, "coords are no boxes"),
        (put(1, region={"coords": {"united": [{"mask": "m.png"}]}}), 2, "coords are no boxes"),
        (put(1, region={"coords": json.loads("[" * 300 + "]" * 300)}), 2, "coords are no boxes"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_record_is_named(tmp_path, change, line, says):
    path = damaged(tmp_path, change)
    with pytest.raises(EditMetricsError, match=rf"^{path}:{line}: .*{says}"):
        read_run(tmp_path)


@pytest.mark.parametrize("content", ["", "no results\n", "PK\x03\x04", "{", "{}\n"])
def test_what_is_no_results_file(tmp_path, content):
    (tmp_path / "r.jsonl").write_text(content)
    with pytest.raises(EditMetricsError, match=r"r\.jsonl.*(not a results file|not a record)"):
        read_run(tmp_path / "r.jsonl")


def test_what_cannot_be_read(tmp_path):
    with pytest.raises(EditMetricsError, match=r"cannot be read.*--editmetrics-run-dir"):
        read_run(tmp_path / "nothing")
    (tmp_path / "results.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(EditMetricsError, match="not UTF-8"):
        read_run(tmp_path)


def test_a_later_release_may_add_keys(tmp_path):
    path = damaged(tmp_path, put(1, added={"x": 1}))
    assert read_run(path).gates[0].gate.value == 0.5


def test_numbers_that_json_cannot_hold_or_float_cannot(tmp_path):
    path = damaged(tmp_path, put(1, value="-Infinity", bound=10**400, distance=3))
    gate = read_run(path).gates[0].gate
    assert (gate.value, gate.bound, gate.distance) == (float("-inf"), float("inf"), 3.0)


def test_a_folder_of_runs_names_them(tmp_path):
    for name in ("1", "2"):
        write(tmp_path / "seeds" / name)
    (tmp_path / "seeds/notes").mkdir()
    seeds = re.escape(str(tmp_path / "seeds"))
    said = rf"cannot be read .*\. {seeds} holds 2 runs: give one of them, as {seeds}/1; calibrate"
    with pytest.raises(EditMetricsError, match=said):
        read_run(tmp_path / "seeds")
    with pytest.raises(EditMetricsError, match=r"results=PATH\)$"):
        read_run(tmp_path / "seeds/notes")


def test_images_are_found_in_the_run_only(tmp_path):
    run_dir = write(tmp_path / "run")
    name = run_dir.save_image(IMAGE)
    run = read_run(run_dir.path)
    assert run.image_path(name) == run_dir.path / name
    secret = tmp_path / "secret.png"
    secret.write_text("x")
    link = f"images/{'0' * 20}.png"
    (run_dir.path / link).symlink_to(secret)
    for bad in (
        link,
        f"images/{'1' * 20}.png",
        "../secret.png",
        str(secret),
        "images/../../secret.png",
    ):
        with pytest.raises(EditMetricsError, match="the run directory has no image"):
            run.image_path(bad)
