"""A folder for each speaker."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core.audio import SUFFIXES
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.files import existing_folder
from fastdiar.core.splits import SplitConfig, split_entries


@attrs.frozen(kw_only=True)
class FolderConfig(SplitConfig):
    """`use = "folder"`: `root/SPEAKER/**/utterance.wav` (or flac, ogg, opus, mp3, m4a…)."""

    root: Path = field(metadata={"help": "the folder that holds one folder for each speaker"})


class Folder(Dataset):
    """Any corpus sorted by speaker. Folders inside a speaker's folder are its sessions, as in VoxCeleb.

    Keys are the files' places without what their names end in, so that converting the corpus changes no split. Of two files
    of one name, such as a.flac and a.wav, the first is taken.
    """

    config_class: ClassVar[type] = FolderConfig
    config: FolderConfig

    def entries(self) -> list[Entry]:
        """Every recording under a speaker's folder; raises `DataError`."""
        root = existing_folder(self.config.root, "root must hold one folder for each speaker")
        files = sorted(file.relative_to(root) for file in root.glob("*/**/*") if file.suffix.lower() in SUFFIXES)
        entries = {entry.key: entry for entry in (_entry(root, file) for file in reversed(files))}
        if not entries:
            raise DataError(f"{root}: holds no recordings laid out as SPEAKER/utterance.wav")
        return split_entries((entries[key] for key in sorted(entries)), self.config)


def _entry(root: Path, file: Path) -> Entry:
    labels = {"speaker": file.parts[0]}
    if len(file.parts) > 2:
        labels["session"] = "/".join(file.parts[1:-1])
    return Entry(file.with_suffix("").as_posix(), root / file, labels)
