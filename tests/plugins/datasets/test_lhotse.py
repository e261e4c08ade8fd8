"""lhotse's manifests and Shar folders."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.types import RATE, Turn
from fastdiar.plugins.datasets.lhotse import Lhotse, LhotseConfig

lhotse = pytest.importorskip("lhotse")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of 4 s on two channels, ramps up and down; two people speak in each, one on either channel."""
    folder = tmp_path_factory.mktemp("lhotse")
    recordings, supervisions = [], []
    ramp = np.linspace(0, 0.9, 4 * RATE, dtype=np.float32)
    for number in range(3):
        path = folder / f"call{number}.wav"
        soundfile.write(path, np.stack([ramp, -ramp], axis=1), RATE, subtype="FLOAT")
        recordings.append(lhotse.Recording.from_file(path))
        for channel, (speaker, start) in enumerate((("ann", 0.5), ("bob", 1.0))):
            supervisions.append(
                lhotse.SupervisionSegment(
                    id=f"call{number}-{speaker}",
                    recording_id=f"call{number}",
                    start=start,
                    duration=2.0,
                    channel=channel,
                    speaker=speaker,
                    gender={"ann": "Female", "bob": "M"}[speaker],
                    language="en",
                    custom={"emotion": "joy", "take": 1},
                )
            )
    sets = lhotse.RecordingSet.from_recordings(recordings), lhotse.SupervisionSet.from_segments(supervisions)
    sets[0].to_file(folder / "recordings.jsonl.gz")
    sets[1].to_file(folder / "supervisions.jsonl.gz")
    cuts = lhotse.CutSet.from_manifests(*sets)
    cuts.to_file(folder / "cuts.jsonl.gz")
    mono = (cut for both in cuts for cut in both.to_mono() if cut.channel == 0)
    mono = lhotse.CutSet.from_cuts(cut.truncate(offset=0.25, duration=3.0) for cut in mono)
    (folder / "shar").mkdir()
    mono.to_eager().to_shar(folder / "shar", fields={"recording": "flac"}, shard_size=2)
    return folder


def test_supervisions_of_cuts_become_labelled_utterances(corpus: Path) -> None:
    data = Lhotse(LhotseConfig(manifest=corpus / "cuts.jsonl.gz"))
    entries = data.entries()
    assert len(entries) == len({entry.key for entry in entries}) == 6
    by_speaker = {entry.labels["speaker"]: entry for entry in entries if entry.labels["session"] == "call1"}
    assert by_speaker["ann"].labels == {
        "session": "call1",
        "speaker": "ann",
        "gender": "f",
        "language": "en",
        "emotion": "joy",
    }
    assert data.load(by_speaker["ann"])[[0, -1]] == pytest.approx([0.9 * 0.5 / 4, 0.9 * 2.5 / 4], abs=1e-3)
    assert data.load(by_speaker["bob"])[[0, -1]] == pytest.approx([-0.9 * 1 / 4, -0.9 * 3 / 4], abs=1e-3)  # the other channel


def test_recordings_with_supervisions_are_the_same(corpus: Path) -> None:
    config = LhotseConfig(manifest=corpus / "recordings.jsonl.gz", supervisions=corpus / "supervisions.jsonl.gz")
    spans = {(entry.labels["speaker"], entry.start, entry.seconds) for entry in Lhotse(config).entries()}
    assert spans == {("ann", 0.5, 2.0), ("bob", 1.0, 2.0)}


def test_whole_cuts_tell_who_speaks_when(corpus: Path) -> None:
    data = Lhotse(LhotseConfig(manifest=corpus / "cuts.jsonl.gz", unit="cut"))
    entry = data.entries()[0]
    assert data.turns(entry) == (Turn(0.5, 2.5, "ann"), Turn(1.0, 3.0, "bob"))
    assert len(data.load(entry)) == 4 * RATE


def test_a_shar_folder(corpus: Path) -> None:
    data = Lhotse(LhotseConfig(manifest=corpus / "shar"))
    entries = data.entries()
    assert [entry.labels["speaker"] for entry in entries] == ["ann"] * 3
    assert data.load(entries[2])[[0, -1]] == pytest.approx([0.9 * 0.5 / 4, 0.9 * 2.5 / 4], abs=1e-3)
    whole = Lhotse(LhotseConfig(manifest=corpus / "shar", unit="cut"))
    assert whole.turns(whole.entries()[0]) == (Turn(0.25, 2.25, "ann"),)
    assert len(whole.load(whole.entries()[0])) == 3 * RATE


def rewritten(corpus: Path, folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """The manifest of cuts with one line, changed."""
    with gzip.open(corpus / "cuts.jsonl.gz", "rt") as file:
        cut = json.loads(file.readline())
    change(cut)
    (folder / "cuts.jsonl").write_text(json.dumps(cut) + "\n")
    return folder / "cuts.jsonl"


def test_commands_in_a_manifest_are_not_run(corpus: Path, tmp_path: Path) -> None:
    source = {"type": "command", "channels": [0, 1], "source": f"touch {tmp_path / 'run'}"}
    path = rewritten(corpus, tmp_path, lambda cut: cut["recording"].update(sources=[source]))
    with pytest.raises(DataError, match=r"the sound of cut '.*' is a command: only files are read"):
        Lhotse(LhotseConfig(manifest=path)).entries()
    assert not (tmp_path / "run").exists()


def test_a_relative_path_is_relative_to_the_manifest(corpus: Path, tmp_path: Path) -> None:
    path = rewritten(corpus, tmp_path, lambda cut: cut["recording"]["sources"][0].update(source="sound/call0.wav"))
    assert Lhotse(LhotseConfig(manifest=path)).entries()[0].path == tmp_path / "sound" / "call0.wav"


def test_what_cannot_be_read_is_named(corpus: Path, tmp_path: Path) -> None:
    altered = rewritten(
        corpus, tmp_path, lambda cut: cut["recording"].update(transforms=[{"name": "Speed", "kwargs": {"factor": 1.1}}])
    )
    with pytest.raises(DataError, match="is mixed, altered or of several files: save its sound with lhotse first"):
        Lhotse(LhotseConfig(manifest=altered)).entries()
    for name, error in (("gone.jsonl", "no such file"), ("table.csv", r"expected a manifest of lhotse, \.jsonl or \.jsonl\.gz")):
        (tmp_path / "table.csv").touch()
        with pytest.raises(DataError, match=error):
            Lhotse(LhotseConfig(manifest=tmp_path / name)).entries()
    (tmp_path / "broken.jsonl").write_text('{"id": "a", "sta')
    with pytest.raises(FormatError, match=r"broken\.jsonl: not a manifest of lhotse"):
        Lhotse(LhotseConfig(manifest=tmp_path / "broken.jsonl")).entries()
    with pytest.raises(DataError, match=r"is no Shar folder: it holds no cuts\.\*\.jsonl\.gz"):
        Lhotse(LhotseConfig(manifest=tmp_path)).entries()
    with pytest.raises(DataError, match="expected cuts or recordings, found SupervisionSet"):
        Lhotse(LhotseConfig(manifest=corpus / "supervisions.jsonl.gz")).entries()


def test_a_network_learns_from_it(corpus: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    log = epoch(f'[data.train]\nuse = "lhotse"\nmanifest = "{(corpus / "cuts.jsonl.gz").as_posix()}"\n')
    assert np.isfinite(log["loss"]) and log["unreadable"] == 0
