"""Known voices survive being written and read; a file that is not known voices says what was expected; nothing is unpickled."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fastdiar.core import voices
from fastdiar.core.bundle import Bundle, Identity
from fastdiar.core.errors import FormatError, ModelError
from fastdiar.core.types import Diarization, Frames, Turn, Voice
from fastdiar.core.voices import KnownVoice, KnownVoices, read_known, write_embeddings, write_known

NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name.strip() and name.isprintable())
BUNDLE = Bundle("tiny", Frames(4, 320, 200), embedding=2, files={"encode.onnx": "ab", "embed.onnx": "cd"})
GOOD: dict[str, Any] = {
    "format": 1,
    "model": {"name": "tiny", "checksum": "ab"},
    "voices": [{"name": "ann", "seconds": 9.5, "vector": [0.6, -0.8]}, {"name": "bob", "seconds": 6, "vector": [1.0, 0.0]}],
}


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in GOOD.items() if name != key}


def with_first(**changed: Any) -> dict[str, Any]:
    first, *others = GOOD["voices"]
    return {**GOOD, "voices": [{**first, **changed}, *others]}


@given(st.dictionaries(NAMES, arrays(np.float64, 8, elements=st.floats(-1, 1)), max_size=5))
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, people: dict[str, np.ndarray]) -> None:
    path = tmp_path_factory.mktemp("known") / "known.json"
    units = {name: (vector + 2) / np.linalg.norm(vector + 2) for name, vector in people.items()}
    known = KnownVoices(
        Identity("tiny", "ab"), tuple(KnownVoice(name, 7.25, tuple(vector.tolist())) for name, vector in units.items())
    )
    write_known(path, known)
    read = read_known(path)
    assert attrs.evolve(read, voices=()) == attrs.evolve(known, voices=())
    assert [(voice.name, voice.seconds) for voice in read.voices] == [(name, 7.25) for name in people]
    for voice in read.voices:
        np.testing.assert_allclose(voice.vector, units[voice.name], atol=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"dear diary", "not JSON: expected what fastdiar enroll writes"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", 'expected what fastdiar enroll writes, an object with "format": 1'),
        (without("format"), '"format": 1'),
        (without("model"), "model: missing"),
        ({**GOOD, "more": 1}, "more: unknown key"),
        ({**GOOD, "voices": None}, r"voices: expected a list, each a table, found null"),
        (with_first(name=None), r"voices\[0\].name: expected text, found null"),
        (with_first(name=""), r"voices\[0\].name: must be a name of 1 to 100 printable characters: ''"),
        (with_first(name="\x1b[31m"), r"voices\[0\].name: must be a name of 1 to 100 printable characters: '\\x1b\[31m'"),
        (with_first(name="x" * 101), r"voices\[0\].name: must be"),
        (with_first(name="speaker2"), r"voices\[0\].name: must not be what somebody unknown is called: 'speaker2'"),
        (with_first(name="bob"), "voices: must have different names"),
        (with_first(seconds=-1), r"voices\[0\].seconds: "),
        (with_first(vector=[]), r"voices\[0\].vector: must be 1 to 4096 numbers that make a vector of unit length: 0 numbers"),
        (with_first(vector=[0.6, 0.6]), r"voices\[0\].vector: .*unit length: 2 numbers"),
        (with_first(vector=[1e308, 1e308]), "unit length"),
        (with_first(vector=[math.nan, 1.0]), r"voices\[0\].vector\[0\]: expected a number, found nan"),
        (with_first(vector=["1.0", 0.0]), r"voices\[0\].vector\[0\]: expected a number"),
        (with_first(vector=[1.0]), "voices: must have vectors of one length"),
    ],
)
def test_what_is_not_known_voices_says_why(tmp_path: Path, content: Any, reason: str) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(FormatError, match=f"^{path}: .*{reason}"):
        read_known(path)


def test_a_file_too_large_is_refused_before_it_is_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "known.json"
    path.write_text(json.dumps(GOOD))
    assert len(read_known(path).voices) == 2
    monkeypatch.setattr(voices, "LARGEST_FILE", path.stat().st_size - 1)
    with pytest.raises(FormatError, match="not a list of known voices"):
        read_known(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"none\.json: cannot be read: No such file or directory"):
        read_known(tmp_path / "none.json")


class TestExpect:
    VOICES = (KnownVoice("ann", 9.0, (0.6, 0.8)),)

    def test_the_same_graphs_under_any_name_are_the_same_model(self) -> None:
        assert BUNDLE.identity.name == "tiny"
        KnownVoices(attrs.evolve(BUNDLE.identity, name="other"), self.VOICES).expect(BUNDLE)

    @pytest.mark.parametrize("graph", ["encode.onnx", "embed.onnx"])
    def test_other_graphs_are_another_model(self, graph: str) -> None:
        other = attrs.evolve(BUNDLE, files={**BUNDLE.files, graph: "ef"})
        with pytest.raises(ModelError, match="of the model 'tiny' of another version, and mean nothing to 'tiny': enroll"):
            KnownVoices(BUNDLE.identity, self.VOICES).expect(other)

    def test_another_model_is_named(self) -> None:
        known = KnownVoices(Identity("small", "xy"), self.VOICES)
        with pytest.raises(ModelError, match="of the model 'small', and mean nothing to 'tiny': enroll them again with --model"):
            known.expect(BUNDLE)

    def test_a_wrong_length_is_another_model(self) -> None:
        with pytest.raises(ModelError, match="mean nothing to"):
            KnownVoices(BUNDLE.identity, (KnownVoice("ann", 9.0, (1.0,)),)).expect(BUNDLE)


def test_embeddings_are_read_without_pickle(tmp_path: Path) -> None:
    ann, bob = Voice(np.array([0.6, 0.8], np.float32), 3.5), Voice(np.array([1.0, 0.0], np.float32), 1.0)
    one = Diarization("../one", (Turn(0, 1, "ann"),), voices={"ann": ann, "bob": bob})
    write_embeddings(tmp_path / "x.npz", [one, Diarization("hush", ()), Diarization("two", (), voices={"bob": bob})], BUNDLE)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found["model"].tolist() == ["tiny", BUNDLE.identity.checksum]
        assert found["recording"].tolist() == ["../one", "../one", "two"]
        assert found["speaker"].tolist() == ["ann", "bob", "bob"]
        assert found["seconds"].tolist() == [3.5, 1.0, 1.0]
        np.testing.assert_array_equal(found["vector"], [ann.vector, bob.vector, bob.vector])


def test_nobody_makes_an_archive_of_no_rows(tmp_path: Path) -> None:
    write_embeddings(tmp_path / "x.npz", [Diarization("hush", ())], BUNDLE)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as found:
        assert found["vector"].shape == (0, 2)
        assert found["speaker"].shape == (0,)
