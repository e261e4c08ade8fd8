"""RAVDESS: actors who speak and sing with emotion."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core.audio import SUFFIXES
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.files import existing_folder
from fastdiar.core.splits import SplitConfig, split_entries

EMOTIONS = ("neutral", "calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise")
"""What the third number of a file's name says, from 01."""

NAME = re.compile(r"\d\d-\d\d-(0[1-8])-\d\d-\d\d-\d\d-(\d\d)")
"""Modality, channel, emotion, intensity, statement, repetition and actor."""


@attrs.frozen(kw_only=True)
class RavdessConfig(SplitConfig):
    """`use = "ravdess"`: `root/Actor_01/03-01-05-01-02-01-01.wav`, as it unpacks."""

    root: Path = field(metadata={"help": "the folder that holds one folder for each actor"})


class Ravdess(Dataset):
    """Livingstone and Russo, The Ryerson audio-visual database of emotional speech and song, PLoS ONE 2018.

    Labels: speaker, corpus, emotion and gender (odd actors are men), all from the files' names; language, which is English.
    """

    config_class: ClassVar[type] = RavdessConfig
    config: RavdessConfig

    def entries(self) -> list[Entry]:
        """Every recording, by actor; raises `DataError`."""
        root = existing_folder(self.config.root, "root must hold RAVDESS's folders Actor_01, Actor_02…")
        files = (file for file in sorted(root.glob("Actor_*/*")) if file.suffix.lower() in SUFFIXES)
        entries = [_entry(file, match) for file in files if (match := NAME.fullmatch(file.stem))]
        if not entries:
            raise DataError(f"{root}: holds no recordings laid out as Actor_01/03-01-05-01-02-01-01.wav")
        return split_entries(entries, self.config)


def _entry(file: Path, match: re.Match[str]) -> Entry:
    emotion, actor = int(match[1]), int(match[2])
    labels = {
        "corpus": "RAVDESS",
        "speaker": f"ravdess{actor:02d}",
        "gender": "m" if actor % 2 else "f",
        "emotion": EMOTIONS[emotion - 1],
        "language": "en",
    }
    return Entry(f"{file.parent.name}/{file.stem}", file, labels)
