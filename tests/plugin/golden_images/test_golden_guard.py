"""Golden images: what holds them by default, joined comparators, and entries that name none."""

from __future__ import annotations

import re

import pytest

PICTURE = """
import os
import numpy as np
from PIL import Image

def picture(how=None):
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(20, 220, (12, 12, 3), dtype=np.uint8))
    image = np.asarray(coarse.resize((96, 96), Image.Resampling.BICUBIC)).astype(float)
    how = os.environ.get("HOW", "") if how is None else how
    if how == "bright": image = image * 1.02
    if how == "shift": image = np.roll(image, 1, 1)
    if how == "noise": image = image + rng.normal(0, 1, image.shape)
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
"""
PRODUCT = """
import os
import numpy as np

def product(edge, how=None):
    how = os.environ.get("HOW", "") if how is None else how
    y, x = np.mgrid[:edge, :edge] / edge
    image = (74 - 8 * y)[..., None] * np.array([1, 0.99, 0.98])
    for left, top, radius, colour in ((0.35, 0.6, 0.2, (190, 70, 60)), (0.7, 0.7, 0.1, (60, 110, 160))):
        out = np.hypot(x - left, y - top) / radius
        lit = (1 - 0.5 * np.clip((x - left) / radius + 0.3, 0, 1))[..., None]
        cover = np.clip((1 - out) * radius * edge, 0, 1)[..., None]
        image = image * (1 - cover) + lit * np.array(colour) * cover
    rng = np.random.default_rng(0)
    if how == "noise": image = image + rng.normal(0, 1, image.shape)
    if how == "rounding": image = image + rng.integers(-1, 2, image.shape)
    if how == "bright": image = image * 1.02
    if how == "shift": image = np.roll(image, 1, 1)
    if how == "object": image[20:52, 20:52] = 255 - image[20:52, 20:52]
    return np.clip(np.round(image), 0, 255).astype(np.uint8)
"""
CPU = "pipes_default: {lpips-pipe: {device: cpu}}\n"
TEST = "from pictures import picture\ndef test_it(golden_image): golden_image.check(picture(){})\n"


def check(more=""):
    return TEST.replace("{}", more)


@pytest.fixture
def scene(suite, monkeypatch):
    suite.makepyfile(pictures=PICTURE)
    suite.makeini("[pytest]\npythonpath = .\n")
    (suite.path / "editmetrics.yaml").write_text(CPU)

    def run(how="", *args, test=None):
        monkeypatch.setenv("HOW", how)
        if test is not None:
            suite.makepyfile(test_it=test)
        return suite.runpytest(*args)

    suite.makepyfile(test_it=check())
    run.suite = suite
    return run


def provenance(scene):
    (path,) = scene.suite.path.glob("goldens/test_it.py/provenance.yaml")
    return path


def test_the_default_sees_tone_and_shift_and_lets_noise_pass(scene):
    scene("", "--editmetrics-update=missing").assert_outcomes(passed=1)
    assert '  comparator: ["lpips", "structure", "tone"]\n' in provenance(scene).read_text()
    scene("noise").assert_outcomes(passed=1)
    bright = scene("bright")
    bright.assert_outcomes(failed=1)
    bright.stdout.re_match_lines(
        [r"E +GateFailure: golden_tone \d\.\d+ > max 0\.5\d*: exposure \+2"]
    )
    bright.stdout.fnmatch_lines(["*other gates of this check:*", "*pass: golden_lpips *"])
    shift = scene("shift")
    shift.stdout.re_match_lines([r"E .*golden_structure .* > max 0\.9\d* ?.*"])
    assert "picture moved 1.00 px right" in shift.stdout.str()


PRODUCT_TEST = """
import pytest
from pictures import product

@pytest.mark.parametrize("edge", [256, 512])
def test_it(golden_image, edge): golden_image.check(product(edge){})
"""


@pytest.mark.slow
def test_noise_on_a_plain_backdrop_passes_the_default_and_not_lpips_alone(scene):
    scene.suite.makepyfile(pictures=PRODUCT)
    default = PRODUCT_TEST.replace("{}", "")
    scene("", "--editmetrics-update=missing", test=default).assert_outcomes(passed=2)
    scene("noise").assert_outcomes(passed=2)
    scene("rounding").assert_outcomes(passed=2)
    for fault in ("bright", "shift", "object"):
        scene(fault, "-k", "256").assert_outcomes(failed=1, deselected=1)
    alone = scene("noise", test=PRODUCT_TEST.replace("{}", ', comparator="lpips"'))
    alone.assert_outcomes(failed=2)
    alone.stdout.re_match_lines([r"E +GateFailure: golden_lpips 0\.0\d+ > max 0\.020*[: ].*"])
    (scene.suite.path / "editmetrics.yaml").write_text(
        CPU + "golden_images: {tolerance: {lpips: 0.02}}\n"
    )
    stated = scene("noise", "-k", "256", test=default)
    stated.assert_outcomes(failed=1, deselected=1)
    assert "bound     default editmetrics.yaml:2" in stated.stdout.str()


def test_joined_comparators_all_hold_and_are_told_in_one_failure(scene):
    joined = ', comparator={"ssim": 0.999, "psnr": 60, "pixel": None}'
    scene("", "--editmetrics-update=missing", test=check(joined)).assert_outcomes(passed=1)
    assert '  comparator: ["ssim", "psnr", "pixel"]\n' in provenance(scene).read_text()
    failed = scene("noise")
    failed.assert_outcomes(failed=1)
    text = failed.stdout.str()
    assert len(re.findall("GateFailure", text)) == 1 + text.count("FAILED test_it.py")
    assert re.search(r"golden_ssim 0\.\d+ < min 0\.999", text)
    assert re.search(r"golden_psnr \d+\.\d+ < min 60", text)
    assert re.search(r"pass: golden_pixel 0\.0+ <= max 0\.005", text)
    assert "bound     argument test_it.py:2" in text
    loose = scene("noise", test=check(', comparator={"ssim": 0.9, "psnr": 28}'))
    loose.assert_outcomes(passed=1)
    loose.stdout.fnmatch_lines(["golden_ssim *1 *1 *", "golden_psnr *1 *1 *"])


def test_settings_join_comparators_too(scene):
    (scene.suite.path / "editmetrics.yaml").write_text(
        "golden_images:\n  comparator:\n    ssim:\n    psnr: 60\n" + CPU
    )
    scene("", "--editmetrics-update=missing").assert_outcomes(passed=1)
    failed = scene("noise")
    assert "golden_psnr" in failed.stdout.str()
    assert "bound     default editmetrics.yaml:4" in failed.stdout.str()
    assert "pass: golden_ssim" in failed.stdout.str()


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ('comparator={"ssim": 2}', "comparator={'ssim': 2} for ssim: give a number in [-1, 1]"),
        ('comparator={"exact": 0.1}', "comparator={'exact': 0.1}: exact allows no difference"),
        ('comparator=["ssim", "ssim"]', "names ssim twice"),
        ("comparator=[]", "names none, so nothing would be compared"),
        ('comparator={"psnt": 3}', "unknown comparator 'psnt' (did you mean 'psnr'?)"),
        ("comparator=[3]", "comparator=[3] holds what is no name"),
        ("tolerance=0.1", "tolerance=0.1 is of one comparator, and lpips, structure, tone compare"),
        ('comparator={"ssim": 0.9}, tolerance=0.8', "give one of the two"),
        (
            'comparator="ssim", tolerance={"tone": 1}',
            "tolerance={'tone': 1} is one bound, of ssim; give bounds beside their comparators, as"
            ' comparator={"ssim": 0.95, "psnr": 28}',
        ),
        ('tolerance={"tone": 1}', "tolerance={'tone': 1} is of one comparator, and lpips, str"),
    ],
)
def test_comparators_that_make_no_sense_are_errors(scene, given, says):
    result = scene("", test=check(f", {given}"))
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()


def test_a_bound_that_no_comparator_asks_for_stops_the_session(scene):
    (scene.suite.path / "editmetrics.yaml").write_text(
        "golden_images:\n  comparator: [ssim]\n  tolerance: {tone: 0.5}\n" + CPU
    )
    result = scene("", "--editmetrics-update=missing")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "editmetrics.yaml:3: golden_images.tolerance has a bound of tone" in str(result.stderr)


def test_the_entry_holds_where_nobody_else_says(scene):
    scene("", "--editmetrics-update=missing", test=check(', comparator="exact"'))
    still = scene("noise", test=check())
    still.assert_outcomes(failed=1)
    assert "GateFailure: golden_exact" in still.stdout.str()
    path = provenance(scene)
    path.write_text(path.read_text().replace('["exact"]', '["exactly"]'))
    unknown = scene("")
    unknown.assert_outcomes(failed=1)
    assert "comparator` of its entry in provenance.yaml says cannot be used" in unknown.stdout.str()


def old_entry(scene):
    scene("", "--editmetrics-update=missing")
    path = provenance(scene)
    path.write_text(re.sub(r"  comparator: .*\n", "", path.read_text()))
    return path


def test_an_entry_without_comparators_is_held_by_lpips_alone_and_counted(scene):
    path = old_entry(scene)
    (image,) = path.parent.glob("*.png")
    before = image.read_bytes()
    held = scene("bright")
    held.assert_outcomes(passed=1)
    held.stdout.fnmatch_lines(
        [
            "golden_lpips *1 *1 *",
            "1 golden image names no comparator and is held by lpips alone*: pytest"
            " --editmetrics-update=missing holds it to structure and tone as well*",
        ]
    )
    assert "golden_tone" not in held.stdout.str()
    refused = scene("bright", "--editmetrics-update=missing")
    refused.assert_outcomes(failed=1)
    assert "golden_tone" in refused.stdout.str()
    assert "comparator:" not in path.read_text()
    named = scene("noise", "--editmetrics-update=missing")
    named.assert_outcomes(passed=1)
    named.stdout.fnmatch_lines(
        ["comparators named: 1 entry of goldens/test_it.py/provenance.yaml*"]
    )
    assert "recorded:" not in named.stdout.str()
    assert '  comparator: ["lpips", "structure", "tone"]\n' in path.read_text()
    assert image.read_bytes() == before
    quiet = scene("noise")
    assert "names no comparator" not in quiet.stdout.str()
    scene("bright").assert_outcomes(failed=1)


def test_a_golden_that_nobody_recorded_is_held_by_the_default(scene):
    old_entry(scene).unlink()
    result = scene("bright")
    result.assert_outcomes(failed=1)
    assert "names no comparator" not in result.stdout.str()


@pytest.mark.parametrize("size", [(7, 5), (30, 96)])
def test_an_image_too_small_for_lpips_is_held_by_the_others(scene, size):
    small = check("[:{1}, :{0}]".format(*size))
    scene("", "--editmetrics-update=missing", test=small).assert_outcomes(passed=1)
    assert '  comparator: ["structure", "tone"]\n' in provenance(scene).read_text()
    scene("").assert_outcomes(passed=1)
    scene("bright").assert_outcomes(failed=1)


def test_boxes_that_leave_nothing_of_a_small_image_are_a_soft_failure(scene):
    empty = check("[:20, :20], coords=[(0, 0, 20, 20)]")
    result = scene("", "-rx", test=empty)
    result.assert_outcomes(xfailed=1)
    assert "golden_lpips" not in result.stdout.str()


@pytest.mark.quick(1)
@pytest.mark.parametrize("mode", [(), ("-n1",)], ids=["serial", "xdist"])
@pytest.mark.parametrize("strict", ["", "strict=True"])
@pytest.mark.parametrize("cut", ["[:32]", "[..., 0]"])
def test_an_image_of_another_size_or_mode_is_no_known_fault(pytester, mode, strict, cut):
    """As for an edit gate, nothing was compared: the mark's fault may be there, or any other."""
    text = """
        import numpy as np, pytest
        made = np.random.default_rng(7).integers(0, 255, (64, 64, 3), np.uint8)
        {0}
        def test_it(golden_image): golden_image.check({1})
    """
    pytester.makepyfile(test_x=text.format("", "made"))
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    mark = f"@pytest.mark.xfail({strict})"
    pytester.makepyfile(test_x=text.format(mark, "255 - made"))
    pytester.runpytest(*mode).assert_outcomes(xfailed=1)
    pytester.makepyfile(test_x=text.format(mark, f"np.ascontiguousarray(made{cut})"))
    result = pytester.runpytest(*mode)
    result.assert_outcomes(failed=1)
    result.stdout.re_match_lines([r"E +GateFailure: .*the image is .*, its golden .*"])
    result.stdout.no_fnmatch_line("*its exception was caught*")
    pytester.runpytest("--editmetrics-update=failed")
    pytester.runpytest(*mode).assert_outcomes(failed=1)


def test_an_image_just_large_enough_is_held_by_lpips_too(scene):
    scene("", "--editmetrics-update=missing", test=check("[:31, :31]"))
    assert '  comparator: ["lpips", "structure", "tone"]\n' in provenance(scene).read_text()
    scene("").assert_outcomes(passed=1)


def test_check_all_tells_every_failure_at_once(scene):
    test = """
        from pictures import picture
        def test_it(golden_image):
            made = golden_image.check_all(
                {"image": picture(how), "name": name, "comparator": ["psnr", "tone"]}
                for name, how in (("hat", None), ("mug", ""), ("cat", None))
            )
            assert [[one.metric for one in of] for of in made] in (
                [[]] * 3, [["golden_psnr", "golden_tone"]] * 3
            )
        """
    scene("", "--editmetrics-update=missing", test=test).assert_outcomes(passed=1)
    scene("noise").assert_outcomes(passed=1)
    failed = scene("bright")
    failed.assert_outcomes(failed=1)
    text = failed.stdout.str()
    assert "golden_tone@hat" in text
    assert "golden_tone@cat" in text
    assert "pass: golden_tone@mug" in text
    failed.stdout.fnmatch_lines(["golden_tone *3 *1 *2 *"])


@pytest.mark.parametrize(
    ("checks", "says"),
    [
        ("[]", "check_all was given no check, so nothing would be compared"),
        ("None", "check_all takes a list or generator of checks, each a mapping of check's"),
        ("3", "keywords, not 3"),
        ("[{'image': picture(), 'nane': 'a'}]", "check takes no keyword 'nane'"),
        ("[{'name': 'a'}]", "a check of check_all has no 'image'"),
        ("[picture()]", "check_all takes mappings of check's keywords"),
        ("[{'image': picture()}, {'image': picture()}]", "both would share one golden"),
        ("{'image': picture()}", "put the one mapping into [ ]"),
        ("[__import__('numpy').zeros((9, 9, 3))]", "name of its own, not an object of ndarray"),
    ],
)
def test_check_all_refuses_what_it_cannot_do(scene, checks, says):
    test = (
        f"from pictures import picture\ndef test_it(golden_image): golden_image.check_all({checks})"
    )
    result = scene("", "--editmetrics-update=missing", test=test)
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()


@pytest.mark.parametrize(
    ("comparator", "says"),
    [
        ("{'ssim', 'psnr'}", "give a name, a list of names, or a mapping with the bound of each"),
        ("[('ssim', 0.9)]", "holds what is no name"),
        ("'SSIM'", "did you mean 'ssim'?"),
        ("{'tone': 1000}", "give a number in [0, 258.69]"),
    ],
)
def test_a_comparator_that_is_none_says_what_one_is(scene, comparator, says):
    test = (
        "from pictures import picture\n"
        f"def test_it(golden_image): golden_image.check(picture(), comparator={comparator})"
    )
    result = scene("", "--editmetrics-update=missing", test=test)
    result.assert_outcomes(failed=1)
    assert says in result.stdout.str()


def test_a_missing_golden_is_said_once(scene):
    result = scene("")
    result.assert_outcomes(failed=1)
    assert (
        "GateFailure: golden_lpips, golden_structure, golden_tone have no golden image"
        in result.stdout.str()
    )


def test_a_run_is_scored_and_approved_with_all_comparators(scene):
    from pytest_editmetrics.cli.main import main

    scene("", "--editmetrics-update=missing")
    scene("bright", "--editmetrics-run-dir=run").assert_outcomes(failed=1)
    assert main(["approve", "run"]) == 0
    text = provenance(scene).read_text()
    assert text.count("comparator:") == 1
    assert '["lpips", "structure", "tone"]' in text
    scene("bright", "--editmetrics-run-dir=again").assert_outcomes(passed=1)
    assert main(["score", "again"]) == 0
