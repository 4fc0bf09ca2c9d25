"""What was approved: golden thresholds, golden images and their provenance, read and written.

A golden file is written here and nowhere else; whether a value passes is decided in ``gates``.
"""
