"""The backend `usp` with a stand-in for xfuser, which imports only where there is a GPU (`fake_xfuser`)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.distributed as dist
from skyreels_usp.backend import Usp
from skyreels_usp.plugin import UspOptions

from skyreels_cli import testing
from skyreels_cli.errors import PluginError, UsageError
from skyreels_cli.plugins.protocols import Load

FAKE = Path(__file__).parent / "fake_xfuser"
LOAD = Load(heads=12, tokens_per_frame=2040, branches=2, causal=False)


@pytest.fixture
def xfuser(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stand-in, in this process and in those it starts."""
    monkeypatch.syspath_prepend(str(FAKE))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "xfuser"]:
        del sys.modules[name]


@pytest.fixture
def one_rank() -> Iterator[None]:
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.parametrize(
    ("ring", "gpus", "split"),
    [
        (1, 2, "2 branches, 1 by Ulysses × 1 in a ring"),
        (1, 8, "2 branches × 4 shares, 4 by Ulysses × 1 in a ring"),
        (2, 8, "2 branches × 4 shares, 2 by Ulysses × 2 in a ring"),
    ],
)
def test_what_each_factor_shares(ring: int, gpus: int, split: str) -> None:
    assert Usp(UspOptions(ring=ring)).split(LOAD, gpus) == split


def test_a_ring_divides_what_heads_do_not() -> None:
    """8 shares of 12 heads: not by Ulysses alone, but by 4 × 2; tokens must be divisible in any case."""
    unguided = Load(heads=12, tokens_per_frame=2040, branches=1, causal=False)
    assert Usp(UspOptions(ring=2)).split(unguided, 8) == "8 shares, 4 by Ulysses × 2 in a ring"
    with pytest.raises(UsageError, match=r"usp cannot share .* it can among 2 or 3 or 4 or 6 or 12$"):
        Usp(UspOptions()).split(unguided, 8)
    odd = Load(heads=12, tokens_per_frame=2025, branches=1, causal=False)
    with pytest.raises(UsageError, match=r"2025 tokens per latent frame.* it can among 3$"):
        Usp(UspOptions()).split(odd, 2)


def test_it_attends_between_all_tokens_only(xfuser: None, one_rank: None) -> None:
    with pytest.raises(UsageError, match="causal attention is asked for"):
        Usp(UspOptions()).split(Load(heads=12, tokens_per_frame=2040, branches=2, causal=True), 2)
    backend = started()
    query = torch.zeros(1, 4, 2, 8)
    with pytest.raises(UsageError, match="this cache runs some of them"):
        backend.attend(query, query, query, 1, lambda *_: query, False)


def started() -> Usp:
    backend = Usp(UspOptions())
    backend.start(Load(heads=2, tokens_per_frame=4, branches=1, causal=False))
    return backend


def test_attention_is_xfusers(xfuser: None, one_rank: None) -> None:
    """It gets `(b, heads, tokens, head size)`."""
    backend = started()
    given: list[Any] = []
    backend._usp = lambda *tensors: given.extend(tensors) or tensors[0] * 2
    query, key, value = torch.randn(3, 1, 4, 2, 8)
    attended = backend.attend(query, key, value, 1, lambda *_: query, True)
    assert [tensor.shape for tensor in given] == [(1, 2, 4, 8)] * 3
    assert torch.equal(attended, query * 2)


def test_xfuser_that_does_not_share_is_refused(xfuser: None, one_rank: None) -> None:
    """Without its long-context attention xfuser 0.7 reports a Ulysses world of 1 and says nothing."""
    from xfuser.core import distributed  # type: ignore[import-not-found]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distributed, "get_ulysses_parallel_world_size", lambda: 0)
        with pytest.raises(PluginError) as raised:
            started()
    assert raised.value.code == "usp-alone"


@pytest.mark.parametrize("reason", [ModuleNotFoundError("No module named 'xfuser'"), NotImplementedError()])
def test_without_xfuser(one_rank: None, monkeypatch: pytest.MonkeyPatch, reason: Exception) -> None:
    class Missing:
        def find_spec(self, name: str, *_: Any) -> SimpleNamespace | None:
            if name.partition(".")[0] == "xfuser":
                raise reason
            return None

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(PluginError) as raised:
        started()
    assert raised.value.code == "extra-missing"
    assert raised.value.hint == "pip install 'skyreels-cli[usp]'"


@pytest.mark.slow
def test_conformance(xfuser: None) -> None:
    testing.check_plugin("skyreels_usp.plugin")
    testing.check_parallel("usp", ranks=4)  # of two ranks each would have a branch, and nothing to share
