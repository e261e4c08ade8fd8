"""CAM++ (Wang et al., CAM++: A fast and efficient network for speaker verification, Interspeech 2023), whole or cut down.

Two-dimensional residual blocks on a spectrogram, then blocks of densely connected time-delay layers, each of which is told
what the whole clip and the seconds around it sound like. Cut down, it starts from the weights of a whole one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import attrs
import numpy as np
import torch
import torch.nn.functional as F
from attrs import field, validators
from torch import Tensor, nn

from fastdiar.core import checks
from fastdiar.core.errors import TrainingError, needs
from fastdiar.core.interfaces import Encoder
from fastdiar.core.layers import frame_count, frame_mask, keep_valid
from fastdiar.core.spectrum import LogMel
from fastdiar.core.types import RATE, Frames

MELS = 80
WINDOW, HOP = 400, 160
WIDTH = 32
"""Channels of the two-dimensional part; it leaves an eighth of the mel bands."""
INNER, GROWTH, CONTEXT = 128, 32, 64
"""Channels inside a dense layer, what each adds, and what its context is squeezed to."""
NARROW, WIDE = 128, 512
"""Channels that enter the first dense block, and that leave the last."""
DILATIONS = (1, 2, 2)
RIDGE = 0.01
"""Added to the last layer's mean square when it is fitted."""
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
    start: Path | None = field(
        default=None, metadata={"help": "a whole CAM++ as ONNX, whose first layers training starts from; random without"}
    )


class CamPlusPlus(Encoder):
    """`[batch, samples]` → `[batch, frames, 512]`, a frame every 20 ms (40 ms with `stride = 2`)."""

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
        self.out = Frames(WIDE, float(hop), (HOP - 1) / 2)

    def forward(self, waveform: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """`[batch, samples]`, `[batch]` → `[batch, frames, 512]`, `[batch]`; frames past a clip's length are zero."""
        x, lengths = self.mel(waveform, lengths)
        x, lengths = self.front(x, lengths)
        lengths = frame_count(lengths, 2)
        x = keep_valid(F.relu(self.narrow_norm(self.narrow(x))), lengths)
        for block in self.blocks:
            x = block(x, lengths)
        return keep_valid(F.relu(self.norm(x)), lengths).transpose(1, 2), lengths

    @torch.no_grad()
    def begin(self, waveform: Tensor, lengths: Tensor) -> None:
        """Take over the weights that `start` names, with norms and last layer set on real clips; raises `TrainingError`."""
        if self.config.start is None:
            return
        weights = _Graft(self.config.start)
        weights.onto(self, waveform, lengths)
        if self.config != attrs.evolve(CamPlusPlusConfig(), start=self.config.start):
            whole = CamPlusPlus(CamPlusPlusConfig()).to(waveform.device)
            weights.onto(whole, waveform, lengths)
            _fit_last(self, whole, waveform, lengths)


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
        x = self.enter(spectra[:, None])
        mask = frame_mask(lengths, x.shape[-1])[:, None, None].to(x.dtype)
        x = F.relu(x) * mask
        for blocks in self.layers:
            for block in blocks:
                x = block(x, mask)
        return (F.relu(self.leave(x)) * mask).flatten(1, 2), lengths


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

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """`[batch, 32, bands, steps]` → `[batch, 32, bands or half of them, steps]`."""
        inner = F.relu(self.first(x)) * mask
        return F.relu(self.second(inner) + self.shortcut(x)) * mask


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
        mask = frame_mask(lengths, x.shape[-1])[:, None].to(x.dtype)
        for layer in self.layers:
            x = torch.cat((x, layer(x, mask, self.segment)), dim=1)
        return self.transit(F.relu(self.norm(x)) * mask)


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

    def forward(self, x: Tensor, mask: Tensor, segment: int) -> Tensor:
        """`x [batch, channels, frames]`, `mask [batch, 1, frames]`, frames of a `segment` → `[batch, 32, frames]`."""
        inner = F.relu(self.squeeze_norm(self.squeeze(F.relu(self.norm(x))))) * mask
        gate = torch.sigmoid(self.context_out(F.relu(self.context_in(_context(inner, mask, segment)))))
        return self.local(inner) * gate * mask


def _context(x: Tensor, mask: Tensor, segment: int) -> Tensor:
    """The clip's mean plus the mean of each frame's segment: `[batch, channels, frames]` → the same shape."""
    overall = x.sum(-1, keepdim=True) / mask.sum(-1, keepdim=True).clamp(min=1)
    # Zeros fill the last segment; counting the frames that are there takes them out of its mean again.
    cells = F.avg_pool1d(F.pad(torch.cat((x, mask), dim=1), (0, segment - 1)), segment)
    near = cells[:, :-1] / cells[:, -1:].clamp(min=0.5 / segment)
    return overall + near[..., torch.arange(x.shape[-1], device=x.device) // segment]


class _Graft:
    """The weights of a whole CAM++ in ONNX, as exported by 3D-Speaker: norms behind convolutions are folded into them."""

    def __init__(self, path: Path) -> None:
        with needs("train", "a start from an ONNX file"):
            import onnx
            from onnx import numpy_helper
        try:
            graph = onnx.load(path, load_external_data=False).graph
        except Exception as error:  # noqa: BLE001 (protobuf's and the system's own errors)
            raise TrainingError(f"{path}: cannot be read as an ONNX file: {error}") from None
        self._path = path
        self._arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
        self._inputs = {node.output[0]: list(node.input) for node in graph.node if node.op_type in ("Conv", "BatchNormalization")}

    def onto(self, encoder: CamPlusPlus, waveform: Tensor, lengths: Tensor) -> None:
        """Set every weight for which the whole network has one; `waveform [batch, samples]` calibrates the folded norms."""
        folded = {}
        for place, conv, norm in _folded(encoder):
            weight, bias = self._conv(place, conv.weight)
            conv.weight.copy_(weight)
            folded[norm] = bias
        for number, block in enumerate(encoder.blocks, 1):
            for place, layer in enumerate(block.layers, 1):
                self._layer(f"xvector/block{number}/tdnnd{place}", layer)
            self._norm(f"xvector/transit{number}/nonlinear", block.norm)
            weight, bias = self._conv(f"xvector/transit{number}/linear", block.transit.weight)
            block.transit.weight.copy_(weight)
        folded[encoder.norm] = bias
        _calibrate(encoder, folded, waveform, lengths)

    def _layer(self, place: str, layer: DenseLayer) -> None:
        self._norm(f"{place}/nonlinear1", layer.norm)
        layer.local.weight.copy_(self._conv(f"{place}/cam_layer/linear_local", layer.local.weight)[0])
        for name, conv in (("linear1", layer.context_in), ("linear2", layer.context_out)):
            weight, bias = self._conv(f"{place}/cam_layer/{name}", conv.weight)
            conv.weight.copy_(weight)
            conv.bias.copy_(bias)

    def _conv(self, place: str, like: Tensor) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution, as many of its channels as `like` has."""
        weight, *bias = (self._array(name, place) for name in self._named(f"/{place}/Conv_output_0"))
        shape = tuple(slice(size) for size in like.shape)
        return weight[shape], bias[0][shape[0]] if bias else torch.zeros(len(like))

    def _norm(self, place: str, norm: nn.BatchNorm1d) -> None:
        names = self._named(f"/{place}/batchnorm/BatchNormalization_output_0")
        for tensor, name in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), names, strict=True):
            tensor.copy_(self._array(name, place)[: len(tensor)])

    def _named(self, output: str) -> list[str]:
        if output not in self._inputs:
            raise TrainingError(f"{self._path}: is not a CAM++ as expected: no operator gives '{output}'")
        return self._inputs[output][1:]

    def _array(self, name: str, place: str) -> Tensor:
        if name not in self._arrays:
            raise TrainingError(f"{self._path}: is not a CAM++ as expected: '{place}' has no weights in the file")
        return torch.from_numpy(np.array(self._arrays[name], dtype=np.float32))


def _folded(encoder: CamPlusPlus) -> Iterator[tuple[str, nn.Module, nn.Module]]:
    """Convolutions that hold their norm in the ONNX file: where they are there, and both here."""
    front = encoder.front
    yield "head/conv1", front.enter.conv, front.enter.norm
    for number, blocks in enumerate(front.layers, 1):
        for place, block in enumerate(blocks):
            parts = [("conv1", block.first), ("conv2", block.second)]
            parts += [("shortcut/shortcut.0", block.shortcut)] if place == 0 else []
            yield from ((f"head/layer{number}/layer{number}.{place}/{name}", part.conv, part.norm) for name, part in parts)
    yield "head/conv2", front.leave.conv, front.leave.norm
    yield "xvector/tdnn/linear", encoder.narrow, encoder.narrow_norm
    for number, block in enumerate(encoder.blocks, 1):
        for place, layer in enumerate(block.layers, 1):
            yield f"xvector/block{number}/tdnnd{place}/linear1", layer.squeeze, layer.squeeze_norm


def _calibrate(encoder: CamPlusPlus, folded: dict[nn.Module, Tensor], waveform: Tensor, lengths: Tensor) -> None:
    """Set norms so that they add the folded bias and change nothing else, whether training or not, on clips like these."""

    def adjust(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0].transpose(0, 1).flatten(1), dim=1, correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(mean + folded[norm].to(mean.device))

    _hear(encoder, waveform, lengths, dict.fromkeys(folded, adjust))


def _fit_last(encoder: CamPlusPlus, whole: CamPlusPlus, waveform: Tensor, lengths: Tensor) -> None:
    """Set the last layer so that frames come as near to the whole network's as its inputs let them, by ridge regression."""
    last, heard = encoder.blocks[-1].transit, {}

    def remember(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        heard[module] = inputs[0]

    _hear(encoder, waveform, lengths, {last: remember})
    _hear(whole, waveform, lengths, {whole.norm: remember})
    given, wanted = heard[last], whole.norm(heard[whole.norm])
    wanted = F.adaptive_avg_pool1d(wanted, given.shape[-1])
    valid = frame_mask((lengths * given.shape[-1] / waveform.shape[-1]).ceil(), given.shape[-1])
    x, y = (tensor.transpose(1, 2)[valid].double() for tensor in (given, wanted))
    centred = x - x.mean(0)
    square = centred.T @ centred
    square.diagonal().add_(RIDGE * square.diagonal().mean())
    weight = torch.linalg.solve(square, centred.T @ (y - y.mean(0))).T
    last.weight.copy_(weight[..., None])
    _calibrate(encoder, {encoder.norm: (y.mean(0) - weight @ x.mean(0)).float()}, waveform, lengths)


def _hear(encoder: CamPlusPlus, waveform: Tensor, lengths: Tensor, before: Mapping[nn.Module, Callable[..., None]]) -> None:
    """Run the network in eval mode, with something to do before each of some modules."""
    hooks = [module.register_forward_pre_hook(action) for module, action in before.items()]
    training = encoder.training
    encoder.eval()
    encoder(waveform, lengths)
    encoder.train(training)
    for hook in hooks:
        hook.remove()
