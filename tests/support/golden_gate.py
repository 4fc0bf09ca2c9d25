"""A failing gate without a golden, for runs made up for tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_editmetrics.gates.verdict import Gate

GOLDEN = "tests/goldens/test_x.py.yaml"


def failing_gate(test: str = "test_a", **values: Any) -> Gate:
    """Return a gate of ``tests/test_x.py`` that has no golden; ``values`` are those of others."""
    made = Gate(
        "lpips",
        "fail",
        value=0.5,
        scope="unedit_area",
        bound_kind="max",
        bound=0.1,
        origin="default",
        source="editmetrics.yaml:1",
        distance=0.4,
        golden={"file": GOLDEN, "test": test, "gate": "lpips"},
        region={"coords": [[0, 0, 2, 2]], "width": 4, "height": 3},
    )
    return replace(made, **values)
