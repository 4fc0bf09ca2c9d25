"""Whether the background stayed where it was: ``drift-pipe``.

``spec.py`` declares the pipe and imports nothing heavy; the class is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pytest_editmetrics.pipes.declared import class_of

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.drift.pipe import DriftPipe

__all__ = ["DriftPipe"]

__getattr__ = class_of(__name__, "DriftPipe")
