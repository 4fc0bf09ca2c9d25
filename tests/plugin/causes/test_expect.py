"""``expect``: how a model writes its background decides the bounds; a failure names the cause."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main


def run(scene: pytest.Pytester, call: str, *options: str, head: str = "") -> pytest.RunResult:
    scene.makepyfile(
        test_edit=f"from scene import *\n\n{head}\ndef test_edit(edit_gate):\n    {call}\n"
    )
    return scene.runpytest(*options)


def test_a_clean_composite_passes_without_a_bound_of_its_own(scene):
    result = run(scene, 'edit_gate.check(scene(), edited(), BOX, expect="composited")')
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["unedit_max_diff *1 *1 *", "lpips *1 *1 *", "edit_lpips *1 *1 *"])


@pytest.mark.quick(2)
@pytest.mark.parametrize(
    ("faulty", "first", "cause"),
    [
        (
            "scene()",
            "edit_lpips 0.000 < min 0.020",
            "no-edit: the edit area is the reference's, pixel by pixel",
        ),
        (
            "(0.95 * scene() + 0.05 * edited()).round().astype('uint8')",
            "edit_lpips 0.0* < min 0.020: the edit area changed less than it has to",
            "weaker-edit: the edit area changed less than it has to",
        ),
        (
            "np.roll(edited(), 2, axis=1)",
            "unedit_max_diff * > max 2.0: background moved 2.00 px right (* %)*",
            "shift (* %): background moved 2.00 px right",
        ),
        ("jpeg(edited())", "unedit_max_diff *", "jpeg (* %): encoded as JPEG (*"),
        (
            "Image.fromarray(scene()).resize((64, 64), 2).resize((128, 128), 2)",
            "unedit_max_diff * > max 2.00: blurred (* %)*",
            "blur (* %): blurred (*",
        ),
        (
            "edited()[..., ::-1]",
            "unedit_max_diff * > max 2.0: red and blue are swapped (BGR?) (100 %)",
            "channels (100 %): red and blue are swapped (BGR?)",
        ),
        (
            "(edited() * (219 / 255) + 16).round().astype(np.uint8)",
            "unedit_max_diff * > max 2.00: contrast -14 % (100 %)",
            "contrast (100 %): changed (gain 0.859, offset +16.0 of 255)",
        ),
    ],
)
def test_a_fault_fails_and_is_named(scene, faulty, first, cause):
    result = run(scene, f'edit_gate.check(scene(), {faulty}, BOX, expect="composited")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*{first}*"])
    result.stdout.fnmatch_lines(["*    bound     *default expect='composited'*"])
    result.stdout.fnmatch_lines([f"*    cause     {cause}*"])


def test_a_reencoded_background_may_change_a_little(scene):
    call = 'edit_gate.check(scene(), jpeg(edited(), 80), BOX, expect="{}")'
    run(scene, call.format("reencoded")).assert_outcomes(passed=1)
    run(scene, call.format("composited")).assert_outcomes(failed=1)


@pytest.mark.slow
@pytest.mark.parametrize("quality", [95, 90])
def test_a_composite_that_was_saved_as_jpeg_has_a_name(scene, quality):
    made = f"edit_gate.check(A, jpeg({{}}, {quality}), BOX, expect='{{}}')"
    run(scene, made.format("with_edit(A)", "composited"), head=HEAD).assert_outcomes(failed=1)
    passed = run(scene, made.format("with_edit(A)", "composited-jpeg"), head=HEAD)
    passed.assert_outcomes(passed=1)
    spilled = "B = with_edit(A); B[150:166, 90:106] += 64;"
    result = run(scene, f"{spilled} {made.format('B', 'composited-jpeg')}", head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit beyond_detail_max * > max 10.0: *"])


def test_a_tone_fails_a_reencoding_and_is_told_of_a_redraw(scene):
    cast = "(with_edit(A) * [1, 0.95, 0.9]).astype(np.uint8)"
    call = f'edit_gate.check(A, {cast}, BOX, expect="{{}}"{{}})'
    result = run(scene, call.format("reencoded", ""), head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit tone * > max 3.000: colour*"])
    told = run(scene, call.format("generative", ""), "-v", head=HEAD)
    told.assert_outcomes(passed=1)
    told.stdout.fnmatch_lines(["*unedit tone *, held to no bound*"])
    marked = HEAD + "@pytest.mark.editmetrics(thresholds={'tone': 1})"
    stated = run(scene, call.format("generative", ""), head=marked)
    stated.assert_outcomes(failed=1)
    stated.stdout.fnmatch_lines(["*unedit tone * > max 1.000: *"])
    # who names the metric means to hold it
    named = run(scene, call.format("generative", ', metrics="tone"'), head=HEAD)
    named.assert_outcomes(failed=1)
    named.stdout.fnmatch_lines(["*unedit tone * has no threshold and no golden*"])


REWRITTEN = """
def rewritten(image):
    small = Image.fromarray(image).resize((112, 112), Image.Resampling.LANCZOS)
    return np.asarray(small.resize((192, 192), Image.Resampling.LANCZOS))
"""


@pytest.mark.long
def test_an_edit_that_a_rewriting_lost_fails_and_no_golden_takes_it(scene):
    """LPIPS inside is what the rewriting alone makes of it, more or less than its bound."""
    call = "edit_gate.check(A, rewritten({}), BOX, expect='reencoded')"
    edited, lost = call.format("with_edit(A)"), call.format("A")
    head = HEAD + REWRITTEN
    run(scene, edited, head=head).assert_outcomes(passed=1)
    result = run(scene, lost, head=head)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*edit_ratio 1.* < min 2.000: *the edit area changed hardly more than the background*"]
    )
    run(scene, lost, "--editmetrics-update=missing", head=head).assert_outcomes(failed=1)
    run(scene, edited, "--editmetrics-update=missing", head=head).assert_outcomes(passed=1)
    result = run(scene, lost, "--editmetrics-run-dir=run", head=head)
    result.assert_outcomes(failed=1)
    golden = scene.path / "goldens" / "test_edit.py.yaml"
    before = golden.read_text()
    main(["approve", "run"])
    assert golden.read_text() == before
    run(scene, lost, "--editmetrics-update=failed", head=head).assert_outcomes(failed=1)
    assert golden.read_text() == before


DARKER = """
from scipy.ndimage import gaussian_filter
part = np.zeros((192, 192, 1))
part[116:160, 110:154] = 1
part = gaussian_filter(part, (4, 4, 0))

def darker(image):
    return (image * (1 - 0.3 * part)).round().astype(np.uint8)
"""


@pytest.mark.long
@pytest.mark.parametrize("expect", ["reencoded", "composited-jpeg"])
def test_a_part_that_became_darker_fails_however_small_its_share_is(scene, expect):
    call = f"edit_gate.check(A, jpeg({{}}, 95), BOX, expect='{expect}')"
    whole = run(scene, call.format("with_edit(A)"), head=HEAD + DARKER)
    whole.assert_outcomes(passed=1)
    result = run(scene, call.format("darker(with_edit(A))"), head=HEAD + DARKER)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit tone_max * > max *: *"])
    result.stdout.no_fnmatch_line("*unedit tone [0-9]* > max *")


@pytest.mark.long
def test_a_cut_out_is_held_by_its_own_pixels_and_not_by_what_is_transparent(scene):
    """Of 640 x 640 pixels that are mostly transparent, a part of the object became darker."""
    head = HEAD + DARKER + (
        "def cut_out(image):\n"
        "    made = np.zeros((640, 640, 4), np.uint8)\n"
        "    made[:192, :192, :3], made[:192, :192, 3] = image, 255\n"
        "    return made\n"
    )  # fmt: skip
    call = "edit_gate.check(cut_out(A), cut_out({}), BOX, expect='reencoded')"
    run(scene, call.format("with_edit(A)"), head=head).assert_outcomes(passed=1)
    result = run(scene, call.format("darker(with_edit(A))"), head=head)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit tone_max * > max 8.00: *"])


def test_a_bound_of_the_configuration_holds_a_tone_that_is_told(scene):
    (scene.path / "editmetrics.yaml").write_text("thresholds: {tone: 1}\n")
    call = 'edit_gate.check(A, (with_edit(A) * 0.9).astype(np.uint8), BOX, expect="generative")'
    result = run(scene, call, head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit tone * > max 1.000: *"])


@pytest.mark.parametrize("expect", ["reencoded", "generative"])
def test_something_that_vanished_fails_a_reencoding_and_a_redraw(scene, expect):
    body = "B = with_edit(A); B[120:150, 80:110] = B[120:150, 80:110].mean((0, 1)); B = jpeg(B);"
    result = run(scene, f'{body} edit_gate.check(A, B, BOX, expect="{expect}")', head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit altered * > max 0.100: *"])


def test_a_square_of_24_px_fails_a_reencoding_by_what_is_gone_alone(scene):
    body = (
        "B = with_edit(A); B[150:174, 150:174] = B[150:174, 150:174].mean((0, 1)); B = jpeg(B, 95);"
    )
    result = run(scene, f'{body} edit_gate.check(A, B, BOX, expect="reencoded")', head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit altered * > max 0.100: *is gone in (*"])
    result.stdout.no_fnmatch_line("*unedit [!a]* > max *")


def test_a_reencoding_in_which_no_part_can_stand_out_does_not_fail_by_that(scene):
    """Its structure is unlike all over, and yet is found where it was."""
    body = "B = eight_bit(with_edit(A) + ROUGH); "
    call = f'{body} edit_gate.check(A, B, BOX, expect="reencoded")'
    (scene.path / "editmetrics.yaml").write_text(
        "thresholds: {beyond_detail: 200, tone: 99, tone_max: 99}\n"
    )
    rough = (
        HEAD
        + """
ROUGH = np.random.default_rng(0).normal(0, 40, (96, 96, 3)).repeat(2, 0).repeat(2, 1)

def eight_bit(image):
    return image.clip(0, 255).round().astype(np.uint8)
"""
    )
    result = run(scene, call, head=rough)
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["*unedit altered unmeasured (redrawn)*"])
    result.stdout.fnmatch_lines(["drift_px *1 *1 *"])


def test_a_plain_wall_through_jpeg_is_no_other_picture(scene):
    wall = (
        "W = np.linspace(180, 200, 192)[:, None, None].repeat(192, 1).repeat(3, 2).astype(np.uint8)"
    )
    for expect in ("composited-jpeg", "reencoded"):
        call = f'{wall}; edit_gate.check(W, jpeg(with_edit(W)), BOX, expect="{expect}")'
        run(scene, call, head=HEAD).assert_outcomes(passed=1)


def test_a_moved_background_is_none_that_was_reencoded(scene):
    moved = "jpeg(np.roll(edited(), 2, axis=1), 80)"
    result = run(scene, f'edit_gate.check(scene(), {moved}, BOX, expect="reencoded")')
    result.stdout.fnmatch_lines(["*unedit drift_px 2.0* > max 0.500*"])


def test_an_unknown_expectation_is_an_error(scene):
    result = run(scene, 'edit_gate.check(scene(), edited(), BOX, expect="composite")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unknown expect='composite' (did you mean 'composited'?)*"])


def test_the_configuration_can_expect_for_the_whole_suite(scene):
    (scene.path / "editmetrics.yaml").write_text("expect: composited\n")
    run(scene, "edit_gate.check(scene(), edited(), BOX)").assert_outcomes(passed=1)
    run(scene, "edit_gate.check(scene(), jpeg(edited()), BOX)").assert_outcomes(failed=1)
    call = 'edit_gate.check(scene(), jpeg(edited(), 80), BOX, expect="reencoded")'
    run(scene, call).assert_outcomes(passed=1)


def test_a_wrong_expectation_in_the_configuration_has_its_line(scene):
    (scene.path / "editmetrics.yaml").write_text("metrics: [lpips]\nexpect: redrawn\n")
    result = run(scene, "edit_gate.check(scene(), edited(), BOX)")
    assert result.ret != 0
    result.stderr.fnmatch_lines(["*editmetrics.yaml:2: *redrawn*composited*"])


def test_metrics_and_bounds_that_are_written_win(scene):
    (scene.path / "editmetrics.yaml").write_text(
        "metrics: [unedit_max_diff]\nexpect: composited\nthresholds: {unedit_max_diff: 254}\n"
    )
    result = run(scene, "edit_gate.check(scene(), jpeg(edited()), BOX)")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("lpips *")
    result.stdout.fnmatch_lines(["expect composited would also hold lpips, edit_lpips: *"])


def test_emd_only_advises_about_a_composite(scene):
    """Smoke weights keep the test small; what is at stake is the verdict."""
    (scene.path / "editmetrics.yaml").write_text(
        "pipes_default: {clip-pipe: {model_path: smoke}}\nthresholds: {emd: 0}\n"
    )
    call = 'edit_gate.check(scene(), np.roll(edited(), 2, axis=1), BOX, metrics="emd"{})'
    advised = run(scene, call.format(', expect="composited"'))
    advised.assert_outcomes(passed=1)
    advised.stdout.fnmatch_lines(["for review: *", "*test_edit: unedit emd * > max 0.00*"])
    run(scene, call.format(', expect="composited"'), "--editmetrics-review=fail").assert_outcomes(
        failed=1
    )
    run(scene, call.format("")).assert_outcomes(failed=1)
    head = "@pytest.mark.editmetrics(thresholds={'emd': 0})"
    stated = run(scene, call.format(', expect="composited"'), head=head)
    stated.assert_outcomes(failed=1)


def test_the_results_name_cause_and_expectation(scene):
    call = 'edit_gate.check(scene(), np.roll(edited(), 2, axis=1), BOX, expect="composited")'
    run(scene, call, "--editmetrics-results=results.jsonl")
    lines = (scene.path / "results.jsonl").read_text().splitlines()
    gates = [json.loads(line) for line in lines if '"gate"' in line]
    (gate,) = (gate for gate in gates if gate["metric"] == "unedit_max_diff")
    assert gate["details"]["expect"] == "composited"
    assert gate["details"]["causes"][0]["kind"] == "shift"
    assert gate["details"]["causes"][0]["dx"] == pytest.approx(2, abs=0.05)


def test_a_saved_run_is_scored_under_the_same_expectation(scene, monkeypatch):
    call = 'edit_gate.check(scene(), jpeg(edited()), BOX, expect="composited")'
    run(scene, call, "--editmetrics-run-dir=run").assert_outcomes(failed=1)
    monkeypatch.chdir(scene.path)
    assert main(["score", "run"]) == 1
    results = (scene.path / "run-scored" / "results.jsonl").read_text()
    assert "expect='composited'" in results


def write_images(folder) -> None:
    random = np.random.default_rng(0)
    reference = random.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    edited = reference.copy()
    edited[16:48, 16:48] = 255 - edited[16:48, 16:48]
    Image.fromarray(reference).save(folder / "reference.png")
    Image.fromarray(edited).save(folder / "edited.png")


def test_a_yaml_case_expects_too(scene):
    write_images(scene.path)
    (scene.path / "test_x.edit.yaml").write_text(
        "cases:\n"
        "  - {id: clean, reference: reference.png, edited: edited.png,"
        " coords: [[16, 16, 48, 48]], expect: composited}\n"
        "  - {id: elsewhere, reference: reference.png, edited: edited.png,"
        " coords: [[0, 0, 16, 16]], expect: composited}\n"
    )
    result = scene.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*    cause     *a local change in (16, 16, 48, 48)*"])


def test_a_file_of_cases_expects_for_all_of_them(scene):
    """A case's own goes before, and the file's before the configuration's and its metrics."""
    write_images(scene.path)
    (scene.path / "editmetrics.yaml").write_text("metrics: [tone]\nexpect: generative\n")
    place = "reference: reference.png, edited: edited.png, coords"
    (scene.path / "test_x.edit.yaml").write_text(
        "expect: composited\ncases:\n"
        f"  - {{id: clean, {place}: [[16, 16, 48, 48]]}}\n"
        f"  - {{id: elsewhere, {place}: [[0, 0, 16, 16]]}}\n"
        f"  - {{id: jpeg, {place}: [[16, 16, 48, 48]], expect: composited-jpeg}}\n"
    )
    result = scene.runpytest("-rA")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        ["*    bound     *default expect='composited'*", "FAILED *::elsewhere*"]
    )


def test_a_row_of_a_manifest_expects_too(scene, monkeypatch, capsys):
    write_images(scene.path)
    row = {"id": "one", "reference": "reference.png", "edited": "edited.png"}
    row["coords"] = [[16, 16, 48, 48]]
    manifest = scene.path / "pairs.jsonl"
    monkeypatch.chdir(scene.path)
    manifest.write_text(json.dumps({**row, "expect": "composited"}) + "\n")
    assert main(["score", "pairs.jsonl"]) == 0
    assert "unedit_max_diff" in capsys.readouterr().out
    manifest.write_text(json.dumps({**row, "expect": "composite"}) + "\n")
    assert main(["score", "pairs.jsonl"]) == 1
    assert "pairs.jsonl:1: " in capsys.readouterr().err
    manifest.write_text(json.dumps(row) + "\n")
    assert main(["score", "pairs.jsonl"]) == 2
    assert "an `expect` that has one" in capsys.readouterr().err


def test_an_expectation_of_a_call_goes_before_the_metrics_of_the_configuration(scene):
    (scene.path / "editmetrics.yaml").write_text("metrics: [lpips]\n")
    result = run(scene, 'edit_gate.check(scene(), scene(), BOX, expect="composited")')
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*edit_lpips 0.000 < min 0.020*", "*cause     no-edit: the edit area is the reference's*"]
    )
    result.stdout.no_fnmatch_line("*to accept *--editmetrics-update*")


@pytest.mark.long
def test_what_an_expectation_chose_and_cannot_be_measured_is_no_xfail(scene):
    flat = "np.full((128, 128, 3), 90, np.uint8)"
    body = f"a = {flat}; b = a.copy(); b[24:64, 20:60, 0] = np.arange(40) * 6;"
    call = f'{body} edit_gate.check(a, b, BOX, expect="reencoded"{{}})'
    result = run(scene, call.format(""))
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["drift_px *1 *0 *0 *1 *", "*unedit drift_px unmeasured (no-texture)*"]
    )
    run(scene, call.format(', metrics=["lpips", "drift_px"]')).assert_outcomes(xfailed=1)
    only = f'{body} edit_gate.check(a, b, None, expect="composited")'
    run(scene, only).assert_outcomes(failed=1)


def test_a_diagnosis_that_breaks_leaves_the_verdict(scene):
    head = """
import importlib

def broken(*args):
    raise RuntimeError("no memory")

@pytest.fixture(autouse=True)
def breaks(monkeypatch):
    monkeypatch.setattr(importlib.import_module("pytest_editmetrics.background.diagnosis"), "diagnose", broken)
"""
    call = 'edit_gate.check(scene(), np.roll(edited(), 2, 0), BOX, expect="composited")'
    result = run(scene, call, head=head)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit_max_diff * > max 2.0*"])
    result.stdout.fnmatch_lines(["*cause     unexplained: not diagnosed: RuntimeError: no memory*"])


PHOTOS = Path(__file__).parents[3] / "fixtures" / "demo" / "images"
HEAD = f"""
from pathlib import Path
from PIL import Image, ImageOps

def photo(name):
    picture = Image.open(Path({str(PHOTOS)!r}) / f"{{name}}.png").convert("RGB")
    return np.asarray(picture.resize((192, 192)))

def with_edit(image):
    made = image.copy()
    made[24:64, 20:60] = 255 - made[24:64, 20:60]
    return made

A = photo("astronaut")
"""
MOVES = {
    "shifted": "np.roll(with_edit(A), 60, axis=1)",
    "upside down": "with_edit(A)[::-1]",
    "mirrored": "with_edit(A)[:, ::-1]",
    "turned": "np.asarray(Image.fromarray(with_edit(A)).rotate(10))",
    "zoomed": "np.asarray(Image.fromarray(with_edit(A)).crop((16, 16, 176, 176)).resize((192, 192)))",
    "stretched": "np.asarray(Image.fromarray(with_edit(A)).crop((0, 9, 192, 183)).resize((192, 192)))",
}


@pytest.mark.quick(1)
@pytest.mark.parametrize("move", MOVES)
def test_a_motion_of_any_size_fails_as_a_number(scene, move):
    call = f'edit_gate.check(A, {MOVES[move]}, BOX, metrics=["warp_px"], expect="generative")'
    result = run(scene, call, head=HEAD)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*unedit warp_px * > max 6.0*"])


@pytest.mark.long
def test_another_picture_fails_whatever_is_expected_and_a_restyle_does_not(scene):
    body = f"""from scene import *
import pytest

{HEAD}
OTHER = with_edit(photo("coffee"))
NIGHT = (with_edit(A).astype(float) ** 2 / 255 / 3).round().astype(np.uint8)[..., ::-1]
RANDOM = np.random.default_rng(0)
NEAR = RANDOM.integers(-9, 10, (2, 192, 192))
Y, X = np.clip(np.mgrid[:192, :192] + NEAR, 0, 191)

@pytest.mark.parametrize("expect", ["reencoded", "generative"])
@pytest.mark.parametrize("made", ["other", "anew"])
def test_it(edit_gate, made, expect):
    edited = OTHER if made == "other" else with_edit(A)[Y, X]
    edit_gate.check(A, edited, BOX, expect=expect)
"""
    scene.makepyfile(test_it=body)
    (scene.path / "editmetrics.yaml").write_text("thresholds: {lpips: 9, unedit_psnr: 1}\n")
    result = scene.runpytest("-q")
    result.stdout.fnmatch_lines(
        [
            "*unedit drift_px, warp_px, moved_share not measured (no-match), which fails here: nothing of the background*"
        ]
    )
    told = [line for line in result.outlines if line.startswith("E ") and "not measured" in line]
    lost, anew = (
        [line for line in told if f"({reason})" in line] for reason in ("no-match", "redrawn")
    )
    assert lost
    assert all("; give the region that" in line for line in lost)
    assert anew
    assert all("give expect='generative', else give the region" in line for line in anew)
    assert all("unedit drift_px, warp_px, moved_share not measured" in line for line in told)
    failed = [line for line in result.outlines if line.startswith("FAILED ")]
    assert {line.split("[")[1].split("]")[0] for line in failed} == {
        "other-reencoded", "anew-reencoded", "other-generative",
    }  # fmt: skip


@pytest.mark.long
def test_a_gate_that_is_named_keeps_its_soft_failure(scene):
    call = 'edit_gate.check(A, photo("coffee"), BOX, metrics="drift_px", expect="{}")'
    for expect in ("reencoded", "generative"):
        run(scene, call.format(expect), head=HEAD).assert_outcomes(xfailed=1)


_LEFT = "expect composited would also hold unedit_max_diff: {} leaves it out"


@pytest.mark.parametrize("metrics", ["[lpips, edit_lpips]", "[unedit_max_diff, lpips, edit_lpips]"])
def test_what_metrics_beside_an_expectation_leave_out_is_said_once(scene, metrics):
    (scene.path / "editmetrics.yaml").write_text(f"expect: composited\nmetrics: {metrics}\n")
    scene.makepyfile(
        """
        from scene import *

        @pytest.mark.parametrize("number", range(3))
        def test_edit(edit_gate, number):
            made = edited()
            made[:4, :4] ^= 1
            edit_gate.check(scene(), made, BOX)
        """
    )
    result = scene.runpytest("--editmetrics-update=missing")
    result.assert_outcomes(passed=3)
    told = [line for line in result.outlines if "would also hold" in line]
    left = [_LEFT.format("metrics of editmetrics.yaml")]
    assert told == ([] if "unedit" in metrics else left)


def test_a_marker_or_a_case_that_leaves_out_what_an_expectation_holds_is_told(scene):
    (scene.path / "editmetrics.yaml").write_text("expect: composited\n")
    (scene.path / "test_c.edit.yaml").write_text(
        "metrics: [lpips, edit_lpips]\ncases:\n  - {id: one, reference: a.png, edited: b.png,"
        " coords: [[20, 24, 60, 64]]}\n"
    )
    scene.makeconftest(
        "from scene import *\n\nImage.fromarray(scene()).save('a.png')\n"
        "Image.fromarray(edited()).save('b.png')\n"
    )
    result = run(
        scene,
        "edit_gate.check(scene(), edited(), BOX)",
        head="@pytest.mark.editmetrics(metrics=['lpips', 'edit_lpips'])",
    )
    result.assert_outcomes(passed=2)
    told = [line for line in result.outlines if "would also hold" in line]
    of_marker = _LEFT.format("the marker's metrics in test_edit.py")
    assert sorted(told) == sorted([_LEFT.format("metrics in test_c.edit.yaml"), of_marker])


def test_a_check_that_names_its_metrics_itself_leaves_out_nothing(scene):
    (scene.path / "editmetrics.yaml").write_text("expect: composited\n")
    result = run(scene, "edit_gate.check(scene(), edited(), BOX, metrics=['lpips', 'edit_lpips'])")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*would also hold*")


ENCODED = "the model seems to encode the whole picture anew: so differ {} of {} backgrounds *"
MANY = """
from scene import *

MADE = {{
    "jpeg": lambda image: jpeg(image, 90),
    "blur": lambda image: image.resize((120, 120), 2).resize((128, 128), 2),
    "kept": lambda image: image,
    "moved": lambda image: np.roll(image, 3, axis=1),
}}

@pytest.mark.parametrize("kind", {kinds})
def test_edit(edit_gate, kind):
    image = edited() if kind != "blur" else Image.fromarray(edited())
    edit_gate.check(scene(), MADE[kind](image), BOX, expect="{expect}")
"""


@pytest.mark.parametrize(
    ("kinds", "expect", "told"),
    [
        (["jpeg", "blur", "kept"], "composited", (2, 3)),
        (["jpeg", "kept", "moved", "blur"], "composited", None),
        (["jpeg"], "composited", None),
        (["jpeg", "blur"], "composited-jpeg", None),
    ],
)
def test_a_model_that_encodes_most_pictures_anew_is_told_once(scene, kinds, expect, told):
    scene.makepyfile(test_edit=MANY.format(kinds=kinds, expect=expect))
    result = scene.runpytest()
    if told is None:
        result.stdout.no_fnmatch_line(ENCODED.format("*", "*"))
    else:
        result.stdout.fnmatch_lines([ENCODED.format(*told)])
        assert result.stdout.str().count("seems to encode") == 1


BOX_DARKER = """
from scene import *

def darker(image):
    made = image.copy()
    made[70:120, 60:120] = (made[70:120, 60:120] * 0.6).round()
    return made
"""


@pytest.mark.parametrize(
    ("expect", "metric", "said"),
    [
        ("composited", "unedit_max_diff", "a part in (60, 70, 120, 120) became 40 % darker"),
        ("reencoded", "altered", "something became 40 % darker in (*)"),
    ],
)
def test_an_object_that_became_darker_is_told_as_that(scene, expect, metric, said):
    call = f'edit_gate.check(scene(), darker(edited()), BOX, expect="{expect}", metrics="{metric}")'
    result = run(scene, call, head=BOX_DARKER)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*unedit*{metric.removeprefix('unedit_')} * > max *: {said}*"])
