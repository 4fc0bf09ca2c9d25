"""Manifests: what a row may hold, and that every other row is an error with its line."""

from __future__ import annotations

import io
import json
import re
import shlex
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.cli.main import make_parser
from pytest_editmetrics.config import manifest
from pytest_editmetrics.config.manifest import ROW, Manifest, Row
from pytest_editmetrics.errors import ConfigError, EditMetricsError, ImageError, InputError
from pytest_editmetrics.images.remote import read_url
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

REGISTRY = PipeRegistry()
PAIR = {"reference": "a.png", "edited": "b.png"}


def rows_of(path) -> list[Row]:
    return list(Manifest(path, REGISTRY, path.parent, lambda expect: (("lpips",), False)).rows())


@pytest.fixture
def read(tmp_path):
    def read(*rows: object) -> list[Row]:
        path = tmp_path / "pairs.jsonl"
        lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
        path.write_bytes("\n".join(lines).encode("utf-8", "surrogateescape"))
        return rows_of(path)

    return read


FULL = {
    "id": "red mug (v2)",
    "reference": "memory://bucket/a.png",
    "edited": "/data/b.png",
    "coords": [[120, 80.5, 300, 260]],
    "ref_boxes": [[1, 2, 3, 4]],
    "edited_boxes": [[2, 3, 4, 5]],
    "metrics": ["emd", "sam_clip_cls_sim"],
    "thresholds": {"emd": {"max": 5}, "sam_clip_cls_sim": 0.9},
    "resize": "reference",
    "colour": "numbers",
}


def test_a_row_holds_what_is_written(read, tmp_path):
    row, plain = read(FULL, PAIR)
    assert row == Row(
        id="red mug (v2)",
        reference="memory://bucket/a.png",
        edited="/data/b.png",
        folder=str(tmp_path),
        coords=((120, 80.5, 300, 260),),
        ref_boxes=((1, 2, 3, 4),),
        edited_boxes=((2, 3, 4, 5),),
        metrics=("emd", "sam_clip_cls_sim"),
        thresholds={
            "emd": Threshold("max", 5.0, "case", "pairs.jsonl:1"),
            "sam_clip_cls_sim": Threshold("min", 0.9, "case", "pairs.jsonl:1"),
        },
        resize="reference",
        aspect=None,
        expect=None,
        colour="numbers",
        where="pairs.jsonl:1",
    )
    assert (plain.id, plain.metrics, plain.thresholds) == ("b.png", ("lpips",), {})
    assert (plain.coords, plain.resize, plain.where) == (None, None, "pairs.jsonl:2")


def test_lines_without_text_and_nulls_and_a_mark_of_utf_8_are_left_out(read):
    row, other = read(
        "\ufeff" + json.dumps({**PAIR, "coords": None}), "", "  ", {**PAIR, "id": "x"}
    )
    assert row.coords is None
    assert other.where == "pairs.jsonl:4"


def test_parquet_holds_the_same(read, tmp_path):
    written = read(FULL)
    bounds = pa.map_(pa.string(), pa.struct([("max", pa.float64())]))
    full = {**FULL, "thresholds": None}
    pair = {**PAIR, "coords": [[0, 0, 4, 4]], "thresholds": [("lpips", {"max": 0.1})]}
    schema = pa.schema(
        [(name, pa.string()) for name in ("id", "reference", "edited", "resize")]
        + [
            (name, pa.list_(pa.list_(pa.float64())))
            for name in ("coords", "ref_boxes", "edited_boxes")
        ]
        + [("metrics", pa.list_(pa.string())), ("thresholds", bounds)]
    )
    path = tmp_path / "pairs.parquet"
    pq.write_table(pa.Table.from_pylist([full, pair], schema), path)
    first, second = rows_of(path)
    assert (first.coords, first.metrics) == (written[0].coords, written[0].metrics)
    assert second.thresholds == {"lpips": Threshold("max", 0.1, "case", "pairs.parquet:2")}

    structs = [{**PAIR, "id": "y", "thresholds": {"lpips": 0.1, "emd": None}},
               {**PAIR, "id": "x", "thresholds": {"lpips": None, "emd": None}}]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(structs), path)
    first, second = rows_of(path)
    assert list(first.thresholds) == ["lpips"]
    assert second.thresholds == {}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", r"not valid JSON \(.*column 2\)"),
        ('{"a": NaN}', "NaN is no number of JSON"),
        ('{"a": 1, "a": 2}', "the key 'a' is written twice"),
        ('{"x": {"a": 1, "a": 2}}', "the key 'a' is written twice"),
        ("[" * 200_000, "nested too deep"),
        ('{"coords": ' + "[" * 500 + "]" * 500 + "}", "nested"),
        ('{"a": ' + "1" * 5000 + "}", "digits"),
        ("[1, 2]", r"a JSON object on a line of its own, not '\[1, 2\]'"),
        ("\udcff", "not UTF-8 text"),
        ({**PAIR, "refrence": "a"}, r"unknown key 'refrence' in a row \(did you mean 'reference'\?\)"),
        ({"edited": "b.png"}, "a row without 'reference'"),
        ({"reference": "a.png", "edited": None}, "a row without 'edited'"),
        ({**PAIR, "edited": 3}, "edited of a row must be text, not 3"),
        ({**PAIR, "edited": "a\nb"}, "control character"),
        ({**PAIR, "id": ""}, "the id of a row is empty"),
        ({**PAIR, "id": "a::b"}, "has a '::' in it"),
        ({**PAIR, "coords": [1, 2, 3, 4]}, r"must be a list of boxes"),
        ({**PAIR, "coords": [[3, 0, 1, 4]]}, r"coords: box 1 \(3, 0, 1, 4\) is inverted"),
        ({**PAIR, "coords": [[0.1, 0, 0.5, 1]]}, "looks like fractions"),
        ({**PAIR, "coords": [[0, 0, 1, "4"]]}, "a number of coords must be a number"),
        ({**PAIR, "ref_boxes": [[0, 0, 1, 4]]}, "there are 1 and 0"),
        ({**PAIR, "metrics": ["lpip"]}, r"a metric cannot be 'lpip' \(did you mean 'lpips'\?\)"),
        ({**PAIR, "metrics": []}, "metrics is empty"),
        ({**PAIR, "metrics": ["sam_clip_cls_sim"]}, "needs ref_boxes and edited_boxes"),
        ({**PAIR, "thresholds": {"lpip": 1}}, r"unknown metric 'lpip' \(did you mean 'lpips'\?\)"),
        ({**PAIR, "thresholds": {"lpips": {"min": 1}}}, "'min' on lpips, which is lower-is-better"),
        ({**PAIR, "thresholds": {"emd": 1}}, "a threshold of emd, which this row does not measure"),
        ({**PAIR, "resize": "refernce"}, r"resize cannot be .* \(did you mean 'reference'\?\)"),
        ({**PAIR, "edited": "memry://b.png"}, r"nothing opens memry:// URLs \(did you mean 'memory'\?\)"),
        ({**PAIR, "edited": "a.png", "reference": "abfs://c/a.png"}, "package that opens abfs:// URLs is missing.*adlfs"),
    ],
)  # fmt: skip
def test_a_broken_row_is_an_error_with_its_line(read, row, says):
    with pytest.raises(ConfigError, match=rf"^pairs\.jsonl:2: .*{says}"):
        read({**PAIR, "id": "first"}, row, {**PAIR, "id": "third"})


def test_ids_are_unique_stated_or_not(read):
    with pytest.raises(ConfigError, match=r"^pairs\.jsonl:2: the id 'x' is taken, on line 1"):
        read({**PAIR, "id": "x"}, {**PAIR, "id": "x"})
    with pytest.raises(
        ConfigError, match=r":2: the id 'b\.png' \(its edited image; it states none"
    ):
        read(PAIR, {**PAIR, "coords": [[0, 0, 1, 1]]})


def test_an_empty_manifest_is_an_error(read):
    with pytest.raises(ConfigError, match=r"^pairs\.jsonl: no rows"):
        read("", "")


def test_what_is_no_manifest_is_an_error(tmp_path):
    for name, says in (("gone.jsonl", "there is no run directory and no manifest"),
                       ("pairs.txt", r"\.jsonl, \.ndjson, \.csv, \.tsv, \.parquet, \.pq")):  # fmt: skip
        path = tmp_path / name
        if says.startswith("\\"):
            path.touch()
        with pytest.raises(InputError, match=says):
            rows_of(path)


def test_what_is_no_parquet_is_an_error(tmp_path):
    path = tmp_path / "pairs.parquet"
    path.write_text("reference,edited")
    with pytest.raises(ConfigError, match=r"^pairs\.parquet: cannot be read as Parquet"):
        rows_of(path)
    pq.write_table(pa.table({"reference": ["a.png"], "edited": ["b.png"], "coord": [1]}), path)
    with pytest.raises(ConfigError, match=r"^pairs\.parquet:1: unknown key 'coord'"):
        rows_of(path)


def test_parquet_without_pyarrow_names_the_command(tmp_path, monkeypatch):
    path = tmp_path / "pairs.parquet"
    path.touch()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(EditMetricsError, match=r"pip install 'pytest-editmetrics\[parquet\]'"):
        rows_of(path)


def test_rows_are_read_as_they_are_asked_for(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(PAIR) + "\nbroken\n")
    rows = Manifest(path, REGISTRY, tmp_path, lambda expect: (("lpips",), False)).rows()
    assert next(rows).edited == "b.png"
    with pytest.raises(ConfigError, match=":2: "):
        next(rows)


shown = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters=":")
names = st.text(shown, min_size=1, max_size=8).filter(str.isprintable)
numbers = st.integers(0, 5000)
box = st.tuples(numbers, numbers, numbers, numbers).map(
    lambda b: [min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])]
)
good = st.fixed_dictionaries(
    {"reference": names, "edited": names},
    optional={
        "coords": st.none() | st.lists(box, max_size=3),
        "metrics": st.none() | st.lists(st.sampled_from(["lpips", "emd"]), min_size=1, unique=True),
        "resize": st.sampled_from([None, "reference"]),
    },
)


@given(st.lists(good, min_size=1, max_size=5))
def test_jsonl_and_parquet_agree(tmp_path_factory, entries):
    folder = tmp_path_factory.mktemp("manifest")
    entries = [{"id": f"row {number}", **entry} for number, entry in enumerate(entries)]
    (folder / "a.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    schema = pa.schema(
        [(name, pa.string()) for name in ("id", "reference", "edited", "resize")]
        + [("coords", pa.list_(pa.list_(pa.int64()))), ("metrics", pa.list_(pa.string()))]
    )
    pq.write_table(pa.Table.from_pylist(entries, schema), folder / "a.parquet")
    lines, table = rows_of(folder / "a.jsonl"), rows_of(folder / "a.parquet")
    places = [row.where for row in table]
    assert places == [f"a.parquet:{number}" for number in range(1, len(entries) + 1)]
    assert [vars(row) | {"where": ""} for row in lines] == [
        vars(row) | {"where": ""} for row in table
    ]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=4)
                    | st.dictionaries(st.sampled_from([*FULL, "max", "lpips"]), inner, max_size=4)))  # fmt: skip
def test_any_row_is_read_or_refused_with_its_line(tmp_path_factory, row):
    path = tmp_path_factory.mktemp("manifest") / "a.jsonl"
    path.write_text(json.dumps(row))
    try:
        rows = rows_of(path)
    except ConfigError as error:
        said = str(error)
    else:
        said = rows[0].where + ": "
    assert said.startswith("a.jsonl:1: ")


def test_a_url_that_cannot_be_read_is_an_error_that_names_it():
    with pytest.raises(
        ImageError, match=r"^edited image memory://gone\.png: there is no such file"
    ):
        read_url("memory://gone.png", "edited image")
    with pytest.raises(
        ImageError, match=r"^edited image http://127\.0\.0\.1:9/a\.png: cannot be read"
    ):
        read_url("http://127.0.0.1:9/a.png", "edited image")


def test_a_stream_is_read_to_its_end(monkeypatch):
    """As fsspec gives an HTTP answer without a length: what has arrived so far."""

    class Stream(io.BytesIO):
        def read(self, size=-1):
            return super().read(min(size, 1000))

    monkeypatch.setattr("fsspec.open", lambda url, mode: Stream(b"x" * 5500))
    assert read_url("http://host/a.png", "edited image") == b"x" * 5500
    monkeypatch.setattr("pytest_editmetrics.images.remote.MOST_BYTES", 5000)
    with pytest.raises(ImageError, match="is larger than"):
        read_url("http://host/a.png", "edited image")


DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "score.md"


def test_what_the_documentation_shows_is_valid(tmp_path):
    text = DOCS.read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    (tmp_path / "pairs.jsonl").write_text(example.replace("s3://", "memory://"))
    assert len(rows_of(tmp_path / "pairs.jsonl")) == 2
    table = re.findall(r"^\| (`.*?`) \|", text, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", "".join(table))) == set(ROW.names)
    shell = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL))
    commands = re.findall(
        r"\beditmetrics (.*?)(?: #|$)", shell.replace("pytest-editmetrics", ""), re.M
    )
    assert len(commands) == 5
    for command in commands:
        make_parser().parse_args(shlex.split(command))


def test_a_mask_lies_beside_the_manifest_or_behind_a_url(read, tmp_path):
    Image.new("L", (4, 3), 255).save(tmp_path / "mask.png")
    beside, url = read(
        {**PAIR, "coords": {"mask": "mask.png"}},
        {**PAIR, "id": "x", "coords": {"mask": "memory://masks/a.png"}},
    )
    assert beside.coords.inside(3, 4).all()
    assert str(url.coords.mask) == "memory://masks/a.png"


def test_every_kind_of_url_is_asked_for_once(read, monkeypatch):
    asked = []
    monkeypatch.setattr(manifest, "check_url", asked.append)
    pair = {"reference": "memory://a.png", "edited": "memory://b.png"}
    read(PAIR, pair, {**pair, "id": "x", "reference": "s3://a/b.png"})
    assert asked == ["memory://a.png", "s3://a/b.png"]


def test_a_mark_of_utf_8_in_the_middle_is_an_error(read):
    with pytest.raises(ConfigError, match=r"^pairs\.jsonl:2: not valid JSON"):
        read(PAIR, "\ufeff" + json.dumps({**PAIR, "id": "x"}))


def test_a_parquet_file_that_is_damaged_further_down_is_an_error_with_its_row(tmp_path):
    path = tmp_path / "pairs.parquet"
    pairs = [{"reference": f"{i}.png", "edited": f"{i}.png"} for i in range(2000)]
    pq.write_table(pa.Table.from_pylist(pairs), path, row_group_size=1024, compression="NONE",
                   use_dictionary=False)  # fmt: skip
    data = path.read_bytes()
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    path.write_bytes(data[:start] + bytes(200) + data[start + 200 :])
    rows = Manifest(path, REGISTRY, tmp_path, lambda expect: (("lpips",), False)).rows()
    assert next(rows).id == "0.png"
    with pytest.raises(ConfigError, match=r"^pairs\.parquet:1025: cannot be read as Parquet"):
        list(rows)
