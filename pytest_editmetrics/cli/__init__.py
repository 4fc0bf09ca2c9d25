"""The command ``editmetrics``: ``main`` and one file a subcommand.

Arguments in, lines out: the work is done in the rooms below.
"""
