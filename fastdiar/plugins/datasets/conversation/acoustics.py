"""What lies between a mouth and a recording: a room, noise, a telephone line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import signal

from fastdiar.core import audio
from fastdiar.core.types import RATE

DIRECT = int(0.004 * RATE)
"""Samples of a room response that count as the direct sound."""


def measured_room(path: Path) -> np.ndarray:
    """A measured room response, float32 `[samples]`, from its direct sound on."""
    response = audio.read(path)
    return response[max(0, int(np.argmax(np.abs(response))) - 8) :]


def drawn_room(random: np.random.Generator) -> np.ndarray:
    """A room response of noise that decays exponentially, high frequencies first, with a reverberation time of 0.15 to 0.8 s."""
    seconds = random.uniform(0.15, 0.8)
    time = np.arange(int(seconds * RATE)) / RATE
    low, high = (random.standard_normal(len(time)) * 10 ** (-3 * time / decay) for decay in (seconds, 0.6 * seconds))
    crossover = signal.butter(1, 2000, fs=RATE, output="sos")
    tail = signal.sosfilt(crossover, low) + high - signal.sosfilt(crossover, high)
    tail[:DIRECT] = 0
    tail *= 10 ** (random.uniform(-14, -2) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    return tail.astype(np.float32)


def position(room: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """The response from one place in `room`: nearer or further (direct sound against echoes), with echoes of its own."""
    response = room.copy()
    response[DIRECT:] *= 10 ** (random.uniform(-4, 4) / 20)
    # Echoes reach every place in another order: a short random all-pass keeps their decay and colour.
    shuffle = random.standard_normal(64) * np.exp(-np.arange(64) / 16)
    echoes = np.convolve(response[DIRECT:], shuffle / np.sqrt(np.sum(shuffle**2)))
    response = np.concatenate([response[:DIRECT], echoes.astype(np.float32)])
    return response / np.sqrt(np.sum(response**2))


def heard_in(dry: np.ndarray, response: np.ndarray) -> np.ndarray:
    """`dry` float32 `[samples]` as heard through a response, just as long and with the direct sound where it was."""
    return signal.oaconvolve(dry, response)[: len(dry)].astype(np.float32)


def noise_bed(clips: list[Path], samples: int, random: np.random.Generator) -> np.ndarray:
    """`samples` of noise from one kind's clips in random order; short sounds, such as a cough, come with pauses between."""
    bed = np.zeros(samples, np.float32)
    place, fade = 0, RATE // 10
    while place < samples:
        clip = audio.read(clips[random.integers(len(clips))])
        if len(clip) > 2 * fade:
            clip[:fade] *= np.linspace(0, 1, fade)
            clip[-fade:] *= np.linspace(1, 0, fade)
        part = clip[: samples - place]
        bed[place : place + len(part)] += part
        pause = -fade if len(clip) > 4 * RATE else int(random.uniform(1, 6) * RATE)
        place += max(len(clip) + pause, fade)
    return bed


def hiss(samples: int, random: np.random.Generator) -> np.ndarray:
    """Pink noise of RMS 1: the background that no microphone is without."""
    spectrum = np.fft.rfft(random.standard_normal(samples)) / np.sqrt(np.arange(1, samples // 2 + 2))
    noise = np.fft.irfft(spectrum, samples)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def over_telephone(sound: np.ndarray) -> np.ndarray:
    """300 to 3,400 Hz, 8 kHz, mu-law with 8 bits, and back to 16 kHz; `sound` is float32 `[samples]` in -1…1."""
    band = signal.butter(4, (300, 3400), "bandpass", fs=RATE, output="sos")
    narrow = np.clip(signal.resample_poly(signal.sosfilt(band, sound), 1, 2), -1, 1)
    coded = np.round(np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256) * 127) / 127
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log(256)) / 255
    return signal.resample_poly(decoded, 2, 1)[: len(sound)].astype(np.float32)
