"""xfuser.core.distributed: neighbours share a sequence, as in xfuser (its order is tp-sp-pp-cfg-dp)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch.distributed as dist

state = SimpleNamespace()


def init_distributed_environment(rank: int, world_size: int, local_rank: int, backend: str) -> None:
    assert (rank, world_size, backend) == (dist.get_rank(), dist.get_world_size(), "gloo")


def initialize_model_parallel(
    classifier_free_guidance_degree: int,
    sequence_parallel_degree: int,
    ulysses_degree: int,
    ring_degree: int,
    backend: str,
) -> None:
    assert sequence_parallel_degree == ulysses_degree * ring_degree
    assert classifier_free_guidance_degree * sequence_parallel_degree == dist.get_world_size()
    state.ulysses = ulysses_degree
    for first in range(0, dist.get_world_size(), sequence_parallel_degree):
        ranks = list(range(first, first + sequence_parallel_degree))
        group = dist.new_group(ranks)
        if dist.get_rank() in ranks:
            state.sp = SimpleNamespace(device_group=group)
    for first in range(sequence_parallel_degree):
        ranks = list(range(first, dist.get_world_size(), sequence_parallel_degree))
        group = dist.new_group(ranks)
        if dist.get_rank() in ranks:
            state.cfg = SimpleNamespace(device_group=group)


def initialize_runtime_state(pipeline: Any, engine_config: Any) -> None:
    assert pipeline.transformer.config.num_attention_heads % engine_config.ulysses_degree == 0
    state.runtime = engine_config


def get_ulysses_parallel_world_size() -> int:
    return int(state.ulysses)


def get_sp_group() -> Any:
    return state.sp


def get_cfg_group() -> Any:
    return state.cfg
