"""Who speaks when in AMI: from its own annotations (NXT's XML), or from published RTTM and UEM files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import attrs

from fastdiar.core.errors import DataError, FormatError
from fastdiar.core.files import existing_folder
from fastdiar.core.formats import read_rttm, read_uem
from fastdiar.core.sessions import Stretch, joined
from fastdiar.core.types import Turn

LARGEST_FILE = 64 << 20
"""Bytes; AMI's largest file of words is a hundredth of this."""


@attrs.frozen(eq=False)
class Reference:
    """One meeting: its turns, what they cover (nothing said: the whole recording), and each person's headset where it is told."""

    turns: tuple[Turn, ...]
    stretches: tuple[Stretch, ...] = ()
    headsets: dict[str, int] = attrs.field(factory=dict)


class Annotations:
    """A folder of annotations, read meeting by meeting.

    Either AMI's own (`words`, `segments`, `corpusResources/meetings.xml`), or one of AMI-diarization-setup's (`rttms/train`,
    `uems/train`…), whose "only_words" are what AMI's words say.
    """

    def __init__(self, folder: Path, speech: Literal["words", "segments"]) -> None:
        self._folder = existing_folder(folder, "references must hold AMI's annotations, or RTTM files")
        self._speech = speech
        self._published = (folder / "rttms").is_dir()
        if not self._published and not (folder / speech).is_dir():
            raise DataError(f"{folder}: holds neither {speech}/, as AMI's annotations do, nor rttms/, as published ones")

    def reference(self, meeting: str) -> Reference | None:
        """What is known of a meeting; None where that is nothing. Raises `FormatError`."""
        return self._from_rttm(meeting) if self._published else self._from_xml(meeting)

    def _from_rttm(self, meeting: str) -> Reference | None:
        rttm, uem = (
            next(iter(sorted((self._folder / folder).rglob(f"{meeting}.{suffix}"))), None)
            for folder, suffix in (("rttms", "rttm"), ("uems", "uem"))
        )
        if rttm is None:
            return None
        stretches = read_uem(uem).get(meeting, []) if uem else []
        return Reference(tuple(sorted(read_rttm(rttm).get(meeting, []))), tuple(stretches))

    def _from_xml(self, meeting: str) -> Reference | None:
        read = _words if self._speech == "words" else _segments
        turns: list[Turn] = []
        for path in sorted((self._folder / self._speech).glob(f"{meeting}.*.{self._speech}.xml")):
            person = self._person(meeting, path)
            turns += [Turn(start, end, person) for start, end in read(path)]
        headsets = {name: headset for name, headset in self._people.get(meeting, {}).values() if headset is not None}
        return Reference(tuple(sorted(turns)), headsets=headsets) if turns else None

    def _person(self, meeting: str, path: Path) -> str:
        name, _ = self._people.get(meeting, {}).get(path.name.split(".")[1], ("", None))
        if not name:
            raise FormatError(f"{self._meetings}: does not say who speaks in {path.name}")
        return name

    @property
    def _meetings(self) -> Path:
        return self._folder / "corpusResources" / "meetings.xml"

    @cached_property
    def _people(self) -> dict[str, dict[str, tuple[str, int | None]]]:
        """By meeting, then by agent (A, B…): the participant, and the number of their headset."""
        return {
            meeting.get("observation", ""): {
                speaker.get("nxt_agent", ""): (speaker.get("global_name", ""), _number(speaker.get("channel")))
                for speaker in meeting.iter("speaker")
            }
            for meeting in _elements(self._meetings, "meeting")
        }


def _words(path: Path) -> list[Stretch]:
    """What the words of a file fill; words that touch are one stretch, and no pause is bridged."""
    words = (word for word in _elements(path, "w") if word.get("punc") != "true")
    return joined(_times(words, path, "starttime", "endtime"), pause=0.0)


def _segments(path: Path) -> list[Stretch]:
    return list(_times(_elements(path, "segment"), path, "transcriber_start", "transcriber_end"))


def _times(elements: Iterable[ElementTree.Element], path: Path, first: str, last: str) -> Iterator[Stretch]:
    """Where elements begin and end; some words of AMI have no time."""
    for element in elements:
        if first in element.attrib and last in element.attrib:
            try:
                start, end = float(element.attrib[first]), float(element.attrib[last])
            except ValueError:
                raise FormatError(f"{path}: {first} or {last} is no number: {dict(element.attrib)}") from None
            if end > start >= 0:
                yield start, end


def _elements(path: Path, tag: str) -> list[ElementTree.Element]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise FormatError(f"{path}: larger than {LARGEST_FILE >> 20} MiB: not one of AMI's annotations")
        return list(ElementTree.parse(path).iter(tag))
    except OSError as error:
        raise FormatError(f"{path}: cannot be read: {error.strerror}") from None
    except ElementTree.ParseError as error:
        raise FormatError(f"{path}: not XML: {error}") from None


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
