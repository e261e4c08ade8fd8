"""pyannote.audio's pipeline in the settings of speaker-diarization-3.1, on the two teachers.

This is not the published system: its embedding network is CAM++ instead of the ResNet34 that 3.1 was tuned with.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import protocol

os.environ["PYANNOTE_METRICS_ENABLED"] = "0"

import onnx
import onnxruntime
import torch
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization

SETTINGS = {
    "segmentation": {"min_duration_off": 0.0},
    "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799},
}


class Segmentation(PyanNet):
    """segmentation-3.0 from its ONNX graph; the torch layers of the parent class only tell frame rates."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.specifications = Specifications(
            problem=Problem.MONO_LABEL_CLASSIFICATION,
            resolution=Resolution.FRAME,
            duration=10.0,
            classes=["speaker#1", "speaker#2", "speaker#3"],
            powerset_max_classes=2,
            permutation_invariant=True,
        )
        self.build()
        self.eval()

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(self.session.run(None, {"x": waveforms.numpy()})[0])


def prepare(models: Path) -> protocol.Diarize:
    """The pipeline with the parameters that 3.1 publishes."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="wespeaker") as folder:
        pipeline = SpeakerDiarization(
            segmentation=Segmentation(models / "segmentation_3.onnx"),
            segmentation_step=0.1,
            segmentation_batch_size=32,
            embedding=str(_renamed(models / "campplus_192.onnx", Path(folder))),
            embedding_batch_size=32,
            embedding_exclude_overlap=True,
            plda=PLDA.__new__(PLDA),  # asked for even where, as here, nothing uses it
            clustering="AgglomerativeClustering",
        ).instantiate(SETTINGS)

    def diarize(samples: protocol.np.ndarray) -> protocol.Turns:
        found = pipeline({"waveform": torch.from_numpy(samples)[None], "sample_rate": protocol.RATE}).speaker_diarization
        return [(turn.start, turn.end, speaker) for turn, _, speaker in found.itertracks(yield_label=True)]

    return diarize


def _renamed(path: Path, folder: Path) -> Path:
    """The embedding network with the input and output names that pyannote.audio expects of a WeSpeaker graph."""
    model = onnx.load(str(path))
    names = {model.graph.input[0].name: "feats", model.graph.output[0].name: "embs"}
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for value in (*model.graph.input, *model.graph.output):
        value.name = names.get(value.name, value.name)
    target = folder / "wespeaker.onnx"
    onnx.save(model, str(target))
    return target


if __name__ == "__main__":
    protocol.main(prepare)
