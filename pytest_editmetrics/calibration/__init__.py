"""Golden thresholds from repeated runs: how much each gate varies, and the bound that allows it.

It proposes; writing is left to ``goldens``.
"""
