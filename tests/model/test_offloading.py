"""Modules that come to the device and go: what they compute is what they compute where they stay."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.weights import Storage, weights_spec
from skyreels_cli.model.block_stream import BlockStream
from skyreels_cli.model.host_weights import HostWeights, tensors_of
from skyreels_cli.model.loading import load_transformer
from skyreels_cli.model.offloading import PlacedModule, placed
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.model.weights.packed import PackedLinear

from .conftest import GOLDEN

CPU = torch.device("cpu")
DEVICE = torch.device("cpu", 0)
"""Stands for a GPU: torch takes it for another device than the CPU."""


@dataclass
class LateCopies:
    """Copies as a GPU makes them: not before they are waited for, or room is needed; computing leaves marks."""

    now: int = 0
    begun: int = 0
    pending: list[tuple[Tensor, Tensor]] = field(default_factory=list)

    def start(self, into: Tensor, source: Tensor, after: int) -> int:
        assert after <= self.now
        into.random_(0, 255)  # whoever reads before the copy is waited for reads this
        self.begun += 1
        self.pending.append((into, source))
        return len(self.pending)

    def wait(self, copied: int) -> None:
        for into, source in self.pending[:copied]:
            into.copy_(source)

    def reached(self) -> int:
        self.now += 1
        return self.now


def transformer_of(storage: Storage = "file", dtype: str = "float32") -> Transformer:
    return load_transformer(weights_spec(open_folder(GOLDEN / "model", "golden"), dtype, storage), CPU)


@torch.inference_mode()
def velocity(transformer: Transformer, frames: int = 3, device: torch.device = CPU) -> Tensor:
    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).to(device)

    config = transformer.config
    dtype = transformer.patch_embedding.weight.dtype
    latents, text = drawn(1, config.in_channels, frames, 6, 8), drawn(1, 512, config.text_dim)
    times = torch.arange(frames, device=device).unsqueeze(0) * 100
    return transformer(latents.to(dtype), times, TextContext(text.to(dtype)), fps=24)


@pytest.mark.parametrize("storage", ["file", "fp8"])
@pytest.mark.parametrize("offload", ["model", "stream"])
def test_what_is_offloaded_computes_the_same(offload: str, storage: Storage) -> None:
    expected = velocity(transformer_of(storage))
    transformer = transformer_of(storage)
    there = placed(transformer, DEVICE, offload, transformer.blocks)
    assert isinstance(there, PlacedModule)
    for _ in range(2):
        with there as present:
            assert torch.equal(velocity(present), expected)
            assert torch.equal(velocity(present), expected)


def test_resident_or_on_a_cpu_nothing_moves() -> None:
    module = nn.Linear(2, 2)
    for device, offload in ((DEVICE, "none"), (CPU, "model"), (CPU, "stream")):
        kept = module.weight.data_ptr()
        with placed(module, device, offload) as inside:
            assert inside is module
            assert inside.weight.data_ptr() == kept


def test_the_host_keeps_the_master_and_nothing_is_copied_back() -> None:
    module = nn.Linear(3, 2)
    there = PlacedModule(module, DEVICE)
    at_rest, values = module.weight.data_ptr(), module.weight.clone()
    with there as inside:
        assert inside.weight.data_ptr() != at_rest
        inside.weight.data.zero_()  # what would be lost if it were a result
    assert module.weight.data_ptr() == at_rest
    assert torch.equal(module.weight, values)


def test_weights_in_one_stretch_keep_their_values_types_and_shapes() -> None:
    module = nn.Module()
    module.a = nn.Parameter(torch.randn(3, 5))
    module.b = nn.Parameter(torch.randn(7).to(torch.float8_e4m3fn), requires_grad=False)
    module.register_buffer("c", torch.tensor(2.5))
    module.d = module.a
    before = [tensor.clone() for tensor in tensors_of(module)]
    host = HostWeights(tensors_of(module))
    assert host.memory.nbytes == 3 * 256
    for tensor, value in zip(tensors_of(module), before, strict=True):
        assert tensor.untyped_storage().data_ptr() == host.memory.data_ptr()
        assert (tensor.dtype, tensor.shape) == (value.dtype, value.shape)
        assert torch.equal(tensor.float(), value.float())


def layers(count: int) -> nn.ModuleList:
    torch.manual_seed(0)
    return nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(count))


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (0, 1, 2, 3, 0, 1, 2, 3), (0, 3, 3, 1), (2, 1, 0)])
@pytest.mark.parametrize("count", [4, 5])
def test_blocks_in_any_order_never_compute_with_weights_that_are_not_there(order: tuple[int, ...], count: int) -> None:
    blocks, copies = layers(count), LateCopies()
    x = torch.ones(1, 4)
    expected = x
    for index in order:
        expected = blocks[index](expected)
    stream = BlockStream(blocks, CPU, copies)
    stream.open()
    for index in order:
        x = blocks[index](x)
    stream.close()
    assert torch.equal(x, expected)


def test_each_block_is_copied_once_for_a_pass_and_two_are_there_at_a_time() -> None:
    blocks, copies = layers(6), LateCopies()
    stream = BlockStream(blocks, CPU, copies)
    stream.open()
    for block in blocks:
        block(torch.ones(1, 4))
        assert len(stream._slots) == 2
    assert copies.begun == 7  # the first one again, for the next pass
    stream.close()
    assert all(tensor.untyped_storage().data_ptr() in hosts(stream) for tensor in tensors_of(blocks))


def hosts(stream: BlockStream) -> set[int]:
    return {host.memory.data_ptr() for host in stream._hosts}


def test_a_block_that_fails_leaves_its_weights_at_home() -> None:
    blocks = layers(2)
    stream = BlockStream(blocks, CPU)
    stream.open()
    with pytest.raises(RuntimeError):
        blocks[0](torch.ones(1, 9))
    stream.close()
    assert all(tensor.untyped_storage().data_ptr() in hosts(stream) for tensor in tensors_of(blocks))


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry for each time that a matrix is unpacked."""
    seen: list[int] = []
    original: Callable[..., Tensor] = PackedLinear._unpack

    def counted(linear: PackedLinear, dtype: Any) -> Tensor:
        seen.append(id(linear))
        return original(linear, dtype)

    monkeypatch.setattr(PackedLinear, "_unpack", counted)
    return iter([seen])


def test_a_matrix_is_unpacked_once_for_all_slices(unpacked: Iterator[list[int]], monkeypatch: Any) -> None:
    seen = next(unpacked)
    whole = velocity(transformer_of("fp8"), frames=4)
    assert len(seen) == len(set(seen)) > 0
    monkeypatch.setattr("skyreels_cli.model.tokens.SLICE_TOKENS", {"cpu": 12})  # a frame's
    transformer = transformer_of("fp8")
    seen.clear()
    assert torch.allclose(velocity(transformer, frames=4), whole, atol=1e-5)
    assert len(seen) == len(set(seen))
    assert all(m._unpacked is None for m in transformer.modules() if isinstance(m, PackedLinear))


@pytest.mark.gpu
@pytest.mark.parametrize("storage", ["file", "fp8"])
@pytest.mark.parametrize("offload", ["model", "stream"])
def test_on_a_gpu_what_is_offloaded_computes_the_same(offload: str, storage: Storage) -> None:
    cuda = torch.device("cuda", 0)
    expected = velocity(transformer_of(storage, "bfloat16").to(cuda), device=cuda)
    transformer = transformer_of(storage, "bfloat16")
    with placed(transformer, cuda, offload, transformer.blocks) as present:
        for _ in range(20):
            assert torch.equal(velocity(present, device=cuda), expected)
    assert {tensor.device for tensor in tensors_of(transformer)} == {CPU}
