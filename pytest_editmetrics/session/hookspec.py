"""Hooks that a conftest or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.registry import PipeRegistry


@pytest.hookspec
def pytest_editmetrics_register_pipes(registry: PipeRegistry) -> None:
    """Register pipes of your own; called once a session, when the first gate needs a pipe.

    A pipe is any callable ``pipe(reference, edited, coords, mask_mode, metric=...)`` that returns
    ``float | None``. In a ``conftest.py``::

        from pytest_editmetrics import Metric


        class SharpnessPipe:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                return abs(float(edited.std()) - float(reference.std()))


        def pytest_editmetrics_register_pipes(registry):
            registry.register(
                "sharpness-pipe", SharpnessPipe, metrics=[Metric("sharpness_change", "lower")]
            )

    and in a test ``edit_gate.check(reference, edited, coords, metrics=["sharpness_change"])``.
    The images arrive as RGB uint8 arrays of shape (H, W, 3).
    """
