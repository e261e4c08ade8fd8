"""Corpora that lhotse has prepared: its manifests of cuts or recordings, and its Shar folders."""

from __future__ import annotations

import tarfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import attrs
import numpy as np
from attrs import field

from fastdiar.core import audio
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError, FormatError, needs
from fastdiar.core.labels import known_labels
from fastdiar.core.sessions import turns_of
from fastdiar.core.shards import LARGEST_MEMBER
from fastdiar.core.splits import SplitConfig, split_entries
from fastdiar.core.types import Turn

CUSTOM = ("emotion", "age", "nationality")
"""What a supervision's custom fields may tell beside its speaker, gender and language."""


@attrs.frozen(kw_only=True)
class LhotseConfig(SplitConfig):
    """`use = "lhotse"`: `cuts.jsonl.gz`, or `recordings.jsonl.gz` with `supervisions.jsonl.gz`, or a Shar folder."""

    manifest: Path = field(metadata={"help": "cuts or recordings (.jsonl or .jsonl.gz), or a Shar folder"})
    supervisions: Path | None = field(default=None, metadata={"help": "of a manifest of recordings: who says what in them"})
    unit: Literal["supervision", "cut"] = field(
        default="supervision", metadata={"help": "every supervision by itself, or whole cuts (recordings) with their turns"}
    )


@attrs.frozen
class Cut(Entry):
    """A stretch of one channel of a recording, or the mean of all; in a tar file, `size` bytes from `offset`."""

    channel: int | str = "mix"
    offset: int | None = None
    size: int = 0


class Lhotse(Dataset):
    """Any of the corpora that lhotse (Żelasko et al., 2021) knows. Paths in a manifest are relative to its folder, or absolute.

    Labels: session (the recording), and from supervisions speaker, gender, language, emotion, age and nationality. Only sound
    in files is read: manifests may name commands and addresses, which are refused, as are cuts that are mixed or altered.
    """

    config_class: ClassVar[type] = LhotseConfig
    config: LhotseConfig

    def entries(self) -> list[Entry]:
        """Every supervision, or every cut, in the manifest's order; raises `DataError` and `FormatError`."""
        if self.config.unit == "cut":
            return split_entries((cut for cut, _ in self._cuts), self.config)
        return split_entries((entry for cut, spoken in self._cuts for entry in _utterances(cut, spoken)), self.config)

    def load(self, entry: Entry) -> np.ndarray:
        """One entry's samples, float32 `[samples]` at 16 kHz; raises `AudioError`."""
        assert isinstance(entry, Cut)
        if entry.offset is None:
            return audio.read(entry.path, entry.start, entry.seconds, entry.channel)
        try:
            with entry.path.open("rb") as file:
                file.seek(entry.offset)
                data = file.read(entry.size)
        except OSError as error:
            raise AudioError(f"{entry.path}: cannot be read: {error.strerror}") from None
        return audio.decode(data, f"{entry.path}: {entry.key}", entry.start, entry.seconds, entry.channel)

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who speaks when, as far as supervisions name their speakers."""
        return turns_of(self._turns[entry.labels["session"]], entry)

    @cached_property
    def _cuts(self) -> list[tuple[Cut, list[Any]]]:
        """Every cut as an entry, with its supervisions."""
        manifest = self.config.manifest
        members = _members(manifest) if manifest.is_dir() else None
        found = []
        for cut in _read(manifest, self.config.supervisions):
            if members is None:
                entry = _in_file(cut, manifest)
            elif cut.id in members:
                entry = Cut(cut.id, labels={"session": cut.id}, seconds=cut.duration, **members[cut.id])
            else:
                raise DataError(f"{manifest}: holds no sound of the cut '{cut.id}': expected it in recording.*.tar")
            found.append((entry, list(cut.supervisions)))
        if not found:
            raise DataError(f"{manifest}: lists no cuts")
        return found

    @cached_property
    def _turns(self) -> dict[str, list[Turn]]:
        """By session, in seconds from the recording's start."""
        turns: dict[str, list[Turn]] = defaultdict(list)
        for cut, spoken in self._cuts:
            times = ((cut.start + each.start, cut.start + each.end, each.speaker) for each in spoken if each.speaker)
            turns[cut.labels["session"]] += [Turn(start, end, speaker) for start, end, speaker in times]
        return {name: sorted(set(of_one)) for name, of_one in turns.items()}


def _utterances(cut: Cut, spoken: Iterable[Any]) -> Iterator[Cut]:
    """Each supervision by itself, as far as it lies in the cut."""
    for each in spoken:
        start, end = max(each.start, 0.0), min(each.end, cut.seconds or each.end)
        if start < end:
            labels = {**cut.labels, **_labels(each)}
            alone = cut.channel == "mix" and cut.offset is None and isinstance(each.channel, int)
            channel = each.channel if alone else cut.channel
            key = f"{cut.key}/{each.id}"
            yield attrs.evolve(cut, key=key, labels=labels, start=cut.start + start, seconds=end - start, channel=channel)


def _labels(supervision: Any) -> dict[str, str]:
    custom = {name: (supervision.custom or {}).get(name) for name in CUSTOM}
    told = {"speaker": supervision.speaker, "gender": supervision.gender, "language": supervision.language, **custom}
    return known_labels(told)


def _read(manifest: Path, supervisions: Path | None) -> Iterator[Any]:
    """The manifest's cuts, one at a time."""
    shards = sorted(manifest.glob("cuts.*.jsonl*")) if manifest.is_dir() else []
    for path in [*shards, *filter(None, [manifest, supervisions])]:
        if not path.exists():
            raise DataError(f"{path}: no such file: expected a manifest of lhotse")
        if path.is_file() and not path.name.endswith((".jsonl", ".jsonl.gz")):
            raise DataError(f"{path}: expected a manifest of lhotse, .jsonl or .jsonl.gz")
    if manifest.is_dir() and not shards:
        raise DataError(f"{manifest}: is no Shar folder: it holds no cuts.*.jsonl.gz")
    with needs("data", "a manifest of lhotse"):
        from lhotse import CutSet, RecordingSet, SupervisionSet, load_manifest_lazy
    try:
        if shards:
            yield from CutSet.from_shar(fields={"cuts": [str(path) for path in shards]})
            return
        listed = load_manifest_lazy(manifest)
        if isinstance(listed, RecordingSet):
            spoken = None if supervisions is None else SupervisionSet.from_file(supervisions)
            listed = CutSet.from_manifests(recordings=listed.to_eager(), supervisions=spoken)
        if not isinstance(listed, CutSet):
            raise DataError(f"{manifest}: expected cuts or recordings, found {type(listed).__name__}")
        yield from listed
    except (ValueError, KeyError, TypeError, AssertionError, OSError, EOFError) as error:
        raise FormatError(f"{manifest}: not a manifest of lhotse: {type(error).__name__}: {error}") from None


def _in_file(cut: Any, manifest: Path) -> Cut:
    """A cut whose sound is a stretch of a file."""
    recording = cut.recording if type(cut).__name__ in ("MonoCut", "MultiCut") else None
    if recording is None or recording.transforms or len(recording.sources) != 1:
        raise DataError(f"{manifest}: cut '{cut.id}' is mixed, altered or of several files: save its sound with lhotse first")
    source = recording.sources[0]
    if source.type != "file":
        raise DataError(f"{manifest}: the sound of cut '{cut.id}' is a {source.type}: only files are read")
    channel = source.channels.index(cut.channel) if isinstance(cut.channel, int) else "mix"
    labels = {"session": recording.id}
    return Cut(cut.id, manifest.parent / source.source, labels, float(cut.start), float(cut.duration), channel=channel)


def _members(folder: Path) -> dict[str, dict[str, Any]]:
    """Where the sound of each cut lies in a Shar folder's tar files, by the headers in them."""
    members = {}
    for path in sorted(folder.glob("recording.*.tar")):
        try:
            with tarfile.open(path, "r:") as archive:
                for info in archive:
                    name, _, suffix = info.name.rpartition(".")
                    if info.isreg() and suffix not in ("json", "nodata") and info.size <= LARGEST_MEMBER:
                        members[name] = {"path": path, "offset": info.offset_data, "size": info.size}
        except (OSError, tarfile.TarError) as error:
            raise DataError(f"{path}: not a whole tar file: {error}") from None
    return members
