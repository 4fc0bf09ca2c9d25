"""Segment Anything: ``sam-pipe``, SAM and SAM 2.

``spec.py`` declares the pipe and imports nothing heavy; the class is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pytest_editmetrics.pipes.declared import class_of

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.sam.pipe import SAMPipe

__all__ = ["SAMPipe"]

__getattr__ = class_of(__name__, "SAMPipe")
