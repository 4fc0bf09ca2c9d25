"""CLIP: ``clip-pipe``, its encoder, and the transport distance of its patches."""

from pytest_editmetrics.pipes.clip.pipe import CLIPPipe

__all__ = ["CLIPPipe"]
