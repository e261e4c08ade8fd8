"""The model that is meant where none is named."""

DEFAULT_MODEL = "quality"
