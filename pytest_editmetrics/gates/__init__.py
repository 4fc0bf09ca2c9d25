"""A measurement, or a comparison with a golden image, held to its bound: the verdict that follows.

Pure decisions over plain values: nothing is measured, read or shown here.
"""
