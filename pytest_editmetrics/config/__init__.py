"""YAML files: reading them safely, what they mean, and where each value was written."""
