"""VoxCeleb 1 and 2."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.files import existing_folder, names
from fastdiar.core.labels import known_labels
from fastdiar.core.splits import SplitConfig, split_entries

SUFFIXES = frozenset({".flac", ".wav", ".m4a"})


@attrs.frozen(kw_only=True)
class VoxCelebConfig(SplitConfig):
    """`use = "voxceleb"`: `root/dev/aac/id00012/VIDEO/00001.m4a`, `root/test/wav/id10270/VIDEO/00001.wav`, as it unpacks."""

    root: Path = field(metadata={"help": "the folder of VoxCeleb 1 or of VoxCeleb 2, as it unpacks or prepared"})
    subsets: tuple[str, ...] = field(default=(), metadata={"help": "its own parts, dev and test; none: those that are there"})
    meta: Path | None = field(
        default=None, metadata={"help": "the table of speakers; none: vox1_meta.csv or vox2_meta.csv in root, where there is one"}
    )


class VoxCeleb(Dataset):
    """Celebrities in interviews (Nagrani et al., VoxCeleb, Interspeech 2017; Chung et al., VoxCeleb2, Interspeech 2018).

    Labels: speaker, session (the video), corpus, and gender and nationality where the table of speakers tells them. Keys are
    SPEAKER/VIDEO/UTTERANCE without what the file's name ends in, so that converting the corpus changes no split.
    """

    config_class: ClassVar[type] = VoxCelebConfig
    config: VoxCelebConfig

    def entries(self) -> list[Entry]:
        """Every utterance, by subset, speaker, video and number; raises `DataError` and `FormatError`."""
        root = existing_folder(self.config.root, "root must hold VoxCeleb's folders dev and test")
        meta = self.config.meta or next(iter(sorted(root.glob("vox[12]_meta.csv"))), None)
        known = _speakers(meta) if meta else {}
        entries = [entry for folder in self._folders() for entry in _entries(folder, known)]
        if not entries:
            raise DataError(f"{root}: holds no recordings laid out as dev/aac/SPEAKER/VIDEO/UTTERANCE.m4a (or wav, or .flac)")
        return split_entries(entries, self.config)

    def _folders(self) -> list[Path]:
        """Where the sound of each subset is."""
        subsets = self.config.subsets or ("dev", "test")
        folders = [self.config.root / subset / sound for subset in subsets for sound in ("wav", "aac")]
        there = [folder for folder in folders if folder.is_dir()]
        for subset in self.config.subsets:
            if not any(folder.parent.name == subset for folder in there):
                raise DataError(f"{self.config.root}: has no subset '{subset}': expected {subset}/wav or {subset}/aac")
        return there


def _entries(folder: Path, known: dict[str, dict[str, str]]) -> Iterator[Entry]:
    """The utterances of one subset. There may be a million: those of a video share their labels."""
    for speaker in names(folder, folders=True):
        of_speaker = {"corpus": "VoxCeleb", "speaker": speaker, **known.get(speaker, {})}
        for video in names(folder / speaker, folders=True):
            place, labels = folder / speaker / video, {**of_speaker, "session": video}
            for name in names(place, folders=False):
                stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a Path would take most of the time
                if suffix in SUFFIXES:
                    yield Entry(f"{speaker}/{video}/{stem}", place / name, labels)


def _speakers(path: Path) -> dict[str, dict[str, str]]:
    """Each speaker's labels, from a table such as `VoxCeleb1 ID, VGGFace1 ID, Gender, Nationality, Set`.

    Its columns are parted by tabs, in some copies by commas, with or without blanks around them.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise FormatError(
            f"{path}: cannot be read: expected the table of VoxCeleb's speakers, vox1_meta.csv or vox2_meta.csv"
        ) from None
    rows = [[cell.strip() for cell in re.split(r"[\t,]", line)] for line in lines if line.strip()]
    header = [cell.lower() for cell in rows[0]] if rows else []
    if not header or not re.fullmatch(r"voxceleb\d? ?id", header[0]) or "gender" not in header:
        raise FormatError(f"{path}:1: expected the columns VoxCeleb1 ID or VoxCeleb2 ID, and Gender; found {', '.join(header)}")
    columns = {label: header.index(label) for label in ("gender", "nationality") if label in header}
    return {row[0]: known_labels({label: row[place] for label, place in columns.items() if place < len(row)}) for row in rows[1:]}
