"""How well people who were enrolled are named in meetings, by threshold: `python benchmarks/known_voices.py DATA`.

DATA is a folder with MANIFEST.tsv (columns path, corpus, speaker, session, seconds), split_dev.txt (the speakers to measure on)
and what recipes/devset.toml makes meetings with.
Speakers with several recordings are enrolled with half of them (other sessions, where there are several) and speak the other half
in simulated meetings; who has less than that is a stranger there.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

import attrs
import numpy as np
from scipy.optimize import linear_sum_assignment

from fastdiar.core.manifest import read_manifest, read_names, write_manifest
from fastdiar.core.types import RATE, Diarization, Turn
from fastdiar.core.voices import KnownVoices
from fastdiar.diarization.diarizer import Diarizer, load
from fastdiar.diarization.enrolment import enroll
from fastdiar.diarization.voices import named
from fastdiar.recipe import read_data, read_recipe

RECIPE = Path(__file__).parents[1] / "recipes" / "devset.toml"
EXCLUDED = ("klettres", "fsdd", "asterisk", "misc_samples")
LEAST = 9.0
"""Seconds of recordings for each half."""
THRESHOLDS = np.arange(0.30, 0.701, 0.025)

Row = dict[str, str]


@attrs.frozen(eq=False)
class Meeting:
    """What was found in a meeting, and who each person found truly is: the speaker they share most time with."""

    found: Diarization
    truth: dict[str, str]


def main() -> None:
    """Enrol, simulate, diarize, and print a line for each threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="quality")
    parser.add_argument("--seed", default="11")
    asked = parser.parse_args()
    diarizer = load(asked.model)
    enrolled, spoken = halves(asked.data)
    known = enroll(diarizer, {name: [asked.data / row["path"] for row in rows] for name, rows in enrolled.items()}, print)
    meetings = list(heard(diarizer, asked.data, spoken, asked.seed))
    print(f"{asked.model}: {len(known.voices)} people enrolled, {len(meetings)} meetings")
    print_pairs(known, meetings)
    print_names(known, meetings)


def halves(data: Path) -> tuple[dict[str, list[Row]], list[Row]]:
    """Recordings to enrol each speaker with, and all the others."""
    listed, speakers = set(read_names(data / "split_dev.txt")), defaultdict(list)
    for row in read_manifest(data / "MANIFEST.tsv", ("path", "corpus", "speaker", "session", "seconds")):
        if row["speaker"] in listed and row["corpus"] not in EXCLUDED:
            speakers[row["speaker"]].append(row)
    enrolled, spoken = {}, []
    for speaker, rows in speakers.items():
        groups = {row["session"] for row in rows}
        key = "session" if len(groups) > 1 else "path"
        first = set(sorted({row[key] for row in rows})[::2])
        one, other = ([row for row in rows if (row[key] in first) == mine] for mine in (True, False))
        if min(seconds(one), seconds(other)) >= LEAST:
            enrolled[speaker] = one
            spoken += other
        else:
            spoken += rows
    return enrolled, spoken


def seconds(rows: list[Row]) -> float:
    """Of all of them together."""
    return sum(float(row["seconds"]) for row in rows)


def heard(diarizer: Diarizer, data: Path, spoken: list[Row], seed: str):
    """Simulated meetings, diarized."""
    with tempfile.TemporaryDirectory() as folder:
        for corpus in {Path(row["path"]).parts[0] for row in spoken}:
            Path(folder, corpus).symlink_to((data / corpus).resolve())
        write_manifest(Path(folder, "meet.tsv"), list(spoken[0]), spoken)
        places = {"table": Path(folder, "meet.tsv"), "speakers": data / "split_dev.txt", "noises": data / "noise"}
        places |= {"rooms": data / "rir", "rhythms": data / "ami" / "setup" / "only_words" / "rttms" / "train"}
        values = [f"data.dev.{name}={path.resolve()}" for name, path in places.items()]
        recipe = read_recipe(RECIPE, [*values, f"data.dev.seed={seed}", f"data.dev.least_seconds={LEAST}"])
        dataset, entries = read_data(recipe, "dev")
        for entry in entries:
            meeting = dataset.meeting(entry)
            found = diarizer(meeting.samples, RATE, uri=entry.key)
            yield Meeting(found, truth(found, meeting.turns))


def truth(found: Diarization, reference: tuple[Turn, ...]) -> dict[str, str]:
    """Who each person found is, by the time shared: one to one; who shares none is nobody."""
    people, names = found.speakers, sorted({turn.speaker for turn in reference})
    shared = np.zeros((len(people), len(names)))
    for one in found.turns:
        for other in reference:
            both = min(one.end, other.end) - max(one.start, other.start)
            shared[people.index(one.speaker), names.index(other.speaker)] += max(both, 0)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    return {people[row]: names[column] for row, column in zip(rows, columns, strict=True) if shared[row, column] > 0}


def print_pairs(known: KnownVoices, meetings: list[Meeting]) -> None:
    """Each person found against each person enrolled."""
    same, different = [], []
    for meeting in meetings:
        for name, voice in meeting.found.voices.items():
            for person in known.voices:
                score = float(voice.vector @ np.array(person.vector))
                (same if meeting.truth.get(name) == person.name else different).append(score)
    one, other = np.array(same), np.array(different)
    print(f"pairs: {len(one)} of one person, {len(other)} of two\nthreshold  false reject %  false accept %")
    for threshold in THRESHOLDS:
        print(f"{threshold:9.3f}  {100 * np.mean(one < threshold):14.1f}  {100 * np.mean(other >= threshold):14.2f}")


def print_names(known: KnownVoices, meetings: list[Meeting]) -> None:
    """What people found are called, where everybody enrolled is known at once."""
    enrolled = {voice.name for voice in known.voices}
    truths = [meeting.truth.get(name) for meeting in meetings for name in meeting.found.voices]
    members, strangers = sum(each in enrolled for each in truths), sum(each not in enrolled for each in truths)
    print(f"people found: {members} enrolled, {strangers} not\nthreshold  rightly named %  wrongly named %  strangers named %")
    for threshold in THRESHOLDS:
        right = wrong = stranger = 0
        for meeting in meetings:
            called = zip(meeting.found.voices, named(meeting.found, known, threshold).voices, strict=True)
            for before, after in called:
                who = meeting.truth.get(before)
                right += after == who
                wrong += after != who and after in enrolled and who in enrolled
                stranger += after in enrolled and who not in enrolled
        print(
            f"{threshold:9.3f}  {100 * right / members:15.1f}  {100 * wrong / members:15.1f}  {100 * stranger / strangers:17.1f}"
        )


if __name__ == "__main__":
    main()
