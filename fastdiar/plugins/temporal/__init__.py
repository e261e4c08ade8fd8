"""Frames to frames that know of each other."""
