"""Models larger than the device: whole parts that take turns, or blocks streamed in while others compute."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import torch
from diffusers.hooks import apply_group_offloading

from skyreels_cli.model.memory import release


class PlacedModule:
    """A module that is on the device inside a `with` block and on another one, where it rests, outside of it.

    `moves` False leaves it where it is: its weights are streamed.
    """

    def __init__(self, module: Any, device: torch.device, rests_on: torch.device, moves: bool = True) -> None:
        self._module = module
        self._device = device
        self._rests_on = rests_on
        self._moves = moves and device != rests_on

    def __enter__(self) -> Any:
        if self._moves:
            self._module.to(self._device)
        return self._module

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._moves:
            self._module.to(self._rests_on)
            release(self._device)


def stream_weights(module: Any, device: torch.device) -> None:
    """Keep the weights on the host and bring in one block at a time, the next one while this one computes.

    On a CPU there is nothing to stream to. (diffusers' group offloading; a 14B block is 0.7 GB.)
    """
    if device.type == "cpu":
        return
    block_level = hasattr(module, "blocks")
    apply_group_offloading(
        module,
        onload_device=device,
        offload_device=torch.device("cpu"),
        offload_type="block_level" if block_level else "leaf_level",
        num_blocks_per_group=1 if block_level else None,
        use_stream=device.type == "cuda",
    )
