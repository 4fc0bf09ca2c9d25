"""An edit area or a table of pairs is read for something else, so that less is measured"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from PIL import Image

COMMAND = "import sys; from pytest_editmetrics.cli.main import main; sys.exit(main())"
CASE = "cases: [{{id: a, reference: before.png, edited: after.png, coords: {}}}]\n"


@pytest.fixture
def pair(pytester):
    """An edit of the left half of 16x24 px that spills everywhere; a bound that this breaks."""
    before = np.random.default_rng(0).integers(0, 200, (16, 24, 3), np.uint8)
    after = before + 9
    after[:, :12] += 30
    soft = np.full((16, 24), 60, np.uint8)
    soft[:, :12] = 190
    for name, image in {"before": before, "copy": before, "after": after, "soft": soft}.items():
        Image.fromarray(image).save(pytester.path / f"{name}.png")
    pytester.makeini("[pytest]\n")
    (pytester.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: {max: 4}}\n"
    )
    return pytester


@pytest.mark.parametrize("invert", ["false", "true"])
def test_a_soft_mask(pair, assert_came, invert):
    """A mask has grey levels, all of which could count as inside."""
    (pair.path / "test_x.edit.yaml").write_text(
        CASE.format(f"{{mask: {{path: soft.png, invert: {invert}}}}}")
    )
    result = pair.runpytest_subprocess("-q")
    assert_came(result, 1, "*mask *soft.png: uint8 with the values 60, 190; a mask is boolean, *")


@pytest.mark.parametrize("invert", ["false", "true"])
def test_a_threshold_as_a_share(pair, assert_came, invert):
    """A threshold is written as a share, 0.5, below every level but 0."""
    (pair.path / "test_x.edit.yaml").write_text(
        CASE.format(f"{{mask: {{path: soft.png, threshold: 0.5, invert: {invert}}}}}")
    )
    result = pair.runpytest_subprocess("-q")
    assert_came(result, 2, "*test_x.edit.yaml:1: threshold is 0.5; give a whole number from 1 *")


def test_a_mask_whose_sides_are_swapped(pair, assert_came):
    """A COCO mask states its width before its height."""
    (pair.path / "test_x.edit.yaml").write_text(CASE.format("{size: [24, 16], counts: [0, 384]}"))
    result = pair.runpytest_subprocess("-q")
    assert_came(
        result, 1, "*the mask is 16x24 px, the image 24x16: *a size of counts or runs is * width?"
    )


def test_runs_of_another_size(pair, assert_came):
    """PIE-Bench's runs count in 512x512 px, and the image was resized."""
    runs = " ".join(f"{row * 512} 256" for row in range(512))
    coords = f"{{mask: {{size: [512, 512], runs: '{runs}'}}}}"
    (pair.path / "test_x.edit.yaml").write_text(CASE.format(coords))
    result = pair.runpytest_subprocess("-q")
    assert_came(result, 1, "*the mask is 512x512 px, the image 24x16: make the mask of the image*")


def score(pair, name: str, text: str, *options: str):
    (pair.path / name).write_text(text)
    return pair.run(sys.executable, "-c", COMMAND, "score", name, *options)


ROW = {"id": "a", "reference": "before.png", "edited": "copy.png"}


@pytest.mark.parametrize("name", ["m.csv", "m.jsonl"])
def test_a_column_that_is_misspelt(pair, assert_came, name):
    """A table's column is called `treshold`, and other columns than keys are allowed."""
    text = "id,reference,edited,treshold\na,before.png,after.png,0.1\n"
    if name == "m.jsonl":
        text = json.dumps({**ROW, "treshold": {"unedit_max_diff": 1}})
    result = score(pair, name, text)
    assert_came(
        result, 1, "*error: m.*:* unknown key 'treshold' in a row (did you mean 'threshold*"
    )


def test_a_column_that_is_not_there(pair, assert_came):
    """`--columns` names a column for the edit area that the table does not have."""
    result = score(pair, "m.jsonl", json.dumps({**ROW, "mask": "m.png"}), "--columns=coords=masks")
    assert_came(result, 1, "*error: m.jsonl:1: a row without 'masks', which --columns names for *")


def test_cells_that_are_shifted(pair, assert_came):
    """A comma in a cell of CSV is not quoted, and shifts the cells behind it."""
    text = "prompt,reference,edited\nred, please,before.png,after.png\n"
    result = score(pair, "m.csv", text)
    assert_came(result, 1, "*error: m.csv:2: 4 cells, and the first line names 3 columns; *")


def test_a_quote_that_is_not_closed(pair, assert_came):
    """A quote in a cell of CSV is never closed, and swallows the rows behind it."""
    text = 'id,reference,edited,prompt\na,before.png,before.png,"red\nb,before.png,after.png,\n'
    result = score(pair, "m.csv", text)
    assert_came(result, 1, "*error: m.csv:2: no CSV (*): double quotes stand around a whole cell*")


def test_columns_of_one_name(pair, assert_came):
    """Two columns of a table are called `edited`, and the last would win."""
    text = "id,reference,edited,edited\na,before.png,after.png,before.png\n"
    result = score(pair, "m.csv", text)
    assert_came(result, 1, "*error: m.csv:1: the column 'edited' is there twice")


def test_an_asset_root_of_a_run(pair, assert_came):
    """A run that is scored here brings a configuration with it, which allows every folder."""
    assert score(pair, "m.jsonl", json.dumps(ROW), "-o", "run").ret == 0
    (pair.path / "run/editmetrics.yaml").write_text("asset_roots: [/]\n")
    (pair.path / "run/test_x.edit.yaml").write_text(
        CASE.format("[]").replace("before.png", "../../etc/x.png")
    )
    result = pair.runpytest_subprocess("-q", "run/test_x.edit.yaml")
    assert_came(result, 2, "*lies outside *, the rootdir; if it belongs to the project, write *")
