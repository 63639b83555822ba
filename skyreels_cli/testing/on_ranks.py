"""The part of the authors' kit that runs on ranks: `testing.check_parallel` starts them, each checks its own share."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from multiprocessing.connection import Connection
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from skyreels_cli.errors import UsageError
from skyreels_cli.film.ranks.launch import Ranks
from skyreels_cli.film.ranks.parent import portable
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.protocols import Load, Parallel
from skyreels_cli.plugins.specs import ParallelSpec
from skyreels_cli.testing.windows import TOKENS_PER_FRAME, WINDOWS, Run

FRAMES = 3
# Sums in another order than that of a single rank.
TOLERANCE = 1e-4


def run_checks(name: str, options: Mapping[str, Any], ranks: int) -> None:
    """Every rule on every rank, with a layout of full attention and one that is block-causal."""
    with Ranks(ranks, check_rank, name, options) as started:
        for _ in range(ranks):
            started.hear()


def check_rank(_rank: int, pipe: Connection, name: str, options: Mapping[str, Any]) -> None:
    """All rules on this rank; what is broken is told through the pipe."""
    try:
        dist.init_process_group("gloo")
        for causal in (False, True):
            _check_layout(name, options, causal=causal)
        pipe.send(None)
    except Exception as error:  # noqa: BLE001 - the test is to say it
        pipe.send(portable(error))


def _check_layout(name: str, options: Mapping[str, Any], *, causal: bool) -> None:
    load = Load(heads=2, tokens_per_frame=TOKENS_PER_FRAME, branches=2, causal=causal)
    spec = plugins().find(ParallelSpec, name)
    backend: Parallel = plugins().make(spec, make_options(spec, options))
    try:
        assert backend.split(load, dist.get_world_size()), "split() says nothing"
    except UsageError:
        assert causal, f"{name} cannot share {load} among {dist.get_world_size()} ranks"
        return
    backend.start(load)
    _check_branches(backend)
    _check_tokens(backend)
    _check_attention(backend)
    _check_agreement(backend)
    for window in WINDOWS:
        if window.causal_attention == causal:
            alone, shared = Run(window).go(), Run(window, parallel=backend).go()
            difference = float((alone - shared).abs().max())
            assert difference < TOLERANCE, f"{window} differs by {difference:.1e} from what one rank makes of it"


def _random(*shape: int) -> Tensor:
    """The same on every rank."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


def _check_branches(backend: Parallel) -> None:
    """All velocities come back in their order, whoever computed them."""
    for count in (1, 2, 3):
        velocities = list(_random(count, 1, 4, 2, 2, 2))
        mine = backend.branches(count)
        assert mine, f"of {count} branches a rank has none"
        gathered = backend.gather_branches([velocities[branch] for branch in mine], count)
        assert len(gathered) == count, f"{len(gathered)} velocities of {count} branches"
        for branch, velocity in enumerate(gathered):
            assert torch.equal(velocity, velocities[branch]), f"branch {branch} of {count} is another one's"


def _check_tokens(backend: Parallel) -> None:
    """Each rank has as many tokens of one frame as of the other, and together they have them all, once."""
    tokens = _random(1, FRAMES * TOKENS_PER_FRAME, 6)
    share = backend.shard(tokens, FRAMES)
    assert share.shape[1] % FRAMES == 0, f"{share.shape[1]} tokens are no whole {FRAMES} frames"
    assert torch.equal(backend.gather(share, FRAMES), tokens), "gather() does not undo shard()"
    for part, frame in zip(share.chunk(FRAMES, dim=1), tokens.chunk(FRAMES, dim=1), strict=True):
        assert torch.equal(part, backend.shard(frame, 1)), "a frame is cut in another way when others are there"


def _check_attention(backend: Parallel) -> None:
    """Attention is between all tokens, in their order."""
    whole = _random(3, FRAMES * TOKENS_PER_FRAME, 2, 8).unsqueeze(1)
    shares = [backend.shard(x, FRAMES) for x in whole]
    query, key, value = shares
    attended = backend.attend(query, key, value, FRAMES, _attention, plain=True)
    expected = backend.shard(_attention(*whole), FRAMES)
    assert torch.allclose(attended, expected, atol=TOLERANCE), "attention is not between all tokens"


def _attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    query, key, value = (x.transpose(1, 2) for x in (query, key, value))
    return scaled_dot_product_attention(query, key, value).transpose(1, 2)


def _check_agreement(backend: Parallel) -> None:
    """Every rank hears the mean of what all have said."""
    agreed = backend.agree(float(dist.get_rank()))
    mean = (dist.get_world_size() - 1) / 2
    assert isclose(agreed, mean), f"the ranks agree on {agreed}; the mean of what they said is {mean}"
