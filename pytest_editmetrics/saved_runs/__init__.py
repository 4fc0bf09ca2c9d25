"""What is done with runs after pytest ended: approve, merge, measure again, measure a manifest.

Commands call it; nothing of a running test does.
"""
