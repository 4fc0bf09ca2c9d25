"""The original's values, on its images and models: see fixtures/parity/README.md."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pytest_editmetrics.cache.features import FeatureCache
from pytest_editmetrics.cache.folder import CacheFolder

PARITY = Path(__file__).parents[2] / "fixtures" / "parity"
CASES = json.loads((PARITY / "cases.json").read_text(encoding="utf-8"))
# an empty region: the original's 0.0 is its best value, ours says that nothing was compared
NOTHING_COMPARED = {"149-lpips-astronaut-outer", "150-lpips-astronaut-inner"}


def cases(metric: str) -> pytest.MarkDecorator:
    chosen = [pytest.param(case, id=case["id"]) for case in CASES if case["metric"] == metric]
    return pytest.mark.parametrize("case", chosen)


def measured(pipe: Any, case: dict[str, Any]) -> float | None:
    """Measure without a cache, then with one that is cold, and one that is warm: the same bits."""
    values = []
    with tempfile.TemporaryDirectory() as folder:
        caches = [FeatureCache(), *(FeatureCache(CacheFolder(Path(folder), 10**9)) for _ in "12")]
        for cache in caches:
            pipe.share(cache)
            values.append(
                pipe(
                    PARITY / "images" / case["reference"],
                    PARITY / "images" / case["edited"],
                    case["coords"],
                    case["mask_mode"],
                    metric=case["metric"],
                    colour="numbers",  # the original knows no colour profiles; one photo has one
                    **case["params"],
                )
            )
    assert values[0] == values[1] == values[2]
    return values[0]


def test_every_case_is_tested_and_five_are_soft_failures():
    assert len(CASES) == 153
    assert {case["metric"] for case in CASES} == {"emd", "lpips", "sam_clip_cls_sim"}
    assert sum(case["expected"] is None for case in CASES) == 5
    assert {case["net"] for case in CASES if case["metric"] == "lpips"} == {"alex"}
    assert {case["id"] for case in CASES} >= NOTHING_COMPARED


@cases("lpips")
def test_lpips(alex, case):
    value = measured(alex, case)
    if case["id"] in NOTHING_COMPARED:
        assert (case["expected"], value) == (0.0, None)
    else:
        assert value == pytest.approx(case["expected"], rel=0, abs=1e-5)


@cases("emd")
def test_emd(original_clip, case):
    value = measured(original_clip, case)
    if case["expected"] is None:
        assert value is None
    else:
        assert value == pytest.approx(case["expected"], rel=1e-3, abs=1e-9)


@cases("sam_clip_cls_sim")
def test_sam_clip_cls_sim(original_clip, case):
    value = measured(original_clip, case)
    if case["expected"] is None:
        assert value is None
    else:
        assert value == pytest.approx(case["expected"], rel=0, abs=1e-3)
