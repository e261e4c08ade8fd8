"""Material for meetings: five voices of noise in syllables, and the turns of one meeting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from fastdiar.core.types import RATE

SAID = ((0.3, 1.5), (2.2, 4.0), (4.7, 6.6))
"""Where the voices speak in each of their clips (seconds)."""


def make_voice(seed: int, noise: float = 1e-3, said: tuple[tuple[float, float], ...] = SAID, seconds: float = 7.0) -> np.ndarray:
    """A clip: coloured noise in syllables over a softer background."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.1 * random.standard_normal(len(time)) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
    spoken = np.any([(start <= time) & (time < end) for start, end in said], axis=0)
    coloured = np.convolve(sound * spoken, [1, 0.9, 0.5, 0.2], mode="same")
    return (coloured + noise * random.standard_normal(len(time))).astype(np.float32)


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `table.tsv` (ann, bob, cat of corpus one, dan and eve of two), `rhythms`, `noises`, `speakers.txt`."""
    folder = tmp_path_factory.mktemp("material")
    lines = ["path\tcorpus\tspeaker\tsession\tseconds"]
    for number, (speaker, corpus) in enumerate({"ann": "one", "bob": "one", "cat": "one", "dan": "two", "eve": "two"}.items()):
        for clip in range(4):
            name = f"{speaker}_{clip}.flac"
            soundfile.write(folder / name, make_voice(10 * number + clip), RATE)
            lines.append(f"{name}\t{corpus}\t{speaker}\tday{clip // 2}\t7.0")
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    (folder / "speakers.txt").write_text("ann\nbob\ndan\neve\n")
    (folder / "rhythms").mkdir()
    turns = [
        (0.0, 4.0, "a"),
        (1.0, 0.5, "b"),
        (4.5, 3.0, "b"),
        (7.0, 2.5, "a"),
        (8.0, 0.4, "c"),
        (10.0, 3.0, "c"),
        (14.0, 2.0, "c"),
    ]
    rttm = [f"SPEAKER m 1 {start} {seconds} <NA> <NA> {who} <NA> <NA>\n" for start, seconds, who in turns]
    (folder / "rhythms" / "m.rttm").write_text("".join(rttm))
    (folder / "noises" / "fan").mkdir(parents=True)
    (folder / "noises" / "fan" / "LICENSE").write_text("free")
    soundfile.write(folder / "noises" / "fan" / "0.wav", 0.1 * np.random.default_rng(1).standard_normal(5 * RATE), RATE)
    return folder
