"""Teachers: trained networks that others learn from."""
