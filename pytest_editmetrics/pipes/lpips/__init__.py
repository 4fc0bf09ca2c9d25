"""LPIPS: ``lpips-pipe``, its networks, and the layers that measure part of an image.

``spec.py`` declares the pipe and imports nothing heavy; the class is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pytest_editmetrics.pipes.declared import class_of

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe

__all__ = ["LPIPSPipe"]

__getattr__ = class_of(__name__, "LPIPSPipe")
