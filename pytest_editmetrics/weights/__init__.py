"""Weights: which exist, where they lie, whether they can be trusted, and how to fetch them.

``find`` is what a run uses: it never touches the network. ``fetch`` is what the command uses. No
model is built here.
"""
