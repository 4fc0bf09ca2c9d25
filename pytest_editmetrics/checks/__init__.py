"""A check of a test or of a saved run: measured by a pipe, judged against its threshold, recorded.

What a fixture hands to a test lives here; how a check ends a test is decided in ``plugin``.
"""
