"""Which windows of speech belong to one person."""
