"""``--editmetrics-selftest`` and ``editmetrics selftest``: would the gates notice a fault?"""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from made_once import made_once
from PIL import Image

from pytest_editmetrics.cli.main import main

SUITE = """
from scene import *


def test_tight(edit_gate):
    edit_gate.check(scene(), edited(), BOX, expect="composited")


def test_loose(edit_gate):
    edit_gate.check(scene(), edited(), BOX, metrics="unedit_psnr", name="loose")
"""


@pytest.fixture
def suite(scene: pytest.Pytester) -> pytest.Pytester:
    scene.makepyfile(test_edit=SUITE)
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 1}\n")
    return scene


def test_a_blind_case_fails_and_says_what_it_lets_through(suite):
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*GateFailure: selftest@loose 0.000 < min 0.083*",
            "*bound     *--editmetrics-selftest*",
            "*    to accept tighten a bound, or measure a metric that sees one of them*",
            "*    unnoticed shift, zoom, blur, noise, exposure, colour-cast, jpeg, spill, gone, part-*",
        ]
    )
    result.stdout.fnmatch_lines(["selftest * 2 * 1 * 1 *"])


def test_without_the_option_nothing_is_tried(suite):
    result = suite.runpytest("-q")
    result.assert_outcomes(passed=2)
    result.stdout.no_fnmatch_line("*selftest*")


@pytest.mark.long
def test_it_works_on_workers_and_from_the_ini_file(suite):
    suite.makeini("[pytest]\npythonpath = .\neditmetrics_selftest = true\n")
    result = suite.runpytest("-q", "-n2", "--editmetrics-results=results.jsonl")
    result.assert_outcomes(passed=1, failed=1)
    lines = (suite.path / "results.jsonl").read_text().splitlines()
    gates = {
        gate["name"]: gate for gate in map(json.loads, lines) if gate.get("metric") == "selftest"
    }
    assert gates["loose"]["details"]["caught"] == {}
    wrong = ["area-replaced", "area-recoloured"]
    assert gates[None]["details"]["let_through"] == gates[None]["details"]["wrong_edit"] == wrong
    assert gates[None]["details"]["caught"]["edit-undone"] == ["edit_lpips"]
    assert gates[None]["details"]["since"]["shift"] == "1 px"


def test_a_case_that_fails_anyway_is_not_tried(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 99}\n")
    suite.makepyfile(
        test_edit=SUITE.replace("edited(), BOX, metrics", "np.roll(edited(), 1, 0), BOX, metrics")
    )
    result = suite.runpytest("-q", "--editmetrics-selftest", "-k", "loose")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*selftest*0.*")


def test_goldens_are_left_alone(suite):
    (suite.path / "editmetrics.yaml").unlink()
    result = suite.runpytest("-q", "--editmetrics-update=all", "--editmetrics-selftest")
    golden = (suite.path / "goldens" / "test_edit.py.yaml").read_text()
    assert "selftest" not in golden
    result.assert_outcomes(passed=2)


def test_a_case_that_measures_nothing_is_not_made_green(suite):
    suite.makepyfile(
        test_edit=SUITE.split("def test_tight")[0] + "def test_flat(edit_gate):\n"
        "    flat = np.full((96, 96, 3), 9, np.uint8)\n"
        "    edit_gate.check(flat, flat.copy(), metrics='drift_px')\n"
    )
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(xfailed=1)
    assert result.ret == 1


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where the suite and its run lie, once they were made."""
    return tmp_path_factory.mktemp("kept") / "project"


@pytest.fixture
def run(suite, monkeypatch, kept):
    def make():
        suite.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=2)

    made_once(kept, suite.path, make)
    monkeypatch.chdir(suite.path)
    return suite


def test_an_image_that_is_damaged_is_no_success(run, capsys):
    lines = (run.path / "run/results.jsonl").read_text().splitlines()
    gates = [json.loads(line) for line in lines]
    loose = next(g for g in gates if g["record"] == "gate" and g["name"] == "loose")
    (run.path / "run" / loose["images"]["edited"]).write_bytes(b"nothing")
    (run.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_loose@loose: not tried: edited image" in out
    assert "FAILED: 2 of 2 cases have a gate that could not be judged" in out


def test_the_command_lists_what_each_case_lets_through(run, capsys):
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_edit.py::test_tight: 11 of 13 faults noticed" in out
    seen = "(seen by a golden image, and sam_clip_cls_sim where the object has to stay)"
    assert f"    let through  area-replaced {seen}" in out
    assert "    let through  area-recoloured, even 100 % (seen by a golden image)" in out
    assert "2 of 2 cases let a wrong edit inside the edit area through: a golden image" in out
    assert "    notices      shift from 1 px, zoom from 0.5 %, blur from 0.5 px (sigma), " in out
    assert "test_edit.py::test_loose@loose: BLIND, 0 of 12 faults noticed" in out
    assert "    let through  jpeg, even quality 10" in out
    assert "shift                    1            1" in out
    assert "object-moved" not in out
    assert "FAILED: 1 of 2 cases notice no fault at all" in out


def test_the_command_takes_other_bounds(run, capsys):
    (run.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    assert main(["selftest", "run"]) == 0
    assert "test_loose@loose: 10 of 12 faults noticed" in capsys.readouterr().out


def test_a_gate_without_its_weights_is_not_blind_but_an_error(run, capsys):
    (run.path / "editmetrics.yaml").write_text(
        "pipes_default: {lpips-pipe: {net: vgg}}\nthresholds: {unedit_psnr: 30}\n"
    )
    assert main(["selftest", "run"]) == 1
    out = capsys.readouterr().out
    assert "test_edit.py::test_tight: not tried: lpips could not be judged: " in out
    assert "editmetrics weights fetch lpips:vgg" in out
    assert "test_loose@loose: 10 of 12 faults noticed" in out
    assert "FAILED: 1 of 2 cases have a gate that could not be judged" in out
    assert "BLIND" not in out


def test_a_pipe_that_may_be_skipped_leaves_what_the_others_notice(run, capsys):
    (run.path / "editmetrics.yaml").write_text(
        "pipes_default: {lpips-pipe: {net: vgg}}\nthresholds: {unedit_psnr: 30}\n"
    )
    run.makeini("[pytest]\npythonpath = .\neditmetrics_skip_missing = lpips-pipe\n")
    assert main(["selftest", "run"]) == 0
    assert "test_edit.py::test_tight: 10 of 13 faults noticed" in capsys.readouterr().out


def test_a_measurement_that_breaks_on_a_fault_is_an_error(suite):
    suite.makeconftest(
        """
        from pytest_editmetrics import Metric

        class Fragile:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                if (reference[:9, :9] != edited[:9, :9]).any():
                    raise RuntimeError("out of memory")
                return 0.0

        def pytest_editmetrics_register_pipes(registry):
            registry.register("fragile-pipe", Fragile, metrics=[Metric("fragile", "lower")])
        """
    )
    suite.makepyfile(
        test_edit=SUITE.split("def test_tight")[0] + "def test_it(edit_gate):\n"
        "    edit_gate.check(scene(), edited(), BOX, metrics='fragile')\n"
    )
    (suite.path / "editmetrics.yaml").write_text("thresholds: {fragile: 1}\n")
    result = suite.runpytest("--editmetrics-selftest")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*EditMetricsError: selftest could not be judged: fragile could not be judged: *out of memory*"
        ]
    )


@pytest.mark.long
def test_an_edit_that_was_exchanged_for_another_passes_all_but_a_golden_image(
    scene, monkeypatch, capsys
):
    scene.makepyfile(
        test_edit="from scene import *\n\n"
        "def blue():\n"
        "    made = edited().copy()\n"
        "    x1, y1, x2, y2 = BOX[0]\n"
        "    made[y1:y2, x1:x2] = (20, 40, 220)\n"
        "    return made\n\n"
        "def test_one(edit_gate, golden_image):\n"
        "    edit_gate.check(scene(), edited(), BOX, expect='composited')\n"
        "    golden_image.check(edited())\n\n"
        "def test_two(edit_gate):\n"
        "    edit_gate.check(scene(), blue(), BOX, expect='composited')\n"
    )
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=2)
    scene.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=2)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["selftest", "run"]) == 0
    out = capsys.readouterr().out
    assert re.search(
        r"^    held         edit-exchanged, by golden_\w+, .* of this test$", out, re.M
    )
    assert "    let through  area-replaced (seen by a golden image, and sam_clip_cls_sim" in out
    assert re.search(r"^edit-exchanged +\d +\d$", out, re.MULTILINE)
    assert "1 of 2 cases let a wrong edit inside the edit area through" in out
    swapped = (scene.path / "test_edit.py").read_text().replace("edited(), BOX", "blue(), BOX")
    scene.makepyfile(
        test_edit=swapped.replace("golden_image.check(edited", "golden_image.check(blue")
    )
    result = scene.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*GateFailure: golden_*"])


@pytest.mark.quick(1)
@pytest.mark.parametrize(
    ("image", "held"),
    [
        ("golden_image.check(edited())", True),
        ("golden_image.check(edited(), 'hat', coords=BOX, scope='edit_area')", True),
        ("golden_image.check(edited(), coords=BOX)", False),
        ("golden_image.check(scene())", False),
        ("golden_image.check(edited(), comparator='lpips', tolerance=9)", False),
    ],
)
def test_a_golden_image_of_the_test_holds_the_wrong_edits_that_it_sees(
    scene, monkeypatch, capsys, image, held
):
    scene.makepyfile(
        test_edit="from scene import *\n\n"
        "def test_one(edit_gate, golden_image):\n"
        "    edit_gate.check(scene(), edited(), BOX, metrics='unedit_max_diff')\n"
        f"    {image}\n"
    )
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 2}\n")
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    scene.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=1)
    monkeypatch.chdir(scene.path)
    for options in ([], ["-k", "unedit_max_diff"]):
        capsys.readouterr()
        main(["selftest", "run", *options])
        out = capsys.readouterr().out
        assert ("held         area-replaced, by golden_" in out) is held
        assert ("a wrong edit inside the edit area" in out) is not held
    main(["selftest", "run", "--exclude", "golden: not meant to hold"])
    assert "a wrong edit inside the edit area" in capsys.readouterr().out


@pytest.mark.quick(1)
@pytest.mark.parametrize(("image", "held"), [("edited()", True), ("scene()", False)])
def test_a_golden_image_of_another_test_holds_them_if_it_is_of_the_very_picture(
    scene, monkeypatch, capsys, image, held
):
    scene.makepyfile(
        test_edit="from scene import *\n\n"
        "def test_one(edit_gate):\n"
        "    edit_gate.check(scene(), edited(), BOX, metrics='unedit_max_diff')\n\n"
        "def test_two(golden_image):\n"
        f"    golden_image.check({image})\n"
    )
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 2}\n")
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=2)
    scene.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=2)
    monkeypatch.chdir(scene.path)
    for options in ([], ["-k", "test_one"]):
        capsys.readouterr()
        main(["selftest", "run", *options])
        out = capsys.readouterr().out
        by = re.search(r"^    held         area-replaced, by golden_\w+.*$", out, re.M)
        assert (by is not None) is held
        assert by is None or by[0].endswith(" of test_edit.py::test_two")
        assert ("a wrong edit inside the edit area" in out) is not held
    main(["selftest", "run", "--json"])
    edit = json.loads(capsys.readouterr().out)["cases"][0]
    assert {test for of in edit["held"].values() for test in of} == (
        {"test_edit.py::test_two"} if held else set()
    )
    main(["selftest", "run", "--exclude", "golden: not meant to hold"])
    assert "a wrong edit inside the edit area" in capsys.readouterr().out


@pytest.mark.quick(1)
@pytest.mark.parametrize("golden_first", [False, True])
@pytest.mark.parametrize("image", ["edited()", "scene()"])
def test_the_option_knows_of_a_golden_image_of_the_test(scene, golden_first, image):
    lines = [
        "    edit_gate.check(scene(), edited(), BOX, metrics='unedit_max_diff')\n",
        f"    golden_image.check({image})\n",
    ]
    scene.makepyfile(
        test_edit="from scene import *\n\n"
        "def test_one(edit_gate, golden_image):\n"
        + "".join(reversed(lines) if golden_first else lines)
    )
    (scene.path / "editmetrics.yaml").write_text("thresholds: {unedit_max_diff: 2}\n")
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    result = scene.runpytest("-q", "--editmetrics-selftest", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=1)
    held = image == "edited()"
    assert ("wrong edit: 1 self-tested check" in result.stdout.str()) is not held
    gates = map(json.loads, (scene.path / "r.jsonl").read_text().splitlines())
    details = [g["details"] for g in gates if g.get("metric") == "selftest" and not g["name"]]
    assert [("held" in one, "wrong_edit" in one) for one in details] == [(held, not held)]


def test_the_option_says_that_a_wrong_edit_passes(suite):
    (suite.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    result = suite.runpytest("-q", "--editmetrics-selftest")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["wrong edit: 2 self-tested checks let one through inside the edit area (first *"]
    )
    suite.runpytest().stdout.no_fnmatch_line("wrong edit*")


def test_the_command_prints_json(run, capsys):
    assert main(["selftest", "run", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    by_case = {case["case"]: case for case in found["cases"]}
    assert by_case["test_edit.py::test_loose@loose"]["blind"] is True
    assert by_case["test_edit.py::test_tight"]["caught"]["edit-undone"] == ["edit_lpips"]
    assert by_case["test_edit.py::test_tight"]["since"]["jpeg"] == "quality 95"
    assert found["faults"]["shift"]["strengths"] == [1, 2, 4, 8, 16]
    assert found["excluded"] == {}


def test_a_results_file_without_images_proves_nothing(run, capsys):
    results = run.path / "alone.jsonl"
    results.write_bytes((run.path / "run" / "results.jsonl").read_bytes())
    assert main(["selftest", "alone.jsonl"]) == 1
    out = capsys.readouterr().out
    assert "not tried: " in out
    assert "FAILED: no case could be tried, so this proves nothing" in out


def test_a_monotone_gate_notices_from_a_strength_on(run, capsys):
    (run.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 30}\n")
    assert main(["selftest", "run", "-k", "loose"]) == 0
    out = capsys.readouterr().out
    assert "test_tight" not in out
    assert "notices      shift from 1 px, zoom from" in out


def test_what_is_excluded_is_told_with_the_reason(run, capsys):
    assert main(["selftest", "run", "--exclude", "test_loose: a bound for its shape alone"]) == 0
    out = capsys.readouterr().out
    assert (
        "test_edit.py::test_loose unedit_psnr@loose: excluded: a bound for its shape alone" in out
    )
    assert "BLIND" not in out
    both = ["--exclude", "test_loose: one", "--exclude", "test_tight and lpips: another"]
    assert main(["selftest", "run", *both, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["excluded"] == {
        "test_edit.py::test_loose unedit_psnr@loose": "one",
        "test_edit.py::test_tight lpips": "another",
        "test_edit.py::test_tight edit_lpips": "another",
    }
    (case,) = found["cases"]
    assert case["caught"]["blur"] == ["unedit_max_diff"]


def test_excluding_everything_proves_nothing(run, capsys):
    assert main(["selftest", "run", "--exclude", "test_edit: all of it"]) == 1
    assert "FAILED: no case could be tried" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--exclude", "test_loose"], "states no reason; give 'EXPR: REASON'"),
        (["--exclude", "test_loose: "], "states no reason"),
        (["--exclude", "test_none: slow"], "matches none of 4 gates"),
        (["--exclude", "test_loose and: slow"], "cannot be read"),
        (["-k", "test_none"], "selects none of 4 gates"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(run, capsys, options, says):
    assert main(["selftest", "run", *options]) == 2
    assert says in capsys.readouterr().err


MIXED = """
from scene import *


def test_golden(golden_image):
    golden_image.check(scene())


def test_loose_golden(golden_image):
    golden_image.check(scene(), "loose", tolerance=-0.9)


def test_object(edit_gate):
    edit_gate.check(scene(), edited(), ref_boxes=[BOX[0]], edited_boxes=[BOX[0]], metrics="alike")


def test_loose_object(edit_gate):
    edit_gate.check(
        scene(), edited(), ref_boxes=[BOX[0]], edited_boxes=[BOX[0]], metrics="alike", name="loose"
    )
"""
ALIKE = """
import numpy as np
from pytest_editmetrics import Metric


class Alike:
    \"""How alike the objects' mean colours are, 255 for the same.\"""

    def __call__(self, reference, edited, coords, mask_mode, metric, **params):
        x1, y1, x2, y2 = coords[1]
        before, after = (np.asarray(image)[y1:y2, x1:x2] for image in (reference, edited))
        return 255 - float(np.abs(after.astype(float) - (255.0 - before)).mean())


def pytest_editmetrics_register_pipes(registry):
    registry.register(
        "alike-pipe", Alike, metrics=[Metric("alike", "higher", compares="objects")]
    )
"""


@pytest.fixture
def mixed(scene: pytest.Pytester, monkeypatch) -> pytest.Pytester:
    scene.makepyfile(test_mixed=MIXED)
    scene.makeconftest(ALIKE)
    (scene.path / "editmetrics.yaml").write_text(
        "golden_images: {comparator: ssim}\nthresholds: {alike: 250}\n"
    )
    record = ("-q", "--editmetrics-update=missing", "-k", "golden")
    scene.runpytest(*record).assert_outcomes(passed=2)
    loose = "thresholds: {alike: {min: 0.001}}\n"
    (scene.path / "loose.yaml").write_text("golden_images: {comparator: ssim}\n" + loose)
    monkeypatch.chdir(scene.path)
    return scene


def test_golden_images_and_objects_are_tried_with_faults_of_their_kind(mixed, capsys):
    mixed.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=4)
    capsys.readouterr()
    assert main(["selftest", "run", "--json"]) == 1
    found = {case["case"]: case for case in json.loads(capsys.readouterr().out)["cases"]}
    golden = found["test_mixed.py::test_golden golden_image"]
    assert {"shift", "blur", "jpeg", "square"} <= set(golden["caught"])
    assert set(golden["let_through"]) <= {"exposure", "colour-cast"}
    loose = found["test_mixed.py::test_loose_golden golden_image@loose"]
    assert loose["blind"]
    alone = found["test_mixed.py::test_object"]
    assert alone["since"] == {
        "object-removed": "",
        "object-replaced": "",
        "object-moved": "10 %",
        "object-recoloured": "25 %",
    }
    assert (alone["let_through"], alone["untried"]) == ([], [])
    assert main(["selftest", "run", "-c", "loose.yaml", "-k", "test_loose_object"]) == 1
    out = capsys.readouterr().out
    assert "test_loose_object@loose: BLIND, 0 of 4 faults noticed" in out
    assert "    let through  object-recoloured, even 100 %" in out


def test_the_option_tries_golden_images_and_objects_too(mixed):
    options = ["--editmetrics-selftest", "--editmetrics-run-dir=run"]
    result = mixed.runpytest(*options)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*GateFailure: selftest@golden_image:loose 0.000 < min 0.125*"])
    result.stdout.fnmatch_lines(["selftest * 4 * 3 * 1 *"])
    kept = sorted(path.name for path in (mixed.path / "run" / "images").iterdir())
    mixed.runpytest("-q", "--editmetrics-run-dir=other").assert_outcomes(passed=4)
    assert kept == sorted(path.name for path in (mixed.path / "other" / "images").iterdir())


def test_an_edit_and_a_golden_image_in_one_test_have_a_self_test_each(mixed):
    mixed.makepyfile(
        test_mixed=MIXED.replace("(golden_image):", "(golden_image, edit_gate):").replace(
            "    golden_image.check(scene())\n",
            "    golden_image.check(scene())\n"
            "    edit_gate.check(scene(), edited(), BOX, metrics='unedit_max_diff')\n",
        )
    )
    (mixed.path / "editmetrics.yaml").write_text(
        "golden_images: {comparator: ssim}\nthresholds: {alike: 250, unedit_max_diff: 9}\n"
    )
    result = mixed.runpytest("--editmetrics-selftest", "-k", "test_golden")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["selftest * 2 * 2 * 0 *"])


def test_recording_goldens_tries_nothing(mixed):
    result = mixed.runpytest("--editmetrics-selftest", "--editmetrics-update=all", "-k", "golden")
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("kind", ["grey", "alpha"])
def test_a_golden_of_any_kind_is_tried(mixed, kind, capsys):
    made = {"grey": "scene()[..., 0]", "alpha": "np.dstack([scene(), scene()[..., 0]])"}[kind]
    mixed.makepyfile(
        test_kind=f"from scene import *\n\ndef test_it(golden_image):\n"
        f"    golden_image.check({made}, comparator='exact')\n"
    )
    only = ("-q", "test_kind.py")
    mixed.runpytest(*only, "--editmetrics-update=missing").assert_outcomes(passed=1)
    mixed.runpytest(*only, "--editmetrics-run-dir=kind").assert_outcomes(passed=1)
    capsys.readouterr()
    assert main(["selftest", "kind", "--json"]) == 0
    (case,) = json.loads(capsys.readouterr().out)["cases"]
    assert {"shift", "blur", "exposure", "jpeg", "square"} <= set(case["caught"])


@pytest.fixture
def joined(scene: pytest.Pytester, monkeypatch) -> pytest.Pytester:
    """A golden image with the default comparators, named and not, and a run of it."""
    scene.makepyfile(
        test_photo="from scene import *\n\n"
        "def test_one(golden_image):\n"
        "    golden_image.check(scene(), 'photo')\n\n"
        "def test_all(golden_image):\n"
        "    golden_image.check_all([{'image': scene()}, {'image': edited(), 'name': 'other'}])\n"
    )
    monkeypatch.chdir(scene.path)
    scene.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=2)
    scene.runpytest("-q", "--editmetrics-run-dir=run").assert_outcomes(passed=2)
    return scene


def test_a_golden_image_notices_what_any_of_its_comparators_does(joined, capsys):
    capsys.readouterr()
    assert main(["selftest", "run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["cases"]
    assert [case["case"] for case in found] == [
        "test_photo.py::test_one golden_image@photo",
        "test_photo.py::test_all golden_image",
        "test_photo.py::test_all golden_image@other",
    ]
    for case in found:
        assert case["narrowed"] is None
        assert case["since"]["exposure"] in ("1 %", "2 %", "5 %"), case["case"]
        assert "golden_tone" in case["caught"]["exposure"]


def test_the_option_asks_every_comparator_of_a_golden_image(joined):
    result = joined.runpytest("--editmetrics-selftest", "--editmetrics-results=results.jsonl")
    result.assert_outcomes(passed=2)
    lines = map(json.loads, (joined.path / "results.jsonl").read_text().splitlines())
    gates = [gate for gate in lines if gate.get("metric") == "selftest"]
    assert len(gates) == 3
    assert all("golden_tone" in gate["details"]["caught"]["exposure"] for gate in gates)


def test_one_comparator_alone_is_tried_with_the_bounds_it_has_beside_the_others(joined, capsys):
    capsys.readouterr()
    assert main(["selftest", "run", "-k", "test_one and golden_tone"]) == 0
    out = capsys.readouterr().out
    assert "faults noticed by golden_tone alone, of 3 gates\n" in out
    main(["selftest", "run", "-k", "test_one and golden_lpips", "--json"])
    (alone,) = json.loads(capsys.readouterr().out)["cases"]
    assert alone["narrowed"] == "by golden_lpips alone, of 3 gates"
    main(["score", "run", "-o", "again"])
    lines = map(json.loads, (joined.path / "again" / "results.jsonl").read_text().splitlines())
    bounds = {gate["bound"] for gate in lines if gate.get("metric") == "golden_lpips"}
    assert bounds == {0.12}


def test_a_golden_image_is_tried_with_the_bounds_of_todays_settings(joined, capsys):
    def since(*options: str) -> str | None:
        capsys.readouterr()
        main(["selftest", "run", "-k", "test_one", "--json", *options])
        (case,) = json.loads(capsys.readouterr().out)["cases"]
        return case["since"].get("exposure")

    (joined.path / "wide.yaml").write_text("golden_images: {tolerance: {tone: 6}, tile: off}\n")
    (joined.path / "editmetrics.yaml").write_text("golden_images: {tolerance: {tone: 0.3}}\n")
    assert since() == "1 %"
    assert since("-c", "wide.yaml") not in ("1 %", "2 %")


def test_what_fails_without_a_fault_by_todays_bounds_is_not_tried(joined, capsys):
    path = next((joined.path / "goldens").rglob("*photo*.png"))
    changed = np.asarray(Image.open(path)).copy()
    changed[0, 0] ^= 1
    Image.fromarray(changed).save(path)
    capsys.readouterr()
    (joined.path / "editmetrics.yaml").write_text(
        "golden_images: {tolerance: {tone: 0, structure: 0, lpips: 0}}\n"
    )
    assert main(["selftest", "run", "-k", "test_one"]) == 1
    assert "golden_image@photo: not tried: a gate fails already" in capsys.readouterr().out


def test_a_comparator_that_may_be_skipped_leaves_the_others_to_notice(joined, capsys):
    (joined.path / "editmetrics.yaml").write_text("pipes_default: {lpips-pipe: {net: vgg}}\n")
    only = ("-k", "test_one", "--editmetrics-results=results.jsonl", "--editmetrics-run-dir=kept")
    joined.runpytest(*only, "--editmetrics-selftest", "--editmetrics-skip-missing=lpips-pipe")
    lines = map(json.loads, (joined.path / "results.jsonl").read_text().splitlines())
    gates = {gate["metric"]: gate for gate in lines if "metric" in gate}
    assert gates["golden_lpips"]["reason"] == "skipped-missing"
    assert gates["selftest"]["verdict"] == "pass"
    assert "golden_tone" in gates["selftest"]["details"]["caught"]["exposure"]
    capsys.readouterr()
    assert main(["selftest", "kept"]) == 1
    assert "golden_image@photo: not tried: lpips:vgg is not at " in capsys.readouterr().out
    joined.makeini("[pytest]\npythonpath = .\neditmetrics_skip_missing = lpips-pipe\n")
    assert main(["selftest", "kept"]) == 0
    assert "golden_image@photo: 8 of 8 faults noticed\n" in capsys.readouterr().out


@pytest.mark.long
def test_a_gate_of_a_part_that_moved_is_tried_with_one(pytester):
    pytester.makepyfile(
        """
        import numpy as np
        from skimage import data

        def test_part(edit_gate):
            photo = data.coffee()[:300, :400]
            edit_gate.check(photo, photo.copy(), [(0, 0, 60, 60)], metrics=["moved_share"])
        """
    )
    (pytester.path / "editmetrics.yaml").write_text("thresholds: {moved_share: 0.05}\n")
    result = pytester.runpytest("--editmetrics-selftest", "--editmetrics-results=r.jsonl")
    result.assert_outcomes(passed=1)
    gates = map(json.loads, (pytester.path / "r.jsonl").read_text().splitlines())
    selftest = next(gate for gate in gates if gate.get("metric") == "selftest")
    assert selftest["details"]["since"]["part-moved"] == "2 px"


def test_an_edit_undone_is_noticed_by_a_golden_that_saw_it(scene, monkeypatch, capsys):
    scene.makepyfile(
        test_edit="""
        from scene import *

        def test_it(edit_gate):
            edit_gate.check(scene(), edited(), BOX, metrics=["unedit_max_diff", "edit_lpips"])
        """
    )
    scene.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
    scene.runpytest("--editmetrics-selftest", "--editmetrics-run-dir=run").assert_outcomes(passed=1)
    monkeypatch.chdir(scene.path)
    capsys.readouterr()
    assert main(["selftest", "run", "--json"]) == 0
    (case,) = json.loads(capsys.readouterr().out)["cases"]
    assert case["caught"]["edit-undone"] == ["unedit_max_diff", "edit_lpips"]


@pytest.mark.parametrize("shape", [(4, 4, 3), (2, 2, 3), (4, 4, 4), (1, 9), (3, 4, 4)])
def test_the_axes_of_a_small_golden_image_are_not_guessed(pytester, shape):
    """A bare array of these could be (H, W, C) or (C, H, W)."""
    pytester.makepyfile(
        f"""
        import numpy as np
        from PIL import Image

        def test_small(golden_image):
            pixels = np.full({shape}, 100, np.uint8)
            golden_image.check(Image.fromarray(pixels))
        """
    )
    pytester.runpytest("-q", "--editmetrics-update=missing").assert_outcomes(passed=1)
    pytester.runpytest("-q", "--editmetrics-selftest").assert_outcomes(passed=1)
