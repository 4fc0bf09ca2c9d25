"""What one pytest session shares: its options, settings, pipes, goldens and outputs, and the record of each test.

The lowest room that knows pytest; no check is made and no verdict is reached here.
"""
