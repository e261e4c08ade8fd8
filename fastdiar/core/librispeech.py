"""LibriSpeech's layout, which several corpora are made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fastdiar.core.dataset import Entry
from fastdiar.core.errors import DataError, nearest
from fastdiar.core.files import existing_folder


def librispeech_entries(root: Path, subsets: Sequence[str] = ()) -> list[Entry]:
    """The utterances of `root/SUBSET/SPEAKER/CHAPTER/*.flac`, of all subsets where none is named; raises `DataError`.

    Labels: corpus, speaker (`ls1688`), session (its chapter), and gender where SPEAKERS.TXT tells it. Keys are the files' places
    without .flac, as other corpora have them.
    """
    subsets, genders = _subsets(root, subsets), _genders(root / "SPEAKERS.TXT")
    files = [file for subset in subsets for file in sorted((root / subset).glob("*/*/*.flac"))]
    if not files:
        raise DataError(f"{root}: holds no recordings laid out as SUBSET/SPEAKER/CHAPTER/*.flac")
    return [_entry(file, root, genders) for file in files]


def speaker_name(number: str) -> str:
    """What a reader is called everywhere."""
    return f"ls{number}"


def _subsets(root: Path, wanted: Sequence[str]) -> Sequence[str]:
    existing_folder(root, "root must be the folder that holds LibriSpeech's subsets")
    there = sorted(folder.name for folder in root.iterdir() if folder.is_dir())
    for subset in wanted:
        if subset not in there:
            raise DataError(f"{root}: has no subset '{subset}'{nearest(subset, there)}")
    return wanted or there


def _entry(file: Path, root: Path, genders: dict[str, str]) -> Entry:
    speaker, chapter = file.parts[-3:-1]
    labels = {"corpus": "LibriSpeech", "speaker": speaker_name(speaker), "session": f"ch{chapter}"}
    if speaker in genders:
        labels["gender"] = genders[speaker]
    return Entry(file.relative_to(root).with_suffix("").as_posix(), file, labels)


def _genders(path: Path) -> dict[str, str]:
    """Speaker → "f" or "m", from lines such as `14   | F | train-clean-360  | 25.03 | Kristin LeMoine`."""
    if not path.is_file():
        return {}
    rows = (line.split("|") for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(";"))
    return {row[0].strip(): row[1].strip().lower() for row in rows if len(row) >= 2}
