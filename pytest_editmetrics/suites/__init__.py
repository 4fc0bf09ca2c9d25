"""Whole runs: two of them compared, and the suite gates that hold all gates of a metric together.

Statistics over gates that were made; no single gate is judged here.
"""
