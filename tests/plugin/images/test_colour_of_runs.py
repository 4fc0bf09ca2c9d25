"""A run that is scored again says of colours what the tests said."""

from __future__ import annotations

import json

import icc
import numpy as np
import pytest
from PIL import Image

from pytest_editmetrics.checks.pairs import pair_of
from pytest_editmetrics.cli.main import main
from pytest_editmetrics.errors import ImageError
from pytest_editmetrics.images.load import load_image, load_pair

P3 = icc.rgb_profile("Display P3", icc.P3, icc.srgb_curve)
METRIC = "unedit_max_diff"


@pytest.fixture
def run(pytester: pytest.Pytester):
    """A run of an output that lost its profile: of its size, cropped, and by the bare numbers."""
    rows, columns = np.mgrid[0:48, 0:64]
    grain = np.random.default_rng(18).integers(0, 8, (48, 64, 3))
    photo = (np.dstack([rows * 5, columns * 3, 245 - rows * 4]) + grain).astype(np.uint8)
    Image.fromarray(photo).save(pytester.path / "reference.png", icc_profile=P3)
    Image.fromarray(photo).save(pytester.path / "lost.png")
    Image.fromarray(photo[:, 8:56]).save(pytester.path / "cropped.png")
    (pytester.path / "pytest.ini").write_text("[pytest]\n")
    (pytester.path / "editmetrics.yaml").write_text(
        f"metrics: [{METRIC}]\nthresholds: {{{METRIC}: {{max: 2}}}}\n"
    )
    pytester.makepyfile(
        test_it="""
        def test_lost(edit_gate):
            edit_gate.check("reference.png", "lost.png")

        def test_cropped(edit_gate):
            edit_gate.check("reference.png", "cropped.png", resize="crop-center")

        def test_numbers(edit_gate):
            edit_gate.check("reference.png", "lost.png", colour="numbers")
        """
    )
    pytester.runpytest("--editmetrics-run-dir=run").assert_outcomes(failed=2, passed=1)
    return pytester.path


def gates(path) -> dict[str, dict]:
    lines = map(json.loads, (path / "results.jsonl").read_text().splitlines())
    return {one["nodeid"].partition("::")[2]: one for one in lines if one["record"] == "gate"}


def test_scored_again_a_lost_profile_is_still_the_cause(run):
    before = gates(run / "run")
    assert main(["score", "run", "-o", "again"]) == 1
    assert main(["score", "again", "-o", "third"]) == 1
    for folder in ("again", "third"):
        after = gates(run / folder)
        for test in ("test_lost", "test_cropped"):
            assert after[test]["details"]["causes"][0]["kind"] == "profile lost"
            assert after[test]["details"]["causes"] == before[test]["details"]["causes"]
            assert after[test]["details"]["read"] == before[test]["details"]["read"]


def test_scored_again_bare_numbers_are_no_other_way_of_measuring(run, capsys):
    main(["score", "run", "-o", "again"])
    assert gates(run / "again")["test_numbers"]["details"]["colour"] == "numbers"
    assert main(["compare", "run", "again", "--fail", f"{METRIC}:0"]) == 0
    assert "ANOTHER WAY" not in capsys.readouterr().out


def test_a_run_that_says_nonsense_of_colours_is_no_traceback(run):
    text = (run / "run" / "results.jsonl").read_text()
    damaged = text.replace(
        '"read": {"reference": {"colour": {', '"read": {"reference": {"colour": 7, "c": {'
    )
    assert damaged != text
    (run / "run" / "results.jsonl").write_text(damaged)
    assert main(["score", "run", "-o", "again"]) == 1
    (run / "run" / "results.jsonl").write_text(text.replace('"colour": "numbers"', '"colour": 3'))
    assert main(["score", "run", "-o", "again"]) == 1
    assert "unknown colour=3" in gates(run / "again")["test_numbers"]["message"]


def test_a_lost_profile_does_not_decide_which_mode_is_proposed(run, capsys):
    says = "resize='crop-center' fits best"
    with pytest.raises(ImageError, match=says):
        pair_of("reference.png", "cropped.png")
    with pytest.raises(ImageError, match=says):
        load_pair("reference.png", "cropped.png")
    assert main(["suggest-region", "reference.png", "cropped.png"]) != 0
    assert says in capsys.readouterr().err
    for mode in ("crop-top-left", "edited", "pad"):
        pair = pair_of("reference.png", "cropped.png", resize=mode)
        assert pair.resizing["better"] == "crop-center"
    assert "better" not in pair_of("reference.png", "cropped.png", resize="crop-center").resizing


def test_the_true_colours_decide_where_a_profile_was_applied(run):
    """The output was rightly converted, so that the bare numbers are another picture."""
    seen = load_image("reference.png")
    Image.fromarray(seen[:, 8:56]).save("converted.png")
    with pytest.raises(ImageError, match="resize='crop-center' fits best"):
        pair_of("reference.png", "converted.png")
