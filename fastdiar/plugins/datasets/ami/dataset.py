"""The dataset `ami`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import attrs
from attrs import field, validators

from fastdiar.core import checks
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import DataError
from fastdiar.core.files import existing_folder, names
from fastdiar.core.sessions import Session, chunks, segments, session, turns_of
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import Turn
from fastdiar.plugins.datasets.ami.annotations import Annotations, Reference

DEV = ("ES2011", "IB4001", "IB4002", "IB4003", "IB4004", "IB4010", "IB4011", "IS1008", "TS3004")
TEST = ("EN2002", "ES2004", "IS1009", "TS3003")
"""What the meetings of the Full-corpus-ASR partition's parts begin with; all others train."""
MICROPHONES = {"headset-mix": r"Mix-Headset", "array": r"Array1-01", "headset": r"Headset-(\d+)"}
"""The recordings of a meeting: all headsets in one, the first microphone of the first array, or one file a headset."""


@attrs.frozen(kw_only=True)
class AmiConfig(SplitConfig):
    """`use = "ami"`: `root/MEETING/audio/MEETING.Mix-Headset.wav` as AMI unpacks, and a folder of annotations."""

    root: Path = field(metadata={"help": "the folder amicorpus, which holds one folder for each meeting"})
    references: Path = field(
        metadata={"help": "AMI's manual annotations, or the folder only_words of AMI-diarization-setup (rttms and uems)"}
    )
    subsets: tuple[Literal["train", "dev", "test"], ...] = field(
        default=(), metadata={"help": "parts of the Full-corpus-ASR partition; none: every meeting that is there"}
    )
    microphone: Literal["headset-mix", "array", "headset"] = field(
        default="headset-mix", metadata={"help": "all headsets mixed, one distant microphone, or each headset by itself"}
    )
    speech: Literal["words", "segments"] = field(
        default="words", metadata={"help": "what counts as speech in AMI's own annotations: words, or transcribed segments"}
    )
    unit: Literal["segment", "chunk"] = field(
        default="segment", metadata={"help": "segments of one speaker's speech, or chunks of the whole meeting"}
    )
    seconds: tuple[float, float] = field(
        default=(3.0, 5.0),
        validator=[checks.ordered, validators.deep_iterable(validators.ge(0.1))],
        metadata={"help": "shortest and longest segment; chunks are as long as the longest"},
    )
    overlap: float = field(
        default=0.5,
        validator=[validators.ge(0), validators.lt(0.95)],
        metadata={"help": "share of a segment, or chunk, heard again in the next"},
    )
    pause: float = field(
        default=0.5, validator=validators.ge(0), metadata={"help": "pauses up to this long (seconds) do not end a segment"}
    )
    overlapped: bool = field(default=True, metadata={"help": "take segments in which others speak, too"})


@attrs.frozen(eq=False)
class _Recorded:
    """One recording of a meeting. A headset's session holds its wearer's turns; `everyone` speaks in the room."""

    meeting: str
    session: Session
    everyone: tuple[Turn, ...]


class Ami(Dataset):
    """Meetings of mostly four people (Carletta et al., The AMI meeting corpus: a pre-announcement, MLMI 2005).

    Labels of a segment: speaker, session (the meeting), corpus, gender (the first letter of a participant's name), and overlap:
    "yes" where others speak, too. A chunk names no speaker: its turns do. Meetings without a recording, or without a
    reference, are passed over.
    """

    config_class: ClassVar[type] = AmiConfig
    config: AmiConfig

    def entries(self) -> list[Entry]:
        """The segments or chunks of all meetings, by meeting; raises `DataError` and `FormatError`."""
        cut = self._segments if self.config.unit == "segment" else self._chunks
        return split_entries((entry for recorded in self._recorded.values() for entry in cut(recorded)), self.config)

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when, in seconds from the entry's start; of a headset only its wearer."""
        return turns_of(self._recorded[entry.path].session.turns, entry)

    def _chunks(self, recorded: _Recorded) -> Iterator[Entry]:
        return chunks(recorded.session, self.config.seconds[1], self._step, {"corpus": "AMI", "session": recorded.meeting})

    def _segments(self, recorded: _Recorded) -> Iterator[Entry]:
        """Each speaker's stretches of speech, cut where they are longer than a segment."""
        for entry in segments(recorded.session, self.config.seconds, self._step, self.config.pause, recorded.everyone):
            if self.config.overlapped or entry.labels["overlap"] == "no":
                gender = entry.labels["speaker"][:1].lower()
                yield attrs.evolve(entry, labels=entry.labels | {"corpus": "AMI", "session": recorded.meeting, "gender": gender})

    @property
    def _step(self) -> float:
        return (1 - self.config.overlap) * self.config.seconds[1]

    @cached_property
    def _recorded(self) -> dict[Path, _Recorded]:
        """By file, in the order of meetings."""
        root = existing_folder(self.config.root, "root must be AMI's folder amicorpus")
        annotations = Annotations(self.config.references, self.config.speech)
        files = [
            (meeting, path, headset)
            for meeting in names(root, folders=True)
            if self._takes(meeting)
            for path, headset in _files(root / meeting / "audio", meeting, self.config.microphone).items()
        ]
        if not files:
            name = f"MEETING.{MICROPHONES[self.config.microphone]}.wav"
            raise DataError(f"{root}: holds no recordings laid out as MEETING/audio/{name} of the meetings asked for")
        told = {meeting: annotations.reference(meeting) for meeting in dict.fromkeys(meeting for meeting, _, _ in files)}
        recorded = {path: _record(meeting, path, headset, known) for meeting, path, headset in files if (known := told[meeting])}
        if not recorded:
            raise DataError(f"{self.config.references}: tells of none of the {len(files)} recordings in {root}")
        return recorded

    def _takes(self, meeting: str) -> bool:
        part = "dev" if meeting.startswith(DEV) else "test" if meeting.startswith(TEST) else "train"
        return not self.config.subsets or part in self.config.subsets


def _files(folder: Path, meeting: str, microphone: str) -> dict[Path, int | None]:
    """A meeting's files from one kind of microphone, with the headset's number where that is one."""
    wanted = re.compile(rf"{re.escape(meeting)}\.{MICROPHONES[microphone]}\.(?:wav|flac)")
    found = {name: wanted.fullmatch(name) for name in (names(folder, folders=False) if folder.is_dir() else ())}
    return {folder / name: int(match[1]) if match.groups() else None for name, match in found.items() if match}


def _record(meeting: str, path: Path, headset: int | None, reference: Reference) -> _Recorded:
    turns = reference.turns
    if headset is not None:
        if not reference.headsets:
            raise DataError(f"{path}: only AMI's own annotations say whose headset this is: choose them as references")
        turns = tuple(turn for turn in turns if reference.headsets.get(turn.speaker) == headset)
    return _Recorded(meeting, session(path.stem, path, turns, reference.stretches), reference.turns)
