"""What is done with runs after pytest ended: approve, review, merge, measure again or a manifest.

Commands call it; nothing of a running test does.
"""
