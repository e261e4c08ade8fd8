"""Recurrent layers that export: each is one ONNX operator, for clips of any length."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn

from fastdiar.core.layers import keep_valid

Cell = Literal["gru", "lstm"]

GATES = {"GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}
"""Where torch keeps the gates that ONNX wants in order: update, reset, new; input, output, forget, cell."""
WEIGHTS, BIASES = ("weight_ih_l0", "weight_hh_l0"), ("bias_ih_l0", "bias_hh_l0")


class BothWays(nn.Module):
    """Two one-way GRUs (Cho et al., 2014) or LSTMs (Hochreiter and Schmidhuber, 1997), one hearing each clip backwards.

    `[batch, frames, dim]` → `[batch, frames, 2 * hidden]`. Each clip is turned round within its own length, so the backward
    one starts at its last frame and not in its padding; packed sequences do the same but do not export to ONNX.
    """

    def __init__(self, dim: int, hidden: int, cell: Cell = "gru") -> None:
        super().__init__()
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.ahead = kind(dim, hidden, batch_first=True)
        self.back = kind(dim, hidden, batch_first=True)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, frames, dim]`, `[batch]` → `[batch, frames, 2 * hidden]`; frames past a clip's length are zero."""
        if torch.onnx.is_in_onnx_export():
            return _onnx_both(self.ahead, self.back, frames)
        back = turned_round(self.back(turned_round(frames, lengths))[0], lengths)
        both = torch.cat((self.ahead(frames)[0], back), dim=-1)
        return keep_valid(both.transpose(1, 2), lengths).transpose(1, 2)

    @torch.no_grad()
    def take_over(self, *weights: Tensor) -> None:
        """Set the weights to those of an ONNX operator of both directions: of its input, of its state, and biases.

        Raises `ValueError` where sizes differ.
        """
        for number, layer in enumerate((self.ahead, self.back)):
            inputs, states, biases = (each[number] for each in weights)
            for name, given in zip((*WEIGHTS, *BIASES), (inputs, states, *biases.chunk(2)), strict=True):
                own, order = layer.get_parameter(name), GATES[layer.mode]
                if given.shape != own.shape:
                    raise ValueError(f"{list(given.shape)} instead of {list(own.shape)}")
                _by_gate(own, order)[list(order)] = _by_gate(given, order)


def turned_round(frames: Tensor, lengths: Tensor) -> Tensor:
    """Each clip's frames in reverse order, its padding where it was: `[batch, frames, dim]`, `[batch]` → the same shape."""
    step = torch.arange(frames.shape[1], device=frames.device)
    last = lengths[:, None] - 1
    source = torch.where(step <= last, last - step, step)
    return frames.gather(1, source[..., None].expand(-1, -1, frames.shape[2]))


def _onnx_both(ahead: nn.RNNBase, back: nn.RNNBase, frames: Tensor) -> Tensor:
    """The same as one ONNX operator, for clips without padding.

    Tracing torch's would write out each step of the example, and fix how many there are.
    """
    weights = [torch.stack([_onnx_gates(layer, name) for layer in (ahead, back)]) for name in WEIGHTS]
    biases = torch.stack([torch.cat([_onnx_gates(layer, name) for name in BIASES]) for layer in (ahead, back)])
    options: dict[str, Any] = {"hidden_size": ahead.hidden_size, "direction": "bidirectional"}
    if ahead.mode == "GRU":
        options["linear_before_reset"] = 1
    heard: Tensor = torch.onnx.ops.symbolic(
        ahead.mode,
        [frames.transpose(0, 1), *weights, biases],
        options,
        dtype=frames.dtype,
        shape=(frames.shape[1], 2, frames.shape[0], ahead.hidden_size),
    )
    return heard.permute(2, 0, 1, 3).flatten(2)


def _onnx_gates(layer: nn.RNNBase, name: str) -> Tensor:
    order = GATES[layer.mode]
    return _by_gate(layer.get_parameter(name), order)[list(order)].flatten(0, 1)


def _by_gate(weights: Tensor, gates: tuple[int, ...]) -> Tensor:
    """`[gates * hidden, …]` → `[gates, hidden, …]`, the same memory."""
    return weights.view(len(gates), -1, *weights.shape[1:])
