"""Frames to one vector a speaker."""
