"""The first files of a project, as ``editmetrics init`` writes them: what is there, what is added.

Nothing here writes over a file; what is said of it is printed by ``cli``.
"""
