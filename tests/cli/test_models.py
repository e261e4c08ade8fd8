"""`fastdiar models` tells what `--model` takes."""

from __future__ import annotations

import pytest

from fastdiar.__main__ import run
from fastdiar.diarization.model import shipped


def test_every_model_that_ships_is_listed_the_default_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["models"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert names[0] == "quality"
    assert sorted(names) == shipped()
