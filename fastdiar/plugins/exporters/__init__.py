"""A trained network as files that others run."""
