"""Thousands of recordings, on one machine or many: what is done is noted as it goes, so that a stop costs little."""
