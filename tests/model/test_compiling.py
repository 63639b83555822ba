"""The layers compiled: whole, once for all that are alike, equal to what they were; and no compiler in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.utils import counters
from torch._inductor import config as inductor

from skyreels_cli.errors import UsageError
from skyreels_cli.model import onednn
from skyreels_cli.model import tokens as tokens_module
from skyreels_cli.model.block_stream import BlockStream
from skyreels_cli.model.compiling import check_compiler
from skyreels_cli.model.kernels import KERNELS
from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.layer_pass import Shortcut, Work
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.weights.packed import PackedLinear, pack_float8, unpack_once

from .conftest import Twins

CPU = torch.device("cpu")
FRAMES = 6

Compile = Callable[[Transformer], list[Any]]


@pytest.fixture
def compiled() -> Iterator[Compile]:
    """Compiles a transformer's layers, which may not break up; gives the graphs that were made."""
    torch._dynamo.reset()
    counters.clear()

    def compile_it(transformer: Transformer) -> list[Any]:
        graphs: list[Any] = []

        def keep(graph: Any, inputs: Any) -> Any:
            graphs.append(graph)
            return graph

        for layer in transformer.blocks:
            layer.compile_parts(keep)
        return graphs

    yield compile_it
    assert not counters["graph_break"]
    torch._dynamo.reset()


class SomeFrames:
    """A cache that runs all frames first, and then only some."""

    def run(self, x: Tensor, call: Any) -> Tensor:
        whole: Tensor = call.run(x.clone(), keep_keys=True)
        part = call.run(x.unflatten(1, (FRAMES, -1))[:, [2, 3]].flatten(1, 2), frames=[2, 3])
        whole.unflatten(1, (FRAMES, -1))[:, [2, 3]] = part.unflatten(1, (2, -1))
        return whole


def velocity(transformer: Transformer, mode: str, frames: int = FRAMES) -> Tensor:
    """One forward pass in `inference_mode`, as films have it."""
    torch.manual_seed(1)
    latents, text = torch.randn(1, 16, frames, 4, 6), TextContext(torch.randn(1, 512, 20))
    times = torch.full((1, frames), 613) if mode == "sync" else torch.arange(frames)[None] * 100
    blocks = [(start, start + 2) for start in range(0, frames, 2)] if mode == "causal" else None
    shortcut = None
    if mode == "cache":
        cache: Any = SomeFrames()
        shortcut = Shortcut(cache, 0, "cond", (0,) * frames, (True,) * frames, Work(), KVCache())
    with torch.inference_mode():
        return transformer(latents, times, text, fps=24, causal_blocks=blocks, shortcut=shortcut)


@pytest.mark.parametrize("kernel", ["sdpa", "flash", "math", "onednn"])
@pytest.mark.parametrize("mode", ["sync", "async", "causal", "cache"])
def test_layers_do_not_break_up_whatever_is_between_them(
    mode: str, kernel: str, twins: Twins, compiled: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, ours = twins(inject_sample_info=True, num_layers=3)
    ours.attention = KERNELS[kernel]
    monkeypatch.setattr(onednn, "FEW_SCORES", 0)
    onednn.use_where_it_pays(ours, CPU)
    expected = velocity(ours, mode)
    graphs = compiled(ours)
    for _ in range(2):
        assert (velocity(ours, mode) - expected).abs().max() <= 1e-5
    assert len(graphs) == (4 if mode == "cache" else 2), "one for each part, and what has another length"


def test_lengths_and_sizes_of_films_are_soon_all_known(
    twins: Twins, compiled: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tokens_module.SLICE_TOKENS, "cpu", 12)  # two frames
    _, ours = twins(inject_sample_info=True, num_layers=2)
    expected = {frames: velocity(ours, "async", frames) for frames in (2, 3, 5, 6, 9, 4, 7, 8, 12, 13)}
    graphs = compiled(ours)
    made = []
    for frames, whole in expected.items():
        assert (velocity(ours, "async", frames) - whole).abs().max() <= 1e-5
        made.append(len(graphs))
    assert made[-1] == made[4] <= 8, "torch refuses more than 8 of each part"


def test_packed_and_streamed_layers_are_compiled_too(twins: Twins, compiled: Compile) -> None:
    _, ours = twins(num_layers=3)
    for block in ours.blocks:
        for name, linear in [(n, m) for n, m in block.named_modules() if isinstance(m, torch.nn.Linear)]:
            block.set_submodule(name, PackedLinear(pack_float8(linear.weight), tuple(linear.weight.shape), linear.bias))
        unpack_once(block)
    expected = velocity(ours, "async")
    stream = BlockStream(ours.blocks, CPU)
    graphs = compiled(ours)
    for _ in range(2):
        stream.open()
        assert (velocity(ours, "async") - expected).abs().max() <= 1e-5
        stream.close()
    assert len(graphs) == 2


def test_without_a_compiler_it_is_said_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    torch._dynamo.reset()
    with inductor.patch({"cpp.cxx": ("/nowhere/g++",)}), pytest.raises(UsageError) as raised:
        check_compiler(CPU)
    assert raised.value.code == "compile-unusable"
    assert "C++" in raised.value.message
    assert str(raised.value.hint).startswith("--no-compile")
