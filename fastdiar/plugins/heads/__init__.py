"""The last layers, one for each task."""
