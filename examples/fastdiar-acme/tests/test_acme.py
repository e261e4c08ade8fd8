"""The recipe trains, on made-up voices and at small sizes. What the components promise is tried by --fastdiar-package acme."""

from __future__ import annotations

from pathlib import Path

from fastdiar.testing import try_recipe, write_voices

RECIPE = Path(__file__).parents[1] / "recipes" / "conformer.toml"
SMALL = ["encoder.dim=16", "encoder.layers=1", "encoder.feedforward=16", "head.speaker.hidden=[16]"]


def test_the_recipe_trains(tmp_path: Path) -> None:
    write_voices(tmp_path)
    rows = [f"{path.relative_to(tmp_path)}\twuw2\t{path.parts[-3]}\tCC BY 4.0\n" for path in sorted(tmp_path.rglob("*.wav"))]
    (tmp_path / "table.tsv").write_text("path\tcorpus\tspeaker\tlicence\n" + "".join(rows))
    (tmp_path / "speakers.txt").write_text("".join(f"voice{number}\n" for number in range(4)))
    data = [
        f"data.{part}.{key}={tmp_path / file}"
        for part in ("train", "dev", "test")
        for key, file in (("table", "table.tsv"), ("speakers", "speakers.txt"))
    ]
    assert (try_recipe(RECIPE, tmp_path, [*data, *SMALL]) / "best.safetensors").is_file()
