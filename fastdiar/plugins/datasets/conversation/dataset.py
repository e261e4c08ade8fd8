"""The dataset `conversation`: meetings simulated from recordings of single speakers, with exact reference turns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from itertools import chain
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
from attrs import field, validators

from fastdiar.core import audio, checks
from fastdiar.core.component import Part
from fastdiar.core.dataset import Dataset, Entry
from fastdiar.core.errors import AudioError, DataError, FormatError
from fastdiar.core.manifest import read_manifest, read_names
from fastdiar.core.types import RATE, Turn
from fastdiar.plugins.datasets.conversation import acoustics
from fastdiar.plugins.datasets.conversation.casting import Cast, Utterance, Voice
from fastdiar.plugins.datasets.conversation.performance import perform
from fastdiar.plugins.datasets.conversation.turn_taking import Rhythm, Slot, draw_slots, interrupted, learn_rhythms
from fastdiar.plugins.datasets.conversation.voices import make_tape

COLUMNS = ("path", "corpus", "speaker", "session", "seconds")
SECONDS_EACH = 12.0
"""A meeting has at least this long for each person, or some would never speak."""
LEAST_SPEECH = 3.0
"""Seconds that each person of a meeting speaks, where some tries find such a meeting."""
LEVEL, PEAK = -26.0, 0.8
"""Speech in a meeting is this loud (dB below full scale), unless its highest sample would pass the peak."""
BACKGROUND = (35.0, 50.0)
"""Decibels of speech over the hiss that every meeting has."""


def _above_zero(instance: object, attribute: attrs.Attribute, value: tuple[float, float]) -> None:
    if not value[0] > 0:
        raise ValueError(f"must be above 0: {list(value)}")


SPAN = [checks.ordered, _above_zero]


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of meeting: how many, and what they are like."""

    meetings: int = field(default=10, validator=validators.ge(1), metadata={"help": "how many of them"})
    people: tuple[int, int] = field(default=(2, 5), validator=SPAN, metadata={"help": "fewest and most people in one"})
    seconds: tuple[float, float] = field(default=(60.0, 180.0), validator=SPAN, metadata={"help": "shortest and longest"})
    repeats: float = field(
        default=2.0,
        validator=validators.gt(0),
        metadata={"help": "one is at most so many times as long as the recordings there are of its people"},
    )
    one_corpus: bool = field(default=False, metadata={"help": "people of one corpus, each in one session, as on a real call"})
    room: float = field(default=0.0, validator=checks.share, metadata={"help": "share of them held in a room with echoes"})
    noise: float = field(default=0.0, validator=checks.share, metadata={"help": "share of them with noise"})
    telephone: float = field(default=0.0, validator=checks.share, metadata={"help": "share of them held over the telephone"})
    silence: float = field(
        default=0.0,
        validator=[validators.ge(0), validators.lt(1)],
        metadata={"help": "most of a meeting in which nobody speaks, in one"},
    )


@attrs.frozen(kw_only=True)
class ConversationConfig:
    """`use = "conversation"`: where voices, rhythms, rooms and noises come from, and which kinds of meetings to make of them."""

    rhythms: Path = field(metadata={"help": "a folder of RTTM files to learn turn-taking from"})
    table: Path | None = field(
        default=None,
        metadata={"help": f"a .tsv or .csv table with the columns {', '.join(COLUMNS)}; paths relative to its folder"},
    )
    voices: Mapping[str, Part] = field(
        factory=dict, metadata={"help": "named datasets of single speakers, beside or instead of the table", "kind": "dataset"}
    )
    speakers: Path | None = field(default=None, metadata={"help": "a text file of the speakers to take, one a line; none: all"})
    exclude_corpora: tuple[str, ...] = field(default=(), metadata={"help": "values of the column `corpus` to leave out"})
    least_seconds: float = field(
        default=12.0, validator=validators.gt(0), metadata={"help": "of recordings that a voice must have"}
    )
    rooms: Path | None = field(
        default=None,
        metadata={"help": "a folder of measured room responses (room_*.wav) for half of the rooms; the others are drawn"},
    )
    noises: Path | None = field(default=None, metadata={"help": "a folder of folders of clips, one for each kind of noise"})
    snr: tuple[float, float] = field(
        default=(10.0, 30.0), validator=checks.ordered, metadata={"help": "of speech over noise (dB)"}
    )
    level: float = field(
        default=6.0, validator=validators.ge(0), metadata={"help": "a person is up to so much louder or softer (dB)"}
    )
    kinds: dict[str, Kind] = field(factory=lambda: {"meeting": Kind()}, metadata={"help": "the kinds of meetings, by name"})
    seed: int = field(default=0, validator=validators.ge(0), metadata={"help": "of everything that is drawn"})


@attrs.frozen(eq=False)
class Meeting:
    """A simulated meeting: `samples` float32 `[samples]` at 16 kHz, and who truly speaks when."""

    samples: np.ndarray
    turns: tuple[Turn, ...]


@attrs.frozen
class _Plan:
    """What a meeting will be; `seed` draws the rest."""

    kind: str
    voices: tuple[Voice, ...]
    seconds: float
    room: bool
    noise: bool
    telephone: bool
    silence: float
    seed: tuple[int, ...]


@attrs.frozen
class Planned(Entry):
    """A meeting to be made; its path is no file, but says of whose voices: two are the same where keys and paths are."""

    plan: _Plan = field(kw_only=True, repr=False)


class Conversation(Dataset):
    """Simulated meetings. The same seed gives the same meetings, each of which can be made alone."""

    config_class: ClassVar[type] = ConversationConfig
    config: ConversationConfig

    def __init__(self, config: ConversationConfig) -> None:
        super().__init__(config)
        self._turns: dict[str, tuple[Turn, ...]] = {}

    def entries(self) -> list[Entry]:
        """One entry a meeting, with its kind and its number of people as labels; raises `DataError` and `FormatError`."""
        cast = Cast(self._utterances(), self.config.least_seconds)
        return [
            _entry(f"{name}_{number:0{len(str(kind.meetings - 1))}d}", _plan(name, kind, cast, (self.config.seed, place, number)))
            for place, (name, kind) in enumerate(self.config.kinds.items())
            for number in range(kind.meetings)
        ]

    def load(self, entry: Entry) -> np.ndarray:
        """A meeting's sound, float32 `[samples]` at 16 kHz; raises `AudioError`."""
        return self.meeting(entry).samples

    def turns(self, entry: Entry) -> tuple[Turn, ...]:
        """Who really speaks when in one meeting (seconds): known once all have spoken, before room and noise are made."""
        assert isinstance(entry, Planned)
        if entry.key not in self._turns:
            self._perform(entry, np.random.default_rng(entry.plan.seed))
        return self._turns[entry.key]

    def meeting(self, entry: Entry) -> Meeting:
        """A meeting's sound with its reference turns."""
        assert isinstance(entry, Planned)
        plan = entry.plan
        random = np.random.default_rng(plan.seed)
        dry = self._perform(entry, random)
        gains = 10 ** (random.uniform(-self.config.level, self.config.level, len(dry)) / 20)
        heard = self._in_room(dry, random) if plan.room else dry
        sound = gains @ heard
        sound /= _rms(sound[dry.any(axis=0)])
        sound += self._background(plan, len(sound), random)
        sound *= min(10 ** (LEVEL / 20), PEAK / np.abs(sound).max())
        sound = acoustics.over_telephone(sound) if plan.telephone else sound
        return Meeting(sound.astype(np.float32), self._turns[entry.key])

    def _perform(self, entry: Planned, random: np.random.Generator) -> np.ndarray:
        """Everybody's speech, float32 `[people, samples]`; remembers the turns."""
        plan = entry.plan
        slots = self._slots(plan, random)
        tapes = [make_tape(voice, random) for voice in plan.voices]
        names = [voice.speaker for voice in plan.voices]
        dry, self._turns[entry.key] = perform(slots, tapes, names, round(plan.seconds * RATE))
        return dry

    def _utterances(self) -> Iterator[Utterance]:
        """What the table and the datasets hold of speakers who may take part."""
        config = self.config
        if config.table is None and not config.voices:
            raise DataError("no voices to make meetings of: give a table, or datasets of single speakers in voices.NAME")
        wanted = None if config.speakers is None else set(read_names(config.speakers))
        for each in chain(_of_table(config.table) if config.table else (), *map(_of_dataset, config.voices.items())):
            if each.speaker and each.corpus not in config.exclude_corpora and (wanted is None or each.speaker in wanted):
                yield each

    @cached_property
    def _rhythms(self) -> list[Rhythm]:
        return learn_rhythms(self.config.rhythms)

    def _slots(self, plan: _Plan, random: np.random.Generator) -> list[Slot]:
        """Turns in which everyone speaks for a while; the last try counts."""
        people = len(plan.voices)
        for _ in range(50):
            slots = draw_slots(self._rhythms[random.integers(len(self._rhythms))], people, plan.seconds - plan.silence, random)
            spoken: Counter[int] = Counter()
            for slot in slots:
                spoken[slot.person] += slot.end - slot.start
            if all(spoken[person] >= LEAST_SPEECH for person in range(people)):
                break
        return interrupted(slots, plan.silence, random) if plan.silence else slots

    def _in_room(self, dry: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Tracks `[people, samples]` as heard in one room, everyone in another place."""
        measured = [] if self.config.rooms is None else sorted(self.config.rooms.glob("room_*.wav"))
        if self.config.rooms and not measured:
            raise DataError(f"{self.config.rooms}: expected room responses (room_*.wav), found none")
        if measured and random.random() < 0.5:
            room = acoustics.measured_room(measured[random.integers(len(measured))])
        else:
            room = acoustics.drawn_room(random)
        return np.stack([acoustics.heard_in(track, acoustics.position(room, random)) for track in dry])

    def _background(self, plan: _Plan, samples: int, random: np.random.Generator) -> np.ndarray:
        """Hiss, and noise where it is planned, for speech with an RMS of 1."""
        background = acoustics.hiss(samples, random) * 10 ** (-random.uniform(*BACKGROUND) / 20)
        if plan.noise and self.config.noises:
            kinds = [clips for folder in sorted(self.config.noises.glob("*/")) if (clips := _recordings(folder))]
            if not kinds:
                raise DataError(f"{self.config.noises}: expected a folder of clips for each kind of noise, found none")
            bed = acoustics.noise_bed(kinds[random.integers(len(kinds))], samples, random)
            background += bed / _rms(bed[bed != 0]) * 10 ** (-random.uniform(*self.config.snr) / 20)
        return background


def _of_table(table: Path) -> Iterator[Utterance]:
    for line, row in enumerate(read_manifest(table, COLUMNS), start=2):
        try:
            seconds = float(row["seconds"] or 0)
        except ValueError:
            raise FormatError(f"{table}:{line}: seconds is '{row['seconds']}': expected a number") from None
        yield Utterance(partial(audio.read, table.parent / row["path"]), row["corpus"], row["speaker"], row["session"], seconds)


def _of_dataset(named: tuple[str, Part]) -> Iterator[Utterance]:
    """A dataset's utterances; where it does not tell how long they are, their headers do."""
    name, part = named
    dataset: Dataset = part.build()
    for entry in dataset.entries():
        corpus, speaker, session = (entry.labels.get(label, "") for label in ("corpus", "speaker", "session"))
        try:
            seconds = entry.seconds or audio.length(entry.path) - entry.start
        except AudioError:
            continue
        yield Utterance(partial(dataset.load, entry), corpus or name, speaker, session, seconds)


def _entry(key: str, plan: _Plan) -> Planned:
    labels = {"kind": plan.kind, "people": str(len(plan.voices))}
    voices = "+".join(f"{voice.speaker} {voice.seconds:.2f} s" for voice in plan.voices)
    return Planned(key, Path(voices), labels, seconds=plan.seconds, plan=plan)


def _plan(name: str, kind: Kind, cast: Cast, seed: tuple[int, ...]) -> _Plan:
    random = np.random.default_rng((*seed, 0))
    people = int(random.integers(kind.people[0], kind.people[1] + 1))
    voices = cast.choose(people, kind.one_corpus, random)
    seconds = max(random.uniform(*kind.seconds), people * SECONDS_EACH)
    seconds = round(min(seconds, kind.repeats * sum(voice.seconds for voice in voices)), 1)
    room, noise, telephone = (bool(random.random() < share) for share in (kind.room, kind.noise, kind.telephone))
    silence = seconds * random.uniform(0, kind.silence)
    return _Plan(name, voices, seconds, room, noise, telephone, silence, (*seed, 1))


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in audio.SUFFIXES)


def _rms(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(sound**2)))
