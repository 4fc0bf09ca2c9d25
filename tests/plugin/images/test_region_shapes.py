"""Regions of other shapes than boxes, everywhere that ``coords`` are taken."""

from __future__ import annotations

import json
from fnmatch import fnmatch

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.images.shapes import Region
from pytest_editmetrics.runs.folder import read_run

SIZE = 64


def disk() -> np.ndarray:
    picture = Image.new("L", (SIZE, SIZE))
    ImageDraw.Draw(picture).ellipse((16, 16, 44, 40), fill=255)
    return np.asarray(picture) > 0


@pytest.fixture
def scene(pytester: pytest.Pytester) -> pytest.Pytester:
    """A reference, an edit of a disk, and the disk's mask."""
    random = np.random.default_rng(0)
    reference = random.integers(0, 200, (SIZE, SIZE, 3), dtype=np.uint8)
    edited = reference.copy()
    edited[disk()] += 50
    soft = np.where(disk(), 100, 99).astype(np.uint8)
    masks = {"mask": disk(), "soft": soft, "black": ~disk(), "white": 255 - soft}
    for name, image in {"reference": reference, "edited": edited, **masks}.items():
        Image.fromarray(image).save(pytester.path / f"{name}.png")
    (pytester.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nthresholds: {unedit_max_diff: 0}\n"
    )
    return pytester


def check(scene: pytest.Pytester, coords: str, *options: str) -> pytest.RunResult:
    scene.makepyfile(
        test_it=f"""
        import numpy as np
        import torch
        from PIL import Image
        from pytest_editmetrics import Region

        MASK = np.asarray(Image.open("mask.png"))
        SOFT = np.asarray(Image.open("soft.png"))
        EDGES = np.flatnonzero(np.diff(np.pad(MASK.T.ravel(), 1))).tolist()
        COCO = {{"size": [64, 64], "counts": np.diff([0, *EDGES, 4096]).tolist()}}
        ROWS = np.flatnonzero(np.diff(np.pad(MASK.ravel(), 1))).reshape(-1, 2)
        RUNS = [[int(start), int(end - start)] for start, end in ROWS]

        def test_it(edit_gate):
            edit_gate.check("reference.png", "edited.png", {coords})
        """
    )
    return scene.runpytest(*options)


@pytest.mark.quick(7)
@pytest.mark.parametrize(
    "coords",
    [
        "'mask.png'",
        "MASK",
        "torch.from_numpy(MASK.copy())",
        "Image.open('mask.png').convert('1')",
        "Region(mask=MASK)",
        "{'mask': 'mask.png'}",
        "[(16, 16, 30, 41), {'mask': MASK, 'dilate': 2}]",
        "Region(boxes=[(16, 16, 31, 41)]) | Region(boxes=[(31, 16, 45, 41)])",
        "Region(polygons=[[(15, 15), (46, 15), (46, 42), (15, 42)]])",
        "Region(polygons=[[15, 15, 46, 15, 46, 42, 15, 42]])",
        "[[15, 15, 46, 15, 46, 42, 15, 42]]",
        "[np.array([15, 15, 46, 15, 46, 42, 15, 42.0])]",
        "[[15, 15, 30, 15, 30, 42, 15, 42], (30, 15, 46, 42)]",
        "iter([[15, 15, 30, 15, 46, 15, 46, 42, 15, 42]])",
        "Region(mask='soft.png', threshold=100)",
        "Region(mask=SOFT, threshold=100)",
        "{'mask': {'path': 'soft.png', 'threshold': 100}}",
        "Region(mask='black.png', invert=True)",
        "Region(mask='white.png', threshold=256 - 100, invert=True)",
        "COCO",
        "{'mask': COCO}",
        "{'mask': {'size': [64, 64], 'runs': RUNS}}",
    ],
)
def test_a_check_takes_a_region_of_any_shape(scene, coords):
    check(scene, coords).assert_outcomes(passed=1)


def test_a_failure_says_which_region(scene):
    result = check(scene, "Region(polygons=[[(20, 20), (40, 20), (30, 38)]], dilate=1)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*region    unedit_area: outside 1 polygon grown by 1 px, * of 64x64 px*"]
    )


@pytest.mark.parametrize(
    ("coords", "says"),
    [
        (
            "np.ones((8, 8), bool)",
            "*unedit_max_diff could not be judged: the mask is 8x8 px, the image 64x64*",
        ),
        ("np.arange(4096, dtype=np.uint8).reshape(64, 64)", "*uint8 with the values 0, 1, 2,*"),
        ("'nowhere.png'", "*mask nowhere.png: there is no such file*"),
        ("{'masks': MASK}", "*a region has no 'masks' (did you mean 'mask'?)*"),
        ("'soft.png'", "*uint8 with the values 99, 100; a mask is boolean,*threshold=128*"),
        ("Region(mask='soft.png', threshold=300)", "*threshold is 300; give a whole number*"),
        (
            "{'segmentation': [[1, 2, 3]], 'bbox': [1, 2, 3, 4]}",
            "*give what it holds as coords itself*",
        ),
        ("{'bbox': [16, 16, 29, 25]}", "*boxes: [[][[]16, 16, 45, 41[]][]]"),
        ("[[16, 16, 45, 41, 0.97, 3]]", "*may be a box with a score and a class*"),
        ("[[16, 16, 45, 16, 45, 41, 16, 41, 16]]", "*box 1 (16, 16, *, ...) is not four numbers *"),
        ("iter([iter(range(16))])", "*box 1 (0, 1, *, ...) is not four numbers *"),
        ("[16, 16, 45, 16, 45, 41]", "*list of boxes *or of polygons [[][[]x1, y1, x2, y2, x3,*"),
        ("{'size': [64, 64], 'counts': [5]}", "*counts add up to 5 pixels*has 4096*"),
    ],
)
def test_what_makes_no_sense_is_an_error_never_an_xfail(scene, coords, says):
    result = check(scene, coords)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([says])


@pytest.mark.parametrize("form", ["case", "row", "cell"])
@pytest.mark.parametrize(
    "coords",
    [
        "[[15, 15, 46, 15, 46, 42, 15, 42]]",
        '[[15, 15, 30, 15, 30, 42, 15, 42], [30, 15, 46, 42], {"boxes": [[0, 0, 1, 1]]}]',
        '{"polygons": [[15, 15, 46, 15, 46, 42, 15, 42]]}',
    ],
)
def test_files_take_polygons_as_coco_has_them(scene, monkeypatch, form, coords):
    row = {"reference": "reference.png", "edited": "edited.png", "coords": json.loads(coords)}
    if form == "case":
        scene.makefile(".edit.yaml", test_a=json.dumps({"cases": [{"id": "a", **row}]}))
        scene.runpytest().assert_outcomes(passed=1)
        return
    monkeypatch.chdir(scene.path)
    if form == "row":
        (scene.path / "m.jsonl").write_text(json.dumps(row))
    else:
        cell = coords.replace('"', '""')
        (scene.path / "m.csv").write_text(
            f'reference,edited,coords\nreference.png,edited.png,"{cell}"\n'
        )
    assert main(["score", "m.jsonl" if form == "row" else "m.csv", "-o", "run"]) == 0


@pytest.mark.parametrize(
    ("coords", "says"),
    [
        ("{bbox: [16, 16, 29, 25]}", "*:5: a region has no 'bbox': COCO's is * [[][[]16, 16, 45, 41[]][]]*"),
        ("{segmentation: [[1, 2, 3]]}", "*:5: a region has no 'segmentation': give what it holds*"),
        ("[[16, 16, 45, 41, 0.97, 3]]", "*:5: * may be a box with a score and a class*"),
        ("[[16, 16, 45, 41, 90]]", "*:5: coords must be a list of boxes *"),
        ("{polygons: [[1, 2, 3, 4, 5, 6, 7]]}", "*:5: polygon 1 is 7 numbers: each x takes a y*"),
        ("[[1, 2, 3, 4, .nan, 6, 7, 8]]", "*:5: polygon 1: (nan, 6* is no point *"),
    ],
)  # fmt: skip
def test_files_say_how_what_coco_has_is_written(scene, coords, says):
    scene.makefile(
        ".edit.yaml",
        test_a="cases:\n- id: a\n  reference: reference.png\n  edited: edited.png\n"
        f"  coords: {coords}\n",
    )
    result = scene.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([says])


def test_an_object_s_boxes_are_no_mask(scene):
    result = check(scene, "ref_boxes=MASK, edited_boxes=MASK, metrics='sam_clip_cls_sim'")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*ref_boxes is a mask; objects take boxes*"])


def test_a_saved_run_measures_the_same_region_again(scene, monkeypatch, capsys):
    coords = "Region(mask=MASK) | Region(polygons=[[(1, 1), (9, 2), (4, 11)]], dilate=2)"
    check(scene, coords, "--editmetrics-run-dir=run").assert_outcomes(passed=1)
    (record,) = read_run(scene.path / "run").gates
    inside = Region.of(record.gate.region["coords"]).inside(SIZE, SIZE)
    assert (inside & disk()).sum() == disk().sum() < inside.sum()
    kept = np.asarray(Image.open(scene.path / "run" / record.gate.images["mask"]))
    assert ((kept == 0) == inside).all()
    monkeypatch.chdir(scene.path)
    assert main(["score", "run"]) == 0
    (again,) = read_run(scene.path / "run-scored").gates
    assert again.gate.region["coords"] == record.gate.region["coords"]
    assert again.gate.value == record.gate.value == 0
    assert main(["report", "run"]) == 0


CASES = """\
cases:
  - id: of a mask
    reference: reference.png
    edited: edited.png
    coords: {mask: mask.png, dilate: 1}
  - id: of a soft mask
    reference: reference.png
    edited: edited.png
    coords: {mask: {path: white.png, threshold: 156, invert: true}}
  - id: of run lengths
    reference: reference.png
    edited: edited.png
    coords: {size: [64, 64], counts: [0, 4095, 1]}
    metrics: [edit_lpips]
    thresholds: {edit_lpips: 0.0001}
  - id: of PIE-Bench
    reference: reference.png
    edited: edited.png
    coords: [{mask: {size: [64, 64], runs: "1024 1600"}}, [16, 16, 17, 17]]
  - id: of a polygon and a box
    reference: reference.png
    edited: edited.png
    coords: [[16, 16, 30, 41], {polygons: [[[30, 15], [46, 15], [46, 42], [30, 42]]]}]
  - id: of too little
    reference: reference.png
    edited: edited.png
    coords: {polygons: [[[20, 20], [30, 20], [30, 30]]]}
"""


def test_yaml_cases_take_them(scene):
    (scene.path / "test_it.edit.yaml").write_text(CASES)
    result = scene.runpytest("-q")
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.fnmatch_lines(["FAILED *of too little*"])


WRONG_LINES = {
    "{mask: ../mask.png}": "*outside*the rootdir*",
    "{mask: /mask.png}": "*the absolute path*",
    "{dilate: 3}": "a region needs `boxes`, `polygons` or a `mask`*",
    "{boxes: [[1, 2, 3]]}": "boxes must be a list of boxes*",
    "{polygons: [[[1, 2], [3, 4]]]}": "polygon 1 has 2 points*",
    "{mask: mask.png, dilate: -1}": "dilate is -1;*",
    "{mask: mask.png, dilation: 1}": "unknown key 'dilation'*",
    "{mask: {path: ../m.png}}": "*outside*the rootdir*",
    "{mask: {path: m.png, threshold: 0}}": "threshold is 0; give*",
    "{mask: {path: m.png, threshold: 1.5}}": "threshold is 1.5; give*",
    "{mask: {path: m.png, invert: 1}}": "invert is 1; give true or*",
    "{mask: m.png, invert: true}": "invert of a mask stands in the*",
    "{mask: {path: m.png, inverse: 1}}": "unknown key 'inverse' in mask (did you mean*",
    "{mask: {invert: true}}": "mask: neither path nor counts nor runs*",
    "{mask: {runs: [0, 9]}}": "mask: runs without a `size`*",
    "{size: [64, 64], counts: [9]}": "mask: the counts add up to 9 *",
    "{size: [64, 64], counts: '9 9'}": "mask: counts '9 9' is no text*",
    "{counts: [9]}": "mask: size None is not [[]height, width[]]*",
}


def test_yaml_that_makes_no_sense_has_its_line(scene):
    first = CASES.partition("  - id: of a soft mask")[0]
    for number, line in enumerate(WRONG_LINES):
        (scene.path / f"test_{number}.edit.yaml").write_text(
            first.replace("{mask: mask.png, dilate: 1}", line)
        )
    result = scene.runpytest("-q")
    assert result.ret == 2
    assert result.parseoutcomes()["errors"] == len(WRONG_LINES)
    for number, (line, says) in enumerate(WRONG_LINES.items()):
        told = [it for it in result.outlines if it.startswith(f"test_{number}.edit.yaml:5: ")]
        assert any(fnmatch(it, f"test_{number}.edit.yaml:5: {says}") for it in told), (line, told)


def test_a_manifest_takes_them(scene, monkeypatch, capsys):
    row = {"id": "one", "reference": "reference.png", "edited": "edited.png"}
    manifest = scene.path / "pairs.jsonl"
    monkeypatch.chdir(scene.path)
    manifest.write_text(json.dumps({**row, "coords": {"mask": "mask.png"}}) + "\n")
    assert main(["score", "pairs.jsonl"]) == 0
    manifest.write_text(json.dumps({**row, "coords": {"mask": "none.png"}}) + "\n")
    assert main(["score", "pairs.jsonl"]) == 1
    assert (
        "none.png: there is no such file" in (scene.path / "pairs-scored/results.jsonl").read_text()
    )
    manifest.write_text(json.dumps({**row, "coords": {"polygons": [[[1, 1]]]}}) + "\n")
    assert main(["score", "pairs.jsonl"]) == 1
    assert "pairs.jsonl:1: polygon 1 has 1 point;" in capsys.readouterr().err


def test_a_golden_image_takes_them(scene):
    scene.makepyfile(
        test_golden="""
        import os

        def test_it(golden_image):
            golden_image.check(os.environ["IMAGE"], comparator="exact", coords="mask.png",
                               scope="unedit_area")
        """
    )
    scene._monkeypatch.setenv("IMAGE", "reference.png")
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    scene._monkeypatch.setenv("IMAGE", "edited.png")
    scene.runpytest("-q").assert_outcomes(passed=1)


def test_a_region_is_suggested_and_stays_marked(scene, monkeypatch, capsys):
    monkeypatch.chdir(scene.path)
    assert main(["suggest-region", "reference.png", "edited.png", "-o", "found.png"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# SUGGESTED from the result it would judge, untrusted")
    assert "coords:\n  - [12, 12, 4" in out
    found = np.asarray(Image.open("found.png")) > 0
    assert (found & disk()).sum() == disk().sum()
    assert found.sum() < 3 * disk().sum()
    check(scene, "'found.png'").assert_outcomes(passed=1)
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [edit_lpips]\nthresholds: {edit_lpips: 9}\n"
    )
    result = check(scene, "'found.png'")
    result.stdout.fnmatch_lines(["*a mask of 64x64 px (SUGGESTED from a result, untrusted)*"])


def test_no_region_is_suggested_where_none_stands_out(scene, monkeypatch, capsys):
    monkeypatch.chdir(scene.path)
    assert main(["suggest-region", "reference.png", "reference.png"]) == 1
    assert "the images are equal" in capsys.readouterr().err
    Image.open("reference.png").transpose(Image.Transpose.ROTATE_90).save("turned.png")
    assert main(["suggest-region", "reference.png", "turned.png"]) == 1
    assert "no part stands out" in capsys.readouterr().err
    assert main(["suggest-region", "reference.png", "edited.png", "-o", "mask.jpg"]) == 2
    assert main(["suggest-region", "reference.png", "edited.png", "-o", "mask.png"]) == 1
    assert "mask.png exists and is left as it is" in capsys.readouterr().err


def test_boxes_that_would_leave_no_background_are_not_proposed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = np.random.default_rng(0).integers(40, 180, (96, 96, 3), dtype=np.uint8)
    after = before + np.uint8(60)
    after[16:80, 16:80] = before[16:80, 16:80]
    for name, image in (("reference.png", before), ("edited.png", after)):
        Image.fromarray(image).save(name)
    assert main(["suggest-region", "reference.png", "edited.png"]) == 1
    assert "cover the whole frame, which leaves no background" in capsys.readouterr().err
    assert main(["suggest-region", "reference.png", "edited.png", "-o", "mask.png"]) == 0
    out = capsys.readouterr().out
    assert "coords: {mask: mask.png}" in out
    assert "[0, 0, 96, 96]" not in out
    found = np.asarray(Image.open("mask.png")) > 0
    assert not found[24:72, 24:72].any()
    assert found[:12].all()
