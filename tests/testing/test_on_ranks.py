"""The authors' kit finds what is wrong with a parallel backend: here each rule is broken, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch.distributed as dist
from torch import Tensor

from skyreels_cli.model.single_process import SingleProcess
from skyreels_cli.testing import on_ranks as kit


@pytest.fixture(autouse=True)
def one_rank() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


class Swaps(SingleProcess):
    def gather_branches(self, velocities: Sequence[Tensor], count: int) -> list[Tensor]:
        return list(velocities)[::-1]


class Idles(SingleProcess):
    def branches(self, count: int) -> tuple[int, ...]:
        return ()


class Loses(SingleProcess):
    def gather(self, x: Tensor, frames: int) -> Tensor:
        return x.flip(1)


class CutsAcross(SingleProcess):
    """A run of tokens and not a share of each frame."""

    def shard(self, x: Tensor, frames: int) -> Tensor:
        return x[:, : x.shape[1] // 2]

    def gather(self, x: Tensor, frames: int) -> Tensor:
        return kit._random(1, kit.FRAMES * kit.TOKENS_PER_FRAME, 6)


class SeesItself(SingleProcess):
    def attend(self, query: Tensor, key: Tensor, value: Tensor, *_: Any, **__: Any) -> Tensor:
        return value


class Decides(SingleProcess):
    def agree(self, number: float) -> float:
        return number + 1


@pytest.mark.parametrize(
    ("check", "backend", "said"),
    [
        (kit._check_branches, Swaps(), "branch 0 of 2 is another one's"),
        (kit._check_branches, Idles(), "of 1 branches a rank has none"),
        (kit._check_tokens, Loses(), "does not undo"),
        (kit._check_tokens, CutsAcross(), "a frame is cut in another way"),
        (kit._check_attention, SeesItself(), "not between all tokens"),
        (kit._check_agreement, Decides(), "the ranks agree on 1.0; the mean of what they said is 0"),
    ],
)
def test_what_is_wrong_is_said(check: Callable[[SingleProcess], None], backend: SingleProcess, said: str) -> None:
    check(SingleProcess())
    with pytest.raises(AssertionError, match=said):
        check(backend)
