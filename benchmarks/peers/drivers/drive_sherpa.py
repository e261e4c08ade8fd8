"""sherpa-onnx with its default settings, on the two teachers."""

from __future__ import annotations

from pathlib import Path

import protocol
import sherpa_onnx


def prepare(models: Path) -> protocol.Diarize:
    """Its documented example, one thread a network."""
    segmentation = sherpa_onnx.OfflineSpeakerSegmentationPyannoteModelConfig(model=str(models / "segmentation_3.onnx"))
    diarizer = sherpa_onnx.OfflineSpeakerDiarization(
        sherpa_onnx.OfflineSpeakerDiarizationConfig(
            segmentation=sherpa_onnx.OfflineSpeakerSegmentationModelConfig(pyannote=segmentation, num_threads=1),
            embedding=sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(models / "campplus_192.onnx"), num_threads=1),
            clustering=sherpa_onnx.FastClusteringConfig(),
        )
    )

    def diarize(samples: protocol.np.ndarray) -> protocol.Turns:
        found = diarizer.process(samples).sort_by_start_time()
        return [(turn.start, turn.end, f"speaker_{turn.speaker:02d}") for turn in found]

    return diarize


if __name__ == "__main__":
    protocol.main(prepare)
