"""Recurrent layers that export: each is one ONNX operator, for clips of any length."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fastdiar.core.layers import keep_valid


class BothWays(nn.Module):
    """Two one-way GRUs (Cho et al., 2014), one hearing each clip backwards: `[batch, frames, dim]` → `[…, 2 * hidden]`.

    Each clip is turned round within its own length, so the backward GRU starts at its last frame and not in its padding;
    packed sequences do the same but do not export to ONNX.
    """

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.ahead = nn.GRU(dim, hidden, batch_first=True)
        self.back = nn.GRU(dim, hidden, batch_first=True)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, 2 * hidden]`; frames past a clip's length are zero."""
        ahead = _run(self.ahead, frames)
        back = turned_round(_run(self.back, turned_round(frames, lengths)), lengths)
        both = torch.cat((ahead, back), dim=-1)
        return keep_valid(both.transpose(1, 2), lengths).transpose(1, 2)


def turned_round(frames: Tensor, lengths: Tensor) -> Tensor:
    """Each clip's frames in reverse order, its padding where it was: `[batch, frames, dim]`, `[batch]` → the same shape.

    Exported graphs hear clips without padding.
    """
    if torch.compiler.is_exporting():
        return frames.flip(1)
    step = torch.arange(frames.shape[1], device=frames.device)
    last = lengths[:, None] - 1
    source = torch.where(step <= last, last - step, step)
    return frames.gather(1, source[..., None].expand(-1, -1, frames.shape[2]))


def _run(gru: nn.GRU, frames: Tensor) -> Tensor:
    """`[batch, frames, dim]` → `[batch, frames, hidden]`."""
    return _onnx_gru(gru, frames) if torch.onnx.is_in_onnx_export() else gru(frames)[0]


def _onnx_gru(gru: nn.GRU, frames: Tensor) -> Tensor:
    """The same as one ONNX operator. Tracing torch's would write out each step of the example, and fix how many there are."""
    inputs = [frames.transpose(0, 1), *(_onnx_gates(gru, name)[None] for name in ("weight_ih_l0", "weight_hh_l0"))]
    bias = torch.cat([_onnx_gates(gru, name) for name in ("bias_ih_l0", "bias_hh_l0")])[None]
    heard: Tensor = torch.onnx.ops.symbolic(
        "GRU",
        [*inputs, bias],
        {"hidden_size": gru.hidden_size, "linear_before_reset": 1},
        dtype=frames.dtype,
        shape=(frames.shape[1], 1, frames.shape[0], gru.hidden_size),
    )
    return heard[:, 0].transpose(0, 1)


def _onnx_gates(gru: nn.GRU, name: str) -> Tensor:
    """torch keeps the gates as reset, update, new; ONNX as update, reset, new."""
    reset, update, new = gru.get_parameter(name).chunk(3)
    return torch.cat((update, reset, new))
