"""Every YAML file that these tests read is held to its JSON Schema, too."""

from schemas import held_to_the_schema  # noqa: F401
