"""Mixtures of LibriSpeech's readers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core import audio
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.types import RATE
from fastdiar.plugins.datasets.librimix import LibriMix, LibriMixConfig, Mixture


@pytest.fixture
def root(tmp_path: Path, say: Callable[..., None]) -> Path:
    """Four readers with four utterances of 0.8 to 1.7 s each."""
    for person, reader in enumerate(("14", "15", "16", "17")):
        for take in range(4):
            name = f"LibriSpeech/dev-clean/{reader}/20{take}/{reader}-20{take}-0000.flac"
            say(tmp_path / name, person, 0.8 + 0.2 * person + 0.1 * take, take)
    say(tmp_path / "noise" / "fan" / "0.wav", 0, 0.7, 99)
    return tmp_path


def mixtures(root: Path, **config: Any) -> LibriMix:
    return LibriMix(LibriMixConfig(root=root / "LibriSpeech", **config))


def power(sound: np.ndarray) -> float:
    return 10 * np.log10(np.mean(np.square(sound, dtype=np.float64)))


def test_every_utterance_is_the_first_voice_once(root: Path) -> None:
    entries = mixtures(root).entries()
    assert len(entries) == len({entry.key for entry in entries}) == 16
    assert len({entry.path for entry in entries}) == 16
    assert {entry.labels["people"] for entry in entries} == {"2", "3"}
    for entry in entries:
        assert isinstance(entry, Mixture)
        assert len({voice.labels["speaker"] for voice in entry.voices}) == int(entry.labels["people"])
    assert len(mixtures(root, mixtures=30).entries()) == 30


def test_the_same_seed_gives_the_same_mixtures_and_another_one_others(root: Path) -> None:
    first, again, other = mixtures(root), mixtures(root), mixtures(root, seed=1)
    assert first.entries() == again.entries() != other.entries()
    entry = first.entries()[5]
    assert np.array_equal(first.load(entry), again.load(entry))


@pytest.mark.parametrize("snr", [-5.0, 0.5, 5.0])
def test_the_first_voice_has_so_much_more_power_and_the_label_follows(root: Path, snr: float) -> None:
    data = mixtures(root, people=(2, 2), snr=(snr, snr))
    for entry in data.entries()[:4]:
        assert isinstance(entry, Mixture)
        first, second = (audio.read(voice.path) for voice in entry.voices)
        mixed = data.load(entry)
        first, second = first[: len(mixed)], second[: len(mixed)]
        assert len(mixed) == min(len(first), len(second))
        gains = np.linalg.lstsq(np.stack([first, second], axis=1), mixed, rcond=None)[0]
        assert power(gains[0] * first) - power(gains[1] * second) == pytest.approx(snr, abs=0.1)
        assert entry.labels["speaker"] == entry.voices[0 if snr > 0 else 1].labels["speaker"]


def test_as_long_as_the_longest(root: Path) -> None:
    data = mixtures(root, mode="max")
    entry = data.entries()[0]
    assert isinstance(entry, Mixture)
    assert len(data.load(entry)) == max(len(audio.read(voice.path)) for voice in entry.voices)


def test_noise_lies_under_all_voices(root: Path) -> None:
    clean, noisy = mixtures(root, mode="max"), mixtures(root, mode="max", noises=root / "noise", noise_snr=(12.0, 12.0))
    for with_noise, without in zip(noisy.entries()[:4], clean.entries()[:4], strict=True):
        speech, heard = clean.load(without), noisy.load(with_noise)
        gain = np.dot(heard, speech) / np.dot(speech, speech)
        assert power(speech * gain) - power(heard - speech * gain) == pytest.approx(12, abs=1.5)


def test_turns_say_who_speaks_when(root: Path, speak: Callable[..., np.ndarray]) -> None:
    silence = np.zeros(RATE, np.float32)
    path = root / "LibriSpeech/dev-clean/14/200/14-200-0000.flac"
    soundfile.write(path, np.concatenate([silence, speak(0, 1.0), silence]), RATE)
    data = mixtures(root, mode="max", people=(2, 2))
    entry = next(entry for entry in data.entries() if entry.path == path)
    turns = data.turns(entry)
    assert {turn.speaker for turn in turns} == {voice.labels["speaker"] for voice in entry.voices}  # type: ignore[attr-defined]
    (own,) = (turn for turn in turns if turn.speaker == "ls14")
    assert (own.start, own.end) == pytest.approx((1.0, 2.0), abs=0.1)
    assert data.turns(entry) == turns and all(turn.end <= len(data.load(entry)) / RATE for turn in turns)


def test_what_is_held_back_is_in_no_mixture_of_the_training(root: Path) -> None:
    heard = [
        {voice.key for entry in mixtures(root, split=split, people=(2, 2)).entries() for voice in entry.voices}  # type: ignore[attr-defined]
        for split in ("train", "test")
    ]
    assert heard[0] and heard[1] and not heard[0] & heard[1]


def test_what_cannot_be_mixed_is_named(root: Path) -> None:
    with pytest.raises(DataError, match="5 people need as many speakers, there are 4 to mix"):
        mixtures(root, people=(2, 5)).entries()
    with pytest.raises(DataError, match="nothing: no such folder: noises must hold recordings of noise"):
        mixtures(root, noises=root / "nothing").entries()
    (root / "empty").mkdir()
    with pytest.raises(DataError, match=r"noises: .*empty: holds no recording"):
        mixtures(root, noises=root / "empty").entries()
    data = mixtures(root)
    entry = data.entries()[0]
    soundfile.write(entry.path, np.zeros(RATE), RATE)
    with pytest.raises(AudioError, match=r"\.flac: is silent in its first 1\.00 s|\.flac: is silent in its first 0"):
        data.load(entry)


def test_a_network_learns_from_it(root: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    table = f'use = "librimix"\nroot = "{(root / "LibriSpeech").as_posix()}"\npeople = [2, 2]\n'
    log = epoch(f'[data.train]\n{table}split = "train"\n[data.dev]\n{table}split = "dev"\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0


def test_real_readers(shared: Path) -> None:
    data = LibriMix(LibriMixConfig(root=shared / "data" / "LibriSpeech", noises=shared / "data" / "noise", mixtures=3))
    for entry in data.entries():
        assert 0.01 < np.abs(data.load(entry)).max() <= 0.9001
        assert len({turn.speaker for turn in data.turns(entry)}) == int(entry.labels["people"])
