"""The recurrent layer against torch's own on packed sequences."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from fastdiar.core.recurrent import turned_round
from fastdiar.core.types import Frames
from fastdiar.plugins.temporal.bigru import BiGru, BiGruConfig


def test_it_is_torchs_bidirectional_gru_on_packed_clips() -> None:
    torch.manual_seed(0)
    block = BiGru(BiGruConfig(hidden=5), Frames(8, 32.0, 1.5)).eval()
    theirs = nn.GRU(8, 5, batch_first=True, bidirectional=True)
    ahead = dict(block.both_ways.ahead.state_dict())
    back = {f"{name}_reverse": value for name, value in block.both_ways.back.state_dict().items()}
    theirs.load_state_dict(ahead | back)
    x, lengths = torch.randn(3, 11, 8), torch.tensor([11, 6, 1])
    packed, _ = theirs(pack_padded_sequence(x, lengths, batch_first=True))
    expected, _ = pad_packed_sequence(packed, batch_first=True)
    torch.testing.assert_close(block(x, lengths), expected, atol=1e-6, rtol=0)
    assert block.out == Frames(10, 32.0, 1.5)


@given(st.lists(st.integers(0, 7), min_size=1, max_size=4))
def test_turning_round_twice_changes_nothing(lengths: list[int]) -> None:
    frames = torch.arange(len(lengths) * 7.0).reshape(len(lengths), 7, 1)
    turned = turned_round(frames, torch.tensor(lengths))
    for clip, other, length in zip(frames, turned, lengths, strict=True):
        assert other[:length].flatten().tolist() == clip[:length].flatten().tolist()[::-1]
    assert torch.equal(turned_round(turned, torch.tensor(lengths)), frames)
