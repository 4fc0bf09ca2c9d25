"""Bad input of command lines, and of the files that commands take: manifests, runs."""

from __future__ import annotations

import json

from bad_input import Case

ROW = {"id": "a", "reference": "before.png", "edited": "after.png"}


def row(**fields: object) -> str:
    return json.dumps({**ROW, **fields})


MANIFESTS = [
    Case("empty", "", names="m.jsonl: no rows"),
    Case("cut off within a row", row()[:-9], names="m.jsonl:1: not valid JSON"),
    Case(
        "text that is no JSON",
        "reference,edited\nbefore.png,after.png",
        names="m.jsonl:1: not valid JSON",
    ),
    Case(
        "row that is a list",
        '["before.png", "after.png"]',
        names="m.jsonl:1: a row is a JSON object",
    ),
    Case(
        "row without an edited image",
        '{"id": "a", "reference": "before.png"}',
        names="m.jsonl:1: a row without 'edited'",
    ),
    Case("key misspelt", row(cords=[]), names="did you mean 'coords'?"),
    Case("columns besides the keys", row(edited="copy.png", prompt="red", seed=7), "measured"),
    Case(
        "column that looks like the edit area",
        row(bbox=[[16, 16, 32, 32]]),
        names="give --columns coords=bbox, or --columns coords=none",
    ),
    Case(
        "one file as both images",
        row(edited="./before.png"),
        "failed",
        names="reference and edited image are one and the same file (./before.png)",
    ),
    Case(
        "columns that are called otherwise",
        '{"source": "before.png", "target": "after.png"}',
        names="(there are 'source', 'target'), perhaps --columns reference=source,edited=target",
    ),
    Case(
        "bytes of an image as text",
        row(edited={"bytes": "iVBO", "path": "a.png"}),
        names="m.jsonl:1: the bytes of edited are text",
    ),
    Case(
        "neither bytes nor a path",
        row(edited={"bytes": None, "path": None}),
        names="m.jsonl:1: edited of a row holds neither",
    ),
    Case(
        "mask with a threshold of 0",
        row(coords={"mask": {"path": "m.png", "threshold": 0}}),
        names="m.jsonl:1: threshold is 0",
    ),
    Case(
        "COCO mask that is cut off",
        row(coords={"size": [64, 64], "counts": "PP"}),
        names="m.jsonl:1: mask: counts 'PP' end in the middle of a number",
    ),
    Case(
        "key written twice",
        '{"id": "a", "id": "b", "reference": "r", "edited": "e"}',
        names="'id' is written twice",
    ),
    Case(
        "ids that are the same",
        f"{row()}\n{row()}",
        names="m.jsonl:2: the id 'a' is taken, on line 1",
    ),
    Case(
        "NaN",
        '{"id": "a", "reference": "r", "edited": "e", "thresholds": {"lpips": NaN}}',
        names="m.jsonl:1: NaN is no number",
    ),
    Case(
        "text in place of a threshold",
        row(thresholds={"unedit_max_diff": "low"}),
        names="m.jsonl:1: ",
    ),
    Case("box of texts", row(coords=[["a", 0, 8, 8]]), names="m.jsonl:1: "),
    Case("box inverted", row(coords=[[9, 9, 1, 1]]), names="inverted"),
    Case(
        "data: URL cut off",
        row(edited="data:image/png;base64," + "iVBO" * 500),
        gets="failed",
        names="edited image data:image/png;base64,iVBO",
    ),
    Case(
        "data: URL in place of an id",
        row(id="data:image/png;base64," + "iVBO" * 500),
        names="m.jsonl:1: the id of a row is an image",
    ),
    Case("number in place of a path", row(reference=7), names="m.jsonl:1: reference"),
    Case(
        "nested 100,000 deep",
        '{"id": ' + "[" * 100_000 + "]" * 100_000 + "}",
        names="m.jsonl:1: nested too deep",
    ),
    Case("Latin-1", '{"id": "für"}'.encode("latin-1"), names="m.jsonl:1: not UTF-8"),
    Case("marks of a merge conflict", f"<<<<<<< HEAD\n{row()}", names="m.jsonl:1: "),
    Case("path with a NUL", row(edited="a\0.png"), names="m.jsonl:1: "),
    Case(
        "image that is not there",
        row(edited="nowhere.png"),
        "failed",
        names="nowhere.png: there is no such file",
    ),
    Case("byte order mark and CRLF", f"\ufeff{row(coords=[[16, 16, 32, 32]])}\r\n", "measured"),
]

# expressions; ``run`` is the results file of a run of one gate
RUNS = [
    Case("empty", "''", names="r.jsonl"),
    Case("cut off within a line", "run[:-20]", "failed", "cut off"),
    Case("without its end line", 'run[:run.index(\'{"record": "end"\')]', "failed", "cut off"),
    Case(
        "from a newer version",
        "run.replace('\"version\": 1', '\"version\": 99', 1)",
        names="r.jsonl:1: version 99 is newer",
    ),
    Case("web page", "'<html>404'", names="r.jsonl:1: not a record"),
    Case("other JSON", "'{\"a\": 1}\\n'", names="r.jsonl:1: not a results file"),
    Case(
        "bytes that are no text", "bytes([128, 4, 149, 255])", names="r.jsonl: not a results file"
    ),
    Case(
        "Git LFS pointer",
        "'version https://git-lfs.github.com/spec/v1\\n'",
        names="r.jsonl:1: not a record",
    ),
    Case(
        "nested 100,000 deep",
        "'[' * 100_000 + ']' * 100_000 + '\\n'",
        names="r.jsonl:1: not a record",
    ),
    Case(
        "gate without a verdict",
        "run.replace('\"verdict\": \"pass\", ', '')",
        names="r.jsonl:2: a gate without its verdict",
    ),
    Case(
        "gate with an unknown verdict",
        "run.replace('\"pass\"', '\"green\"')",
        names="r.jsonl:2: verdict",
    ),
    Case(
        "gate with a text for a number",
        'run.replace(\'"value": 0.0\', \'"value": "low"\')',
        names="r.jsonl:2: value",
    ),
    Case(
        "record of a kind that is not known",
        'run.replace(\'"record": "gate"\', \'"record": "gait"\')',
        names="r.jsonl:2: unknown record 'gait'",
    ),
    Case(
        "the same gate twice",
        "''.join(run.splitlines(True)[i] for i in (0, 1, 1, 2))",
        names="twice",
    ),
    Case(
        "line that is damaged in the middle",
        "run.replace('\"nodeid\"', 'nodeid', 1)",
        names="r.jsonl:2: not a record",
    ),
]

COMMANDS = [
    Case("command misspelt", "scroe run", names="scroe"),
    Case("run that is not there", "report nowhere", names="nowhere"),
    Case("folder that is no run", "report goldens", names="goldens"),
    Case(
        "results that are not there", "compare nowhere.jsonl nowhere.jsonl", names="nowhere.jsonl"
    ),
    Case("nothing to merge", "merge -o merged", names="DIR"),
    Case("shard that is not there", "merge nowhere -o merged", names="nowhere"),
    Case("run that is not there, to approve", "approve nowhere", names="nowhere"),
    Case("manifest that is not there", "score nowhere.jsonl", names="nowhere.jsonl"),
    Case("manifest of an unknown kind", "score before.png", names="before.png is no run and no"),
    Case("folder in place of a manifest", "score goldens", names="goldens is a folder without"),
    Case(
        "key of a row misspelt",
        "score m.jsonl -o scored --columns refrence=a",
        names="did you mean 'reference'?",
    ),
    Case(
        "image that is no image",
        "suggest-region editmetrics.yaml after.png -o m.png",
        names="editmetrics.yaml",
    ),
    Case("resize misspelt", "suggest-region before.png after.png --resize crop", names="'crop'"),
    Case(
        "bound that is no number", "compare r.jsonl r.jsonl --fail lpips:much", names="lpips:much"
    ),
    Case("bound of NaN", "compare r.jsonl r.jsonl --fail lpips:nan", names="lpips:nan"),
    Case("bound without a metric", "compare r.jsonl r.jsonl --fail 5%", names="5%"),
    Case("bound of an unknown metric", "compare good r.jsonl --fail lpisp:5%", names="lpisp"),
    Case(
        "bound that nothing exceeds",
        "compare good r.jsonl --fail unedit_max_diff:500",
        names="unedit_max_diff:500",
    ),
    Case("a run and itself", "compare good good", names="good"),
    Case("schema of nothing", "schema caes", names="caes"),
    Case("weights of an unknown model", "weights path nowhere:vit", names="nowhere"),
]

OPTIONS = [
    Case("choice misspelt", "--editmetrics-strict=al", names="did you mean 'all'?"),
    Case("size that is none", "--editmetrics-cache-size=lots", names="'lots'"),
    Case("size of NaN", "--editmetrics-cache-size=nan", names="'nan'"),
    Case("size below zero", "--editmetrics-cache-size=-2GB", names="'-2GB'"),
    Case("number of gates that is none", "--editmetrics-require=many", names="'many'"),
    Case("no gates required", "--editmetrics-require=0", names="'0'"),
    Case("required twice", "--editmetrics-require=3,4", names="given twice"),
    Case("run directory that is a file", "--editmetrics-run-dir=before.png", names="before.png"),
    Case("run directory that is no run", "--editmetrics-run-dir=goldens", names="goldens"),
    Case("results in place of a folder", "--editmetrics-results=goldens", names="goldens"),
    Case("report in place of a folder", "--editmetrics-html=before.png/r.html", names="r.html"),
    Case("summary in place of a folder", "--editmetrics-summary=goldens", names="goldens"),
    Case("device that is none", "--editmetrics-device=tpu", names="'tpu'"),
    Case("device by another name", "--editmetrics-device=gpu", names="did you mean 'cuda'?"),
    Case("address that is none", "--editmetrics-report-url=foo", names="write a whole address"),
    Case("cache in place of a folder", "--editmetrics-cache-dir=before.png", names="is a file"),
    Case("environment with a number", "--editmetrics-env=cuda:0", names="write 'cuda'"),
    Case("no environment", "--editmetrics-env=", names="is empty"),
    Case("pipe misspelt", "--editmetrics-skip-missing=sam_pipe", names="did you mean 'sam-pipe'?"),
    Case(
        "configuration that is not there", "--editmetrics-config=nowhere.yaml", names="nowhere.yaml"
    ),
    Case("configuration that is a folder", "--editmetrics-config=goldens", names="goldens"),
]
