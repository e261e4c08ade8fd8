"""How many clips each augmentation changes a second, beside audiomentations on the same clips in the same run.

A batch of 32 clips of 3 s in, a batch out, every clip changed, one thread. Where audiomentations has nothing alike, or is not
installed (`pip install '.[bench,media]'`), its half of the comparison is skipped.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar import registry
from fastdiar.core.component import Part

torch = pytest.importorskip("torch", reason="needs fastdiar[train]")

from fastdiar.core.types import RATE, Batch  # noqa: E402

CLIPS, SECONDS = 32, 3
FOLDERS = {"add_noise (recorded)": "noise", "reverb (measured)": "rooms"}
"""Kinds that take a folder, and which."""

OURS: dict[str, tuple[str, dict[str, Any]]] = {
    "add_noise (Gaussian)": ("add_noise", {}),
    "add_noise (recorded)": ("add_noise", {}),
    "babble": ("babble", {}),
    "codec (mu_law)": ("codec", {"codecs": ("mu_law",)}),
    "codec (telephone)": ("codec", {"codecs": ("telephone",)}),
    "codec (opus)": ("codec", {"codecs": ("opus",)}),
    "codec (mp3)": ("codec", {"codecs": ("mp3",), "kilobits": (32, 32)}),
    "freq_mask": ("freq_mask", {}),
    "gain": ("gain", {}),
    "one_of": ("one_of", {}),
    "pitch_shift": ("pitch_shift", {}),
    "reverb (made)": ("reverb", {}),
    "reverb (measured)": ("reverb", {}),
    "speed": ("speed", {}),
    "time_mask": ("time_mask", {}),
    "time_stretch": ("time_stretch", {}),
}
"""What is measured: its name, the component, and its config beside the defaults."""

THEIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "add_noise (Gaussian)": ("AddGaussianSNR", {"min_snr_db": 10, "max_snr_db": 30}),
    "add_noise (recorded)": ("AddBackgroundNoise", {"min_snr_db": 10, "max_snr_db": 30}),
    "codec (mp3)": ("Mp3Compression", {"min_bitrate": 32, "max_bitrate": 32, "backend": "fast-mp3-augment"}),
    "gain": ("Gain", {}),
    "one_of": ("OneOf", {}),
    "pitch_shift": ("PitchShift", {"min_semitones": -2, "max_semitones": 2}),
    "reverb (measured)": ("ApplyImpulseResponse", {}),
    "speed": ("Resample", {"min_sample_rate": 14_545, "max_sample_rate": 17_778}),
    "time_mask": ("TimeMask", {"min_band_part": 0.05, "max_band_part": 0.15}),
    "time_stretch": ("TimeStretch", {"min_rate": 0.9, "max_rate": 1.1}),
}
"""The nearest of audiomentations. Its `Resample` changes the number of samples, as a change of speed does."""

each = pytest.mark.parametrize("kind", OURS)
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def clips() -> np.ndarray:
    """`[clips, samples]` of noise that swells and fades as speech does."""
    random, time = np.random.default_rng(0), np.arange(SECONDS * RATE) / RATE
    swells = 0.1 * (1 + np.sin(2 * np.pi * 4 * time + random.uniform(0, 6, (CLIPS, 1))))
    return (swells * random.standard_normal((CLIPS, len(time))).clip(-3, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Twenty recordings of 20 s of noise, and twenty measured rooms of 0.5 s."""
    random, found = np.random.default_rng(1), {}
    for name, seconds in (("noise", 20.0), ("rooms", 0.5)):
        found[name] = tmp_path_factory.mktemp(name)
        for number in range(20):
            sound = 0.1 * random.standard_normal(round(seconds * RATE))
            decay = 10 ** (-6 * np.arange(len(sound)) / len(sound)) if name == "rooms" else 1
            soundfile.write(found[name] / f"{number}.wav", sound * decay, RATE)
    return found


@each
def test_fastdiar(kind: str, clips: np.ndarray, folders: dict[str, Path], benchmark: Any) -> None:
    name, options = OURS[kind]
    for codec in options.get("codecs", ()):
        pytest.importorskip({"opus": "av", "mp3": "fast_mp3_augment"}.get(codec, "torch"), reason="needs fastdiar[media]")
    if kind in FOLDERS:
        options = {**options, "folder": folders[FOLDERS[kind]]}
    if name == "one_of":
        options = {"choices": {other: part(other, 1 / 3) for other in ("add_noise", "time_mask", "pitch_shift")}}
    augment = part(name, 1.0, **options).build()
    lengths, generator = torch.full((CLIPS,), SECONDS * RATE), torch.Generator().manual_seed(0)
    batch = Batch(torch.from_numpy(clips), lengths, {}, tuple(map(str, range(CLIPS))))
    measure(benchmark, kind, "fastdiar", lambda: augment(batch, generator))


@each
def test_audiomentations(kind: str, clips: np.ndarray, folders: dict[str, Path], benchmark: Any) -> None:
    audiomentations = pytest.importorskip("audiomentations", reason="needs fastdiar[bench]")
    if kind not in THEIRS:
        pytest.skip("audiomentations has nothing alike")
    name, options = THEIRS[kind]
    if kind in FOLDERS:
        options = {**options, "sounds_path" if FOLDERS[kind] == "noise" else "ir_path": str(folders[FOLDERS[kind]])}
    if name == "OneOf":
        inner = [("AddGaussianSNR", THEIRS["add_noise (Gaussian)"][1]), THEIRS["time_mask"], THEIRS["pitch_shift"]]
        options = {"transforms": [getattr(audiomentations, each)(p=1.0, **its) for each, its in inner]}
    augment = getattr(audiomentations, name)(p=1.0, **options)
    measure(benchmark, kind, "audiomentations", lambda: fitted([augment(clip, sample_rate=RATE) for clip in clips]))


def part(name: str, probability: float, **options: Any) -> Part:
    """An augmentation with its config."""
    component: Any = registry.lookup("augmentation", name)
    return Part(name, component.config_class(probability=probability, **options), component)


def fitted(changed: list[np.ndarray]) -> np.ndarray:
    """Clips as a batch `[clips, samples]` again, cut or padded."""
    batch = np.zeros((CLIPS, SECONDS * RATE), np.float32)
    for row, clip in zip(batch, changed, strict=True):
        row[: len(clip)] = clip[: len(row)]
    return batch


def measure(benchmark: Any, kind: str, library: str, change: Callable[[], Any]) -> None:
    """Time one batch, and note how many clips a second that is."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    benchmark.group = kind
    try:
        benchmark.pedantic(change, rounds=7, warmup_rounds=2)
    finally:
        torch.set_num_threads(threads)
    benchmark.extra_info["clips a second"] = round(CLIPS / benchmark.stats.stats.median)
    benchmark.extra_info["library"] = library
