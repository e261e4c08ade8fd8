"""LibriMix as its own scripts write it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fastdiar.core.errors import DataError
from fastdiar.plugins.datasets.librimix_csv import LibriMixCsv, LibriMixCsvConfig


@pytest.fixture
def root(tmp_path: Path, speak: Callable[..., np.ndarray]) -> Path:
    """`Libri2Mix/wav16k/min` with the subsets train-100 and dev, of four and two mixtures."""
    for subset, count in (("train-100", 4), ("dev", 2)):
        mixture, metrics = (
            ["mixture_ID,mixture_path,source_1_path,source_2_path,length"],
            ["mixture_ID,source_1_SNR,source_2_SNR"],
        )
        for take in range(count):
            name = f"{14 + take % 2}-208-000{take}_16-9-000{take}"
            voices = [speak(take % 2, 1.0, take), 0.3 * speak(2, 1.0, take)]
            for kind, sound in (("mix_clean", sum(voices)), ("s1", voices[0]), ("s2", voices[1])):
                (tmp_path / subset / kind).mkdir(parents=True, exist_ok=True)
                soundfile.write(tmp_path / subset / kind / f"{name}.wav", sound, 16_000)
            mixture.append(f"{name},/elsewhere/{name}.wav,/elsewhere/s1.wav,/elsewhere/s2.wav,16000")
            metrics.append(f"{name},{-10.0 if take == 3 else 10.0},{10.0 if take == 3 else -10.0}")
        (tmp_path / "metadata").mkdir(exist_ok=True)
        (tmp_path / "metadata" / f"mixture_{subset}_mix_clean.csv").write_text("\n".join(mixture) + "\n")
        (tmp_path / "metadata" / f"metrics_{subset}_mix_clean.csv").write_text("\n".join(metrics) + "\n")
    return tmp_path


def mixtures(root: Path, **config: Any) -> LibriMixCsv:
    return LibriMixCsv(LibriMixCsvConfig(root=root, **config))


def test_the_label_is_the_dominant_voice(root: Path) -> None:
    data = mixtures(root, subsets=("train-100",))
    entries = data.entries()
    assert [entry.labels["speaker"] for entry in entries] == ["ls14", "ls15", "ls14", "ls16"]
    assert entries[0].key == "train-100/14-208-0000_16-9-0000"
    assert entries[0].labels["people"] == "2"
    assert len(data.load(entries[0])) == 16_000
    (root / "metadata" / "metrics_train-100_mix_clean.csv").unlink()
    assert all("speaker" not in entry.labels for entry in data.entries())


def test_turns_come_from_the_single_voices(root: Path) -> None:
    data = mixtures(root)
    assert {turn.speaker for turn in data.turns(data.entries()[0])} == {"ls14", "ls16"}


def test_subsets_and_layouts_that_are_not_there(root: Path) -> None:
    assert len(mixtures(root).entries()) == 6
    with pytest.raises(
        DataError, match=r"has no subset 'train-10' \(did you mean 'train-100'\?\): expected one of dev, train-100"
    ):
        mixtures(root, subsets=("train-10",)).entries()
    with pytest.raises(DataError, match=r"holds no tables metadata/mixture_SUBSET_mix_both\.csv"):
        mixtures(root, mixture="mix_both").entries()
    with pytest.raises(DataError, match="nowhere: no such folder: root must be a folder of LibriMix"):
        mixtures(root / "nowhere").entries()


def test_a_table_cannot_lead_out_of_the_folder(root: Path) -> None:
    (root / "metadata" / "mixture_dev_mix_clean.csv").write_text("mixture_ID\n../../etc/passwd\n")
    with pytest.raises(DataError, match=r"mixture_dev_mix_clean\.csv:2: expected a mixture_ID such as"):
        mixtures(root, subsets=("dev",)).entries()
    (root / "metadata" / "metrics_train-100_mix_clean.csv").write_text(
        "mixture_ID,source_1_SNR,source_2_SNR\n14-208-0000_16-9-0000,loud,1\n"
    )
    with pytest.raises(DataError, match="gives mixture 14-208-0000_16-9-0000 the SNR 'loud': expected a number"):
        mixtures(root, subsets=("train-100",)).entries()


def test_a_network_learns_from_it(root: Path, epoch: Callable[..., dict[str, Any]]) -> None:
    table = f'use = "librimix_csv"\nroot = "{root.as_posix()}"\n'
    log = epoch(f'[data.train]\n{table}subsets = ["train-100"]\n[data.dev]\n{table}subsets = ["dev"]\n')
    assert np.isfinite([log["loss"], log["dev.loss"]]).all() and log["unreadable"] == 0


@pytest.mark.parametrize(
    ("learnt", "unreadable"), [("", 0), ('[head.activity]\nuse = "activity"\n[loss.activity]\nuse = "powerset"\n', 1)]
)
def test_a_single_voice_that_is_missing_costs_only_its_mixture_and_only_where_turns_are_learnt(
    root: Path, epoch: Callable[..., dict[str, Any]], learnt: str, unreadable: int
) -> None:
    (root / "train-100" / "s2" / "14-208-0002_16-9-0002.wav").unlink()
    log = epoch(
        f'[data.train]\nuse = "librimix_csv"\nroot = "{root.as_posix()}"\nsubsets = ["train-100"]\n'
        f"[trainer]\nmax_bad_share = 0.5\n{learnt}"
    )
    assert log["unreadable"] == unreadable
