"""What codecs leave of a sound, where it was."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

from fastdiar.core.errors import MissingExtra
from fastdiar.core.types import Batch
from fastdiar.plugins.augmentations.codec import MP3_RATES, Codec, CodecConfig
from tests.plugins.augmentations.conftest import batch_of, noise, seeded, tone

NAMES = ("mu_law", "telephone", "opus", "mp3")
LIBRARIES = {"opus": "av", "mp3": "fast_mp3_augment"}


def coded(name: str, *clips: Tensor, kilobits: float = 48.0) -> Batch:
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    batch = batch_of(*clips)
    drawn = {"codec": torch.zeros(len(clips), dtype=torch.long), "kilobits": torch.full((len(clips),), kilobits)}
    return Codec(CodecConfig(codecs=(name,))).apply(batch, drawn)  # type: ignore[arg-type]


def voice(samples: int = 16_000) -> Tensor:
    """Harmonics of 150 Hz in syllables."""
    buzz = torch.stack([tone(150 * harmonic, samples) / harmonic for harmonic in range(1, 12)]).sum(0)
    return 0.5 * buzz * (0.5 + 0.5 * torch.sin(torch.arange(samples) / 700))


@pytest.mark.parametrize(
    ("name", "kilobits"), [*((name, 48.0) for name in NAMES), *(("mp3", rate) for rate in MP3_RATES.tolist() if rate != 48)]
)
def test_nothing_moves(name: str, kilobits: float) -> None:
    (sound,) = coded(name, noise(16_000), kilobits=kilobits).waveform
    spectrum = torch.fft.rfft(sound, 32_000) * torch.fft.rfft(noise(16_000), 32_000).conj()
    assert int(torch.fft.irfft(spectrum).argmax()) == 0


@pytest.mark.parametrize("name", ["opus", "mp3"])
@pytest.mark.parametrize("samples", [16_000, 15_871, 1_300])
@pytest.mark.parametrize("kilobits", [32, 48])
def test_a_clip_ends_as_it_began(name: str, samples: int, kilobits: float) -> None:
    rough = coded(name, noise(samples), kilobits=kilobits).waveform[0] - noise(samples)
    assert rough[-300:].square().mean() < 2 * rough[300:-300].square().mean()


@pytest.mark.parametrize(("name", "least", "most"), [("mu_law", 30, 45), ("opus", 15, 60), ("mp3", 12, 60)])
def test_it_sounds_much_alike_but_not_the_same(name: str, least: float, most: float) -> None:
    (sound,) = coded(name, voice()).waveform
    ratio = 10 * torch.log10(voice().square().sum() / (sound - voice()).square().sum())
    assert least < ratio < most


@pytest.mark.parametrize("name", ["opus", "mp3"])
def test_fewer_kilobits_lose_more(name: str) -> None:
    rough, fine = (coded(name, noise(16_000), kilobits=rate).waveform[0] for rate in (12, 96))
    assert (rough - noise(16_000)).norm() > 1.3 * (fine - noise(16_000)).norm()


def test_a_telephone_has_no_bass_and_no_treble() -> None:
    sounds = coded("telephone", tone(80), tone(1000), tone(5000)).waveform
    bass, middle, treble = (sounds.norm(dim=1) / tone(1000).norm()).tolist()
    assert bass < 0.15 and treble < 0.05
    assert middle == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", NAMES)
def test_short_clips_and_loud_ones_come_back_as_long(name: str) -> None:
    batch = coded(name, 4 * voice(5_000), voice(37))
    assert batch.waveform.shape == (2, 5_000)
    assert batch.waveform.abs().max() < 1.6
    assert not batch.waveform[1, 37:].any()


@pytest.mark.parametrize("name", NAMES)
def test_padding_makes_no_difference(name: str) -> None:
    together, alone = coded(name, voice(9_000), voice(5_000)).waveform[1, :5_000], coded(name, voice(5_000)).waveform[0]
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", LIBRARIES)
def test_clips_side_by_side_are_the_same_as_one_after_another(name: str) -> None:
    threads, clips = torch.get_num_threads(), [voice(3_000 + 500 * number) for number in range(6)]
    found = []
    for number in (1, 2):
        torch.set_num_threads(number)
        found.append(coded(name, *clips).waveform)
    torch.set_num_threads(threads)
    assert torch.equal(*found)


def test_each_codec_is_drawn_as_often_and_others_stay_as_they_are() -> None:
    augment = Codec(CodecConfig(probability=0.5, codecs=("mu_law", "telephone"), kilobits=(16, 32)))
    batch = batch_of(*[noise(50)] * 400)
    drawn = augment.draw(batch, seeded())
    counts = torch.bincount(drawn["codec"] + 1)
    assert len(counts) == 3 and counts[0] > 160 and counts[1:].min() > 70
    assert drawn["kilobits"].min() >= 16 and drawn["kilobits"].max() <= 32
    alone = drawn["codec"] < 0
    assert torch.equal(augment.apply(batch, drawn).waveform[alone], batch.waveform[alone])


@pytest.mark.parametrize("name", LIBRARIES)
def test_without_its_library_it_says_what_to_install(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, LIBRARIES[name], None)
    Codec(CodecConfig(codecs=("mu_law",)))
    with pytest.raises(MissingExtra, match=rf"'codec' with {name} needs a part that is not installed: .*\.\[media\]"):
        Codec(CodecConfig(codecs=("telephone", name)))  # type: ignore[arg-type]
