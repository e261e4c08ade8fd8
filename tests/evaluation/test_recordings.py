"""Whole recordings against their references."""

from __future__ import annotations

from pathlib import Path

import attrs
import numpy as np
import pytest
import soundfile

pytest.importorskip("onnxruntime")
pytest.importorskip("pyannote.metrics", reason="scoring needs pyannote.metrics: pip install '.[score]'")

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError
from fastdiar.core.types import Diarization, Turn
from fastdiar.diarization.model import Model, find_model
from fastdiar.evaluation.diarization import STRICT, Pair, score
from fastdiar.evaluation.recordings import diarized, recordings
from fastdiar.plugins.datasets.rttm import Rttm, RttmConfig

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 12


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(find_model("quickstart"))


@pytest.fixture(scope="module")
def meetings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Rttm, list[Entry]]:
    """The beginning of the sample dialogue, and a recording in which nobody speaks, in chunks of five seconds."""
    folder = tmp_path_factory.mktemp("meetings")
    samples, rate = soundfile.read(ROOT / "examples" / "dialogue.flac", stop=SECONDS * 16_000)
    soundfile.write(folder / "talk.wav", samples, rate)
    (folder / "talk.rttm").write_text((ROOT / "examples" / "dialogue.rttm").read_text())
    soundfile.write(folder / "hush.wav", 1e-4 * np.random.default_rng(0).normal(size=4 * rate), rate)
    (folder / "hush.rttm").write_text(Diarization("hush", (Turn(1, 2, "nobody"),)).to_rttm())
    dataset = Rttm(RttmConfig(root=folder, seconds=5))
    return dataset, dataset.entries()


def test_chunks_are_put_together_again(meetings: tuple[Rttm, list[Entry]]) -> None:
    dataset, entries = meetings
    whole = {each.entry.key: each for each in recordings(entries)}
    assert len(entries) > len(whole) == 2
    assert (whole["talk"].entry.start, whole["talk"].entry.seconds) == (0, SECONDS)
    assert len(dataset.load(whole["talk"].entry)) == SECONDS * 16_000
    reference = dataset.turns(whole["talk"].entry)
    chunks = [turn.duration for entry in entries if entry.labels["session"] == "talk" for turn in dataset.turns(entry)]
    assert sum(turn.duration for turn in reference) <= sum(chunks)  # the last chunk reaches back into the one before it


def test_only_what_the_reference_covers_is_scored() -> None:
    entries = [Entry(f"a@{start}", Path("a.wav"), {"session": "a"}, start, 2.0) for start in (4.0, 8.0)]
    (whole,) = recordings(entries)
    assert (whole.entry.start, whole.entry.seconds, whole.stretches) == (4, 6, ((0, 2), (4, 6)))
    (meeting,) = recordings([Entry("b", Path("table.tsv"), {})])
    assert (meeting.entry.key, meeting.entry.seconds, meeting.stretches) == ("b", None, ())


def test_every_condition_by_file_and_pooled(model: Model, meetings: tuple[Rttm, list[Entry]]) -> None:
    done: list[int] = []
    found = diarized(model, *meetings, heard=done.append)
    assert done == [1, 2]
    seen = [(result.conditions.collar, result.conditions.skip_overlap, result.oracle) for result in found.results]
    assert seen == [(collar, skip, oracle) for oracle in (False, True) for collar in (0, 0.5) for skip in (False, True)]
    hush, talk = found.heard
    assert found.strict.files == tuple(score(Pair(each.uri, each.reference, each.hypothesis, each.uem)) for each in (hush, talk))
    assert found.strict.conditions == STRICT
    assert found.strict.pooled.speech == pytest.approx(sum(one.speech for one in found.strict.files))
    assert found.strict.files[0].der == 1 and found.strict.files[1].der < 0.6
    assert found.strict.der_interval.low <= found.strict.pooled.der <= found.strict.der_interval.high
    assert found.results[4].pooled.der < found.strict.pooled.der
    assert found.right_count in (0, 0.5)
    assert found.real_time_factor > 0 and talk.seconds == SECONDS


def test_one_bad_file_does_not_stop_the_rest(model: Model, meetings: tuple[Rttm, list[Entry]], tmp_path: Path) -> None:
    dataset, entries = meetings
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF")
    mixed = [attrs.evolve(each, path=broken) if each.labels["session"] == "talk" else each for each in entries]
    found = diarized(model, dataset, mixed)
    assert [each.uri for each in found.heard] == ["hush"]
    assert found.strict.der_interval is None
    assert len(found.unreadable) == 1 and "broken.wav" in found.unreadable[0]
    with pytest.raises(DataError, match=r"none of the recordings can be read: .*broken\.wav"):
        diarized(model, dataset, [attrs.evolve(each, path=broken) for each in entries])
