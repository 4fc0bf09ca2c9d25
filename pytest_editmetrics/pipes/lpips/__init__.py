"""LPIPS: ``lpips-pipe``, its networks, and the layers that measure part of an image."""

from pytest_editmetrics.pipes.lpips.pipe import LPIPSPipe

__all__ = ["LPIPSPipe"]
