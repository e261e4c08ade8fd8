"""Filters that learn where their bands lie, then two convolutions: the front end of segmentation-3.0."""

from __future__ import annotations

import math
from pathlib import Path

import attrs
import torch
import torch.nn.functional as F
from attrs import field
from torch import Tensor, nn

from fastdiar.core.errors import ModelError, needs
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import frame_mask, full_precision, keep_valid
from fastdiar.core.spectrum import hertz_of, mel_of
from fastdiar.core.types import RATE, Frames

BANDS, KERNEL, STRIDE = 40, 251, 10
LOWEST = NARROWEST = 50.0
"""Hz: no band begins lower, none is narrower."""
WIDTH, POOL = 60, 3
HOP, REACH = 270, 495
"""Samples from one frame to the next, and those that each hears to both sides of its middle."""
EPSILON = 1e-5


@attrs.frozen
class SincNetConfig:
    """The sizes are the published ones."""

    start: Path | None = field(
        default=None, metadata={"help": "segmentation-3.0 as ONNX, whose front end training starts from; random without"}
    )


class SincNet(Encoder):
    """`[batch, samples]` → `[batch, frames, 60]`, a frame every 16.9 ms.

    Ravanelli and Bengio, Speaker recognition from raw waveform with SincNet, SLT 2018, as in Bredin and Laurent, End-to-end
    speaker segmentation for overlap-aware resegmentation, Interspeech 2021. Theirs has no frames at a clip's edges, which
    would hear beyond it; here they hear silence there.
    """

    config_class = SincNetConfig

    def __init__(self, config: SincNetConfig) -> None:
        super().__init__()
        self.config = config
        self.loudness = ClipNorm(1)
        self.bands = SincBands()
        self.convolutions = nn.ModuleList(nn.Conv1d(size, WIDTH, 5) for size in (2 * BANDS, WIDTH))
        self.norms = nn.ModuleList(ClipNorm(size) for size in (2 * BANDS, WIDTH, WIDTH))
        self.out = Frames(WIDTH, float(HOP), 0.0)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, 60]`, `[batch]`; frames past a clip's length are zero."""
        x = F.pad(self.loudness(waveform[:, None], lengths), (REACH, REACH))
        x = _pooled(self.bands(x).abs())
        steps = ((lengths + 2 * REACH - KERNEL) // STRIDE + 1) // POOL
        x = F.leaky_relu(self.norms[0](x, steps))
        for convolve, norm in zip(self.convolutions, self.norms[1:], strict=True):
            steps = (steps - convolve.kernel_size[0] + 1) // POOL
            x = F.leaky_relu(norm(_pooled(convolve(x)), steps))
        return keep_valid(x, steps).transpose(1, 2), steps

    @torch.no_grad()
    def begin(self, waveform: Tensor, lengths: Tensor) -> None:
        """Take over the weights that `start` names; raises `ModelError` where it is another network."""
        if self.config.start is None:
            return
        with needs("train", "a start from an ONNX file"):
            from fastdiar.core.onnx_files import constants, read_graph
        arrays = constants(read_graph(self.config.start))
        for mine, theirs in self._published().items():
            tensor, array = self.get_parameter(mine), arrays.get(f"sincnet.{theirs}")
            if array is None or array.size != tensor.numel():
                raise ModelError(f"{self.config.start}: is not segmentation-3.0 as expected: no 'sincnet.{theirs}' of that size")
            tensor.copy_(torch.from_numpy(array).view_as(tensor))

    def _published(self) -> dict[str, str]:
        """What the published network calls each of the weights."""
        bands = {"bands.low": "conv1d.0.filterbank.low_hz_", "bands.width": "conv1d.0.filterbank.band_hz_"}
        places = {"loudness": "wav_norm1d", "convolutions.0": "conv1d.1", "convolutions.1": "conv1d.2"}
        places |= {f"norms.{number}": f"norm1d.{number}" for number in range(3)}
        return bands | {f"{mine}.{what}": f"{its}.{what}" for mine, its in places.items() for what in ("weight", "bias")}


class SincBands(nn.Module):
    """Each band's cosine and sine filter: `[batch, 1, samples]` → `[batch, 80, (samples - 251) / 10 + 1]`.

    The sine filters: Pariente et al., Filterbank design for end-to-end speech separation, ICASSP 2020.
    """

    def __init__(self) -> None:
        super().__init__()
        lowest, highest = mel_of(torch.tensor([30.0, RATE / 2 - LOWEST - NARROWEST], dtype=torch.float64)).tolist()
        edges = hertz_of(torch.linspace(lowest, highest, BANDS + 1))
        self.low = nn.Parameter(edges[:-1])
        self.width = nn.Parameter(edges.diff())
        half = KERNEL // 2
        window = 0.54 - 0.46 * torch.cos(2 * math.pi * torch.linspace(0, KERNEL / 2 - 1, half) / KERNEL)
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("time", 2 * math.pi * torch.arange(-half, 0) / RATE, persistent=False)

    def forward(self, signal: Tensor) -> Tensor:
        """Heard as precisely as it came: half precision has too few steps for frequencies."""
        with full_precision(signal):
            return F.conv1d(signal.float(), self.filters(), stride=STRIDE)

    def filters(self) -> Tensor:
        """`[80, 1, 251]`: all cosines, then all sines."""
        low = LOWEST + self.low.abs()
        high = (low + NARROWEST + self.width.abs()).clamp(LOWEST, RATE / 2)
        phases = [edge[:, None] * self.time for edge in (low, high)]
        middle = torch.ones_like(low)[:, None]
        shape = self.window / self.time / (high - low)[:, None]
        cosine = (phases[1].sin() - phases[0].sin()) * shape
        sine = (phases[0].cos() - phases[1].cos()) * shape
        cosines = torch.cat((cosine, middle, cosine.flip(1)), 1)
        return torch.cat((cosines, torch.cat((sine, 0 * middle, -sine.flip(1)), 1)))[:, None]


class ClipNorm(nn.Module):
    """Each channel's mean and variance over a clip's own steps taken out (instance norm), then a weight and a bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.full((channels,), 0.01))  # of a clip of one step nothing else is left

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """`[batch, channels, steps]`, `[batch]` in steps → the same shape; what lies past a clip's end is zero."""
        if torch.compiler.is_exporting():  # clips without padding
            return F.instance_norm(x, weight=self.weight, bias=self.bias, eps=EPSILON)
        inside = frame_mask(lengths, x.shape[-1])[:, None]
        count = lengths[:, None, None]
        x = x.float()
        centred = (x - (x * inside).sum(-1, keepdim=True) / count) * inside
        scale = (centred.square().sum(-1, keepdim=True) / count + EPSILON).rsqrt()
        return (centred * scale * self.weight[:, None] + self.bias[:, None]) * inside


def _pooled(x: Tensor) -> Tensor:
    """The largest of every three steps. Two-dimensional: torch's one-dimensional pool exports for the example's length alone."""
    return F.max_pool2d(x[:, :, None], (1, POOL))[:, :, 0]
