"""LibriMix as its own scripts write it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar, Literal

import attrs
from attrs import field

from fastdiar.core import audio
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, nearest
from fastdiar.core.files import existing_folder
from fastdiar.core.librispeech import speaker_name
from fastdiar.core.manifest import read_manifest
from fastdiar.core.speech import voice_turns
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import Turn


@attrs.frozen(kw_only=True)
class LibriMixCsvConfig(SplitConfig):
    """`use = "librimix_csv"`: `root/metadata/mixture_train-100_mix_clean.csv`, `root/train-100/{mix_clean,s1,s2}/*.wav`."""

    root: Path = field(metadata={"help": "a folder such as Libri2Mix/wav16k/min"})
    subsets: tuple[str, ...] = field(default=(), metadata={"help": "such as train-100, dev, test; none: every one that is there"})
    mixture: Literal["mix_clean", "mix_both"] = field(default="mix_clean", metadata={"help": "without or with noise"})


class LibriMixCsv(Dataset):
    """Mixtures of two or three readers, made beforehand (Cosentino et al., LibriMix, 2020).

    The label `speaker` is the dominant voice, the one that its table of metrics gives the highest SNR; without that table it is
    not known. Turns come from the single voices beside the mixtures.
    """

    config_class: ClassVar[type] = LibriMixCsvConfig
    config: LibriMixCsvConfig

    def entries(self) -> list[Entry]:
        """Every mixture of the subsets, in the tables' order; raises `DataError` and `FormatError`."""
        return split_entries([entry for subset in self._subsets() for entry in self._entries(subset)], self.config)

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when; raises `AudioError`."""
        sources = [(entry.path.parents[1] / f"s{place}" / entry.path.name, name) for place, name in _voices(entry.path.stem)]
        return tuple(sorted(turn for path, name in sources for turn in voice_turns(audio.read(path), name)))

    def _subsets(self) -> list[str]:
        root = existing_folder(self.config.root, "root must be a folder of LibriMix such as Libri2Mix/wav16k/min")
        tables = root.glob(f"metadata/mixture_*_{self.config.mixture}.csv")
        there = sorted(table.stem.removeprefix("mixture_").removesuffix(f"_{self.config.mixture}") for table in tables)
        if not there:
            raise DataError(f"{root}: holds no tables metadata/mixture_SUBSET_{self.config.mixture}.csv")
        for subset in self.config.subsets:
            if subset not in there:
                raise DataError(f"{root}: has no subset '{subset}'{nearest(subset, there)}: expected one of {', '.join(there)}")
        return list(self.config.subsets) or there

    def _entries(self, subset: str) -> list[Entry]:
        config, metadata = self.config, self.config.root / "metadata"
        table, metrics = (metadata / f"{kind}_{subset}_{config.mixture}.csv" for kind in ("mixture", "metrics"))
        names = [row["mixture_ID"] for row in read_manifest(table, ("mixture_ID",))]
        levels = {row["mixture_ID"]: row for row in read_manifest(metrics, ("mixture_ID",))} if metrics.is_file() else {}
        entries = []
        for line, name in enumerate(names, start=2):
            if not re.fullmatch(r"\w+-\w+-\w+(_\w+-\w+-\w+)+", name):
                raise DataError(f"{table}:{line}: expected a mixture_ID such as 103-1240-0003_1235-135887-0017, got '{name}'")
            path = config.root / subset / config.mixture / f"{name}.wav"
            entries.append(Entry(f"{subset}/{name}", path, {"corpus": "LibriMix", **_labels(name, levels.get(name, {}))}))
        return entries


def _voices(name: str) -> list[tuple[int, str]]:
    """The number of each source of a mixture, from 1, and who speaks in it."""
    return [(place, speaker_name(part.partition("-")[0])) for place, part in enumerate(name.split("_"), start=1)]


def _labels(name: str, levels: dict[str, str]) -> dict[str, str]:
    voices = _voices(name)
    labels = {"people": str(len(voices))}
    if all(f"source_{place}_SNR" in levels for place, _ in voices):
        labels["speaker"] = max(voices, key=lambda voice: _decibels(levels[f"source_{voice[0]}_SNR"], name))[1]
    return labels


def _decibels(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise DataError(f"the table of metrics gives mixture {name} the SNR '{text}': expected a number") from None
