"""What `fastdiar recipe check` says of wrong recipes, word for word.

Each `golden/recipes/NAME.toml` has its error in `NAME.txt`; lines `# --set KEY=VALUE` on top of a recipe go to the command.
After a change that is meant, rewrite the texts and read what differs: `FASTDIAR_GOLDEN=write pytest tests/test_recipe_errors.py`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fastdiar.__main__ import run

pytest.importorskip("torch", reason="recipes name components that need torch")

GOLDEN = Path(__file__).parent / "golden" / "recipes"
RECIPES = sorted(path.stem for path in GOLDEN.glob("*.toml"))


@pytest.mark.parametrize("name", RECIPES)
def test_a_wrong_recipe_is_explained(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    monkeypatch.chdir(GOLDEN)
    monkeypatch.setenv("FASTDIAR_PLUGINS", "none")
    lines = Path(f"{name}.toml").read_text(encoding="utf-8").splitlines()
    overrides = [word for line in lines if line.startswith("# --set ") for word in line[2:].split(" ", 1)]
    assert run(["recipe", "check", f"{name}.toml", *overrides]) == 2
    said = capsys.readouterr()
    golden(f"recipes/{name}.txt", said.err)
    assert said.out == ""


def test_no_golden_text_is_left_over() -> None:
    assert len(RECIPES) >= 14
    assert sorted(path.stem for path in GOLDEN.glob("*.txt")) == RECIPES
