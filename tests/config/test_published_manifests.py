"""Manifests as they are published: tables of Hugging Face, CSV of spreadsheets, compressed lines."""

from __future__ import annotations

import csv
import datetime
import decimal
import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pytest_editmetrics.config.manifest import ROW, Manifest, Row
from pytest_editmetrics.config.row_columns import kept, named_columns
from pytest_editmetrics.errors import ConfigError, InputError
from pytest_editmetrics.images.encoded import Encoded
from pytest_editmetrics.measurement import Threshold
from pytest_editmetrics.pipes.registry import PipeRegistry

REGISTRY = PipeRegistry()
PAIR = {"reference": "a.png", "edited": "b.png"}
HF = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def png(value: int = 0) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4, 3), value, np.uint8)).save(file, "PNG")
    return file.getvalue()


def rows_of(path, **columns: str) -> list[Row]:
    return list(
        Manifest(path, REGISTRY, path.parent, lambda expect: (("lpips",), False), columns).rows()
    )


@pytest.fixture
def parquet(tmp_path):
    def write(rows: list[dict], fields: list, **columns: str) -> list[Row]:
        pq.write_table(pa.Table.from_pylist(rows, pa.schema(fields)), tmp_path / "m.parquet")
        return rows_of(tmp_path / "m.parquet", **columns)

    return write


@pytest.fixture
def table(tmp_path):
    def write(text: str | bytes, name: str = "m.csv", **columns: str) -> list[Row]:
        data = text if isinstance(text, bytes) else text.encode()
        (tmp_path / name).write_bytes(data)
        return rows_of(tmp_path / name, **columns)

    return write


# Parquet


@pytest.mark.parametrize(
    "kind",
    [
        HF,
        pa.struct([("bytes", pa.large_binary()), ("path", pa.large_string())]),
        pa.struct([("path", pa.dictionary(pa.int32(), pa.string())), ("bytes", pa.binary())]),
        pa.list_(HF),
        pa.large_list(HF),
    ],
    ids=["struct", "large", "dictionary", "list", "large list"],
)
def test_images_are_bytes_with_a_path_or_one_of_both(parquet, kind):
    def cell(value):
        return [value] if "list" in str(kind) else value

    one, two, three = parquet(
        [
            {"reference": cell({"bytes": png(), "path": "a.png"}),
             "edited": cell({"bytes": png(9), "path": "b.png"})},
            {"reference": cell({"bytes": png(), "path": None}),
             "edited": cell({"bytes": png(9), "path": None})},
            {"reference": cell({"bytes": None, "path": "a.png"}),
             "edited": cell({"bytes": None, "path": "c.png"})},
        ],
        [("reference", kind), ("edited", kind)],
    )  # fmt: skip
    assert (one.reference, one.edited, one.id) == (
        Encoded(png(), "a.png"), Encoded(png(9), "b.png"), "b.png",
    )  # fmt: skip
    assert (two.reference, two.edited) == (Encoded(png()), Encoded(png(9)))
    assert two.id == f"row 2 of {Encoded(png()).digest[:8]}"
    assert (three.reference, three.edited, three.id) == ("a.png", "c.png", "c.png")


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_a_column_of_bytes_alone_is_images(parquet, kind):
    (row,) = parquet(
        [{"reference": png(), "edited": png(9)}], [("reference", kind), ("edited", kind)]
    )
    assert (row.reference, row.edited) == (Encoded(png()), Encoded(png(9)))


TEXTS = [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_texts_of_every_type_are_texts(parquet, kind):
    (row,) = parquet([PAIR], [("reference", kind), ("edited", kind)])
    assert (row.reference, row.edited, row.id) == ("a.png", "b.png", "b.png")


def test_ids_and_boxes_of_every_type(parquet):
    fields = [("id", pa.int64()), ("reference", pa.string()), ("edited", pa.string())]
    boxes = pa.large_list(pa.list_(pa.float32(), 4))
    first, second = parquet(
        [{**PAIR, "id": 7, "coords": [[0, 0, 4, 4]]}, {**PAIR, "id": 8, "coords": None}],
        [*fields, ("coords", boxes)],
    )
    assert (first.id, first.coords, second.id, second.coords) == ("7", ((0, 0, 4, 4),), "8", None)
    (row,) = parquet(
        [{**PAIR, "id": 1, "coords": "[[0, 0, 4, 4]]", "thresholds": '{"lpips": {"max": 0.1}}'}],
        [*fields, ("coords", pa.string()), ("thresholds", pa.string())],
    )
    assert row.coords == ((0, 0, 4, 4),)
    assert row.thresholds == {"lpips": Threshold("max", 0.1, "case", "m.parquet:1")}


@pytest.mark.parametrize("where", ["coords", "coords.mask", "coords.mask with its cut"])
def test_a_mask_may_be_an_image_of_the_table(parquet, where):
    file = io.BytesIO()
    Image.fromarray(np.array([[0, 200, 100]], np.uint8)).save(file, "PNG")
    image = {"bytes": file.getvalue(), "path": None}
    if where == "coords":
        image["bytes"] = png(255)
        (row,) = parquet([{**PAIR, "coords": image}], [*TEXT_PAIR, ("coords", HF)])
        assert row.coords.inside(4, 4).all()
        assert row.coords.text.endswith(f"bytes (sha256 {Encoded(png(255)).digest})")
        return
    cut = {"threshold": 100, "invert": True} if "cut" in where else {}
    mask = {"path": image, **cut} if cut else image
    inner = pa.struct([("path", HF), ("threshold", pa.int64()), ("invert", pa.bool_())])
    (row,) = parquet(
        [{**PAIR, "coords": {"mask": mask}}],
        [*TEXT_PAIR, ("coords", pa.struct([("mask", inner if cut else HF)]))],
    )
    if cut:
        assert row.coords.inside(1, 3).tolist() == [[True, False, False]]
    else:
        with pytest.raises(ValueError, match="with the values 0, 100, 200"):
            row.coords.inside(1, 3)


TEXT_PAIR = [("reference", pa.string()), ("edited", pa.string())]


def test_run_lengths_come_as_lists_texts_and_bytes(parquet):
    size = ("size", pa.list_(pa.int32()))
    for kind, counts in ((pa.list_(pa.int64()), [5, 3, 4]), (pa.string(), "534"), (pa.binary(), b"534")):  # fmt: skip
        coco = pa.struct([size, ("counts", kind)])
        (row,) = parquet(
            [{**PAIR, "coords": {"size": [3, 4], "counts": counts}}], [*TEXT_PAIR, ("coords", coco)]
        )
        assert row.coords.inside(3, 4).T.ravel().nonzero()[0].tolist() == [5, 6, 7]


@pytest.mark.parametrize(
    ("cell", "kind", "says"),
    [
        ({"bytes": None, "path": None}, HF, "1: edited of a row holds neither bytes nor a path"),
        (None, HF, "1: a row without 'edited'; it needs .*; if a column is called otherwise, give"),
        ([{"bytes": b"1", "path": None}] * 2, pa.list_(HF), "1: edited of a row must be text, not a list"),
        ([], pa.list_(HF), "1: edited of a row must be text, not a list"),
        ({"bytes": "iVBO", "path": None}, pa.struct([("bytes", pa.string()), ("path", pa.string())]), "1: the bytes of edited are text 'iVBO'; in text an image is"),
        ({"url": "a"}, pa.struct([("url", pa.string())]), "1: unknown key 'url' in edited"),
        (7, pa.int64(), "1: edited of a row must be text, not 7"),
    ],
)  # fmt: skip
def test_a_cell_that_is_no_image_is_an_error(parquet, cell, kind, says):
    with pytest.raises(ConfigError, match=rf"^m\.parquet:{says}"):
        parquet([{**PAIR, "edited": cell}], [("reference", pa.string()), ("edited", kind)])


def test_columns_of_one_name_are_an_error(tmp_path):
    texts = pa.array(["a.png"])
    table = pa.Table.from_arrays([texts, texts, texts], names=["reference", "edited", "edited"])
    pq.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(ConfigError, match=r"^m\.parquet: the column 'edited' is there twice"):
        rows_of(tmp_path / "m.parquet")


def test_images_are_read_a_few_at_a_time(parquet, monkeypatch):
    asked = []
    iter_batches = pq.ParquetFile.iter_batches

    def watched(self, batch_size):
        asked.append(batch_size)
        return iter_batches(self, batch_size=batch_size)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", watched)
    image = {"bytes": png(), "path": None}
    parquet([{"reference": image, "edited": image}], [("reference", HF), ("edited", HF)])
    parquet([PAIR], TEXT_PAIR)
    assert asked == [16, 1024]


# CSV


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_csv_of_every_spreadsheet(table, mark, end, separator):
    lines = [
        ["id", "reference", "edited", "coords", "metrics", "thresholds", "prompt"],
        ["red mug", "a.png", "b.png", '"[[0, 0, 4, 4]]"', '"lpips,emd"', '"{""emd"": 5}"', '"red, ""bold""; now"'],
        ["2", "a.png", "c.png", "", "", "", ""],
        ["", "", "", "", "", "", ""],
        ["3", "a.png", "d.png", "m.png", "lpips", "", '"two\nlines"'],
    ]  # fmt: skip
    text = mark + end.join(separator.join(line) for line in lines) + end
    first, second, third = table(text, "m.tsv" if separator == "\t" else "m.csv")
    assert (first.id, first.coords, first.metrics) == ("red mug", ((0, 0, 4, 4),), ("lpips", "emd"))
    assert first.thresholds == {"emd": Threshold("max", 5.0, "case", "m.csv:2".replace("csv", "tsv" if separator == "\t" else "csv"))}  # fmt: skip
    assert first.more == {"prompt": 'red, "bold"; now'}
    assert (second.id, second.coords, second.metrics, second.more) == ("2", None, ("lpips",), {})
    assert str(third.coords.mask).endswith("m.png")
    assert (third.more, third.where[-2:]) == ({"prompt": "two\nlines"}, ":5")


def test_a_file_called_tsv_has_tabs(table):
    (row,) = table("reference\tedited\ta, b, c\na.png\tb.png\tx\n", "m.tsv")
    assert row.more == {"a, b, c": "x"}


def test_the_line_of_a_row_is_its_first(table):
    with pytest.raises(ConfigError, match=r"^m\.csv:4: the id 'x' is taken, on line 2"):
        table('id,reference,edited,note\nx,a.png,b.png,"1\n2"\nx,a.png,c.png,\n')


def test_a_cell_may_hold_a_whole_image(table):
    url = "data:image/png;base64," + "iVBO" * 100_000
    before = csv.field_size_limit(5000)
    try:
        (row,) = table(f'reference,edited\na.png,"{url}"\n')
        assert csv.field_size_limit() == 5000
    finally:
        csv.field_size_limit(before)
    assert row.edited == url


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "m.csv:1: no columns: the first line"),
        ("\n", "m.csv:1: no columns"),
        ("reference,edited", "m.csv: no rows"),
        ("reference,edited,\na.png,b.png,", "m.csv:1: column 3 has no name"),
        ("reference,edited,edited\na,b,c", "m.csv:1: the column 'edited' is there twice"),
        ("reference,edited\na.png", "m.csv:2: 1 cell, and the first line names 2 columns"),
        ("reference,edited,coords\na.png,b.png,[[0,0,4,4]]", "m.csv:2: 6 cells, .* a cell with a ',' in it stands in double quotes"),
        ('reference,edited\n"a.png,b.png\nc.png,d.png', "m.csv:2: no CSV .unexpected end of data"),
        ('reference,edited\n"a"b,c', "m.csv:2: no CSV"),
        ('reference,edited,coords\na,b,"[[0, 0, 4"', "m.csv:2: not valid JSON .*; coords in a cell is JSON"),
        ('reference,edited,thresholds\na,b,"{""emd"": NaN}"', "m.csv:2: NaN is no number of JSON"),
        ("reference,edited,thresholds\na,b,0.1", "m.csv:2: thresholds must be a mapping"),
        ("reference,edited,metrics\na,b,lpisp", r"m.csv:2: a metric cannot be 'lpisp' \(did you mean 'lpips'"),
        ("reference,edited,resize\na,b,refernce", "m.csv:2: resize cannot be"),
        ("source,target\na.png,b.png", r"m.csv:2: a row without 'reference'.*give --columns KEY=COLUMN \(there are 'source', 'target'\)"),
        ("reference,edited,cords\na,b,", None),
        ("reference,edited,cords\na,b,x", r"m.csv:2: unknown key 'cords' in a row \(did you mean 'coords'\?\); if it is, give --columns coords=cords"),
        ("Reference,edited\na,b", r"m.csv:2: unknown key 'Reference' in a row \(did you mean 'reference'"),
        ("reference,edited\nü,b".encode("latin-1"), "m.csv:2: not UTF-8 text"),
        ("reference,edited\na,b".encode("utf-16"), "m.csv:1: not UTF-8 text"),
        ("reference,edited\na\0,b", "m.csv:2: "),
    ],
)  # fmt: skip
def test_csv_that_makes_no_sense_has_its_line(table, text, says):
    if says is None:
        assert table(text)[0].more == {}  # an empty column tells nothing
        return
    with pytest.raises(ConfigError, match=f"^{says}"):
        table(text)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@given(st.lists(cells.filter(lambda c: c == "" or c.strip()), min_size=1, max_size=4))
def test_what_csv_writes_is_read(tmp_path_factory, notes):
    path = tmp_path_factory.mktemp("csv") / "m.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["id", "reference", "edited", "note"])
        writer.writeheader()
        for number, note in enumerate(notes):
            writer.writerow({"id": number, **PAIR, "note": note})
    assert [row.more.get("note", "") for row in rows_of(path)] == notes


# JSON Lines, compressed files, columns


@pytest.mark.parametrize("name", ["m.jsonl.gz", "m.ndjson.gz", "m.csv.gz", "M.CSV.GZ"])
def test_text_may_be_compressed(table, name):
    text = json.dumps(PAIR) if "json" in name else "reference,edited\na.png,b.png\n"
    (row,) = table(gzip.compress(text.encode()), name)
    assert row.edited == "b.png"


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"no gzip", lambda data: data[:15] + b"xxxx" + data[19:]])  # fmt: skip
def test_what_is_damaged_is_said(table, damage):
    lines = [json.dumps({**PAIR, "id": number}) for number in range(50)]
    data = gzip.compress("\n".join(lines).encode())
    with pytest.raises(ConfigError, match=r"^m\.jsonl\.gz: cannot be (unpacked by gzip|read): "):
        table(damage(data), "m.jsonl.gz")


def test_columns_of_other_names_are_named(table):
    lines = {"source_img": "a.png", "target_img": "b.png", "mask_img": "m.png", "img_id": 3,
             "edited": "another", "instruction": "red"}  # fmt: skip
    names = {
        "reference": "source_img",
        "edited": "target_img",
        "coords": "mask_img",
        "id": "img_id",
    }
    (row,) = table(json.dumps(lines), "m.jsonl", **names)
    assert (row.reference, row.edited, row.id) == ("a.png", "b.png", "3")
    assert str(row.coords.mask).endswith("m.png")
    assert row.more == {"edited": "another", "instruction": "red"}
    with pytest.raises(ConfigError, match=r"^m\.jsonl:1: a row without 'mask', which --columns names for coords \(did you mean 'mask_img'\?\)"):  # fmt: skip
        table(json.dumps(lines), "m.jsonl", **{**names, "coords": "mask"})


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *[
            (name, [[0, 0, 8, 8]])
            for name in ("box", "bbox", "boxes", "edit_bbox", "Region", "area")
        ],
        *[(name, "m/1.png") for name in ("mask", "mask_path", "maskPath", "inpaint_mask")],
        *[
            ("box", "0 0 8 8"),
            ("bbox", "(0, 0.5, 8, 8)"),
            ("mask", {"size": [8, 8], "counts": "x"}),
        ],
    ],
)
def test_a_column_that_looks_like_the_edit_area_is_an_error(table, column, value):
    row = {**PAIR, column: value}
    said = (
        f"^m.jsonl:1: a row without 'coords', whose {column!r} looks like the edit area: the whole"
        f" image would be measured; give --columns coords={column}, or --columns coords=none"
    )
    with pytest.raises(ConfigError, match=said):
        table(json.dumps(row), "m.jsonl")
    (whole,) = table(json.dumps(row), "m.jsonl", coords="none")
    assert whole.coords is None
    assert column in whole.more
    (held,) = table(json.dumps({**row, "coords": [[1, 1, 2, 2]]}), "m.jsonl")
    assert held.coords == ((1, 1, 2, 2),)
    (empty,) = table(json.dumps({**row, "coords": None}), "m.jsonl")
    assert empty.coords is None


@pytest.mark.parametrize(
    ("column", "value"),
    [("area", 0.3), ("region", "EU"), ("mask_prompt", "the red hat."), ("unmasked", "a.png"),
     ("masks", 3), ("has_mask", True), ("box", None)],
)  # fmt: skip
def test_other_columns_do_not(table, column, value):
    assert len(table(json.dumps({**PAIR, column: value}), "m.jsonl")) == 1


def test_a_column_that_may_be_a_key_is_told(tmp_path):
    row = {**PAIR, "name": "mug", "turn": 1, "source_prompt": "a mug"}
    (tmp_path / "m.jsonl").write_text(json.dumps(row))
    measured = lambda expect: (("lpips",), False)  # noqa: E731
    manifest = Manifest(tmp_path / "m.jsonl", REGISTRY, tmp_path, measured)
    list(manifest.rows())
    assert manifest.kept == ["name (if it is the id: --columns id=name)", "turn", "source_prompt"]


@pytest.mark.parametrize(
    ("row", "perhaps"),
    [
        ({"before": "a.png", "after": "b.png"}, "reference=before,edited=after"),
        ({"source_prompt": "a mug", "source": "a.png", "target_img": "b.png"},
         "reference=source,edited=target_img"),
        ({"reference_path": "a.png", "edited": "b.png"}, "reference=reference_path"),
    ],
)  # fmt: skip
def test_columns_that_may_be_the_images_are_named(table, row, perhaps):
    with pytest.raises(ConfigError, match=rf"\), perhaps --columns {perhaps}$"):
        table(json.dumps(row), "m.jsonl")


def test_columns_as_they_are_typed():
    assert named_columns(" id = img_id ,reference=a b", ROW.names) == {"id": "img_id", "reference": "a b"}  # fmt: skip
    for text, says in (
        ("", "write KEY=COLUMN"),
        ("reference", "'reference': write KEY=COLUMN"),
        ("=a", "write KEY=COLUMN"),
        ("edit=a", r"a row has no 'edit' \(did you mean 'edited'\?\)"),
        ("id=a,id=b", "names id twice: 'a' and 'b'"),
    ):
        with pytest.raises(InputError, match=f"^--columns.*{says}"):
            named_columns(text, ROW.names)


def test_other_columns_are_kept(parquet):
    day, cost = datetime.date(2026, 1, 2), decimal.Decimal("1.50")
    more = {
        "prompt": "make it red", "seed": 7, "share": 0.5, "ok": True, "day": day, "cost": cost,
        "tags": ["a", None], "nested": {"a": {"b": [1]}, "c": None}, "nothing": None,
        "thumb": {"bytes": b"abc", "path": "t.png"}, "raw": b"abc", "long": "x" * 20_000,
        "url": "data:image/png;base64," + "iVBO" * 1000, "nan": float("nan"),
    }  # fmt: skip
    table = pa.Table.from_pylist([{**PAIR, **more}])
    (row,) = parquet([{**PAIR, **more}], table.schema)
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    found = dict(row.more)
    assert np.isnan(found.pop("nan"))
    assert found.pop("long").startswith('"xxx')
    assert len(found["url"]) < 200
    assert found.pop("url").endswith(f"(sha256 {kept(more['url'])[-65:-1]})")
    assert found == {
        "prompt": "make it red", "seed": 7, "share": 0.5, "ok": True, "day": "2026-01-02",
        "cost": "1.50", "tags": ["a", None], "nested": {"a": {"b": [1]}},
        "thumb": {"bytes": f"3 bytes (sha256 {digest})", "path": "t.png"},
        "raw": f"3 bytes (sha256 {digest})",
    }  # fmt: skip


def test_what_is_nested_deep_is_kept_in_short(table):
    deep = "[" * 400 + "]" * 400
    (row,) = table(f'{{"reference": "a", "edited": "b", "deep": {deep}}}', "m.jsonl")
    assert json.dumps(row.more["deep"]).count("[") == 20
    (row,) = table(json.dumps({**PAIR, "many": list(range(1_100_000))}), "m.jsonl")
    assert row.more["many"].startswith("[0, 1, 2,")


def test_names_of_other_columns(table):
    """What published tables call theirs; none is taken for a key that was misspelt."""
    names = ["prompt", "instruction", "source_img", "target_img", "mask_img", "image", "mask", "task",
             "editing_type_id", "blended_word", "original_prompt", "edited_prompt", "img_id", "size",
             "turn_index", "source", "target", "edit", "category", "score", "width", "id2", "url"]  # fmt: skip
    (row,) = table(json.dumps({**PAIR, **dict.fromkeys(names, "x")}), "m.jsonl")
    assert list(row.more) == names


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("pairs.json", b'[{"reference": "a"}]', r"a JSON array: `jq -c '\.\[\]' a.json > a.jsonl`"),
        ("pairs.json", b'\xef\xbb\xbf\n [{"reference": "a"}]', "a JSON array"),
        ("pairs.json", b'{"reference": "a"}\n', "if each line is a JSON object, rename it to .jsonl"),
        ("pairs.xlsx", b"PK", "a spreadsheet: save it as CSV"),
        ("data.arrow", b"ARROW1", "Arrow: datasets' to_parquet"),
        ("pairs.yaml", b"a: 1", r"those end in \.jsonl, \.ndjson, \.csv"),
        ("pairs.parquet.gz", b"", "those end in"),
        ("pairs", b"", "those end in"),
    ],
)  # fmt: skip
def test_other_forms_are_refused_with_what_a_manifest_is(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=f"is no run and no manifest .{says}") as caught:
        rows_of(tmp_path / name)
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(
        "a manifest is a table with a pair of images in each row, `reference` and `edited`: JSON"
        " Lines (.jsonl), CSV (.csv, .tsv) or Parquet (.parquet)"
    )
