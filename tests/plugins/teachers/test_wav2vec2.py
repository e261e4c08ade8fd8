"""wav2vec 2.0 with weights of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchaudio
from safetensors.torch import save_file
from torch import nn

from fastdiar.core.errors import TrainingError
from fastdiar.plugins.teachers.wav2vec2 import Wav2Vec2, Wav2Vec2Config


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Random weights of torchaudio's network, two layers deep to be quick."""
    whole = torchaudio.models.wav2vec2_model

    def shallow() -> nn.Module:
        extractor = {"extractor_mode": "group_norm", "extractor_conv_layer_config": None, "extractor_conv_bias": False}
        encoder = {
            "embed_dim": 24,
            "projection_dropout": 0.0,
            "pos_conv_kernel": 5,
            "pos_conv_groups": 2,
            "num_layers": 2,
            "num_heads": 2,
        }
        rest = {
            "attention_dropout": 0.0,
            "ff_interm_features": 32,
            "ff_interm_dropout": 0.0,
            "dropout": 0.0,
            "layer_norm_first": False,
        }
        names = {f"encoder_{name}": value for name, value in (encoder | rest | {"layer_norm_first": False}).items()}
        return whole(**extractor, **names, encoder_layer_drop=0.0, aux_num_out=None)

    monkeypatch.setattr(torchaudio.models, "wav2vec2_base", shallow)
    torch.manual_seed(0)
    save_file({name: tensor.contiguous() for name, tensor in shallow().state_dict().items()}, tmp_path / "w.safetensors")
    return tmp_path / "w.safetensors"


def test_it_says_embedding_and_frames_whatever_the_padding(weights: Path) -> None:
    teacher = Wav2Vec2(Wav2Vec2Config(weights=weights)).eval()
    clips = torch.randn(2, 16000, generator=torch.Generator().manual_seed(1))
    output = teacher(clips, torch.tensor([16000, 16000]))
    assert output.embedding.shape == (2, 24)
    assert output.frames.shape == (2, 49, 24)
    torch.testing.assert_close(output.embedding, output.frames.mean(1))


def test_a_file_with_something_else_in_it(tmp_path: Path, weights: Path) -> None:
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(TrainingError, match=r"other\.safetensors: is not wav2vec 2\.0 base: .*Missing key"):
        Wav2Vec2(Wav2Vec2Config(weights=tmp_path / "other.safetensors"))
    with pytest.raises(TrainingError, match=r"none\.safetensors: is not wav2vec 2\.0 base"):
        Wav2Vec2(Wav2Vec2Config(weights=tmp_path / "none.safetensors"))
