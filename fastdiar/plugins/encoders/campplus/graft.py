"""Starting a CAM++, whole or cut down, from the weights of a whole one.

In the ONNX file the norms behind convolutions are folded into them; here they are unfolded on some real clips, so that the
network is the same in training and in evaluation. What is cut away leaves a gap that the last layer is fitted to close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fastdiar.core.errors import ModelError, needs
from fastdiar.core.layers import frame_mask

if TYPE_CHECKING:
    from fastdiar.plugins.encoders.campplus.network import CamPlusPlus, DenseLayer

RIDGE = 0.01
"""Added to the last layer's mean square when it is fitted."""


class Weights:
    """A whole CAM++ in ONNX, as exported by 3D-Speaker; raises `ModelError` where the file is something else."""

    def __init__(self, path: Path) -> None:
        with needs("train", "a start from an ONNX file"):
            from fastdiar.core.onnx_files import constants, read_graph
        model = read_graph(path)
        operators = (node for node in model.graph.node if node.op_type in ("Conv", "BatchNormalization"))
        self._path, self._arrays = path, constants(model)
        self._inputs = {node.output[0]: list(node.input) for node in operators}

    def conv(self, place: str, like: Tensor) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution, as many of its channels as `like` has."""
        weight, *bias = (self._array(name, place) for name in self._named(f"/{place}/Conv_output_0"))
        shape = tuple(slice(size) for size in like.shape)
        return weight[shape], bias[0][shape[0]] if bias else torch.zeros(len(like))

    def copy_norm(self, place: str, norm: nn.BatchNorm1d) -> None:
        """Fill a norm with the first of a norm's channels."""
        names = self._named(f"/{place}/batchnorm/BatchNormalization_output_0")
        for tensor, name in zip((norm.weight, norm.bias, norm.running_mean, norm.running_var), names, strict=True):
            tensor.copy_(self._array(name, place)[: len(tensor)])

    def _named(self, output: str) -> list[str]:
        if output not in self._inputs:
            raise ModelError(f"{self._path}: is not a CAM++ as expected: no operator gives '{output}'")
        return self._inputs[output][1:]

    def _array(self, name: str, place: str) -> Tensor:
        if name not in self._arrays:
            raise ModelError(f"{self._path}: is not a CAM++ as expected: '{place}' has no weights in the file")
        return torch.from_numpy(self._arrays[name])


def graft(weights: Weights, encoder: CamPlusPlus, waveform: Tensor, lengths: Tensor) -> None:
    """Set every weight for which the whole network has one; `waveform [batch, samples]` calibrates the folded norms."""
    folded = {}
    for place, conv, norm in _folded(encoder):
        weight, bias = weights.conv(place, conv.weight)
        conv.weight.copy_(weight)
        folded[norm] = bias
    for number, block in enumerate(encoder.blocks, 1):
        for place, layer in enumerate(block.layers, 1):
            _graft_layer(weights, f"xvector/block{number}/tdnnd{place}", layer)
        weights.copy_norm(f"xvector/transit{number}/nonlinear", block.norm)
        weight, bias = weights.conv(f"xvector/transit{number}/linear", block.transit.weight)
        block.transit.weight.copy_(weight)
    folded[encoder.norm] = bias
    _calibrate(encoder, folded, waveform, lengths)


def fit_last(encoder: CamPlusPlus, whole: CamPlusPlus, waveform: Tensor, lengths: Tensor) -> None:
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


def _graft_layer(weights: Weights, place: str, layer: DenseLayer) -> None:
    weights.copy_norm(f"{place}/nonlinear1", layer.norm)
    layer.local.weight.copy_(weights.conv(f"{place}/cam_layer/linear_local", layer.local.weight)[0])
    for name, conv in (("linear1", layer.context_in), ("linear2", layer.context_out)):
        weight, bias = weights.conv(f"{place}/cam_layer/{name}", conv.weight)
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)


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


def _hear(encoder: CamPlusPlus, waveform: Tensor, lengths: Tensor, before: Mapping[nn.Module, Callable[..., None]]) -> None:
    """Run the network in eval mode, with something to do before each of some modules."""
    hooks = [module.register_forward_pre_hook(action) for module, action in before.items()]
    training = encoder.training
    encoder.eval()
    encoder(waveform, lengths)
    encoder.train(training)
    for hook in hooks:
        hook.remove()
