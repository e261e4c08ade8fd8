"""Any recording comes in as mono 16 kHz, and a file that cannot says why."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from fastdiar.core import audio
from fastdiar.core.errors import AudioError, MissingExtra
from fastdiar.core.types import RATE, Recording

TONE = 440.0


def tone(rate: int, seconds: float = 1.0, channels: int = 1) -> np.ndarray:
    """A sine of 440 Hz, `[samples, channels]`."""
    one = 0.5 * np.sin(2 * np.pi * TONE * np.arange(int(rate * seconds)) / rate)
    return np.repeat(one[:, None], channels, axis=1).astype(np.float32)


def loudest_frequency(samples: np.ndarray) -> float:
    """Hz."""
    return float(np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples))


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize(("suffix", "channels"), [(".wav", 1), (".flac", 2), (".ogg", 1), (".mp3", 2)])
def test_any_rate_and_format_becomes_the_same_sound(tmp_path: Path, rate: int, suffix: str, channels: int) -> None:
    path = tmp_path / f"tone{suffix}"
    soundfile.write(path, tone(rate, 1.0, channels), rate)
    samples = audio.read(path)
    assert samples.dtype == np.float32 and samples.ndim == 1
    assert abs(len(samples) - RATE) <= (2500 if suffix == ".mp3" else 2)  # MP3 pads with silence
    assert loudest_frequency(samples) == pytest.approx(TONE, abs=2)
    assert np.abs(samples[4000:12000]).max() == pytest.approx(0.5, abs=0.08)  # lossy formats overshoot


def test_opus_is_read_at_the_right_speed(tmp_path: Path) -> None:
    path = tmp_path / "tone.opus"
    soundfile.write(path, tone(48000), 48000, format="OGG", subtype="OPUS")
    assert loudest_frequency(audio.read(path)) == pytest.approx(TONE, abs=2)


def test_channels_are_averaged_or_chosen() -> None:
    both = np.stack([np.full(RATE, 0.5), np.full(RATE, -0.25)], axis=1)
    heard = {
        channel: np.concatenate(list(audio.stream(Recording(samples=both, channel=channel)).blocks)) for channel in ("mix", 0, 1)
    }
    assert {channel: samples.mean().round(4) for channel, samples in heard.items()} == {"mix": 0.125, 0: 0.5, 1: -0.25}
    with pytest.raises(AudioError, match="has no channel 2: channels are 0 to 1"):
        audio.stream(Recording(samples=both, channel=2))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 200_000), st.sampled_from([8000, 16000, 44100]))
def test_blocks_together_are_the_whole(count: int, rate: int) -> None:
    samples = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
    stream = audio.stream(Recording(samples=samples, rate=rate))
    blocks = np.concatenate(list(stream.blocks))
    assert abs(len(blocks) - count * RATE / rate) <= 1
    assert stream.seconds == pytest.approx(count / rate)


def test_m4a_needs_the_media_extra_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "talk.m4a"
    path.write_bytes(b"\0\0\0\x20ftypM4A " + bytes(100))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(MissingExtra, match=r"talk.m4a: reading this format needs .* pip install '\.\[media\]'"):
        audio.read(path)


def test_m4a_is_read_through_pyav(tmp_path: Path, write_m4a: Callable[..., None]) -> None:
    write_m4a(tmp_path / "tone.m4a", tone(44100)[:, 0], 44100)
    assert loudest_frequency(audio.read(tmp_path / "tone.m4a")) == pytest.approx(TONE, abs=2)
    assert audio.length(tmp_path / "tone.m4a") == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("name", "text"),
    [("list.wav", "ffconcat version 1.0\nfile tone.mp3\n"), ("list.m3u8", "#EXTM3U\n#EXTINF:1.0,\ntone.mp3\n#EXT-X-ENDLIST\n")],
)
def test_a_playlist_has_no_other_file_read(tmp_path: Path, name: str, text: str) -> None:
    pytest.importorskip("av")
    soundfile.write(tmp_path / "tone.mp3", tone(16000)[:, 0], 16000)
    with pytest.raises(AudioError, match=f"{name}: not a recording that can be read"):
        audio.read(written(tmp_path, name, text.encode()))


@pytest.mark.parametrize(
    ("rate", "suffix"), [(16000, ".wav"), (44100, ".flac"), (48000, ".ogg"), (48000, ".mp3"), (16000, ".m4a")]
)
def test_a_stretch_is_what_reading_all_gives_there(
    tmp_path: Path, write_m4a: Callable[..., None], rate: int, suffix: str
) -> None:
    path, sweep = tmp_path / f"sweep{suffix}", 0.5 * np.sin(2000 * np.linspace(0, 2, 4 * rate) ** 2)
    if suffix == ".m4a":
        write_m4a(path, sweep, rate)
    else:
        soundfile.write(path, sweep, rate)
    whole, part = audio.read(path), audio.read(path, 1.25, 1.5)
    assert len(part) == 24_000
    assert part[100:-100] == pytest.approx(whole[20_100:43_900], abs=0.01)
    assert len(audio.read(path, 3.0, 9.0)) == len(whole) - 48_000
    assert audio.length(path) == pytest.approx(4, abs=0.1)
    with pytest.raises(AudioError, match=r"sweep\.\w+: ends after 4\.\d+ s, before the stretch at 5\.00 s"):
        audio.read(path, 5.0, 1.0)


def test_mp3_has_no_gaps_between_blocks(tmp_path: Path) -> None:
    sweep = 0.5 * np.sin(2000 * np.linspace(0, 8, 65 * RATE) ** 2)
    soundfile.write(tmp_path / "long.mp3", sweep, RATE)
    at_once = soundfile.read(tmp_path / "long.mp3")[0]
    assert np.abs(audio.read(tmp_path / "long.mp3") - at_once).max() < 1e-3


def test_a_stretch_of_a_long_file_needs_no_more_than_itself(tmp_path: Path) -> None:
    path = tmp_path / "long.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 20 * RATE), RATE)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert len(audio.read(path, 5.0, 1.0)) == RATE  # the lost half is never looked at


def broken_flac(folder: Path) -> Path:
    path = folder / "cut.flac"
    soundfile.write(path, np.random.default_rng(0).uniform(-1, 1, 3 * RATE), RATE)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def wav(samples: np.ndarray) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", subtype="FLOAT")
    return file.getvalue()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / "gone.wav", r"gone\.wav: no such file$"),
        (lambda folder: folder, r": is a folder, not a recording: give its files, such as .*\*\.wav$"),
        (lambda folder: written(folder, "nothing.wav", b""), r"nothing\.wav: is empty: 0 bytes$"),
        (lambda folder: written(folder, "text.wav", b"dear diary\n" * 50), r"text\.wav: not a recording that can be read: "),
        (lambda folder: written(folder, "none.wav", wav(np.zeros(0))), r"none\.wav: holds no sound: 0 samples$"),
        (lambda folder: written(folder, "nan.wav", wav(np.full(RATE, np.nan))), r"nan\.wav: holds samples that are not numbers"),
        (broken_flac, r"cut\.flac: broken: "),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, make, reason: str) -> None:
    with pytest.raises(AudioError, match=reason):
        audio.read(make(tmp_path))


def test_an_empty_array_holds_no_sound() -> None:
    with pytest.raises(AudioError, match=r"^talk: holds no sound: 0 samples$"):
        audio.stream(Recording(samples=np.zeros(0, np.float32), uri="talk"))


@pytest.mark.parametrize("samples", [np.zeros((2, 2, 2)), np.zeros(10, np.int16), np.zeros((2, 16000), np.float32)])
def test_samples_of_the_wrong_shape_or_type_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(AudioError, match=r"expected floating-point|look like a transposed array"):
        audio.stream(Recording(samples=samples))


def test_the_rate_is_that_of_the_file(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(10), 44_100)
    assert audio.rate(tmp_path / "a.wav") == 44_100
    with pytest.raises(AudioError, match="no such file"):
        audio.rate(tmp_path / "b.wav")


def test_recordings_are_listed_in_order_and_opened_where_asked(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("b.wav", "a.FLAC", "deep/c.opus", "notes.txt"):
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in audio.recordings(tmp_path)]
    assert names == ["a.FLAC", "b.wav", "deep/c.opus"]
    with pytest.raises(AudioError, match=r"a.FLAC: is empty"):
        audio.recordings(tmp_path, opened=True)
