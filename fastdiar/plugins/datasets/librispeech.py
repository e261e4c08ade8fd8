"""LibriSpeech and corpora in its layout."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError, nearest
from fastdiar.core.files import existing_folder
from fastdiar.core.splits import SplitConfig, split_entries


@attrs.frozen(kw_only=True)
class LibriSpeechConfig(SplitConfig):
    """`use = "librispeech"`: `root/SUBSET/SPEAKER/CHAPTER/*.flac`, as it unpacks."""

    root: Path = field(metadata={"help": "the folder that holds the subsets, and SPEAKERS.TXT where there is one"})
    subsets: tuple[str, ...] = field(default=(), metadata={"help": "such as train-clean-100; none: every one that is there"})


class LibriSpeech(Dataset):
    """Read English (Panayotov et al., LibriSpeech: an ASR corpus based on public domain audio books, ICASSP 2015).

    Labels: speaker (`ls1688`), session (its chapter), corpus, and gender where SPEAKERS.TXT tells it. Transcripts are not read.
    """

    config_class: ClassVar[type] = LibriSpeechConfig
    config: LibriSpeechConfig

    def entries(self) -> list[Entry]:
        """The utterances of the subsets; raises `DataError`."""
        root, genders = self.config.root, _genders(self.config.root / "SPEAKERS.TXT")
        files = [file for subset in self._subsets() for file in sorted((root / subset).glob("*/*/*.flac"))]
        if not files:
            raise DataError(f"{root}: holds no recordings laid out as SUBSET/SPEAKER/CHAPTER/*.flac")
        return split_entries([_entry(file, root, genders) for file in files], self.config)

    def _subsets(self) -> list[str]:
        root = existing_folder(self.config.root, "root must be the folder that holds LibriSpeech's subsets")
        there = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
        for subset in self.config.subsets:
            if subset not in there:
                raise DataError(f"{root}: has no subset '{subset}'{nearest(subset, there)}")
        return list(self.config.subsets) or there


def _entry(file: Path, root: Path, genders: dict[str, str]) -> Entry:
    speaker, chapter = file.parts[-3:-1]
    labels = {"corpus": "LibriSpeech", "speaker": f"ls{speaker}", "session": f"ch{chapter}"}
    if speaker in genders:
        labels["gender"] = genders[speaker]
    return Entry(file.relative_to(root).as_posix(), file, labels)


def _genders(path: Path) -> dict[str, str]:
    """Speaker → "f" or "m", from lines such as `14   | F | train-clean-360  | 25.03 | Kristin LeMoine`."""
    if not path.is_file():
        return {}
    rows = (line.split("|") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(";"))
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) >= 2}
