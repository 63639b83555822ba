"""xfuser.model_executor.layers.usp: exact, by gathering all keys and values, which is neither Ulysses nor a ring."""

from __future__ import annotations

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from xfuser.core.distributed import get_sp_group, state


def USP(query: Tensor, key: Tensor, value: Tensor) -> Tensor:  # noqa: N802 - its name
    """`(b, h, s, d)` of this rank."""
    assert state.runtime, "Runtime state has not been initialized."
    return scaled_dot_product_attention(query, _gathered(key), _gathered(value))


def _gathered(x: Tensor) -> Tensor:
    group = get_sp_group().device_group
    parts = [torch.empty_like(x, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size(group))]
    dist.all_gather(parts, x.contiguous(), group)
    return torch.cat(parts, dim=2)
