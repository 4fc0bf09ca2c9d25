"""Hooks that a conftest or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.registry import PipeRegistry


@pytest.hookspec
def pytest_editmetrics_register_pipes(registry: PipeRegistry) -> None:
    """Register pipes of your own; called once a session, when the first gate needs a pipe.

    What a pipe is called with, and what it returns, says ``pytest_editmetrics.Pipe``. In a
    ``conftest.py``::

        import numpy as np
        import pytest


        class MeanChangePipe:
            def __call__(self, reference, edited, coords, mask_mode, metric, **params):
                from pytest_editmetrics import Region

                inside = Region.of(coords).inside(*reference.shape[:2])
                measured = inside if mask_mode == "inner" else ~inside
                if not measured.any():
                    return None
                return float(np.abs(edited.astype(float) - reference)[measured].mean())


        @pytest.hookimpl(optionalhook=True)
        def pytest_editmetrics_register_pipes(registry):
            from pytest_editmetrics import Metric

            change = Metric("mean_change", "lower", low=0, high=255)
            registry.register("mean-change-pipe", MeanChangePipe, metrics=[change])

    and in a test ``edit_gate.check(reference, edited, coords, metrics=["mean_change"])``.

    pytest refuses a ``conftest.py`` with a hook that no plugin declares. ``optionalhook=True`` and
    the imports inside let it load where this plugin is not installed, or is turned off with
    ``-p no:editmetrics``, so that a contributor without it can run the other tests.
    """
