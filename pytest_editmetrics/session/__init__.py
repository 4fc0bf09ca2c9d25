"""What one pytest session shares: options, settings, pipes, goldens, outputs, records of its tests.

The lowest room that knows pytest; no check is made and no verdict is reached here.
"""
