"""What each encoder, temporal block and pooling costs for a clip of 3 s, on one thread, by runtime; its config's defaults.

`pytest benchmarks/test_components.py --benchmark-json=components.json`, then `python benchmarks/report.py components.json`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs fastdiar[train]")

from torch.utils.flop_counter import FlopCounterMode  # noqa: E402 - where there is torch

from fastdiar import registry  # noqa: E402
from fastdiar.core.types import RATE, Frames  # noqa: E402

SAMPLES = 3 * RATE
Note = Callable[..., None]
FRAMES = Frames(dim=256, hop=320.0, first=0.0)
COUNT = SAMPLES // 320
ROUNDS = 50
CASES = [
    *(("encoder", name) for name in ("cnn", "rescnn", "melrescnn", "campplus")),
    *(("temporal", name) for name in ("bigru", "mhsa")),
    *(("pooling", name) for name in ("attention", "average", "statistics")),
]


@pytest.mark.benchmark(group="components, 3 s")
@pytest.mark.parametrize("runtime", ["torch", "onnxruntime"])
@pytest.mark.parametrize(("kind", "name"), CASES)
def test_component(benchmark: Any, note: Note, kind: str, name: str, runtime: str) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    component: Any = registry.lookup(kind, name)
    config = component.config_class()
    module = (component(config) if kind == "encoder" else component(config, FRAMES)).eval()
    given = {
        "encoder": (torch.randn(1, SAMPLES), torch.tensor([SAMPLES])),
        "temporal": (torch.randn(1, COUNT, FRAMES.dim), torch.tensor([COUNT])),
        "pooling": (torch.randn(1, COUNT, FRAMES.dim), torch.ones(1, 1, COUNT)),
    }[kind]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        expected = first(module(*given))
    call = module if runtime == "torch" else by_onnxruntime(module, given)
    with torch.inference_mode():
        found = torch.as_tensor(first(benchmark.pedantic(call, given, rounds=ROUNDS, warmup_rounds=3)))
    assert expected.shape[-1] == (module.out if kind == "pooling" else module.out.dim)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)
    macs = counter.get_total_flops() // 2 or None  # what only adds up has no products
    note(1, sum(each.numel() for each in module.parameters()), macs, runtime=runtime, precision="fp32", batch=1)


def by_onnxruntime(module: Any, given: tuple[Any, ...]) -> Callable[..., Any]:
    """The module as a graph for inputs of these sizes."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs fastdiar[cpu]")
    program = torch.onnx.export(module, given, dynamo=True, optimize=True, verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    graph = program.model_proto.SerializeToString()
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in program.model.graph.inputs]
    wanted = {each.name for each in session.get_inputs()}

    def call(*values: Any) -> Any:
        return session.run(None, {name: value.numpy() for name, value in zip(names, values, strict=True) if name in wanted})

    return call


def first(found: Any) -> Any:
    """An encoder gives lengths beside its frames."""
    return found[0] if isinstance(found, tuple | list) else found
