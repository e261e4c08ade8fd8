"""The server: recordings in over HTTP, turns out."""
