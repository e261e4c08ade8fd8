"""Make examples/dialogue.flac and its exact reference: python examples/make_dialogue.py [--output FOLDER]

Four voices of Debian's flite (apt-get install flite) read the script below. Where each of them is heard is known to the
millisecond, because every line is synthesised alone and then laid on the recording.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from pathlib import Path

import attrs
import numpy as np
import soundfile

from fastdiar.core.files import write_text
from fastdiar.core.types import RATE, Diarization, Turn

HERE = Path(__file__).resolve().parent
URI = "dialogue"
LEVEL = 0.06
"""RMS of every voice, of a full scale of 1."""
ROOM = 0.0005
"""RMS of the noise under everything: no room is digitally silent."""
LOUD = 0.02
"""A sample louder than this share of its line's peak is speech."""
LONGEST_GAP = 0.25
"""A silence inside a line that is longer (seconds) ends one turn and begins another."""


@attrs.frozen
class Line:
    """What a voice says, `after` seconds after the line before has ended; a negative number talks over its end."""

    voice: str
    after: float
    text: str


DIALOGUE = (
    Line("slt", 0.5, "Good morning, everybody. Shall we begin with the garden behind the library?"),
    Line("awb", 0.4, "Yes, please. I walked over there yesterday evening, and the old wall has to be mended first."),
    Line("rms", 0.6, "I can do that on Saturday, if somebody helps me to carry the stones."),
    Line("slt", 0.3, "Wonderful. How many people would you need?"),
    Line("rms", 0.4, "Two or three should be enough, and a strong wheelbarrow."),
    Line("kal16", 0.7, "My brother has a wheelbarrow. We will both come along after breakfast."),
    Line("awb", -0.5, "Then I shall bring the apple trees in my van."),
    Line("slt", 0.8, "Before you buy any trees, remember that we only have money for six of them."),
    Line("kal16", 0.5, "Six apple trees are plenty. The rest of the ground should stay open for the children."),
    Line("rms", 0.3, "I agree. They need a place to run, and the grass is good there."),
    Line("awb", 0.6, "Very well, six it is. I will order them from the nursery this afternoon."),
    Line("slt", 0.4, "Thank you all. Let us meet again on Friday at nine."),
)


def main() -> None:
    """Write the recording and its reference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE, help="a folder for dialogue.flac and dialogue.rttm")
    folder = parser.parse_args().output
    samples, turns = perform(DIALOGUE)
    soundfile.write(folder / f"{URI}.flac", samples, RATE, subtype="PCM_16", format="FLAC")
    write_text(folder / f"{URI}.rttm", Diarization(URI, turns).to_rttm())
    print(f"{folder / URI}.flac: {len(samples) / RATE:.1f} s, {len(turns)} turns")


def perform(dialogue: tuple[Line, ...]) -> tuple[np.ndarray, tuple[Turn, ...]]:
    """The recording `[samples]` of a dialogue and its turns."""
    recording, turns = np.zeros(0), []
    for line in dialogue:
        speech = say(line.voice, line.text)
        start = len(recording) + round(line.after * RATE)
        recording = np.pad(recording, (0, start + len(speech) - len(recording)))
        recording[start:] += speech
        turns += [Turn((start + first) / RATE, (start + last) / RATE, line.voice) for first, last in stretches(speech)]
    recording = np.pad(recording, (0, RATE // 2))
    return recording + ROOM * np.random.default_rng(0).standard_normal(len(recording)), tuple(turns)


def say(voice: str, text: str) -> np.ndarray:
    """A line `[samples]` in a voice of flite, from its first to its last sound."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "line.wav"
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", path], check=True)
        speech, rate = soundfile.read(path)
    if rate != RATE:
        raise SystemExit(f"flite's voice {voice} is at {rate} Hz: expected {RATE} Hz")
    (first, *_), (*_, last) = zip(*stretches(speech), strict=True)
    trimmed: np.ndarray = speech[first:last]
    gain = LEVEL / float(np.sqrt(np.mean(trimmed**2)))
    return trimmed * gain


def stretches(speech: np.ndarray) -> list[tuple[int, int]]:
    """Where a line `[samples]` is heard: first and last sample of each stretch between its longer silences."""
    loud = np.flatnonzero(np.abs(speech) > LOUD * np.abs(speech).max())
    gaps = np.flatnonzero(np.diff(loud) > LONGEST_GAP * RATE)
    return list(zip(loud[[0, *(gaps + 1)]].tolist(), (loud[[*gaps, -1]] + 1).tolist(), strict=True))


if __name__ == "__main__":
    main()
