"""CLIP: ``clip-pipe``, its encoder, and the transport distance of its patches.

``spec.py`` declares the pipe and imports nothing heavy; the class is imported when it is asked for.
"""

from typing import TYPE_CHECKING

from pytest_editmetrics.pipes.declared import class_of

if TYPE_CHECKING:
    from pytest_editmetrics.pipes.clip.pipe import CLIPPipe

__all__ = ["CLIPPipe"]

__getattr__ = class_of(__name__, "CLIPPipe")
