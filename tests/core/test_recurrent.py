"""Recurrent layers against torch's own on packed sequences, and as ONNX operators."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fastdiar.core.onnx_files import layers
from fastdiar.core.onnx_graphs import write_graphs
from fastdiar.core.recurrent import BothWays, Cell, turned_round
from fastdiar.network import Network
from fastdiar.plugins.encoders.sincnet import SincNet, SincNetConfig
from fastdiar.plugins.heads.activity import ActivityConfig, ActivityHead


@pytest.mark.parametrize(("cell", "kind"), [("gru", nn.GRU), ("lstm", nn.LSTM)])
def test_it_is_torchs_bidirectional_layer_on_packed_clips(cell: Cell, kind: type[nn.RNNBase]) -> None:
    torch.manual_seed(0)
    layer = BothWays(8, 5, cell)
    theirs = kind(8, 5, batch_first=True, bidirectional=True)
    back = {f"{name}_reverse": value for name, value in layer.back.state_dict().items()}
    theirs.load_state_dict(dict(layer.ahead.state_dict()) | back)
    x, lengths = torch.randn(3, 11, 8), torch.tensor([11, 6, 1])
    packed, _ = theirs(pack_padded_sequence(x, lengths, batch_first=True))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    torch.testing.assert_close(layer(x, lengths), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_it_is_one_operator_whose_weights_can_be_taken_over(cell: Cell, tmp_path: Path) -> None:
    torch.manual_seed(0)
    encoder = SincNet(SincNetConfig())
    head = ActivityHead(ActivityConfig(cell=cell, hidden=5, layers=1), encoder.out, ())
    write_graphs(Network(encoder, {}, None, {"activity": head}, {"activity": ()}), tmp_path, {}, "fp32", list)
    (weights,) = layers(tmp_path / "activity.onnx", cell.upper())
    other = BothWays(60, 5, cell)
    other.take_over(*map(torch.from_numpy, weights))
    for name, value in head.layers[0].state_dict().items():
        torch.testing.assert_close(other.state_dict()[name], value)
    with pytest.raises(ValueError, match=r"\[15, 60\] instead of|\[20, 60\] instead of"):
        BothWays(6, 5, cell).take_over(*map(torch.from_numpy, weights))


@given(st.lists(st.integers(0, 7), min_size=1, max_size=4))
def test_turning_round_twice_changes_nothing(lengths: list[int]) -> None:
    frames = torch.arange(len(lengths) * 7.0).reshape(len(lengths), 7, 1)
    turned = turned_round(frames, torch.tensor(lengths))
    for clip, other, length in zip(frames, turned, lengths, strict=True):
        assert other[:length].flatten().tolist() == clip[:length].flatten().tolist()[::-1]
    assert torch.equal(turned_round(turned, torch.tensor(lengths)), frames)
