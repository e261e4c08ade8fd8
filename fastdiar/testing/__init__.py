"""The conformance kit: what every component of a kind promises, tried on yours. fastdiar's own components pass it too.

In a test, `check("encoder", "acme/x")`; for all of a plugin's components, `pytest --fastdiar-package acme`.
"""

from __future__ import annotations

from fastdiar.testing.conformance import ConformanceError, Failure, Promise, check, promised
from fastdiar.testing.training import try_recipe
from fastdiar.testing.voices import voice, write_voices

__all__ = ["ConformanceError", "Failure", "Promise", "check", "promised", "try_recipe", "voice", "write_voices"]
