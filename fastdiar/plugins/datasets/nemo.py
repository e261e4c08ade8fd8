"""nEMO: Polish actors who speak with emotion."""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

import attrs
from attrs import field

from fastdiar.core import audio
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError
from fastdiar.core.files import existing_folder
from fastdiar.core.labels import known_labels
from fastdiar.core.manifest import read_manifest
from fastdiar.core.splits import SplitConfig, split_entries

EMOTIONS = {name: name for name in ("anger", "fear", "happiness", "neutral", "sadness")} | {"surprised": "surprise"}


@attrs.frozen(kw_only=True)
class NemoConfig(SplitConfig):
    """`use = "nemo"`: `root/samples/EB0_anger_32.wav` and `root/data.tsv`, as it unpacks."""

    root: Path = field(metadata={"help": "the folder of recordings, searched to the bottom, and of data.tsv where there is one"})


class Nemo(Dataset):
    """Christop, nEMO: dataset of emotional speech in Polish, LREC-COLING 2024.

    Labels: speaker, corpus and emotion from the files' names; gender and age where data.tsv tells them;
    language, which is Polish.
    """

    config_class: ClassVar[type] = NemoConfig
    config: NemoConfig

    def entries(self) -> list[Entry]:
        """Every recording, by path; raises `DataError` and `FormatError`."""
        root = existing_folder(self.config.root, "root must hold nEMO's recordings")
        people = _people(root / "data.tsv")
        try:
            files = audio.recordings(root)
        except AudioError as error:
            raise DataError(str(error)) from None
        matches = ((file, re.fullmatch(r"([A-Z]{2}\d)_([a-z]+)_\d+", file.stem)) for file in files)
        entries = [_entry(file, match, people) for file, match in matches if match and match[2] in EMOTIONS]
        if not entries:
            raise DataError(f"{root}: holds no recordings called as nEMO's are: EB0_anger_32.wav")
        return split_entries(entries, self.config)


def _entry(file: Path, match: re.Match[str], people: dict[str, dict[str, str]]) -> Entry:
    labels = {"corpus": "nEMO", "speaker": f"nemo{match[1]}", "emotion": EMOTIONS[match[2]], "language": "pl"}
    return Entry(file.stem, file, labels | people.get(match[1], {}))


def _people(table: Path) -> dict[str, dict[str, str]]:
    """Each speaker's gender and age, as far as the table has them."""
    if not table.is_file():
        return {}
    rows = read_manifest(table, ("speaker_id",))
    return {row["speaker_id"]: known_labels({name: row.get(name) for name in ("gender", "age")}) for row in rows}
