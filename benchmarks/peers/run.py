"""Diarize the same recordings with fastdiar and its peers, one after another, one thread each, and print one table.

    python benchmarks/peers/run.py --set NAME AUDIO REFERENCES [--set …] [--systems fastdiar senko …] -o FOLDER

AUDIO is a folder of 16 kHz mono wav or flac files, or a pattern such as 'devset/rooms_*.flac'; REFERENCES a folder of RTTM
and, where only a part is to be scored, UEM files, both found by the recordings' names (up to their first dot). Sets called
"devset/rooms" and "devset/calls" also get a row for all of "devset". DER is strict: collar 0, overlap scored, files pooled.
What FOLDER/SYSTEM/SET holds already is scored again, not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import attrs
from install import HERE, python_of
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate

from fastdiar.core.formats import read_rttm, read_uem
from fastdiar.core.types import Turn

SYSTEMS = ("fastdiar", "senko", "sherpa", "pyannote")
PARTS = ("missed detection", "false alarm", "confusion")


@attrs.frozen
class Files:
    """One set of recordings with their references."""

    name: str
    audio: tuple[Path, ...]
    references: Path


@attrs.frozen
class Row:
    """One system on one set: shares of the reference's speech (%), of recordings with the right number of people (%), costs."""

    files: str
    system: str
    recordings: int
    der: float
    missed: float
    false_alarm: float
    confusion: float
    exact_count: float
    count_error: float
    cpu_per_audio: float
    startup_cpu_seconds: float
    peak_megabytes: float


def main() -> None:
    """Run, score, print and save."""
    options = _options()
    sets = [_files(*given) for given in options.set]
    rows = []
    for system in options.systems:
        for files in sets:
            _run(system, files, options.output / system / files.name, options.models)
    for group in _groups(sets):
        for system in options.systems:
            rows.append(_score(group, system, options.output))
    text = _table(rows)
    print(text)
    (options.output / "table.md").write_text(text + "\n")
    (options.output / "table.json").write_text(json.dumps([attrs.asdict(row) for row in rows], indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", nargs=3, action="append", required=True, metavar=("NAME", "AUDIO", "REFERENCES"))
    parser.add_argument("--systems", nargs="+", default=SYSTEMS, choices=SYSTEMS)
    parser.add_argument("--models", type=Path, default=HERE.parents[2] / "shared" / "teachers", help="the teachers' networks")
    parser.add_argument("-o", "--output", type=Path, required=True)
    return parser.parse_args()


def _files(name: str, audio: str, references: str) -> Files:
    place = Path(audio)
    listed = place.rglob("*") if place.is_dir() else place.parent.glob(place.name)
    found = sorted(path.resolve() for path in listed if path.suffix in (".flac", ".wav"))
    if not found:
        raise SystemExit(f"{audio}: no wav or flac files there")
    return Files(name, tuple(found), Path(references))


def _groups(sets: list[Files]) -> Iterable[tuple[str, list[Files]]]:
    """Each set, and the sets with one name before a slash together."""
    for files in sets:
        yield files.name, [files]
    for group in dict.fromkeys(files.name.split("/")[0] for files in sets if "/" in files.name):
        yield group, [files for files in sets if files.name.startswith(f"{group}/")]


def _run(system: str, files: Files, output: Path, models: Path) -> None:
    if (output / "report.json").exists():
        return
    output.mkdir(parents=True, exist_ok=True)
    job = output / "job.json"
    job.write_text(
        json.dumps({"audio": list(map(str, files.audio)), "output": str(output.resolve()), "models": str(models.resolve())})
    )
    print(f"{system} on {files.name}", file=sys.stderr, flush=True)
    python = sys.executable if system == "fastdiar" else python_of(system)
    with (output / "log.txt").open("w") as log:
        done = subprocess.run([python, HERE / "drivers" / f"drive_{system}.py", job], stderr=log, stdout=log, env=os.environ)
    if done.returncode:
        raise SystemExit(f"{system} failed on {files.name}: see {output / 'log.txt'}")


def _score(group: tuple[str, list[Files]], system: str, output: Path) -> Row:
    name, sets = group
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    counts, reports = [], []
    for files in sets:
        folder = output / system / files.name
        reports.append(json.loads((folder / "report.json").read_text()))
        for path in files.audio:
            reference, scored = _reference(files.references, path.stem.split(".")[0])
            found = _annotation(read_rttm(folder / f"{path.stem}.rttm").get(path.stem, []))
            if scored is not None:
                found = found.crop(scored)
            metric(reference, found, uem=scored or Timeline([reference.get_timeline().extent() | found.get_timeline().extent()]))
            counts.append(len(found.labels()) - len(reference.labels()))
    speech = metric.accumulated_["total"] or math.nan  # nobody speaks: there is no error rate
    missed, false_alarm, confusion = (100 * metric.accumulated_[part] / speech for part in PARTS)
    costs = [file for report in reports for file in report["files"].values()]
    return Row(
        files=name,
        system=system,
        recordings=len(counts),
        der=100 * abs(metric),
        missed=missed,
        false_alarm=false_alarm,
        confusion=confusion,
        exact_count=100 * counts.count(0) / len(counts),
        count_error=sum(map(abs, counts)) / len(counts),
        cpu_per_audio=sum(file["cpu_seconds"] for file in costs) / sum(file["audio_seconds"] for file in costs),
        startup_cpu_seconds=max(report["startup_cpu_seconds"] for report in reports),
        peak_megabytes=max(report["peak_megabytes"] for report in reports),
    )


def _reference(folder: Path, uri: str) -> tuple[Annotation, Timeline | None]:
    """The turns of a recording, and what of it is scored (None: all)."""
    rttm, uem = (next(iter(sorted(folder.rglob(f"{uri}.{suffix}"))), None) for suffix in ("rttm", "uem"))
    if rttm is None:
        raise SystemExit(f"{folder}: no {uri}.rttm there")
    scored = None if uem is None else Timeline([Segment(*stretch) for stretch in read_uem(uem).get(uri, [])])
    reference = _annotation(read_rttm(rttm).get(uri, []))
    return (reference if scored is None else reference.crop(scored)), scored


def _annotation(turns: list[Turn]) -> Annotation:
    annotation = Annotation()
    for number, turn in enumerate(turns):
        annotation[Segment(turn.start, turn.end), number] = turn.speaker
    return annotation


def _table(rows: list[Row]) -> str:
    heading = ("set", "system", "files", "DER", "missed", "false alarm", "confusion", "count right", "count off by")
    costs = ("CPU s / audio s", "start-up CPU s", "memory MB")
    lines = [" | ".join((*heading, *costs)), " | ".join(["---"] * 2 + ["---:"] * 10)]
    for row in rows:
        shares = (row.der, row.missed, row.false_alarm, row.confusion)
        figures = (
            str(row.recordings),
            *(f"{share:.1f}" for share in shares),
            f"{row.exact_count:.0f} %",
            f"{row.count_error:.1f}",
        )
        cost = (f"{row.cpu_per_audio:.4f}", f"{row.startup_cpu_seconds:.1f}", f"{row.peak_megabytes:.0f}")
        lines.append(" | ".join((row.files, row.system, *figures, *cost)))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    main()
