"""What the fuzzer found worth keeping, replayed: each input is a value or an ``EditMetricsError``."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzz_targets import Targets

KEPT = Path(__file__).parents[2] / "fixtures" / "fuzz"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", ["yaml", "image"])
def test_every_input_is_a_value_or_an_error_of_ours(tmp_path, target):
    run = getattr(Targets(tmp_path), target)
    inputs = sorted((KEPT / target).iterdir())
    assert len(inputs) >= 10
    for path in inputs:
        try:
            run(path.read_bytes())
        except Exception as error:
            error.args = (f"{path}: {error}",)
            raise


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for path in KEPT.glob("*/*")) < 1_000_000
