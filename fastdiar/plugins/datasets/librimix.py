"""Two or three readers of LibriSpeech at once, mixed while they are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core import audio, checks
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.files import existing_folder
from fastdiar.core.librispeech import librispeech_entries
from fastdiar.core.speech import voice_turns
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import RATE, Turn

PEAK = 0.9
"""No sample of a mixture is larger."""


@attrs.frozen(kw_only=True)
class LibriMixConfig(SplitConfig):
    """`use = "librimix"`: mixtures of LibriSpeech's readers. A split holds utterances (or readers) back before they are mixed."""

    root: Path = field(metadata={"help": "LibriSpeech: the folder that holds its subsets"})
    subsets: tuple[str, ...] = field(default=(), metadata={"help": "such as train-clean-100; none: every one that is there"})
    mixtures: int | None = field(
        default=None,
        validator=validators.optional(validators.ge(1)),
        metadata={"help": "how many; none: one for each utterance, which is the first voice in it"},
    )
    people: tuple[int, int] = field(
        default=(2, 3),
        validator=[checks.ordered, validators.deep_iterable(validators.ge(2))],
        metadata={"help": "fewest and most voices in one"},
    )
    snr: tuple[float, float] = field(
        default=(-5.0, 5.0), validator=checks.ordered, metadata={"help": "power of the first voice over each other one (dB)"}
    )
    mode: Literal["min", "max"] = field(default="min", metadata={"help": "a mixture is as long as its shortest or longest voice"})
    noises: Path | None = field(default=None, metadata={"help": "a folder of noise, searched to the bottom; none: no noise"})
    noise_snr: tuple[float, float] = field(
        default=(10.0, 30.0), validator=checks.ordered, metadata={"help": "power of all voices over the noise (dB)"}
    )
    seed: int = field(default=0, validator=validators.ge(0), metadata={"help": "of everything that is drawn"})


@attrs.frozen
class Mixture(Entry):
    """A mixture to be made: of `voices`, each at its level (dB over the first), and of `noise` (dB over all voices)."""

    voices: tuple[Entry, ...] = ()
    levels: tuple[float, ...] = ()
    noise: Path | None = None
    noise_level: float = 0.0
    noise_start: float = 0.0


class LibriMix(Dataset):
    """Mixtures after Cosentino et al., LibriMix: an open-source dataset for generalizable speech separation, 2020.

    Levels are ratios of power over what is heard of each voice. Labels are those of the dominant voice: the one with the most
    power; `people` is how many there are. The same seed gives the same mixtures.
    """

    config_class: ClassVar[type] = LibriMixConfig
    config: LibriMixConfig

    def __init__(self, config: LibriMixConfig) -> None:
        super().__init__(config)
        self._turns: dict[str, tuple[Turn, ...]] = {}

    def entries(self) -> list[Entry]:
        """The mixtures, numbered; raises `DataError`."""
        config = self.config
        voices = split_entries(librispeech_entries(config.root, config.subsets), config)
        by_name: dict[str, list[Entry]] = {}
        for voice in voices:
            by_name.setdefault(voice.labels["speaker"], []).append(voice)
        speakers = list(by_name.values())
        if len(speakers) < config.people[1]:
            raise DataError(f"{config.root}: {config.people[1]} people need as many speakers, there are {len(speakers)} to mix")
        count, noises = config.mixtures or len(voices), _noises(config.noises)
        rounds = range(-(-count // len(voices)))
        order = [place for each in rounds for place in np.random.default_rng((config.seed, each)).permutation(len(voices))]
        return [self._mixture(number, voices[order[number]], speakers, noises) for number in range(count)]

    def load(self, entry: Entry) -> np.ndarray:
        """A mixture's sound, float32 `[samples]` at 16 kHz; raises `AudioError`."""
        sound, self._turns[entry.key] = _mix(entry, self.config.mode)
        return sound

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when; raises `AudioError`."""
        if entry.key not in self._turns:
            self.load(entry)
        return self._turns[entry.key]

    def _mixture(self, number: int, first: Entry, speakers: list[list[Entry]], noises: Sequence[Path]) -> Mixture:
        config, random = self.config, np.random.default_rng((self.config.seed, number, 1))
        others = int(random.integers(config.people[0], config.people[1] + 1)) - 1
        drawn = [speakers[place] for place in random.choice(len(speakers), others + 1, replace=False)]
        chosen = [of_one for of_one in drawn if of_one[0].labels["speaker"] != first.labels["speaker"]][:others]
        voices = (first, *(of_one[random.integers(len(of_one))] for of_one in chosen))
        levels = (0.0, *(-random.uniform(*config.snr, others)).tolist())
        dominant = voices[int(np.argmax(levels))]
        return Mixture(
            key="_".join([f"{number:06d}", *(voice.path.stem for voice in voices)]),
            path=first.path,
            labels={**dominant.labels, "corpus": "LibriMix", "people": str(len(voices))},
            voices=voices,
            levels=levels,
            noise=noises[random.integers(len(noises))] if noises else None,
            noise_level=-float(random.uniform(*config.noise_snr)),
            noise_start=float(random.uniform()),
        )


def _noises(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    existing_folder(folder, "noises must hold recordings of noise")
    try:
        return audio.recordings(folder)
    except AudioError as error:
        raise DataError(f"noises: {error}") from None


def _mix(mixture: Mixture, mode: str) -> tuple[np.ndarray, tuple[Turn, ...]]:
    voices = [audio.read(voice.path) for voice in mixture.voices]
    samples = (min if mode == "min" else max)(map(len, voices))
    voices = [voice[:samples] for voice in voices]
    powers = [_power(voice, entry.path) for voice, entry in zip(voices, mixture.voices, strict=True)]
    mixed = np.zeros(samples, np.float32)
    for voice, power, level in zip(voices, powers, mixture.levels, strict=True):
        mixed[: len(voice)] += voice * np.sqrt(powers[0] / power * 10 ** (level / 10))
    if mixture.noise is not None:
        noise = audio.read(mixture.noise)
        noise = np.resize(np.roll(noise, round(mixture.noise_start * len(noise))), samples)
        mixed += noise * np.sqrt(np.mean(mixed**2) / _power(noise, mixture.noise) * 10 ** (mixture.noise_level / 10))
    names = [entry.labels["speaker"] for entry in mixture.voices]
    turns = sorted(turn for voice, name in zip(voices, names, strict=True) for turn in voice_turns(voice, name))
    return mixed * min(1.0, PEAK / float(np.abs(mixed).max())), tuple(turns)


def _power(sound: np.ndarray, path: Path) -> float:
    power = float(np.mean(np.square(sound, dtype=np.float64)))
    if power == 0:
        raise AudioError(f"{path}: is silent in its first {len(sound) / RATE:.2f} s: it cannot be mixed at a level")
    return power
