"""Blocks of a model whose weights are copied to the device while the block before computes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from skyreels_cli.model.host_weights import HostWeights, tensors_of


class Copies(Protocol):
    """Copies that run beside the computing; points in time are opaque."""

    def start(self, into: Tensor, source: Tensor, after: Any) -> Any:
        """Begin a copy once the computing has come past the point `after`; returns the point at which it is done."""
        ...

    def wait(self, copied: Any) -> None:
        """Let what is computed from now on come behind a copy."""
        ...

    def reached(self) -> Any:
        """The point behind all that was computed so far."""
        ...


class CudaCopies:
    """Copies on a CUDA stream of their own; no thread waits for them."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)

    def start(self, into: Tensor, source: Tensor, after: torch.cuda.Event) -> torch.cuda.Event:
        """Queue the copy behind the event `after`."""
        self._stream.wait_event(after)
        with torch.cuda.stream(self._stream):
            into.copy_(source, non_blocking=True)
        return self._stream.record_event()

    def wait(self, copied: torch.cuda.Event) -> None:
        """Have the current stream wait for the event."""
        torch.cuda.current_stream(self._device).wait_event(copied)

    def reached(self) -> torch.cuda.Event:
        """An event on the current stream."""
        return torch.cuda.current_stream(self._device).record_event()


class DirectCopies:
    """Copies that are done at once, for devices without streams."""

    def start(self, into: Tensor, source: Tensor, after: None) -> None:
        """Copy."""
        into.copy_(source)

    def wait(self, copied: None) -> None:
        """Nothing: it is done."""

    def reached(self) -> None:
        """Now."""


@dataclass
class Slot:
    """Room for one block on the device: which one is in it, or on its way, and when it is free again."""

    memory: Tensor
    free: Any
    block: int | None = None
    copied: Any = None


class BlockStream:
    """Blocks of which two are on the device: one computes, and the one that usually comes next is copied.

    A block may be called in any order (caches skip some); one that was not expected is waited for. Between `open` and
    `close` every call of a block is noticed by hooks; each block is copied whole, once for each call.
    """

    def __init__(self, blocks: Sequence[nn.Module], device: torch.device, copies: Copies | None = None) -> None:
        self._device = device
        self._copies = copies or (CudaCopies(device) if device.type == "cuda" else DirectCopies())
        self._hosts = [HostWeights(tensors_of(block)) for block in blocks]
        self._slots: list[Slot] = []
        for index, block in enumerate(blocks):
            block.register_forward_pre_hook(lambda *_, index=index: self._begin(index))
            block.register_forward_hook(lambda *_, index=index: self._end(index), always_call=True)

    def open(self) -> None:
        """Make room on the device and begin to copy the first block."""
        size = max(host.memory.nbytes for host in self._hosts)
        rooms = [torch.empty(size, dtype=torch.uint8, device=self._device) for _ in range(2)]
        self._slots = [Slot(room, self._copies.reached()) for room in rooms]
        self._fetch(0)

    def close(self) -> None:
        """Give the room back, once nothing is copied into it any more."""
        for slot in self._slots:
            if slot.block is not None:
                self._copies.wait(slot.copied)
        self._slots = []

    def _begin(self, index: int) -> None:
        slot = self._fetch(index)
        self._copies.wait(slot.copied)
        self._hosts[index].bind(slot.memory)
        self._fetch((index + 1) % len(self._hosts), beside=slot)

    def _end(self, index: int) -> None:
        self._hosts[index].bind(self._hosts[index].memory)
        for slot in self._slots:
            if slot.block == index:
                slot.free = self._copies.reached()

    def _fetch(self, index: int, beside: Slot | None = None) -> Slot:
        """The slot that holds a block, or that a copy of it was begun into; the slot `beside` it is left alone."""
        for slot in self._slots:
            if slot.block == index:
                return slot
        slot = next(slot for slot in self._slots if slot is not beside)
        source = self._hosts[index].memory
        slot.block, slot.copied = index, self._copies.start(slot.memory[: source.nbytes], source, slot.free)
        return slot
