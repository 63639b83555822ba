"""Modules that rest on the host: on the device only while they work, whole or two blocks at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from skyreels_cli.model.block_stream import BlockStream
from skyreels_cli.model.host_weights import HostWeights, tensors_of
from skyreels_cli.model.memory import release

CHUNK_BYTES = 1e9

Placed: TypeAlias = AbstractContextManager[Any]
"""A module that is on the device inside a `with` block."""


def placed(module: nn.Module, device: torch.device, offload: str, blocks: Iterable[nn.Module] = ()) -> Placed:
    """The module, for `with`: it stays on the device, is there inside the block, or has its `blocks` streamed.

    A module without blocks is moved whole where others are streamed. On a CPU there is nowhere to move it.
    """
    if offload == "none" or device == rests_on(device, offload):
        return nullcontext(module)
    return PlacedModule(module, device, tuple(blocks) if offload == "stream" else ())


def rests_on(device: torch.device, offload: str) -> torch.device:
    """The device that a part is on while another one works."""
    return device if offload == "none" else torch.device("cpu")


class PlacedModule:
    """A module whose weights stay on the host, pinned; inside a `with` block it computes on the device.

    What was copied there is dropped behind the block, not copied back: weights do not change. `blocks` are not copied
    with the rest but streamed, two at a time.
    """

    def __init__(self, module: nn.Module, device: torch.device, blocks: Sequence[nn.Module] = ()) -> None:
        self._module = module
        self._device = device
        self._stream = BlockStream(blocks, device) if blocks else None
        streamed = {id(tensor) for block in blocks for tensor in tensors_of(block)}
        whole = (tensor for tensor in tensors_of(module) if id(tensor) not in streamed)
        self._whole = [HostWeights(few) for few in _in_chunks(whole)]

    def __enter__(self) -> Any:
        for weights in self._whole:
            weights.bind(weights.memory.to(self._device, non_blocking=True, copy=True))
        if self._stream:
            self._stream.open()
        return self._module

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream:
            self._stream.close()
        for weights in self._whole:
            weights.bind(weights.memory)
        release(self._device)


def _in_chunks(tensors: Iterable[Tensor]) -> Iterator[list[Tensor]]:
    """A GB at a time: pinned memory is taken at once, and what is copied there is given back as it goes."""
    chunk: list[Tensor] = []
    for tensor in tensors:
        chunk.append(tensor)
        if sum(each.nbytes for each in chunk) >= CHUNK_BYTES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
