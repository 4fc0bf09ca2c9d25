"""Edited images of another size: where the mode is said, what is told, and what a golden holds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.gates.verdict import Gate
from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.report.html.data import build_view
from pytest_editmetrics.report.html.pictures import Gallery
from pytest_editmetrics.runs.folder import Run, read_run
from pytest_editmetrics.saved_runs.approve import approve
from pytest_editmetrics.saved_runs.project import in_project

# 125x123 px, and what models make of it: a cut to a multiple of 8, a stretch, a square, a letterbox
UNLIKE = """
from scene import *
from pytest_editmetrics import Region
REF = scene()[:123, :125]
EDIT = REF.copy()
EDIT[24:64, 20:60] = 255 - EDIT[24:64, 20:60]
CUT = EDIT[1:121, 2:122]
ROUNDED = np.asarray(Image.fromarray(EDIT).resize((120, 112), Image.Resampling.LANCZOS))
SQUARE = np.asarray(Image.fromarray(EDIT[:60]).resize((96, 96)))
WIDE = REF[:60]
PADDED = np.pad(EDIT, ((0, 5), (0, 3), (0, 0)))
MASK = np.zeros((123, 125), bool)
MASK[24:64, 20:60] = True
"""
BOUNDS = "metrics: [unedit_psnr]\nthresholds: {unedit_psnr: {min: 30}}\n"


@pytest.fixture
def sizes(scene: pytest.Pytester) -> pytest.Pytester:
    scene.makepyfile(unlike=UNLIKE)
    settings(scene)
    return scene


def settings(suite: pytest.Pytester, more: str = "") -> None:
    (suite.path / "editmetrics.yaml").write_text(BOUNDS + more)


def write(suite: pytest.Pytester, *calls: str) -> None:
    tests = (f"def test_{n}(edit_gate):\n    edit_gate.check({c})\n" for n, c in enumerate(calls))
    suite.makepyfile(test_x="from unlike import *\n" + "".join(tests))


def gates(path: Path) -> dict[str, Gate]:
    return {r.nodeid.partition("::")[2]: r.gate for r in read_run(path).gates if r.final}


def ran(suite: pytest.Pytester, *options: str) -> dict[str, Gate]:
    suite.runpytest("--editmetrics-results=r.jsonl", *options)
    return gates(suite.path / "r.jsonl")


# --- where it is said ---


def test_without_a_mode_the_error_names_the_one_that_fits(sizes):
    write(sizes, "REF, CUT, BOX")
    result = sizes.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*the edited image is 120x120 pixels, the reference 125x123*resize='crop-center' fits best"
            " (in YAML `resize: crop-center`): say so, or *in dB: crop-center 100.0, *"
        ]
    )


@pytest.mark.parametrize("stated", ["settings", "call", "call over settings"])
def test_a_mode_of_the_settings_or_the_call(sizes, stated):
    call = ", resize='crop-center'" if "call" in stated else ""
    settings(sizes, "" if stated == "call" else "resize: crop-center\n")
    if stated == "call over settings":
        settings(sizes, "resize: pad\n")
    write(sizes, f"REF, CUT, BOX{call}", f"REF, CUT, Region(mask=MASK){call}")
    for gate in ran(sizes).values():
        assert (gate.verdict, gate.value) == ("pass", 100)
        assert gate.details["resize"] == "crop-center"
        assert gate.details["sizes"] == {
            "kernel": None,
            "reference": [125, 123],
            "edited": [120, 120],
            "part": [2, 1, 122, 121],
        }


def test_helpers_take_it_too(sizes):
    settings(
        sizes, "pipes_default: {clip-pipe: {model_path: smoke}, sam-pipe: {model_type: smoke}}\n"
    )
    sizes.makepyfile(
        test_x="""
        from unlike import *
        def test_lpips(assert_unedit_lpips_below):
            assert assert_unedit_lpips_below(REF, CUT, BOX, 0.0, resize="crop-center").value == 0
        def test_emd(assert_unedit_emd_below):
            assert_unedit_emd_below(WIDE, SQUARE, None, 1e6, resize="edited", aspect="any")
        def test_objects(assert_object_sim_above):
            found = assert_object_sim_above(
                REF, REF[1:121, 2:122], ref_boxes=[(70, 70, 110, 110)],
                edited_boxes=[(68, 69, 108, 109)], threshold=0.9999, resize="crop-center")
            assert found.details["reference_boxes"] == found.details["edited_boxes"]
        """
    )
    sizes.runpytest().assert_outcomes(passed=3)


CASE = "{{id: {id}, reference: ref.png, edited: {edited}.png, coords: [[20, 24, 60, 64]]{more}}}"


def cases(suite: pytest.Pytester, of_file: str, **of_case: str) -> None:
    suite.syspathinsert()
    suite.makepyfile(
        save="from unlike import *\n"
        "for name, image in dict(ref=REF, cut=CUT, rounded=ROUNDED, padded=PADDED).items():\n"
        "    Image.fromarray(image).save(f'{name}.png')\n"
    )
    assert suite.runpython("save.py").ret == 0
    rows = "".join(
        f"  - {CASE.format(id=name, edited=name, more=more)}\n" for name, more in of_case.items()
    )
    (suite.path / "test_all.edit.yaml").write_text(f"{of_file}cases:\n{rows}")


def test_a_mode_of_a_file_of_cases_and_of_a_case(sizes):
    settings(sizes, "resize: reference\n")
    cases(
        sizes, "resize: crop-center\n", cut="", rounded=", resize: edited", padded=", resize: pad"
    )
    found = ran(sizes)
    assert {name: gate.details["resize"] for name, gate in found.items()} == {
        "cut": "crop-center",
        "rounded": "edited",
        "padded": "pad",
    }
    assert {gate.verdict for gate in found.values()} == {"pass"}


def test_the_settings_hold_for_cases_and_rows(sizes, monkeypatch):
    settings(sizes, "resize: edited\naspect: any\n")
    cases(sizes, "", rounded="", cut="")
    assert {gate.details["resize"] for gate in ran(sizes).values()} == {"edited"}
    row = {"reference": "ref.png", "edited": "rounded.png", "coords": [[20, 24, 60, 64]]}
    rows = [row, {**row, "id": "back", "resize": "reference"}]
    (sizes.path / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(sizes.path)
    main(["score", "pairs.jsonl", "-o", "run", "--keep-images", "all"])
    ahead, back = (record.gate for record in read_run(sizes.path / "run").gates)
    assert (ahead.region["resize"], back.region["resize"]) == ("edited", "reference")
    assert ahead.value > back.value > 30


def test_images_of_one_size_know_nothing_of_it(sizes):
    settings(sizes, "resize: crop-center\naspect: any\n")
    write(sizes, "REF, EDIT, BOX")
    (gate,) = ran(sizes, "--editmetrics-update=all").values()
    assert "resize" not in gate.details
    assert gate.region["resize"] is None
    assert "resize" not in (sizes.path / "goldens" / "test_x.py.yaml").read_text()


def test_a_misspelt_mode_is_named(sizes):
    settings(sizes, "resize: crop-centre\n")
    write(sizes, "REF, CUT, BOX")
    result = sizes.runpytest()
    assert result.ret
    lines = [*result.outlines, *result.errlines]
    assert any(
        "resize cannot be 'crop-centre' (did you mean 'crop-center'?)" in line for line in lines
    )


# --- a change of aspect ---


def test_a_stretch_is_said_and_a_larger_one_fails(sizes):
    settings(sizes, "resize: edited\n")
    write(
        sizes,
        "REF, ROUNDED, BOX",
        "WIDE, SQUARE, [(20, 24, 60, 60)]",
        "WIDE, SQUARE, [(20, 24, 60, 60)], aspect='any'",
    )
    found = ran(sizes)
    assert found["test_0"].details["sizes"]["rounded_to"] == 8
    assert found["test_1"].verdict == "error"
    assert (
        "rounding a side to a multiple of up to 64 px does not explain it"
        in found["test_1"].message
    )
    assert found["test_2"].details["sizes"]["rounded_to"] is None
    assert found["test_2"].verdict == "pass"


def test_a_failure_says_how_the_images_were_brought_together(sizes):
    (sizes.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: {min: 99}}\n")
    write(sizes, "REF, ROUNDED, BOX, metrics=['unedit_psnr'], resize='edited'")
    result = sizes.runpytest()
    result.stdout.fnmatch_lines(
        [
            "*cause *resize: the images were brought to one size (resize edited; no other mode fits"
            " better)",
            "*region * outside (20, 24, 60, 64) of the reference, *compared at 120x112 px; reference"
            " 125x123 px, edited 120x112 px, resize edited (bicubic), aspect 1.016 became 1.071,"
            " rounded to a multiple of 8 px",
        ]
    )


def test_a_mode_that_the_model_did_not_use_is_the_first_cause(sizes):
    write(sizes, "REF, CUT, BOX, resize='edited'")
    result = sizes.runpytest()
    result.stdout.fnmatch_lines(
        ["*cause *resize: crop-center fits the background better than resize edited (*100.0*"]
    )


def test_of_objects_too(sizes):
    settings(sizes, "pipes_default: {sam-pipe: {model_type: smoke}}\n")
    write(
        sizes,
        "REF, CUT, ref_boxes=[(70, 70, 110, 110)], edited_boxes=[(0, 0, 20, 20)], resize='edited',"
        " metrics={'mask_iou'}",
    )
    sizes.makeconftest(
        "import pytest\n"
        "def pytest_collection_modifyitems(items):\n"
        "    mark = pytest.mark.editmetrics(thresholds={'mask_iou': {'min': 0.99}})\n"
        "    items[0].add_marker(mark)\n"
    )
    sizes.runpytest().stdout.fnmatch_lines(["*cause *resize: crop-center fits the background bet*"])


# --- regions ---


def test_an_edit_area_that_was_cut_away_is_an_error_in_either_scope(sizes):
    call = "WIDE, WIDE[:, 32:92], {}, resize='crop-center', metrics=['unedit_psnr', 'edit_lpips']"
    write(
        sizes,
        call.format("[(0, 0, 30, 30)]"),
        call.format("Region(polygons=[[(0, 0), (9, 0), (0, 9)]])"),
    )
    sizes.runpytest("--editmetrics-results=r.jsonl").assert_outcomes(failed=2)
    for record in read_run(sizes.path / "r.jsonl").gates:
        assert record.gate.verdict == "error"
        assert "lies outside (32, 0, 92, 60), the part of the reference" in record.gate.message


def test_an_edit_area_that_was_partly_cut_is_measured_where_it_is_seen(sizes):
    write(sizes, "REF, CUT, [(0, 24, 60, 64)], resize='crop-center'")
    (gate,) = ran(sizes).values()
    assert gate.details["measured_fraction"] == 1 - 58 * 40 / 120**2
    assert gate.region["coords"] == [[0, 24, 60, 64]]
    assert gate.region["drawn"]["coords"] == [[0, 23, 58, 63]]


@pytest.mark.parametrize(
    "region", ["BOX", "Region(mask=MASK)", "Region(mask=MASK) | Region(boxes=BOX)"]
)
@pytest.mark.parametrize(
    ("edited", "mode"),
    [("CUT", "crop-center"), ("EDIT[:120, :120]", "crop-top-left"), ("PADDED", "pad")],
)
def test_the_area_goes_along_to_the_pixel(sizes, region, edited, mode):
    call = f"REF, {edited}, {region}, resize={mode!r}, metrics=['unedit_max_diff', 'edit_lpips']"
    (sizes.path / "editmetrics.yaml").write_text(
        "thresholds: {unedit_max_diff: {max: 0}, edit_lpips: {min: 0.01}}\n"
    )
    write(sizes, call)
    sizes.runpytest().assert_outcomes(passed=1)


def test_a_pipe_of_the_users_gets_what_ours_get(sizes):
    sizes.makeconftest(
        """
        import numpy as np
        from pytest_editmetrics import Metric
        class Pipe:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                assert reference.shape == edited.shape == (120, 120, 3)
                assert not params, params
                if metric == "far":
                    assert [list(box) for box in coords] == [[18, 23, 58, 63]], coords
                    return float((reference != edited).any(2).sum())
                assert [list(box) for box in coords] == [[18, 23, 58, 63], [20, 24, 60, 64]], coords
                return 1.0
        def pytest_editmetrics_register_pipes(registry):
            objects = Metric("near", "higher", scope="edit_area", compares="objects")
            registry.register("own-pipe", Pipe, metrics=[Metric("far", "lower"), objects])
        """
    )
    (sizes.path / "editmetrics.yaml").write_text("thresholds: {far: 1600, near: {min: 1}}\n")
    write(
        sizes,
        "REF, CUT, BOX, ref_boxes=BOX, edited_boxes=BOX, resize='crop-center',"
        " metrics=['far', 'near']",
    )
    sizes.runpytest().assert_outcomes(passed=1)


# --- goldens ---


def golden_of(suite: pytest.Pytester) -> Path:
    return suite.path / "goldens" / "test_x.py.yaml"


def recorded(suite: pytest.Pytester, call: str) -> str:
    (suite.path / "editmetrics.yaml").write_text("metrics: [unedit_psnr]\n")
    write(suite, call)
    suite.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    suite.runpytest().assert_outcomes(passed=1)
    return golden_of(suite).read_text()


def test_a_golden_says_the_mode_and_another_is_an_error_that_names_both(sizes):
    before = recorded(sizes, "REF, ROUNDED, BOX, resize='edited'")
    assert before.rstrip().endswith('resize: "edited", share: 0.89, size: "120x112"}')
    write(sizes, "REF, ROUNDED, BOX, resize='reference'")
    result = sizes.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*EditMetricsError: unedit_psnr could not be judged: the golden goldens/test_x.py.yaml:2 was"
            " measured under resize 'edited', and today's value under resize 'reference': *",
            "*to accept*pytest test_x.py::test_0 --editmetrics-update=failed",
        ]
    )
    assert golden_of(sizes).read_text() == before
    sizes.runpytest("--editmetrics-update=missing").assert_outcomes(failed=1)
    sizes.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert 'resize: "reference"' in golden_of(sizes).read_text()
    sizes.runpytest().assert_outcomes(passed=1)


def test_a_model_that_begins_to_return_another_size_is_noticed(sizes):
    assert "resize" not in recorded(sizes, "REF, EDIT, BOX, resize='crop-center'")
    write(sizes, "REF, CUT, BOX, resize='crop-center'")
    result = sizes.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*was measured on images of one size, and today's value under resize 'crop-center'*"]
    )


def test_and_one_that_returns_the_references_size_again(sizes):
    recorded(sizes, "REF, CUT, BOX, resize='crop-center'")
    write(sizes, "REF, EDIT, BOX, resize='crop-center'")
    result = sizes.runpytest()
    result.stdout.fnmatch_lines(
        ["*under resize 'crop-center', and today's value on images of one size*"]
    )
    sizes.runpytest("--editmetrics-update=failed").assert_outcomes(passed=1)
    assert 'resize: "none"' in golden_of(sizes).read_text()
    sizes.runpytest().assert_outcomes(passed=1)


def test_a_bound_that_a_person_wrote_holds_whatever_the_mode(sizes):
    recorded(sizes, "REF, ROUNDED, BOX, resize='edited'")
    golden_of(sizes).write_text('"test_0":\n  unedit_psnr: {min: 20}\n')
    for mode in ("edited", "reference"):
        write(sizes, f"REF, ROUNDED, BOX, resize={mode!r}")
        sizes.runpytest().assert_outcomes(passed=1)


def test_a_mode_that_no_golden_knows_is_an_error_of_its_file(sizes):
    golden = recorded(sizes, "REF, ROUNDED, BOX, resize='edited'")
    golden_of(sizes).write_text(golden.replace('"edited"', "cropped"))
    sizes.runpytest().stdout.fnmatch_lines(
        ["*goldens/test_x.py.yaml:2: resize of unedit_psnr *'cropped'*"]
    )


def test_approving_writes_the_mode(sizes):
    recorded(sizes, "REF, ROUNDED, BOX, resize='edited'")
    write(sizes, "REF, ROUNDED, BOX, resize='reference'")
    sizes.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=1)
    run = read_run(sizes.path / "run")
    assert in_project(lambda s: approve(s, run, None, print), rootdir=sizes.path) == 1
    assert 'resize: "reference"' in golden_of(sizes).read_text()


def test_a_variant_of_a_device_has_its_own(sizes):
    recorded(sizes, "REF, ROUNDED, BOX, resize='edited'")
    golden_of(sizes).write_text(
        '"test_0":\n  unedit_psnr: {min: 20, measured: 30,'
        ' env: {cpu: {min: 20, measured: 30, resize: "reference"}}}\n'
    )
    write(sizes, "REF, ROUNDED, BOX, resize='reference'")
    sizes.runpytest().assert_outcomes(passed=1)
    write(sizes, "REF, ROUNDED, BOX, resize='edited'")
    sizes.runpytest().stdout.fnmatch_lines(["*under resize 'reference', and *resize 'edited'*"])


# --- what is kept, shown and measured again ---

EVERY = (
    "REF, CUT, Region(mask=MASK), resize='crop-center', metrics=['unedit_psnr', 'lpips']",
    "REF, EDIT[:120, :120], Region(polygons=[[(20, 24), (60, 24), (40, 64)]], dilate=3), resize='crop-top-left'",
    "REF, PADDED, BOX, resize='pad'",
    "REF, ROUNDED, BOX, resize='edited'",
    "REF, ROUNDED, BOX, resize='reference'",
    "WIDE, SQUARE, [(20, 24, 60, 60)], resize='edited', aspect='any'",
    "REF, CUT, ref_boxes=[(2, 1, 40, 40)], edited_boxes=[(0, 0, 38, 39)], resize='crop-center',"
    " metrics=['mask_iou']",
)


def test_score_measures_a_saved_run_again_to_the_bit(sizes, monkeypatch):
    settings(sizes, "pipes_default: {sam-pipe: {model_type: smoke}}\n")
    write(sizes, *EVERY)
    sizes.runpytest("--editmetrics-run-dir=run")
    monkeypatch.chdir(sizes.path)
    main(["score", "run", "-o", "again"])
    before, after = (read_run(sizes.path / name).gates for name in ("run", "again"))
    assert len(before) == len(after) == len(EVERY) + 1
    for one, other in zip(before, after, strict=True):
        assert one.gate.verdict in ("pass", "fail", "missing-golden"), one.gate.message
        for field in ("value", "verdict", "region", "details", "images"):
            assert getattr(one.gate, field) == getattr(other.gate, field), (one.nodeid, field)


def pixels(run: Run, name: str) -> np.ndarray:
    return load_image(run.image_path(name))


def test_a_run_keeps_what_was_and_what_was_compared(sizes):
    write(sizes, *EVERY[:4])
    sizes.runpytest("--editmetrics-run-dir=run")
    run = read_run(sizes.path / "run")
    for record in run.gates:
        images = record.gate.images
        assert pixels(run, images["reference"]).shape == (123, 125, 3)
        compared = [pixels(run, images["compared"][name]) for name in ("reference", "edited")]
        size = record.gate.region["height"], record.gate.region["width"]
        assert {image.shape[:2] for image in compared} == {size}
        assert pixels(run, images["mask"]).shape[:2] == size
    padded = gates(sizes.path / "run")["test_2"]
    kept = {name: pixels(run, padded.images[name]) for name in ("reference", "edited")}
    assert kept["edited"].shape == (128, 128, 3)
    assert (pixels(run, padded.images["compared"]["reference"]) == kept["reference"]).all()


def test_the_report_draws_boxes_where_they_lie_in_what_was_compared(sizes):
    write(sizes, EVERY[2].replace("PADDED", "CUT").replace("pad", "crop-center"))
    sizes.runpytest("--editmetrics-run-dir=run")
    run = read_run(sizes.path / "run")
    (case,) = build_view(run, Gallery(run), None).cases
    assert [(layer["w"], layer["h"]) for layer in case.picture["layers"]] == [(120, 120)] * 2
    assert [box["box"] for box in case.picture["boxes"]] == [[18, 23, 58, 63]]
    mask = next(one for one in case.picture["overlays"] if one["kind"] == "mask")
    assert (mask["w"], mask["h"]) == (120, 120)


def test_the_failures_picture_shows_what_was_compared(sizes):
    (sizes.path / "editmetrics.yaml").write_text("thresholds: {edit_lpips: {min: 99}}\n")
    write(sizes, "REF, CUT, BOX, resize='crop-center', metrics=['edit_lpips']")
    sizes.runpytest().assert_outcomes(failed=1)
    (path,) = (sizes.path / ".pytest_cache").rglob("*.png")
    picture = np.asarray(Image.open(path))
    assert picture.shape == (120, 3 * 120 + 16, 3)
    assert picture[23, 18:58].tolist() == [[255, 0, 0]] * 40


def test_the_gates_can_be_tested_with_faults(sizes):
    write(sizes, "REF, CUT, BOX, resize='crop-center', metrics=['unedit_psnr']")
    result = sizes.runpytest("--editmetrics-selftest", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=1)
    selftest = next(
        r.gate for r in read_run(sizes.path / "r.jsonl").gates if r.gate.compares == "gates"
    )
    assert len(selftest.details["caught"]) > 2


# --- one reference under two modes ---


def test_one_reference_under_two_modes_is_two_pictures(sizes):
    settings(sizes, "pipes_default: {clip-pipe: {model_path: smoke}}\n")
    calls = [
        f"REF, ROUNDED, BOX, resize={mode!r}, aspect='any', metrics=['emd', 'lpips']"
        for mode in ("edited", "reference", "crop-center", "edited")
    ]
    write(sizes, *calls)
    together = ran(sizes)
    for number, call in enumerate(calls[:3]):
        write(sizes, call)
        (alone,) = ran(sizes, "-oeditmetrics_cache=false").values()
        assert alone.value == together[f"test_{number}"].value
    values = [together[f"test_{n}"].value for n in range(4)]
    assert len(set(values)) == 3
    assert values[0] == values[3]


def test_cases_decoded_ahead_are_encoded_as_they_are_compared(sizes):
    (sizes.path / "editmetrics.yaml").write_text(
        "metrics: [emd]\nresize: edited\nthresholds: {emd: {max: 1000000}}\n"
        "pipes_default: {clip-pipe: {model_path: smoke}}\n"
    )
    cases(sizes, "", rounded="", cut=", resize: crop-center", padded=", resize: pad")
    sizes.makeconftest(
        """
        import pytest_editmetrics.pipes.clip.pipe as module
        encode = module.CLIPPipe.encode_ahead
        def encode_ahead(self, metric, images):
            print("ahead", sorted(image.shape[:2] for image in images))
            return encode(self, metric, images)
        module.CLIPPipe.encode_ahead = encode_ahead
        def pytest_unconfigure():
            module.CLIPPipe.encode_ahead = encode
        """
    )
    result = sizes.runpytest("-s", "--editmetrics-results=r.jsonl")
    result.stdout.fnmatch_lines(
        ["*ahead [[](112, 120), (112, 120), (120, 120), (120, 120), (123, 125), (123, 125)[]]"]
    )
    together = {name: gate.value for name, gate in gates(sizes.path / "r.jsonl").items()}
    assert together == {
        name: gate.value for name, gate in ran(sizes, "-oeditmetrics_cache=false").items()
    }


# --- suggest-region ---


@pytest.mark.parametrize(
    ("edited", "mode"), [("cut", "crop-center"), ("padded", "pad"), ("rounded", "edited")]
)
def test_a_region_is_suggested_in_the_references_pixels(sizes, monkeypatch, capsys, edited, mode):
    cases(sizes, "", cut="")
    monkeypatch.chdir(sizes.path)
    files = ["ref.png", f"{edited}.png"]
    assert main(["suggest-region", *files]) == 1
    assert "fits best" in capsys.readouterr().err
    assert main(["suggest-region", *files, "--resize", mode, "-o", "m.png", "--dilate", "2"]) == 0
    mask = load_image("m.png")[..., 0] > 0
    assert mask.shape == (123, 125)
    assert mask[24:64, 20:60].all()
    assert mask.sum() < 60 * 60
    capsys.readouterr()
    (sizes.path / "test_all.edit.yaml").unlink()
    image = {"cut": "CUT", "padded": "PADDED", "rounded": "ROUNDED"}[edited]
    write(sizes, f"REF, {image}, 'm.png', resize={mode!r}")
    sizes.runpytest().assert_outcomes(passed=1)


def test_a_golden_of_equal_sizes_is_told_before_a_mode_is_proposed(sizes):
    """A model that began to cut is a fault first, and a mode to state second."""
    body = "from unlike import *\n"
    for number, edited in enumerate(("EDIT", "CUT")):
        sizes.makepyfile(
            test_x=f"{body}def test_it(edit_gate):\n"
            f"    edit_gate.check(REF, {edited}, metrics=['unedit_psnr', 'lpips'])\n"
            f"def test_other(edit_gate): edit_gate.check(REF, {edited}, name='new')\n"
        )
        if number == 0:
            sizes.runpytest("--editmetrics-update=all", "-k", "test_it").assert_outcomes(passed=1)
    result = sizes.runpytest()
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        [
            "*unedit_psnr, lpips could not be judged: the edited image is 120x120 pixels, the"
            " reference 125x123: they cannot be compared as they are; its golden was measured on"
            " images of one size, so the model used to return the reference's size: make it do that"
            " again. If the new size is meant: resize=* (in YAML *): say so, and record again. *",
            # one that has no golden is told as before
            "*unedit_psnr@new could not be judged: *as they are; resize=*say so, or make the model*",
        ]
    )


def test_a_golden_that_states_a_mode_or_was_written_by_hand_says_nothing_of_equal_sizes(sizes):
    write(sizes, "REF, CUT, resize='crop-center'")
    sizes.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    write(sizes, "REF, CUT")
    sizes.runpytest().stdout.no_fnmatch_line("*used to return the reference's size*")
    golden = sizes.path / "goldens" / "test_x.py.yaml"
    golden.write_text("test_0:\n  unedit_psnr: {min: 30}\n")
    result = sizes.runpytest()
    result.stdout.no_fnmatch_line("*used to return the reference's size*")
    result.assert_outcomes(failed=1)
