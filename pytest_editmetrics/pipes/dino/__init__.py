"""DINO: ``dino-v3-pipe`` and its encoder.

``spec.py`` declares the pipe and imports nothing heavy; the class is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pytest_editmetrics.pipes.declared import class_of

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.dino.pipe import DINOPipe

__all__ = ["DINOPipe"]

__getattr__ = class_of(__name__, "DINOPipe")
