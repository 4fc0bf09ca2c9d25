"""Images written into a manifest as ``data:`` URLs: read, and never shown or stored whole."""

from __future__ import annotations

import base64
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import ConfigError, ImageError
from pytest_editmetrics.images.data_url import read_data_url, short
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.runs.folder import read_run

SETTINGS = "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 4}}\n"
SCENE = np.random.default_rng(8).integers(0, 200, (24, 32, 3), dtype=np.uint8)


def url(image: np.ndarray, kind: str = "PNG") -> str:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return f"data:image/{kind.lower()};base64," + base64.b64encode(file.getvalue()).decode()


def mask() -> np.ndarray:
    white = np.zeros((24, 32), np.uint8)
    white[4:12, 4:12] = 255
    return white


def show_no_long_url(text: str) -> None:
    for found in re.finditer(r"data:image", text):
        assert len(re.match(r"[\w:/;,+=.-]*", text[found.start() :]).group()) <= 200
    assert not re.search(r"[A-Za-z0-9+/]{200}", text)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "editmetrics.yaml").write_text(SETTINGS)
    return tmp_path


def score(folder, rows: list[dict], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (folder / "m.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    status = main(["score", "m.jsonl", "-o", "run", "--keep-images", "all"])
    shown = "".join(capsys.readouterr())
    show_no_long_url(shown)
    return status, shown


def test_rows_are_measured_and_results_hold_the_hash(folder, capsys) -> None:
    edited = SCENE.copy()
    edited[4:12, 4:12] = 255
    spilled = edited.copy()
    spilled[20, 20] += 50
    rows = [
        {"reference": url(SCENE), "edited": url(image), "coords": {"mask": url(mask())}}
        for image in (edited, spilled)
    ]
    status, _ = score(folder, rows, capsys)
    assert status == 1
    written = (folder / "run/results.jsonl").read_text()
    show_no_long_url(written)
    gates = {record.nodeid: record.gate for record in read_run(folder / "run").gates}
    assert [gate.value for gate in gates.values()] == [0, 50]
    assert [gate.details["manifest"]["edited"] for gate in gates.values()] == [
        short(row["edited"]) for row in rows
    ]
    assert list(gates) == [f"manifest::{short(row['edited'])}" for row in rows]
    assert main(["report", "run"]) == 0
    show_no_long_url("".join(capsys.readouterr()))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"edited": url(SCENE)[:-400]}, "is truncated or damaged"),
        ({"edited": url(SCENE)[:-401]}, "is truncated or damaged"),
        ({"edited": url(SCENE).replace("base64,", "base64,*")}, "base64 is cut off or damaged"),
        ({"coords": {"mask": url(SCENE)}}, "a mask in colour"),
        ({"id": url(SCENE)}, "m.jsonl:1: the id of a row is an image (data:image/png;base64,iVBO"),
        ({"edited": url(SCENE)[:900] + "\n" + url(SCENE)[900:]}, "control character"),
        ({"edited": [url(SCENE)]}, "m.jsonl:1: edited of a row must be text"),
        ({"refrence": url(SCENE)}, "unknown key 'refrence'"),
    ],
)
def test_what_is_wrong_with_one_is_said_in_short(folder, capsys, row: dict, says: str) -> None:
    status, shown = score(folder, [{"reference": url(SCENE), "edited": url(SCENE), **row}], capsys)
    assert status != 0
    assert says in shown


def test_forms_of_data_urls() -> None:
    whole = url(SCENE)
    head, _, body = whole.partition(",")
    for form in (
        whole,
        whole.replace("data:", "DATA:"),
        f"{head},{body.rstrip('=')}",
        f"{head},{body.replace('+', '-').replace('/', '_')}",
        f"{head},{body.replace('+', '%2B').replace('/', '%2F').replace('=', '%3D')}",
        f"data:;base64,{body}",
    ):
        np.testing.assert_array_equal(load_image(form), SCENE)
    assert read_data_url("data:,a%20b", "image") == b"a b"
    long = "data:," + "a" * 5000
    with pytest.raises(ImageError, match="is no image") as error:
        load_image(long)
    show_no_long_url(str(error.value))
    assert short("out/" + "a" * 300) == "out/" + "a" * 300, "paths stay whole"


def test_a_case_names_a_file_and_says_so_in_short(folder, capsys) -> None:
    from pytest_editmetrics.config.case_file import read_case_file
    from pytest_editmetrics.pipes.registry import PipeRegistry

    path = folder / "test_a.edit.yaml"
    path.write_text(f"cases: [{{id: a, reference: '{url(SCENE)}'}}]\n")
    with pytest.raises(
        ConfigError, match=r"reference is an image in place of a file's path"
    ) as error:
        read_case_file(path, PipeRegistry(), folder)
    show_no_long_url(str(error.value))
