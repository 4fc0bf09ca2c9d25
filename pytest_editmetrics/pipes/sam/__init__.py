"""Segment Anything: ``sam-pipe``, SAM and SAM 2."""

from pytest_editmetrics.pipes.sam.pipe import SAMPipe

__all__ = ["SAMPipe"]
