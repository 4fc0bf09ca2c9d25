"""The YAML files that a person writes, read into plain values: settings, cases, manifests, suites.

Every message names file, line and column. What only goldens use lies in ``goldens``.
"""
