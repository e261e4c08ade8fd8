"""fastdiar's own datasets keep what the kit asks of everybody's, on corpora of made-up voices in their official layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar import registry
from fastdiar.core.types import RATE
from fastdiar.testing import check, voice, write_voices

pytest.importorskip("torch")

Table = dict[str, Any]


def ami(folder: Path) -> Table:
    from tests.plugins.datasets.test_ami import MEETINGS, NITE, SPOKEN, annotate

    people = '<speaker nxt_agent="A" channel="1" global_name="FEE005"/><speaker nxt_agent="B" channel="0" global_name="MEO015"/>'
    for meeting in MEETINGS[:2]:
        path = folder / "amicorpus" / meeting / "audio" / f"{meeting}.Mix-Headset.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, voice(120, 16, np.random.default_rng(0)), RATE)
        for agent, words in zip("AB", SPOKEN.values(), strict=True):
            annotate(folder / "manual", meeting, agent, words)
    (folder / "manual" / "corpusResources").mkdir()
    meetings = "".join(f'<meeting observation="{name}">{people}</meeting>' for name in MEETINGS[:2])
    (folder / "manual" / "corpusResources" / "meetings.xml").write_text(f"<nite:root {NITE}>{meetings}</nite:root>")
    return {"root": str(folder / "amicorpus"), "references": str(folder / "manual"), "subsets": ["train"]}


def conversation(folder: Path) -> Table:
    table = manifest(folder)
    said = "".join(
        f"SPEAKER m 1 {start} 3.0 <NA> <NA> {who} <NA> <NA>\n" for start, who in ((0, "a"), (2.5, "b"), (6, "a"), (9, "c"))
    )
    (folder / "m.rttm").write_text(said)
    return {
        "table": table["table"],
        "rhythms": str(folder),
        "least_seconds": 5.0,
        "kinds": {"talk": {"meetings": 2, "people": [2, 2], "seconds": [24.0, 24.0]}},
    }


def folder(folder: Path) -> Table:
    write_voices(folder)
    return {"root": str(folder)}


def joined(root: Path) -> Table:
    return {"parts": {"some": {"use": "folder"} | folder(root)}}


def lhotse(folder: Path) -> Table:
    lhotse = pytest.importorskip("lhotse")
    write_voices(folder, 2)
    recordings = [lhotse.Recording.from_file(path) for path in sorted(folder.rglob("*.wav"))]
    for number, recording in enumerate(recordings):
        recording.id = f"recording{number}"
    said = [
        lhotse.SupervisionSegment(f"said{number}", each.id, 0.0, each.duration, speaker=f"voice{number // 8}")
        for number, each in enumerate(recordings)
    ]
    cuts = lhotse.CutSet.from_manifests(
        lhotse.RecordingSet.from_recordings(recordings), lhotse.SupervisionSet.from_segments(said)
    )
    cuts.to_file(folder / "cuts.jsonl.gz")
    return {"manifest": str(folder / "cuts.jsonl.gz")}


def librimix(folder: Path) -> Table:
    return {"root": librispeech(folder)["root"]}


def librimix_csv(folder: Path) -> Table:
    rows = ["mixture_ID,mixture_path,source_1_path,source_2_path,length"]
    for take in range(4):
        name, random = f"1{take % 2}-208-000{take}_16-9-000{take}", np.random.default_rng(take)
        voices = [voice(100 + 40 * (take % 2), 1.0, random), voice(220, 1.0, random)]
        for kind, sound in (("mix_clean", sum(voices)), ("s1", voices[0]), ("s2", voices[1])):
            (folder / "dev" / kind).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / "dev" / kind / f"{name}.wav", sound, RATE)
        rows.append(f"{name},/m/{name}.wav,/m/s1.wav,/m/s2.wav,16000")
    (folder / "metadata").mkdir()
    (folder / "metadata" / "mixture_dev_mix_clean.csv").write_text("\n".join(rows) + "\n")
    return {"root": str(folder)}


def librispeech(folder: Path) -> Table:
    write_voices(folder, name="dev-clean/1{speaker}/{session}/1{speaker}-{session}-{take}.flac")
    for old, new in (("monday", "208"), ("tuesday", "209")):
        for path in sorted(folder.rglob(f"*{old}*"), reverse=True):
            path.rename(path.with_name(path.name.replace(old, new)))
    return {"root": str(folder)}


def manifest(folder: Path) -> Table:
    write_voices(folder)
    rows = ["path\tcorpus\tspeaker\tsession\tseconds"]
    for path in sorted(folder.rglob("*.wav")):
        who, session, _ = path.relative_to(folder).parts
        rows.append(f"{path.relative_to(folder)}\tmade\t{who}\t{session}\t{soundfile.info(path).duration}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    return {"table": str(folder / "table.tsv")}


def nemo(folder: Path) -> Table:
    for number, person in enumerate(("EB0", "SM0")):
        write_voices(folder, 1, name=f"{person}_anger_{{take}}.wav" if number else f"{person}_fear_{{take}}.wav")
    return {"root": str(folder)}


def ravdess(folder: Path) -> Table:
    write_voices(folder, 2, name="Actor_0{speaker}/03-01-0{take}-01-02-01-0{speaker}.wav")
    for path in sorted(folder.rglob("*.wav")):  # emotions and actors count from 1
        *numbers, actor = path.stem.split("-")
        numbers[2] = f"0{int(numbers[2]) + 1}"
        place = folder / f"Person_0{int(actor) + 1}" / f"{'-'.join(numbers)}-0{int(actor) + 1}.wav"
        place.parent.mkdir(exist_ok=True)
        path.rename(place)
    for place in sorted(folder.glob("Actor_*")):
        place.rmdir()
    for place in sorted(folder.glob("Person_*")):
        place.rename(folder / place.name.replace("Person", "Actor"))
    return {"root": str(folder)}


def rttm(folder: Path) -> Table:
    soundfile.write(folder / "call.flac", voice(120, 25, np.random.default_rng(0)), RATE)
    (folder / "call.rttm").write_text(
        "SPEAKER call 1 1 12 <NA> <NA> ann <NA> <NA>\nSPEAKER call 1 12.5 1 <NA> <NA> bob <NA> <NA>\n"
    )
    return {"root": str(folder)}


def shards(root: Path) -> Table:
    from fastdiar.core.dataset import Entry
    from fastdiar.plugins.datasets.folder import Folder, FolderConfig
    from fastdiar.preparation.shards import write_shards

    write_voices(root / "voices", name="voice{speaker}/{session}/{take}.flac")
    entries: list[Entry] = Folder(FolderConfig(root=root / "voices")).entries()
    (root / "shards").mkdir()
    write_shards(root / "shards", entries, lambda path: path, lambda entry: None, 100_000, lambda done, total: None)
    return {"root": str(root / "shards")}


def voxceleb(folder: Path) -> Table:
    write_voices(folder, name="dev/wav/id1000{speaker}/{session}/0000{take}.wav")
    return {"root": str(folder)}


CORPORA: list[Callable[[Path], Table]] = [
    ami, conversation, folder, joined, lhotse, librimix, librimix_csv, librispeech,
    manifest, nemo, ravdess, rttm, shards, voxceleb,
]  # fmt: skip


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.__name__)
def test_it_keeps_its_promises(corpus: Callable[[Path], Table], tmp_path: Path) -> None:
    check("dataset", corpus.__name__, corpus(tmp_path))


def test_every_dataset_is_tried() -> None:
    assert sorted(corpus.__name__ for corpus in CORPORA) == sorted(registry.names("dataset"))
