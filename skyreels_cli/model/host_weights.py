"""Weights of a module in one stretch of host memory, from which they are copied to a device in one go."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from itertools import chain

import torch
from torch import Tensor, nn

ALIGNED = 256
"""Bytes; as CUDA's allocator aligns what it gives."""


def tensors_of(module: nn.Module) -> Iterator[Tensor]:
    """Parameters and buffers of a module, once each."""
    return chain(module.parameters(), module.buffers())


class HostWeights:
    """Tensors whose values lie in `memory`, bytes on the host; pinned if there is CUDA, so that copies do not wait."""

    def __init__(self, tensors: Iterable[Tensor]) -> None:
        self._tensors = list(tensors)
        self._starts = [0]
        for tensor in self._tensors:
            self._starts.append(self._starts[-1] + -(-tensor.nbytes // ALIGNED) * ALIGNED)
        self.memory = torch.empty(self._starts[-1], dtype=torch.uint8)
        _pin(self.memory)
        for tensor, start in zip(self._tensors, self._starts, strict=False):  # one by one: nothing is there twice
            view = _view(self.memory, start, tensor)
            view.copy_(tensor)
            tensor.data = view

    def bind(self, memory: Tensor) -> None:
        """Let the tensors be views of other memory, which holds, or will hold, the same bytes."""
        for tensor, start in zip(self._tensors, self._starts, strict=False):
            tensor.data = _view(memory, start, tensor)


def _view(memory: Tensor, start: int, like: Tensor) -> Tensor:
    return memory[start : start + like.nbytes].view(like.dtype).view(like.shape)


def _pin(memory: Tensor) -> None:
    """Register memory with CUDA; torch's own pinned memory comes in powers of two, which wastes up to half of it.

    Where the system does not allow it, copies are only slower.
    """
    if not (torch.cuda.is_available() and memory.nbytes):
        return
    cuda = torch.cuda.cudart()
    if int(cuda.cudaHostRegister(memory.data_ptr(), memory.nbytes, 0)) == 0:
        weakref.finalize(memory, cuda.cudaHostUnregister, memory.data_ptr())
