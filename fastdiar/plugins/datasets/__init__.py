"""Utterances to learn from."""
