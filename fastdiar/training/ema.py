"""The average of a network over its last steps, which is often better than the network after any one of them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights and running means (Polyak and Juditsky, 1992).

    `update_parameters(network)` follows a step; `module` is the averaged network, in eval mode. The first steps are averaged over
    fewer, (1 + steps) / (10 + steps) being the largest decay, so that what the network was before it learnt is soon forgotten.
    """

    def follow(average: Tensor, current: Tensor, steps: Tensor) -> Tensor:
        if not average.is_floating_point():
            return current
        return average.lerp(current, 1 - ((1 + steps) / (10 + steps)).clamp(max=decay).to(average.dtype))

    return AveragedModel(network, avg_fn=follow, use_buffers=True).eval()
