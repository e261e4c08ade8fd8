"""Clips as training hears them, to be listened to and looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import attrs
import numpy as np
import soundfile
import torch
from scipy import signal

from fastdiar.core.draws import told as numbers_told
from fastdiar.core.errors import DataError, needs
from fastdiar.core.files import replacing
from fastdiar.core.interfaces import Augmentation
from fastdiar.core.types import RATE, Batch
from fastdiar.inspection.check import crops, source_of
from fastdiar.recipe import Recipe
from fastdiar.training.data import collate

LONGEST_NAME = 150
"""Characters of a file's name; file systems take 255 bytes."""
WINDOW, DEPTH = 512, 80
"""Of the spectrograms: samples, and decibels from black to white."""


@attrs.frozen(eq=False)
class Example:
    """A clip `before` and `after` it was augmented, float32 `[samples]`; `drawn` are values such as "noise.snr=17", if any."""

    key: str
    before: np.ndarray
    after: np.ndarray
    drawn: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What it is, and what was done to it."""
        return (self.key, *(self.drawn or ("unchanged",)))

    @property
    def name(self) -> str:
        """What its files are called: its key and the values, in characters that every file system takes."""
        return re.sub(r"[^\w.=+-]+", "-", "_".join(self.words))[:LONGEST_NAME]


@attrs.frozen
class Written:
    """What was written, without the suffixes, and why other clips could not be read."""

    names: tuple[str, ...]
    unreadable: tuple[str, ...]


def write_examples(
    recipe: Recipe, part: str, count: int, folder: Path, told: Callable[[str, int, int], None] = lambda *_: None
) -> Written:
    """Write `count` crops of `[data.PART]` as training hears them: FLAC, and a PNG of their spectrograms before and after.

    Which clips, crops and values follows from the trainer's seed. Raises `DataError` where none can be read.
    """
    with needs("report", "drawing spectrograms"):
        import matplotlib  # noqa: F401
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file: expected a folder to write to")
    found = list(examples(recipe, part, count))
    good = [each for each in found if isinstance(each, Example)]
    unreadable = tuple(each for each in found if isinstance(each, str))
    if not good:
        raise DataError(f"data.{part}: none of {len(unreadable)} clips can be read: {unreadable[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for number, example in enumerate(good, start=1):
        names.append(f"{number:0{len(str(count))}}_{example.name}")
        with replacing(folder / f"{names[-1]}.flac") as beside:
            soundfile.write(beside, example.after.clip(-1, 1), RATE, format="FLAC", subtype="PCM_16")
        with replacing(folder / f"{names[-1]}.png") as beside:
            _draw(example, beside)
        told("examples", number, len(good))
    return Written(tuple(names), unreadable)


def examples(recipe: Recipe, part: str, count: int) -> Iterator[Example | str]:
    """`count` clips as training hears them, changed in batches as large as its own; or why one cannot be read."""
    source = source_of(recipe, part)
    numbers = {"speaker": {name: number for number, name in enumerate(dict.fromkeys(source.speakers))}}
    augmentations = {name: each.build() for name, each in recipe.augment.items()}
    generator = torch.Generator().manual_seed(recipe.trainer.seed)
    clips = crops(recipe, source, count)
    while group := list(islice(clips, recipe.trainer.batch_size)):
        loaded = collate(group, numbers)
        yield from loaded.bad
        if loaded.batch is not None:
            yield from _augmented(loaded.batch, augmentations, generator)


def _augmented(batch: Batch, augmentations: Mapping[str, Augmentation], generator: torch.Generator) -> Iterator[Example]:
    """Each clip with all changes that it came by."""
    drawn: list[list[str]] = [[] for _ in batch.keys]
    now = batch
    for name, augmentation in augmentations.items():
        values = augmentation.draw(now, generator)
        after = augmentation.apply(now, values)
        for clip, its in enumerate(drawn):
            if not torch.equal(after.waveform[clip], now.waveform[clip]):
                numbers = numbers_told(values, clip)
                its += [f"{name}.{key}={_short(number)}" for key, number in numbers.items()] or [name]
        now = after
    for clip, key in enumerate(batch.keys):
        yield Example(key, _sound(batch, clip), _sound(now, clip), tuple(drawn[clip]))


def _sound(batch: Batch, clip: int) -> np.ndarray:
    return batch.waveform[clip, : int(batch.lengths[clip])].numpy()


def _short(number: float) -> str:
    return f"{number:.0f}" if number == round(number) else f"{number:.3g}"


def _draw(example: Example, path: Path) -> None:
    """Both spectrograms under one another, in the same scales."""
    from matplotlib.figure import Figure

    spectra = [_decibels(example.before), _decibels(example.after)]
    seconds = [len(sound) / RATE for sound in (example.before, example.after)]
    top = max(float(spectrum.max()) for spectrum in spectra)
    figure = Figure(figsize=(9, 6), layout="constrained")
    figure.suptitle("\n".join(_lines(example.words)), fontsize="medium", parse_math=False)
    for axes, spectrum, length, title in zip(figure.subplots(2), spectra, seconds, ("as loaded", "as trained on"), strict=True):
        extent = (0, length, 0, RATE / 2000)
        axes.imshow(spectrum, origin="lower", aspect="auto", extent=extent, vmin=top - DEPTH, vmax=top, cmap="magma")
        axes.set(title=title, xlabel="seconds", ylabel="kHz", xlim=(0, max(seconds)))
    figure.savefig(path, format="png", dpi=100)


def _decibels(sound: np.ndarray) -> np.ndarray:
    """The short-time power spectrum `[frequencies, times]` in decibels."""
    window = min(WINDOW, len(sound))
    _, _, power = signal.spectrogram(sound, RATE, nperseg=window, noverlap=3 * window // 4)
    return 10 * np.log10(power + 1e-14)


def _lines(words: Sequence[str], width: int = 100) -> list[str]:
    """The words with two spaces between, on as many lines as they need."""
    lines = [""]
    for word in words:
        lines = [*lines, word] if len(lines[-1]) + len(word) > width else [*lines[:-1], f"{lines[-1]}  {word}".strip()]
    return lines
