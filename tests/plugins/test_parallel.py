"""Branches and tokens on ranks: which numbers of GPUs divide a film, and who sends what to whom."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skyreels_parallel import shares as shares_module
from skyreels_parallel.backend import Branches, BranchesAndTokens, SharedTokens
from skyreels_parallel.grid import Grid
from skyreels_parallel.shares import Shares
from torch import Tensor

from skyreels_cli import testing
from skyreels_cli.errors import UsageError
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import Load

# 540P (34 × 60 tokens per frame) with the heads of the 1.3B and the 14B model.
SMALL = Load(heads=12, tokens_per_frame=2040, branches=2, causal=False)
LARGE = Load(heads=40, tokens_per_frame=2040, branches=2, causal=False)
UNGUIDED = Load(heads=40, tokens_per_frame=2040, branches=1, causal=False)
HISTORY_GUIDED = Load(heads=12, tokens_per_frame=2040, branches=3, causal=False)


@pytest.mark.parametrize(
    ("load", "gpus", "split"),
    [
        (SMALL, 2, "2 branches"),
        (SMALL, 4, "2 branches × 2 shares"),
        (SMALL, 8, "2 branches × 4 shares"),
        (LARGE, 2, "2 branches"),
        (LARGE, 4, "2 branches × 2 shares"),
        (LARGE, 8, "2 branches × 4 shares"),
        (LARGE, 5, "5 shares"),
        (UNGUIDED, 2, "2 shares"),
        (UNGUIDED, 8, "8 shares"),
        (HISTORY_GUIDED, 2, "2 shares"),
        (HISTORY_GUIDED, 6, "3 branches × 2 shares"),
    ],
)
def test_the_best_product(load: Load, gpus: int, split: str) -> None:
    assert BranchesAndTokens(Options()).split(load, gpus) == split


@pytest.mark.parametrize(
    ("backend", "load", "gpus", "others", "hint"),
    [
        (BranchesAndTokens, LARGE, 6, "it can among 2 or 4 or 5 or 8 or 10 or 16", "--gpus 5"),
        (BranchesAndTokens, SMALL, 16, "it can among 2 or 3 or 4 or 6 or 8 or 12", "--gpus 12"),
        (SharedTokens, SMALL, 8, "it can among 2 or 3 or 4 or 6 or 12", "--gpus 6"),
        (SharedTokens, LARGE, 3, "it can among 2 or 4 or 5 or 8 or 10", "--gpus 2"),
        (Branches, LARGE, 4, "it can among 2", "--gpus 2"),
        (Branches, HISTORY_GUIDED, 2, "it can among 3", "--gpus 1"),
        (Branches, UNGUIDED, 2, "nor can it among any other number of them", "--gpus 1"),
    ],
)
def test_what_does_not_divide_names_what_does(
    backend: type[BranchesAndTokens], load: Load, gpus: int, others: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        backend(Options()).split(load, gpus)
    assert (raised.value.code, raised.value.hint) == ("gpus-indivisible", hint)
    assert raised.value.message.endswith(f"among {gpus} GPUs; {others}")
    assert f"{load.heads} attention heads, 2040 tokens per latent frame" in raised.value.message


LOADS = st.builds(
    Load,
    heads=st.integers(1, 48),
    tokens_per_frame=st.integers(1, 4000),
    branches=st.sampled_from([1, 2, 3]),
    causal=st.booleans(),
)


@given(load=LOADS, ranks=st.integers(2, 16))
def test_the_choice_is_the_product_with_fewest_shares(load: Load, ranks: int) -> None:
    """Against all products there are: of those that divide, the one whose ranks send least."""
    products = [Grid(b, s) for b in {1, load.branches} for s in range(1, 17) if b * s == ranks]
    possible = [grid for grid in products if load.heads % grid.shares == 0 and grid.shares <= load.tokens_per_frame]
    backend = BranchesAndTokens(Options())
    if possible:
        assert backend.split(load, ranks) == str(min(possible, key=lambda grid: grid.shares))
    else:
        with pytest.raises(UsageError):
            backend.split(load, ranks)


@given(load=LOADS, ranks=st.integers(2, 16))
def test_every_rank_has_a_place_of_its_own(load: Load, ranks: int) -> None:
    grid = BranchesAndTokens(Options()).grid(load, ranks)
    places = [grid.place(rank) for rank in range(ranks)]
    assert len(set(places)) == ranks == grid.ranks
    for group in grid.token_groups:
        assert len({places[rank][0] for rank in group}) == 1
        assert [places[rank][1] for rank in group] == list(range(grid.shares))
    for group in grid.branch_groups:
        assert [places[rank][0] for rank in group] == list(range(grid.branches))
        assert len({places[rank][1] for rank in group}) == 1


class ThreadsAsRanks:
    """torch.distributed among threads: as much of it as `Shares` uses."""

    def __init__(self, ranks: int) -> None:
        self._ranks = ranks
        self._own = threading.local()
        self._barrier = threading.Barrier(ranks, timeout=300)
        self._sent: dict[int, Sequence[Tensor]] = {}

    def get_rank(self, group: None) -> int:
        rank: int = self._own.rank
        return rank

    def get_world_size(self, group: None) -> int:
        return self._ranks

    def all_to_all_single(
        self, output: Tensor, sent: Tensor, output_sizes: list[int], sizes: list[int], group: None
    ) -> None:
        self._sent[self._own.rank] = sent.split(sizes)
        self._barrier.wait()
        got = [self._sent[rank][self._own.rank] for rank in range(self._ranks)]
        assert [part.numel() for part in got] == output_sizes
        output.copy_(torch.cat(got))
        self._barrier.wait()

    def run(self, work: Callable[[int], Any]) -> list[Any]:
        """What each rank makes of its number."""

        def numbered(rank: int) -> Any:
            self._own.rank = rank
            return work(rank)

        with ThreadPoolExecutor(self._ranks) as pool:
            return list(pool.map(numbered, range(self._ranks)))


@settings(deadline=None, max_examples=40)
@given(
    ranks=st.integers(1, 5), more_tokens=st.integers(0, 9), frames=st.integers(1, 4), heads=st.integers(1, 3),
    batch=st.integers(1, 2),
)  # fmt: skip
def test_tokens_for_heads_and_back(ranks: int, more_tokens: int, frames: int, heads: int, batch: int) -> None:
    """Where each number must be is dealt out here one by one; even shares and uneven ones."""
    per_frame, width = ranks + more_tokens, 2
    whole = torch.arange(batch * frames * per_frame * ranks * heads * width, dtype=torch.float32)
    whole = whole.view(batch, frames * per_frame, ranks * heads, width)
    least, more = divmod(per_frame, ranks)
    owner = [rank for rank in range(ranks) for _ in range(least + (rank < more))]
    threads = ThreadsAsRanks(ranks)

    def check(rank: int) -> None:
        trade = Shares(None, per_frame)  # type: ignore[arg-type]
        places = [f * per_frame + place for f in range(frames) for place in range(per_frame) if owner[place] == rank]
        share = trade.shard(whole, frames)
        assert torch.equal(share, whole[:, places])
        assert torch.equal(trade.gather(share, frames), whole)
        some_heads = trade.to_heads(share, frames)
        assert torch.equal(some_heads, whole[:, :, rank * heads : (rank + 1) * heads])
        assert torch.equal(trade.to_tokens(some_heads, frames), share)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shares_module, "dist", threads)
        threads.run(check)


@pytest.mark.parametrize("name", ["cfg-context", "cfg", "context", "usp"])
def test_listing_them_and_asking_for_the_split_imports_no_torch(name: str) -> None:
    import subprocess
    import sys

    code = (
        "import sys\n"
        "from skyreels_cli.plugins.manager import plugins\n"
        "from skyreels_cli.plugins.options import make_options\n"
        "from skyreels_cli.plugins.protocols import Load\n"
        "from skyreels_cli.plugins.specs import ParallelSpec\n"
        f"spec = plugins().find(ParallelSpec, {name!r})\n"
        "plugins().make(spec, make_options(spec, {})).split(Load(12, 2040, 2, False), 2)\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ranks"), [("cfg", 2), ("context", 2), ("cfg-context", 4)])
def test_conformance(name: str, ranks: int) -> None:
    testing.check_plugin("skyreels_parallel.plugin")
    testing.check_parallel(name, ranks=ranks)
