"""The pipes: callables with lazily loaded weights that give measurements, and the registry of them.

A pipe knows no threshold, no golden and no test.
"""
