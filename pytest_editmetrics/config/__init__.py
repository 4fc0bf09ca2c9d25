"""What a person writes, read into plain values: YAML files, and manifests of JSON Lines or Parquet.

Every message names file, line and column. What only goldens use lies in ``goldens``.
"""
