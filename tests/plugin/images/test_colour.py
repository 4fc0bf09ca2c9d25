"""Images with a colour profile, from test, case and manifest to verdict, picture and golden."""

from __future__ import annotations

import json
import re

import icc
import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.cli.main import main
from pytest_editmetrics.images.load import load_image, read_image, read_pixels
from pytest_editmetrics.images.profiles import digest_of

ADOBE = icc.rgb_profile("Adobe RGB by hand", icc.ADOBE, icc.gamma(2.19921875))
P3 = icc.rgb_profile("P3 by hand", icc.P3, icc.srgb_curve)
SRGB = icc.rgb_profile("sRGB by hand", icc.SRGB, icc.srgb_curve)
BROKEN = b"broken" * 40


def photo() -> np.ndarray:
    coarse = np.random.default_rng(3).integers(20, 236, (12, 12, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC))


def converted(numbers: np.ndarray) -> np.ndarray:
    shown = icc.rgb_shows(numbers / 255, icc.ADOBE, icc.gamma(2.19921875))
    return np.rint(shown).astype(np.uint8)


@pytest.fixture
def pair(pytester: pytest.Pytester) -> pytest.Pytester:
    """A reference in Adobe RGB; an output that lost the profile, and one rightly converted."""
    root, numbers = pytester.path, photo()
    Image.fromarray(numbers).save(root / "reference.png", icc_profile=ADOBE)
    Image.fromarray(numbers).save(root / "lost.png")
    Image.fromarray(converted(numbers)).save(root / "converted.png")
    Image.fromarray(numbers).save(root / "kept.png", icc_profile=ADOBE)
    Image.fromarray(numbers).save(root / "marked.png", icc_profile=SRGB)
    Image.fromarray(numbers).save(root / "broken.png", icc_profile=BROKEN)
    return pytester


TEST = """
def test_it(edit_gate):
    edit_gate.check("{reference}", "{edited}", [(8, 8, 24, 24)], metrics="unedit_max_diff"{more})
"""
CASES = """
cases:
  - id: only
    reference: {reference}
    edited: {edited}
    coords: [[8, 8, 24, 24]]
    metrics: [unedit_max_diff]
{more}
"""


def run(pair, way: str, reference: str, edited: str, colour: str | None = None):
    if colour is not None and way == "settings":
        (pair.path / "editmetrics.yaml").write_text(f"colour: {colour}\n{LIMITS}")
        colour = None
    else:
        (pair.path / "editmetrics.yaml").write_text(LIMITS)
    names = {"reference": f"{reference}.png", "edited": f"{edited}.png"}
    if way == "case":
        more = f"    colour: {colour}" if colour else ""
        (pair.path / "test_it.edit.yaml").write_text(CASES.format(**names, more=more))
    else:
        more = f', colour="{colour}"' if colour else ""
        pair.makepyfile(test_it=TEST.format(**names, more=more))
    return pair.runpytest("--editmetrics-run-dir=run")


LIMITS = "thresholds: {unedit_max_diff: {max: 2}}\n"


def gate(pair) -> dict:
    lines = (pair.path / "run/results.jsonl").read_text().splitlines()
    (found,) = [json.loads(line) for line in lines if '"metric"' in line]
    return found


@pytest.mark.parametrize("way", ["call", "case"])
def test_an_output_that_lost_the_profile_fails_and_is_told_why(pair, way: str):
    result = run(pair, way, "reference", "lost")
    result.assert_outcomes(failed=1)
    (line,) = [line for line in result.stdout.lines if re.search(r"^E? *cause  ", line)]
    assert re.search(
        r"cause +profile lost \(100 %\): the reference's profile Adobe RGB by hand was lost \(convert"
        r" the reference to sRGB on load, with .*, or keep its profile on save, with",
        line,
    ), line
    result.stdout.fnmatch_lines(
        ["*unedit_max_diff * > max *: the reference's profile Adobe RGB by hand was lost (100 %)"]
    )
    details = gate(pair)["details"]
    assert details["read"] == {
        "reference": {
            "colour": {
                "profile": "Adobe RGB by hand",
                "sha256": details["read"]["reference"]["colour"]["sha256"],
                "done": "converted to sRGB",
            }
        }
    }
    kept = pair.path / "run" / gate(pair)["images"]["reference"]
    with Image.open(kept) as image:
        assert "icc_profile" not in image.info
    assert np.abs(load_image(kept).astype(int) - converted(photo())).max() <= 1


@pytest.mark.parametrize("way", ["call", "case"])
@pytest.mark.parametrize("edited", ["converted", "kept"])
def test_an_output_that_shows_the_same_passes(pair, way: str, edited: str):
    run(pair, way, "reference", edited).assert_outcomes(passed=1)


@pytest.mark.quick(1)
@pytest.mark.parametrize("way", ["call", "case", "settings"])
def test_numbers_brings_back_the_bare_reading(pair, way: str):
    run(pair, way, "reference", "lost", "numbers").assert_outcomes(passed=1)
    details = gate(pair)["details"]
    assert details["colour"] == "numbers"
    assert details["read"]["reference"]["colour"]["done"] == "profile left aside"
    result = run(pair, way, "reference", "converted", "numbers")
    result.assert_outcomes(failed=1)
    assert "profile lost" not in result.stdout.str()


def test_a_case_may_be_seen_where_the_settings_say_numbers(pair):
    (pair.path / "editmetrics.yaml").write_text(f"colour: numbers\n{LIMITS}")
    more = "    colour: seen"
    cases = CASES.format(reference="reference.png", edited="converted.png", more=more)
    (pair.path / "test_it.edit.yaml").write_text(cases)
    pair.runpytest().assert_outcomes(passed=1)


def test_the_helpers_take_the_way_too(pair):
    (pair.path / "editmetrics.yaml").write_text(SMOKE)
    pair.makepyfile(
        """
        import pytest
        from pytest_editmetrics import assert_unedit_emd_below

        def test_it():
            assert_unedit_emd_below("reference.png", "lost.png", None, 0.001, colour="numbers")

        def test_other():
            assert_unedit_emd_below("reference.png", "lost.png", None, 0.0, colour="bare")
        """
    )
    result = pair.runpytest()
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*unknown colour='bare'*"])


@pytest.mark.parametrize(
    ("reference", "edited", "said"),
    [
        (
            "reference",
            "marked",
            "the reference's profile Adobe RGB by hand was lost",
        ),
        ("lost", "kept", "the edited image is marked Adobe RGB by hand, the reference is not"),
    ],
)
def test_the_relatives_of_a_lost_profile_are_told_too(pair, reference, edited, said):
    result = run(pair, "call", reference, edited)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*cause*profile lost (100 %): {said}*"])


def test_a_profile_that_stayed_after_a_conversion_is_told(pair):
    Image.fromarray(converted(photo())).save(pair.path / "still.png", icc_profile=ADOBE)
    run(pair, "call", "reference", "still").assert_outcomes(failed=1)
    (cause,) = gate(pair)["details"]["causes"]
    assert cause["kind"] == "profile lost"
    assert cause["text"] == (
        "the edited image was converted to sRGB and is still marked Adobe RGB by hand"
    )
    assert "save it without that profile" in cause["long"]


def test_two_profiles_of_one_name_are_told_apart(pair):
    other = icc.rgb_profile("Adobe RGB by hand", icc.P3, icc.srgb_curve)
    Image.fromarray(photo()).save(pair.path / "other.png", icc_profile=other)
    run(pair, "call", "reference", "other").assert_outcomes(failed=1)
    cause = gate(pair)["details"]["causes"][0]
    one, two = (digest_of(profile) for profile in (ADOBE, other))
    assert cause["text"] == (
        f"the edited image is marked Adobe RGB by hand (sha256 {two}), the reference"
        f" Adobe RGB by hand (sha256 {one}), and their numbers are alike"
    )


def test_no_profile_was_lost_of_images_with_the_same_one(pair):
    """What differs in the dark is larger where both are converted, as in the demo's rocket."""
    linear = icc.rgb_profile("linear by hand", icc.SRGB, icc.gamma(1.0))
    dark = photo() // 8
    noise = np.random.default_rng(1).normal(0, 3, (12, 12, 3))
    coarse = np.repeat(np.repeat(noise, 8, axis=0), 8, axis=1)
    noisy = (dark + coarse).clip(0, 255).round().astype(np.uint8)
    Image.fromarray(dark).save(pair.path / "dark.png", icc_profile=linear)
    Image.fromarray(noisy).save(pair.path / "noisy.png", icc_profile=linear)
    seen = [read_image(pair.path / f"{name}.png") for name in ("dark", "noisy")]
    apart = np.square(seen[0].pixels - seen[1].pixels.astype(float)).sum()
    assert np.square(dark - noisy.astype(float)).sum() < 0.5 * apart
    run(pair, "call", "dark", "noisy").assert_outcomes(failed=1)
    kinds = {cause["kind"] for cause in gate(pair)["details"]["causes"]}
    assert kinds
    assert "profile lost" not in kinds


def test_what_else_changed_is_told_after_the_lost_profile(pair):
    moved = np.roll(photo(), 1, axis=1)
    Image.fromarray(moved).save(pair.path / "moved.png")
    for edited in ("moved", "noisy"):
        noise = np.random.default_rng(1).normal(0, 3, (96, 96, 3))
        noisy = (photo() + noise).clip(0, 255).round().astype(np.uint8)
        Image.fromarray(noisy).save(pair.path / "noisy.png")
        run(pair, "call", "reference", edited).assert_outcomes(failed=1)
        kinds = [cause["kind"] for cause in gate(pair)["details"]["causes"]]
        assert kinds[0] == "profile lost", kinds
        assert kinds[1:] == ["shift"] if edited == "moved" else True
        shares = [cause["share"] for cause in gate(pair)["details"]["causes"]]
        assert sum(shares) <= 1.001


def test_a_profile_that_is_ignored_is_a_warning_of_the_test_and_stamped(pair):
    pair.makeini("[pytest]\nfilterwarnings = default\n")
    for way in ("call", "case"):
        result = run(pair, way, "lost", "broken")
        result.assert_outcomes(passed=1, warnings=1)
        result.stdout.fnmatch_lines(
            ["*UserWarning: edited image *broken.png: its colour profile (unnamed) is not applied,"
             " its numbers are taken for sRGB: it cannot be read*"]
        )  # fmt: skip
        told = gate(pair)["details"]["read"]["edited"]["colour"]
        assert told["ignored"].startswith("it cannot be read")
        (pair.path / "test_it.py").unlink(missing_ok=True)
    result = pair.runpytest("-W", "error::UserWarning")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*unedit_max_diff could not be judged*its colour profile (unnamed)*"]
    )


SMOKE = "pipes_default: {clip-pipe: {model_path: smoke}}\n"
GOLDEN = """
import numpy as np
from PIL import Image

def test_it(golden_image):
    with Image.open("image.png") as image:
        golden_image.check(image, comparator="{comparator}"{more})
"""


def write_image(pair, pixels: np.ndarray, profile: bytes | None) -> None:
    more = {} if profile is None else {"icc_profile": profile}
    Image.fromarray(pixels).save(pair.path / "image.png", **more)


@pytest.mark.quick(1)
@pytest.mark.parametrize("form", ["png", "webp"])
@pytest.mark.parametrize("colour", ["seen", "numbers"])
def test_a_golden_keeps_its_profile_and_exact_misses_it(pair, colour: str, form: str):
    settings = f"colour: {colour}\ngolden_images: {{comparator: exact, format: {form}}}\n"
    (pair.path / "editmetrics.yaml").write_text(settings)
    pair.makepyfile(test_it=GOLDEN.format(comparator="exact", more=""))
    # grey of these profiles shows alike, so that only the profile tells
    neutral = photo()[..., :1].repeat(3, axis=2)
    for pixels in (photo(), neutral):
        write_image(pair, pixels, P3)
        pair.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
        golden = next((pair.path / "goldens/test_it.py").glob(f"*.{form}"))
        with Image.open(golden) as kept:
            assert kept.info["icc_profile"] == P3
        np.testing.assert_array_equal(read_pixels(golden, colour="numbers").pixels, pixels)
        pair.runpytest().assert_outcomes(passed=1)
        write_image(pair, pixels, None)
        result = pair.runpytest()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            ["*the image lost the colour profile of its golden, P3 by hand (sha256 *"]
        )
        write_image(pair, pixels, ADOBE)
        result = pair.runpytest()
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(
            [
                "*the image has the colour profile Adobe RGB by hand *, its golden P3 by hand (sha256*"
            ]
        )


def test_an_srgb_profile_that_comes_or_goes_changes_nothing(pair):
    (pair.path / "editmetrics.yaml").write_text("golden_images: {comparator: exact}\n")
    for colour in ("seen", "numbers"):
        pair.makepyfile(test_it=GOLDEN.format(comparator="exact", more=f', colour="{colour}"'))
        for before, after in ((SRGB, None), (None, SRGB)):
            write_image(pair, photo(), before)
            pair.runpytest("--editmetrics-update=all").assert_outcomes(passed=1)
            write_image(pair, photo(), after)
            pair.runpytest().assert_outcomes(passed=1)


@pytest.mark.parametrize("comparator", ["pixel", "ssim"])
def test_a_golden_is_compared_as_it_is_seen(pair, comparator: str):
    pair.makepyfile(test_it=GOLDEN.format(comparator=comparator, more=""))
    write_image(pair, photo(), ADOBE)
    pair.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    write_image(pair, converted(photo()), None)
    pair.runpytest().assert_outcomes(passed=1)
    write_image(pair, photo(), None)
    result = pair.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*profile   the image lost the colour profile of its golden, Ado*"]
    )


def test_a_golden_of_deep_colours_is_what_was_seen(pair):
    pair.makepyfile(
        test_it=GOLDEN.format(comparator="exact", more="").replace("image.png", "image.tif")
    )
    import tifffile

    deep = np.random.default_rng(1).integers(0, 65536, (32, 32, 3), dtype=np.uint16)
    tifffile.imwrite(pair.path / "image.tif", deep, photometric="rgb", iccprofile=P3)
    pair.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    pair.runpytest().assert_outcomes(passed=1)


@pytest.mark.quick(1)
@pytest.mark.parametrize("colour", ["seen", "numbers"])
def test_a_run_that_is_scored_or_approved_converts_nothing_twice(
    pair, colour: str, capsys, monkeypatch
):
    monkeypatch.chdir(pair.path)
    (pair.path / "editmetrics.yaml").write_text(
        f"colour: {colour}\n{LIMITS}golden_images: {{comparator: exact}}\n"
    )
    pair.makepyfile(
        test_it="""
        from PIL import Image

        def test_pair(edit_gate):
            edit_gate.check("reference.png", "converted.png", metrics="unedit_max_diff")

        def test_image(golden_image):
            golden_image.check("kept.png")
        """
    )
    pair.runpytest("--editmetrics-run-dir=run")
    before = results("run/results.jsonl", pair)
    assert main(["approve", "run", "-k", "test_image"]) == 0
    pair.runpytest("-k", "test_image").assert_outcomes(passed=1, deselected=1)
    main(["score", "run", "-o", "again"])
    after = results("again/results.jsonl", pair)
    assert after["unedit_max_diff"]["value"] == before["unedit_max_diff"]["value"]
    assert after["golden_exact"]["verdict"] == "pass", capsys.readouterr().out
    images = before["golden_exact"]["images"]
    with Image.open(pair.path / "run" / images["edited"]) as image:
        assert image.info["icc_profile"] == ADOBE


def results(name: str, pair) -> dict:
    lines = (pair.path / name).read_text().splitlines()
    gates = [json.loads(line) for line in lines if '"metric"' in line]
    return {one["metric"]: one for one in gates}


def test_rows_of_a_manifest_are_seen_or_numbers(pair, monkeypatch):
    monkeypatch.chdir(pair.path)
    head = {"reference": "reference.png", "metrics": ["unedit_max_diff"]}
    rows = [
        {"id": "lost", "edited": "lost.png"},
        {"id": "converted", "edited": "converted.png"},
        {"id": "numbers", "edited": "lost.png", "colour": "numbers"},
    ]
    rows = [{**head, **row, "thresholds": {"unedit_max_diff": 2}} for row in rows]
    (pair.path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    main(["score", "pairs.jsonl", "-o", "out"])
    lines = (pair.path / "out/results.jsonl").read_text().splitlines()
    gates = [json.loads(line) for line in lines if '"metric"' in line]
    verdicts = {one["nodeid"].partition("::")[2]: one["verdict"] for one in gates}
    assert verdicts == {"lost": "fail", "converted": "pass", "numbers": "pass"}


def test_a_data_url_with_a_profile_is_seen(pair):
    import base64

    text = base64.b64encode((pair.path / "reference.png").read_bytes()).decode()
    shown = load_image("data:image/png;base64," + text)
    np.testing.assert_array_equal(shown, load_image(pair.path / "reference.png"))


def test_features_of_one_file_read_in_two_ways_are_two(pair):
    pair.makepyfile(
        """
        def test_it(edit_gate):
            found = []
            for colour in ("seen", "numbers", "seen"):
                (one,) = edit_gate.check(
                    "reference.png", "lost.png", metrics="emd", name=f"{len(found)}", colour=colour
                )
                found.append(one.value)
            assert found[0] == found[2] > 0.01 and found[1] < 0.001
        """
    )
    (pair.path / "editmetrics.yaml").write_text(SMOKE + "thresholds: {emd: {max: 1000}}\n")
    pair.runpytest().assert_outcomes(passed=1)


def test_suggest_region_looks_at_what_is_seen(pair, capsys, monkeypatch):
    monkeypatch.chdir(pair.path)
    made = converted(photo())
    made[30:60, 30:60] = 255 - made[30:60, 30:60]
    Image.fromarray(made).save("edit.png")
    assert main(["suggest-region", "reference.png", "edit.png"]) == 0
    seen = capsys.readouterr().out
    box = [int(number) for number in re.search(r"- \[(.*)\]", seen)[1].split(", ")]
    assert np.abs(np.array(box) - [26, 26, 64, 64]).max() <= 2


def test_the_message_of_a_misspelt_way_names_the_line(pair):
    (pair.path / "editmetrics.yaml").write_text("colour: number\n")
    pair.makepyfile(test_it=TEST.format(reference="lost.png", edited="lost.png", more=""))
    result = pair.runpytest()
    text = result.stdout.str() + result.stderr.str()
    assert re.search(
        r"editmetrics.yaml:1: colour cannot be 'number' .did you mean 'numbers'", text
    ), text


def test_a_lost_profile_inside_every_bound_is_named_and_no_other(pair):
    call = 'edit_gate.check("reference.png", "{}.png", metrics="unedit_psnr")'
    (pair.path / "editmetrics.yaml").write_text("thresholds: {unedit_psnr: 5}\n")

    def said(edited: str) -> bool:
        pair.makepyfile(test_it=f"def test_it(edit_gate): {call.format(edited)}")
        result = pair.runpytest()
        result.assert_outcomes(passed=1)
        return "test_it: the reference's profile Adobe RGB by hand was lost" in str(result.stdout)

    assert said("lost")
    assert not said("kept")
    assert not said("converted")


def test_a_golden_image_whose_profile_was_lost_says_so_first(pytester):
    test = "def test_it(golden_image):\n    golden_image.check({!r}, comparator='psnr')\n"
    Image.fromarray(photo()).save(pytester.path / "kept.png", icc_profile=ADOBE)
    Image.fromarray(photo()).save(pytester.path / "lost.png")
    Image.fromarray(photo() // 2).save(pytester.path / "dark.png", icc_profile=ADOBE)
    pytester.makepyfile(test_x=test.format("kept.png"))
    pytester.runpytest("--editmetrics-update=missing").assert_outcomes(passed=1)
    said = "the golden's profile Adobe RGB by hand was lost"
    pytester.makepyfile(test_x=test.format("lost.png"))
    result = pytester.runpytest()
    result.stdout.fnmatch_lines(
        [
            f"E*GateFailure: golden_psnr *: {said} (100 %)",
            f"E*cause*profile lost (100 %): {said} (keep it on save, with icc_profile)",
        ]
    )
    pytester.makepyfile(test_x=test.format("dark.png"))
    result = pytester.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*profile lost*")
