"""The benchmarks compare with the right numbers, and let no wrong one pass."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pytest_editmetrics.images.load import load_image
from pytest_editmetrics.pipes.sam.model import _sam_model, read_dimensions

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import gpu  # noqa: E402
import growth  # noqa: E402
import run  # noqa: E402
from agreement import Agreement  # noqa: E402
from reference import PlainEMD, PlainLPIPS, PlainObjectSimilarity  # noqa: E402
from table import Row, at_least  # noqa: E402

PARITY = ROOT / "fixtures" / "parity"
MODELS = PARITY / "models"
SQUARE = "astronaut.png"


def cases(metric):
    """The original's cases that the reference implementation takes: square, with a region."""
    return [
        pytest.param(case, id=case["id"])
        for case in json.loads((PARITY / "cases.json").read_text(encoding="utf-8"))
        if case["metric"] == metric
        and case["reference"] == SQUARE
        and case["mask_mode"]
        and case["expected"] is not None
        and all(x1 < x2 and y1 < y2 for x1, y1, x2, y2 in case["coords"] or ())
        and not (case["mask_mode"] == "outer" and [0, 0, 256, 256] in case["coords"])
        and case["params"].get("patch_mask_threshold", 0.1) == 0.1
        and case["params"].get("bg_color", [255, 255, 255]) == [255, 255, 255]
    ]


def images(case):
    names = case["reference"], case["edited"]
    return [np.array(load_image(PARITY / "images" / name)) for name in names]


@pytest.fixture(scope="module")
def plain_emd():
    return PlainEMD(MODELS / "clip")


@pytest.fixture(scope="module")
def plain_lpips():
    return PlainLPIPS()


@pytest.fixture(scope="module")
def plain_similarity():
    sam = _sam_model(read_dimensions(MODELS / "sam.json"), "sam.json")
    return PlainObjectSimilarity(MODELS / "clip", MODELS / "sam.safetensors", sam)


@pytest.mark.parametrize("case", cases("emd"))
def test_the_reference_implementation_has_the_originals_emd(plain_emd, case):
    value = plain_emd(*images(case), case["coords"], case["mask_mode"])
    assert value == pytest.approx(case["expected"], rel=1e-3)


# the torchvision of lpips' backbone deprecates how lpips asks for it
@pytest.mark.quick(4)
@pytest.mark.filterwarnings("ignore:.*weight:UserWarning:torchvision")
@pytest.mark.parametrize("case", cases("lpips"))
def test_the_reference_implementation_has_the_originals_lpips(plain_lpips, case):
    value = plain_lpips(*images(case), case["coords"], case["mask_mode"])
    assert value == pytest.approx(case["expected"], rel=0, abs=1e-5)


@pytest.mark.parametrize("case", cases("sam_clip_cls_sim"))
def test_the_reference_implementation_has_the_originals_similarity(plain_similarity, case):
    half = len(case["coords"]) // 2
    value = plain_similarity(*images(case), case["coords"][:half], case["coords"][half:])
    assert value == pytest.approx(case["expected"], rel=0, abs=1e-3)


@pytest.mark.parametrize(
    ("metric", "ours", "plain", "holds"),
    [
        ("lpips", 0.5000009, 0.5, True),
        ("lpips", 0.5000011, 0.5, False),
        ("emd", 1000.009, 1000.0, True),
        ("emd", 1000.011, 1000.0, False),
        ("emd", None, 1000.0, False),
        ("sam_clip_cls_sim", math.nan, 0.9, False),
        ("exactly 0", 1e-300, 0.0, False),
    ],
)
def test_numbers_agree_within_their_tolerance(metric, ours, plain, holds):
    agreement = Agreement()
    agreement.add(metric, ours, plain)
    agreement.add(metric, plain, plain)
    assert agreement.holds is holds
    assert agreement.row("it").holds is holds


def test_nothing_compared_is_no_agreement():
    assert not Agreement().holds


def test_a_fast_wrong_answer_meets_no_target():
    assert at_least("it", 100.0, 2.0, "1 s against 10 ms", True).holds
    wrong = at_least("it", 100.0, 2.0, "1 s against 10 ms", False)
    assert wrong.holds is False
    assert "WRONG NUMBERS" in wrong.figure


@pytest.mark.parametrize(("holds", "status"), [(True, 0), (False, 1), (None, 0)])
def test_a_missed_target_is_exit_status_1(monkeypatch, capsys, holds, status):
    row = Row("speed", "2 times", "1.9 times", holds)
    monkeypatch.setitem(sys.modules, "made_up", SimpleNamespace(rows=lambda: [row]))
    monkeypatch.setattr(run, "MODULES", {"made-up": "made_up"})
    monkeypatch.setattr(sys, "argv", ["run.py", "--only", "made-up"])
    assert run.main() == status
    shown = {True: "yes", False: "**NO**", None: ""}[holds]
    assert f"| speed | 2 times | 1.9 times | {shown} |" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("costs", "holds"),
    [
        ({1: 0.5, 100: 1.5, 1_000: 12.5}, True),
        ({1: 0.5, 100: 1.5, 1_000: 12.6}, False),
        ({1: 0.5, 100: 0.51, 1_000: 2.8}, True),  # what is below the noise counts as noise
        ({1: 0.5, 100: 0.51, 1_000: 3.0}, False),
        ({2: 0.5, 5: 1.5, 50: 12.5}, True),
        ({1: 0.5, 1_000: 1.5, 10_000: 12.5, 100_000: 200.0}, False),
    ],
)
def test_ten_times_the_work_may_cost_twelve_times_as_much(costs, holds):
    assert growth.grown("it", costs).holds is holds


def test_without_a_gpu_the_script_says_so_and_measures_nothing(monkeypatch, capsys):
    monkeypatch.setattr(gpu.torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "PARTS", {"encoding": None})
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    assert gpu.main() == 2
    assert "no GPU: torch sees none here" in capsys.readouterr().err


def test_what_there_is_no_time_for_is_left_out_and_told(monkeypatch, capsys):
    monkeypatch.setattr(gpu, "PARTS", {"lpips": lambda setting: [Row("it", "", "1 s", None)]})
    for minutes, said in (("10", "| it |  | 1 s |"), ("-1", "| lpips |  | left out: -1 minutes")):
        arguments = ["--device=cpu", "--quick", f"--minutes={minutes}", "--only", "lpips"]
        monkeypatch.setattr(sys, "argv", ["gpu.py", *arguments])
        assert gpu.main() == 0
        assert said in capsys.readouterr().out
