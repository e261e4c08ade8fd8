"""CAM++ (Wang et al., CAM++: A fast and efficient network for speaker verification, Interspeech 2023), whole or cut down.

Two-dimensional residual blocks on a spectrogram, then blocks of densely connected time-delay layers, each of which is told
what the whole clip and the seconds around it sound like. Cut down, it starts from the weights of a whole one.
"""

from __future__ import annotations

from pathlib import Path

import attrs
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import frame_count, frame_mask, keep_valid
from fastdiar.core.spectrum import LogMel
from fastdiar.core.types import RATE, Frames
from fastdiar.plugins.encoders.campplus.graft import Weights, fit_last, graft

MELS = 80
WINDOW, HOP = 400, 160
WIDTH = 32
"""Channels of the two-dimensional part; it leaves an eighth of the mel bands."""
INNER, GROWTH, CONTEXT = 128, 32, 64
"""Channels inside a dense layer, what each adds, and what its context is squeezed to."""
NARROW, WIDE = 128, 512
"""Channels that enter the first dense block, and that leave the last."""
DILATIONS = (1, 2, 2)
SEGMENT_SECONDS = 2.0
"""Stretch whose mean tells a layer what is near."""


@attrs.frozen
class CamPlusPlusConfig:
    """The published network; `residual = [1, 1]`, `stride = 2`, `layers = [12, 8]` is one of a quarter of its cost."""

    residual: tuple[int, int] = field(
        default=(2, 2), validator=checks.positive_list, metadata={"help": "residual blocks at a half and a quarter of the bands"}
    )
    stride: int = field(
        default=1,
        validator=validators.in_((1, 2)),
        metadata={"help": "spectra from one step of the residual blocks to the next; a frame lasts twice as long"},
    )
    layers: tuple[int, ...] = field(
        default=(12, 24, 16),
        validator=[checks.positive_list, validators.min_len(2), validators.max_len(3)],
        metadata={"help": "layers of each dense block"},
    )
    early: bool = field(
        default=False,
        metadata={"help": "frames end with what the dense blocks start from, 128 numbers more, for heads that judge frames"},
    )
    start: Path | None = field(
        default=None, metadata={"help": "a whole CAM++ as ONNX, whose first layers training starts from; random without"}
    )


class CamPlusPlus(Encoder):
    """`[batch, samples]` → `[batch, frames, 512]` (640 with `early`), a frame every 20 ms (40 ms with `stride = 2`)."""

    config_class = CamPlusPlusConfig

    def __init__(self, config: CamPlusPlusConfig) -> None:
        super().__init__()
        self.config = config
        self.mel = LogMel(MELS, WINDOW, HOP, kaldi=True)
        self.front = ResidualFront(config.residual, config.stride)
        hop = HOP * config.stride * 2
        self.narrow = nn.Conv1d(WIDTH * MELS // 8, NARROW, 5, 2, padding=2, bias=False)
        self.narrow_norm = nn.BatchNorm1d(NARROW)
        self.blocks = nn.ModuleList()
        channels = NARROW
        for number, layers in enumerate(config.layers):
            last = number == len(config.layers) - 1
            dilation = max(1, DILATIONS[number] // config.stride)
            out = WIDE if last else (channels + layers * GROWTH) // 2
            self.blocks.append(DenseBlock(channels, layers, dilation, out, round(SEGMENT_SECONDS * RATE / hop)))
            channels = out
        self.norm = nn.BatchNorm1d(WIDE)
        self.out = Frames(WIDE + NARROW * config.early, float(hop), (HOP - 1) / 2, WIDE if config.early else None)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, 512 or 640]`, `[batch]`; frames past a clip's length are zero."""
        x, lengths = self.mel(waveform, lengths)
        x, lengths = self.front(x, lengths)
        lengths = frame_count(lengths, 2)
        early = x = keep_valid(F.relu(self.narrow_norm(self.narrow(x))), lengths)
        for block in self.blocks:
            x = block(x, lengths)
        x = keep_valid(F.relu(self.norm(x)), lengths)
        return (torch.cat((x, early), dim=1) if self.config.early else x).transpose(1, 2), lengths

    @torch.no_grad()
    def begin(self, waveform: Tensor, lengths: Tensor) -> None:
        """Take over the weights that `start` names, with norms and last layer set on real clips; raises `ModelError`."""
        if self.config.start is None:
            return
        weights = Weights(self.config.start)
        graft(weights, self, waveform, lengths)
        if self.config != attrs.evolve(CamPlusPlusConfig(), start=self.config.start, early=self.config.early):
            whole = CamPlusPlus(CamPlusPlusConfig()).to(waveform.device)
            graft(weights, whole, waveform, lengths)
            fit_last(self, whole, waveform, lengths)


class ResidualFront(nn.Module):
    """Two-dimensional residual blocks: `[batch, 80, spectra]` → `[batch, 320, ceil(spectra / stride)]`."""

    def __init__(self, residual: tuple[int, int], stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.enter = ConvNorm(1, stride=(1, stride))
        self.layers = nn.ModuleList(
            nn.ModuleList(ResidualBlock(halve=place == 0) for place in range(blocks)) for blocks in residual
        )
        self.leave = ConvNorm(stride=(2, 1))

    def forward(self, spectra: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The blocks' output, bands and channels as one axis, and its `lengths [batch]`."""
        lengths = frame_count(lengths, self.stride)
        x = keep_valid(F.relu(self.enter(spectra[:, None])), lengths)
        for blocks in self.layers:
            for block in blocks:
                x = block(x, lengths)
        return keep_valid(F.relu(self.leave(x)), lengths).flatten(1, 2), lengths


class ConvNorm(nn.Module):
    """A two-dimensional convolution and BatchNorm."""

    def __init__(self, channels: int = WIDTH, kernel: int = 3, stride: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, WIDTH, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """`[batch, channels, bands, steps]` → `[batch, 32, …]`."""
        return self.norm(self.conv(x))


class ResidualBlock(nn.Module):
    """Two convolutions with a shortcut; `halve` leaves every second band."""

    def __init__(self, halve: bool) -> None:
        super().__init__()
        stride = (2, 1) if halve else (1, 1)
        self.first, self.second = ConvNorm(stride=stride), ConvNorm()
        self.shortcut: nn.Module = ConvNorm(kernel=1, stride=stride) if halve else nn.Identity()

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, 32, bands, steps]` → `[batch, 32, bands or half of them, steps]`."""
        inner = keep_valid(F.relu(self.first(x)), lengths)
        return keep_valid(F.relu(self.second(inner) + self.shortcut(x)), lengths)


class DenseBlock(nn.Module):
    """Layers that each hear all layers before them, then fewer channels: `[batch, channels, frames]` → `[batch, out, frames]`."""

    def __init__(self, channels: int, layers: int, dilation: int, out: int, segment: int) -> None:
        super().__init__()
        self.segment = segment
        self.layers = nn.ModuleList(DenseLayer(channels + place * GROWTH, dilation) for place in range(layers))
        self.norm = nn.BatchNorm1d(channels + layers * GROWTH)
        self.transit = nn.Conv1d(channels + layers * GROWTH, out, 1, bias=False)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, channels, frames]` → `[batch, out, frames]`."""
        for layer in self.layers:
            x = torch.cat((x, layer(x, lengths, self.segment)), dim=1)
        return self.transit(keep_valid(F.relu(self.norm(x)), lengths))


class DenseLayer(nn.Module):
    """A time-delay layer under a context-aware mask: `[batch, channels, frames]` → `[batch, 32, frames]`."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)
        self.squeeze = nn.Conv1d(channels, INNER, 1, bias=False)
        self.squeeze_norm = nn.BatchNorm1d(INNER)
        self.local = nn.Conv1d(INNER, GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.context_in = nn.Conv1d(INNER, CONTEXT, 1)
        self.context_out = nn.Conv1d(CONTEXT, GROWTH, 1)

    def forward(self, x: Tensor, lengths: Tensor, segment: int) -> Tensor:
        """`[batch, channels, frames]`, `lengths [batch]`, frames of a `segment` → `[batch, 32, frames]`."""
        inner = keep_valid(F.relu(self.squeeze_norm(self.squeeze(F.relu(self.norm(x))))), lengths)
        gate = torch.sigmoid(self.context_out(F.relu(self.context_in(_context(inner, lengths, segment)))))
        frame_gate = gate[..., None].expand(-1, -1, -1, segment).flatten(2)[..., : x.shape[-1]]
        return keep_valid(self.local(inner) * frame_gate, lengths)


def _context(x: Tensor, lengths: Tensor, segment: int) -> Tensor:
    """The clip's mean plus each segment's: `[batch, channels, frames]`, zero past the end → `[batch, channels, segments]`."""
    mask = frame_mask(lengths, x.shape[-1])[:, None].to(x.dtype)
    # Zeros fill the last segment; the share of frames that are there takes them out of its mean again.
    cells, there = (F.avg_pool1d(F.pad(each, (0, segment - 1)), segment) for each in (x, mask))
    overall = cells.sum(-1, keepdim=True) / there.sum(-1, keepdim=True).clamp(min=0.5 / segment)
    return overall + cells / there.clamp(min=0.5 / segment)
