"""Errors that find their way from one process to another."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from fastdiar.core.errors import AudioError, FastdiarError, MissingExtra, Problem, RecipeError
from fastdiar.core.structure import StructureError


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (AudioError("a.wav: is torn"), "a.wav: is torn"),
        (MissingExtra("m4a", "media"), "m4a needs a part that is not installed: pip install '.[media]' in fastdiar's checkout"),
        (
            RecipeError([Problem("is missing", "encoder", Path("a.toml")), Problem("unknown", "data", Path("a.toml"), 3)]),
            "a.toml: encoder: is missing\na.toml:3: data: unknown",
        ),
        (StructureError([(("a", "b"), "missing"), ((), "no table")]), "a.b: missing\nno table"),
    ],
)
def test_an_error_arrives_in_another_process_as_it_was(error: FastdiarError, words: str) -> None:
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is type(error) and str(arrived) == str(error) == words
