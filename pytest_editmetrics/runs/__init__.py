"""What one session left behind: the run directory, its results file, and the evidence of each gate.

Read and written here; what is done with a run afterwards lies in ``saved_runs``.
"""
