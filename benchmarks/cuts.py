"""How much of CAM++ can be cut away before any training: `python benchmarks/cuts.py SHARED`.

SHARED holds `teachers/campplus_192.onnx` and `data/` with MANIFEST.tsv and its split lists. Each cut starts from the whole
network's weights, as a training with the encoder `campplus` would, with the whole network's last layer on top. Equal error
rate over all pairs of 2 s clips of speechocean762's development voices; cost of the encoder for 3 s, in torch, one thread.
"""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.utils.benchmark import Timer
from torch.utils.flop_counter import FlopCounterMode

from fastdiar.core.audio import read
from fastdiar.core.manifest import read_manifest, read_names
from fastdiar.core.types import RATE
from fastdiar.evaluation.detection import Trials, rates
from fastdiar.plugins.encoders.campplus import CamPlusPlus, CamPlusPlusConfig

CLIP = 2 * RATE
CUTS = [
    ((2, 2), 1, (12, 24, 16)),
    ((2, 2), 1, (12, 8)),
    ((2, 2), 2, (12, 24, 16)),
    ((2, 2), 2, (12, 8)),
    ((2, 2), 2, (8, 4)),
    ((2, 1), 2, (12, 8)),
    ((1, 2), 2, (12, 8)),
    ((1, 1), 1, (12, 8)),
    ((1, 1), 2, (12, 8)),
]
"""Residual blocks, stride, dense layers; the first is the whole network."""


def main(shared: Path) -> None:
    torch.manual_seed(0)
    teacher = shared / "teachers/campplus_192.onnx"
    last = _last_layer(teacher)
    training, development = (set(read_names(shared / f"data/split_{part}.txt")) for part in ("train", "dev"))
    rows = read_manifest(shared / "data/MANIFEST.tsv")
    calibration = torch.stack([clip for _, clip in islice(_clips(shared / "data", rows[::9], training), 128)])
    speakers, clips = zip(
        *_clips(shared / "data", [row for row in rows if row["corpus"] == "speechocean762"], development), strict=True
    )
    table = Table("residual", "stride", "layers", "M parameters", "GMAC for 3 s", "ms for 3 s", "EER %")
    for residual, stride, layers in CUTS:
        encoder = CamPlusPlus(CamPlusPlusConfig(residual=residual, stride=stride, layers=layers, start=teacher)).eval()
        encoder.begin(calibration, _lengths(calibration))
        common = last(_frames(encoder, calibration)).mean(0)
        voices = last(_frames(encoder, torch.stack(clips))) - common
        parameters = sum(parameter.numel() for parameter in encoder.parameters()) / 1e6
        error = 100 * _equal_error_rate(voices, np.array(speakers))
        cost = f"{parameters:.2f}", f"{_macs(encoder) / 1e9:.2f}", f"{_milliseconds(encoder):.1f}"
        table.add_row(str(residual), str(stride), str(layers), *cost, f"{error:.1f}")
    Console().print(table)


def _clips(data: Path, rows: list[dict[str, str]], speakers: set[str]):
    """Each row's speaker with the clips of 2 s in it."""
    for row in rows:
        if row["speaker"] in speakers:
            samples = torch.from_numpy(read(data / row["path"]))
            yield from ((row["speaker"], clip) for clip in samples.split(CLIP) if len(clip) == CLIP)


def _last_layer(teacher: Path):
    """Mean and deviation of frames `[clips, frames, 512]`, the whole network's last layer and norm: `[clips, 192]`."""
    arrays = {item.name: torch.from_numpy(numpy_helper.to_array(item).copy()) for item in onnx.load(teacher).graph.initializer}
    weight = arrays["xvector.dense.linear.weight"][:, :, 0]
    mean, variance = (arrays[f"xvector.dense.nonlinear.0.running_{name}"] for name in ("mean", "var"))
    return lambda frames: (torch.cat((frames.mean(1), frames.std(1)), 1) @ weight.T - mean) / (variance + 1e-5).sqrt()


def _lengths(clips: Tensor) -> Tensor:
    return torch.full((len(clips),), clips.shape[1])


@torch.no_grad()
def _frames(encoder: CamPlusPlus, clips: Tensor) -> Tensor:
    return torch.cat([encoder(part, _lengths(part))[0] for part in clips.split(32)])


def _macs(encoder: CamPlusPlus) -> int:
    clip = torch.zeros(1, 3 * RATE)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder(clip, _lengths(clip))
    return counter.get_total_flops() // 2


def _milliseconds(encoder: CamPlusPlus) -> float:
    clip = torch.randn(1, 3 * RATE)
    with torch.inference_mode():
        timer = Timer(
            "encoder(clip, lengths)", globals={"encoder": encoder, "clip": clip, "lengths": _lengths(clip)}, num_threads=1
        )
        return 1000 * timer.blocked_autorange(min_run_time=5).median


def _equal_error_rate(voices: Tensor, speakers: np.ndarray) -> float:
    unit = torch.nn.functional.normalize(voices, dim=1)
    pairs = np.stack(np.triu_indices(len(unit), 1), axis=1)
    scores = (unit @ unit.T).numpy()[pairs[:, 0], pairs[:, 1]]
    return rates(Trials(scores, speakers[pairs[:, 0]] == speakers[pairs[:, 1]], speakers[pairs])).eer


if __name__ == "__main__":
    main(Path(sys.argv[1]))
