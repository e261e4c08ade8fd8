"""sherpa-onnx's embeddings, by CAM++."""

from __future__ import annotations

from pathlib import Path

import sherpa_onnx
import voice


def prepare(models: Path) -> voice.Hear:
    """Its documented example, one thread."""
    config = sherpa_onnx.SpeakerEmbeddingExtractorConfig(model=str(models / "campplus_192.onnx"), num_threads=1)
    extractor = sherpa_onnx.SpeakerEmbeddingExtractor(config)

    def hear(samples: voice.np.ndarray) -> voice.np.ndarray:
        stream = extractor.create_stream()
        stream.accept_waveform(voice.RATE, samples)
        stream.input_finished()
        return voice.np.array(extractor.compute(stream))

    return hear


if __name__ == "__main__":
    voice.main(prepare)
