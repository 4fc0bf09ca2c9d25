"""Checks a pipe against the library that its model comes from: tokens, masks and scores, both ways.

``checkup.py`` measures and compares; ``theirs.py`` is the other way: transformers, segment-anything
and lpips load the same files by themselves and prepare the same photos.
"""
