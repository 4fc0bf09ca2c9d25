"""DINO: ``dino-v3-pipe`` and its encoder."""

from pytest_editmetrics.pipes.dino.pipe import DINOPipe

__all__ = ["DINOPipe"]
