"""``editmetrics score`` of tables as they are published: nothing is converted first."""

from __future__ import annotations

import csv
import io
import json

import icc
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.config.manifest import Manifest
from pytest_editmetrics.runs.folder import read_run

HF = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
SETTINGS = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 4}}\n"


def encoded(image: np.ndarray, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def pictures(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A reference, an edit of its left half, that spills by 9 where ``seed`` is odd; the mask."""
    reference = np.random.default_rng(seed).integers(0, 200, (12, 16, 3), np.uint8)
    edited = reference.copy()
    edited[:, :8] += 50
    if seed % 2:
        edited[3, 12] += 9
    mask = np.zeros((12, 16), np.uint8)
    mask[:, :8] = 200
    return reference, edited, mask


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "editmetrics.yaml").write_text(SETTINGS)
    return tmp_path


def gates(path) -> dict:
    return {record.nodeid: record.gate for record in read_run(path).gates}


@pytest.mark.long
def test_500_rows_of_parquet_are_scored_as_they_are(folder, capsys):
    rows = []
    for number in range(500):
        reference, edited, mask = pictures(number)
        rows.append(
            {
                "img_id": 1000 + number,
                "source_img": {"bytes": encoded(reference), "path": None},
                "target_img": {"bytes": encoded(edited), "path": f"{number}-out.png"},
                "coords": {"mask": {"path": {"bytes": encoded(mask), "path": None}, "threshold": 128}},
                "instruction": f"edit {number}",
                "turn": None if number % 3 else number,
            }
        )  # fmt: skip
    mask = pa.struct([("path", HF), ("threshold", pa.int32())])
    schema = pa.schema(
        [("img_id", pa.int64()), ("source_img", HF), ("target_img", HF),
         ("coords", pa.struct([("mask", mask)])),
         ("instruction", pa.large_string()), ("turn", pa.int64())]
    )  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows, schema), "test-00000-of-00001.parquet",
                   row_group_size=100)  # fmt: skip
    names = "id=img_id,reference=source_img,edited=target_img"
    assert main(["score", "test-00000-of-00001.parquet", "-o", "run", "--columns", names]) == 1
    out = capsys.readouterr().out
    assert "columns that are no keys, kept in the results: instruction, turn\n" in out
    found = gates(folder / "run")
    assert len(found) == 500
    for number in range(500):
        gate = found[f"manifest::{1000 + number}"]
        assert gate.value == 9 * (number % 2)
        assert gate.verdict == ("fail" if number % 2 else "pass")
        assert gate.details["measured_fraction"] == 0.5
    facts = found["manifest::1003"].details["manifest"]
    assert facts["columns"] == {"instruction": "edit 3", "turn": 3}
    assert facts["edited"].startswith("3-out.png (sha256 ")
    assert facts["row"] == "test-00000-of-00001.parquet:4"
    assert "turn" not in found["manifest::1001"].details["manifest"]["columns"]
    assert read_run(folder / "run").session["manifest"]["columns"]["id"] == "img_id"
    assert main(["report", "run"]) == 0


def test_bytes_with_a_profile_are_seen_or_numbers(folder, capsys):
    reference, _, _ = pictures(0)
    marked = io.BytesIO()
    profile = icc.rgb_profile("Display P3", icc.P3, icc.srgb_curve)
    Image.fromarray(reference).save(marked, "PNG", icc_profile=profile)
    row = {
        "reference": {"bytes": marked.getvalue(), "path": "r.png"},
        "edited": {"bytes": encoded(reference), "path": "e.png"},
    }
    rows = [{**row, "id": way or "unsaid", "colour": way} for way in ("seen", "numbers", None)]
    pq.write_table(pa.Table.from_pylist(rows), "pairs.parquet")
    main(["score", "pairs.parquet", "-o", "run"])
    found = {node.partition("::")[2]: gate.verdict for node, gate in gates(folder / "run").items()}
    assert found == {"seen": "fail", "numbers": "pass", "unsaid": "fail"}, capsys.readouterr().out
    (folder / "editmetrics.yaml").write_text(SETTINGS + "colour: numbers\n")
    main(["score", "pairs.parquet", "-o", "run"])
    found = {node.partition("::")[2]: gate.verdict for node, gate in gates(folder / "run").items()}
    assert found == {"seen": "fail", "numbers": "pass", "unsaid": "pass"}, capsys.readouterr().out


def test_images_of_csv_and_parquet_are_the_same(folder, capsys):
    """The same rows as CSV beside files, Parquet of paths, of bytes, and JSON Lines."""
    plain, held = [], []
    for number in range(4):
        reference, edited, _ = pictures(number)
        (folder / f"r{number}.png").write_bytes(encoded(reference))
        (folder / f"e{number}.png").write_bytes(encoded(edited))
        more = {"id": f"row {number}", "coords": [[0, 0, 8, 12]], "task": "style"}
        files = {"reference": f"r{number}.png", "edited": f"e{number}.png"}
        plain.append({**more, **files})
        held.append({**more, **{key: {"bytes": (folder / name).read_bytes(), "path": name} for key, name in files.items()}})  # fmt: skip
    with (folder / "a.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(plain[0]), delimiter=";")
        writer.writeheader()
        writer.writerows({**row, "coords": json.dumps(row["coords"])} for row in plain)
    pq.write_table(pa.Table.from_pylist(plain), folder / "b.parquet")
    pq.write_table(pa.Table.from_pylist(held), folder / "c.parquet")
    (folder / "d.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plain))
    values = []
    for name in ("a.csv", "b.parquet", "c.parquet", "d.jsonl"):
        assert main(["score", name, "-o", "run"]) == 1
        found = gates(folder / "run")
        values.append({node: (gate.value, gate.verdict, gate.details["manifest"]["columns"]) for node, gate in found.items()})  # fmt: skip
    assert values[0] == values[1] == values[2] == values[3]
    assert values[0]["manifest::row 1"] == (9.0, "fail", {"task": "style"})
    capsys.readouterr()


def test_bytes_that_are_no_image_are_an_error_of_their_row(folder, capsys):
    rows = [{"id": str(n), "reference": encoded(pictures(0)[0]), "edited": data}
            for n, data in enumerate((encoded(pictures(0)[0]), b"no image", encoded(pictures(0)[0])[:200]))]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), "m.parquet")
    assert main(["score", "m.parquet", "-o", "run"]) == 1
    found = gates(folder / "run")
    assert [gate.verdict for gate in found.values()] == ["pass", "error", "error"]
    assert found["manifest::1"].message.startswith("edited image 8 bytes (sha256 ")
    assert "is no image" in found["manifest::1"].message
    assert "is truncated" in found["manifest::2"].message
    capsys.readouterr()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("pairs.json", "pairs.json is no run and no manifest (a JSON array: `jq"),
        ("pairs.txt", "pairs.txt is no run and no manifest (those end in"),
        ("nowhere.json", "there is no run directory and no manifest nowhere.json; a manifest is"),
        ("nowhere", "there is no run directory and no manifest nowhere; a manifest is a table"),
        ("data", "data is a folder without results, so no run; a manifest is a table"),
        (".", ". is a folder without results, so no run; a manifest is a table"),
    ],
)
def test_other_forms_are_refused_in_one_line(folder, capsys, target, says):
    (folder / "pairs.json").write_text('[{"reference": "a.png", "edited": "b.png"}]')
    (folder / "pairs.txt").write_text("a.png b.png")
    (folder / "data").mkdir()
    (folder / "data" / "train-00000-of-00002.parquet").write_bytes(b"PAR1")
    assert main(["score", target]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"editmetrics: error: {says}")
    if target == "data":
        assert line.endswith("; it is one file, as data/train-00000-of-00002.parquet")
    assert not (folder / f"{target}-scored").exists()


def test_soft_masks_of_a_table_are_cut_as_the_command_says(folder, capsys):
    """Black is the left half; the third row says it itself, and the other way round."""
    reference, edited, mask = pictures(0)
    image = {"bytes": encoded(220 - mask), "path": None}
    rows = [{"id": str(n), "reference": encoded(reference), "edited": encoded(edited)} for n in range(2)]  # fmt: skip
    pq.write_table(pa.Table.from_pylist([{**row, "mask_img": image} for row in rows]), "m.parquet")
    names = ["m.parquet", "-o", "run", "--columns", "coords=mask_img"]
    assert main(["score", *names]) == 1
    assert {gate.verdict for gate in gates(folder / "run").values()} == {"error"}
    assert main(["score", *names, "--mask-threshold", "128", "--mask-invert"]) == 0
    assert [gate.value for gate in gates(folder / "run").values()] == [0, 0]
    assert main(["score", *names, "--mask-threshold", "128"]) == 1
    assert [gate.value for gate in gates(folder / "run").values()] == [50, 50]
    inner = pa.struct([("path", HF), ("threshold", pa.int32()), ("invert", pa.bool_())])
    for own, value in (({"invert": False}, 50), ({"threshold": 100, "invert": None}, 0)):
        table = [{**rows[0], "coords": {"mask": {"path": image, **own}}}]
        schema = [("id", pa.string()), ("reference", pa.binary()), ("edited", pa.binary()),
                  ("coords", pa.struct([("mask", inner)]))]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(table, pa.schema(schema)), "m.parquet")
        main(["score", "m.parquet", "-o", "run", "--mask-threshold", "128", "--mask-invert"])
        assert [gate.value for gate in gates(folder / "run").values()] == [value]
    capsys.readouterr()
    assert main(["score", *names, "--mask-threshold", "0"]) != 0
    assert "threshold is 0; give a whole number from 1 to 255" in capsys.readouterr().err
    assert main(["score", "run", "--mask-threshold", "0"]) == 2
    assert "--mask-threshold is for manifests" in capsys.readouterr().err


def test_columns_are_for_manifests(folder, capsys):
    (folder / "m.csv").write_text("source,edited\nr.png,e.png\n")
    (folder / "r.png").write_bytes(encoded(pictures(0)[0]))
    (folder / "e.png").write_bytes(encoded(pictures(0)[0]))
    assert main(["score", "m.csv", "--columns", "reference=source"]) == 0
    assert main(["score", "m-scored", "--columns", "reference=source"]) == 2
    assert "--columns is for manifests" in capsys.readouterr().err
    assert main(["score", "m.csv", "--columns", "refrence=source"]) == 2
    assert "a row has no 'refrence' (did you mean 'reference'?)" in capsys.readouterr().err


def test_rows_are_not_held(folder):
    """Ten times the rows are not ten times the memory: each is read as it is asked for."""
    import tracemalloc

    image = {"bytes": np.random.default_rng(0).bytes(50_000), "path": None}
    peaks = []
    for count in (64, 640):
        rows = [{"id": str(n), "reference": image, "edited": image} for n in range(count)]
        pq.write_table(pa.Table.from_pylist(rows), "m.parquet", row_group_size=64)
        manifest = Manifest(
            folder / "m.parquet", registry(), folder, lambda expect: (("lpips",), False)
        )
        tracemalloc.start()
        assert sum(1 for _ in manifest.rows()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def registry():
    from pytest_editmetrics.pipes.registry import PipeRegistry

    return PipeRegistry()
