"""`fastdiar tune`: a table, and files only where they are asked for."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest
import soundfile

pytest.importorskip("onnxruntime")
pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.__main__ import run

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A set `talks` of one short recording, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    Path("talks").mkdir()
    samples, rate = soundfile.read(EXAMPLES / "dialogue.flac", stop=8 * 16_000)
    soundfile.write("talks/talk.wav", samples, rate)
    shutil.copy(EXAMPLES / "dialogue.rttm", "talks/talk.rttm")


def test_every_trial_is_shown_and_nothing_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "quickstart", "--data", "talks", "--key", "cluster.use=agglomerative,spectral"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("DER % (collar 0, overlap scored), right number of people %\n")
    for settings in ("the model's own", "cluster.use=agglomerative", "cluster.use=spectral"):
        assert settings in text
    assert text.count("(chosen)") == 1
    assert [path.name for path in Path().iterdir()] == ["talks"]


def test_settings_and_figures_are_written_where_asked() -> None:
    call = ["tune", "quickstart", "--data", "talks", "--key", "speech=1.0", "--key", "fill_gap=0.1,0.2"]
    assert run([*call, "-o", "settings.toml", "--json", "trials.json"]) == 0
    figures = json.loads(Path("trials.json").read_text())
    settings = tomllib.loads(Path("settings.toml").read_text())
    assert settings == {"diarization": figures["diarization"]}
    assert settings["diarization"]["speech"] == 1.0
    assert figures["best"]["values"] == {"speech": 1.0}
    assert figures["best"]["sets"]["talks"]["der"] == figures["best"]["mean_der"] > figures["own"]["mean_der"]
    assert len(figures["trials"]) == 4


@pytest.mark.parametrize("key", ["speech", "speech=", "=0.5"])
def test_a_key_without_values_is_refused(key: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["tune", "quickstart", "--data", "talks", "--key", key]) == 2
    assert f"--key {key}: expected a key and values to try" in capfd.readouterr().err
