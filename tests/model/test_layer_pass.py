"""The seam for caches: passing through it changes nothing, and some frames can run against the keys of all."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from skyreels_cli.model.kv_cache import KVCache
from skyreels_cli.model.layer_pass import LayerPass, Shortcut, Work
from skyreels_cli.model.text_context import TextContext
from skyreels_cli.testing import tiny_transformer

FRAMES, SIDE = 6, 4
BLOCKS = [(0, 2), (2, 4), (4, 6)]
TIMES = torch.tensor([[0, 0, 500, 500, 999, 999]])
LAYERS = 3


class Probe:
    """A cache that does what a test says, and keeps what it saw."""

    def __init__(self, run: Any) -> None:
        self._run = run
        self.call: LayerPass | None = None

    def run(self, x: Tensor, call: LayerPass) -> Tensor:
        self.call = call
        result: Tensor = self._run(x, call)
        return result


def velocity(run: Any = None, work: Work | None = None, causal: bool = False) -> Tensor:
    """The velocity of one window, with a cache that does `run`, or without one."""
    random = torch.Generator().manual_seed(3)
    latents = torch.randn(1, 16, FRAMES, SIDE, SIDE, generator=random)
    text = TextContext(torch.randn(1, 8, 32, generator=random))
    shortcut = None
    if run is not None:
        shortcut = Shortcut(
            cache=Probe(run),  # type: ignore[arg-type]
            row=2,
            branch="cond",
            timesteps=tuple(TIMES[0].tolist()),
            moving=(False, False, True, True, False, False),
            work=work or Work(),
            kv_cache=KVCache(),
        )
    with torch.inference_mode():
        result: Tensor = tiny_transformer(LAYERS)(
            latents, TIMES, text, fps=24, causal_blocks=BLOCKS if causal else None, shortcut=shortcut
        )
    return result


@pytest.mark.parametrize("causal", [False, True])
def test_a_cache_that_takes_no_shortcut_changes_no_bit(causal: bool) -> None:
    for run in (
        lambda x, call: call.run(x),
        lambda x, call: call.run(call.run(x, 0, 1), 1),
        lambda x, call: call.run(x, keep_keys=True),
        lambda x, call: call.run(call.run(call.run(x, 0, 1), 1, 2), 2, 3),
    ):
        assert torch.equal(velocity(run, causal=causal), velocity(causal=causal))


def test_what_a_cache_is_told() -> None:
    def look(x: Tensor, call: LayerPass) -> Tensor:
        assert x.shape == (1, FRAMES * 4, 48)
        assert (call.row, call.branch) == (2, "cond")
        assert call.timesteps == (0, 0, 500, 500, 999, 999)
        assert call.moving == (False, False, True, True, False, False)
        assert call.time.shape == (1, FRAMES, 48)
        assert call.modulation.shape == (1, FRAMES, 6, 48)
        assert call.agree(0.25) == 0.25
        return call.run(x)

    velocity(look)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("frames", [[2, 3], [0, 1, 4, 5], [4, 5]])
def test_some_frames_run_against_the_keys_of_all(frames: list[int], causal: bool) -> None:
    """Nothing has changed since all keys were kept, so the frames must come out as they did with all others."""

    def run_some(x: Tensor, call: LayerPass) -> Tensor:
        before = x.clone()
        whole = call.run(x, keep_keys=True).clone()
        part = before.unflatten(1, (FRAMES, -1))[:, frames].flatten(1, 2)
        some = call.run(part, frames=frames)
        expected = whole.unflatten(1, (FRAMES, -1))[:, frames].flatten(1, 2)
        assert torch.allclose(some, expected, atol=1e-5, rtol=1e-5)
        return whole

    assert torch.equal(velocity(run_some, causal=causal), velocity(causal=causal))


def test_frames_that_ran_are_what_others_see_from_then_on() -> None:
    """In one layer: after frames 2 and 3 ran on another input, frames 4 and 5 attend to what they have become."""

    def run_parts(x: Tensor, call: LayerPass) -> Tensor:
        def one_layer(x: Tensor, frames: list[int] | None = None) -> Tensor:
            return call.run(x.clone().flatten(1, 2), 0, 1, frames, keep_keys=True).unflatten(1, (x.shape[1], -1))

        old = x.clone().unflatten(1, (FRAMES, -1))
        new = old.clone()
        new[:, 2:4] *= -1
        before = one_layer(old)
        one_layer(new[:, 2:4], [2, 3])
        after = one_layer(new[:, 4:], [4, 5])
        expected = one_layer(new)[:, 4:]
        assert torch.allclose(after, expected, atol=1e-5, rtol=1e-5)
        assert not torch.allclose(after, before[:, 4:], atol=1e-3)
        return call.run(x)

    assert torch.equal(velocity(run_parts), velocity())


def test_work_is_counted_in_layers_and_frames() -> None:
    work = Work()
    velocity(lambda x, call: call.run(x), work)
    assert (work.full, work.done, work.skipped) == (18, 18, 0.0)
    velocity(lambda x, call: x, work)
    assert (work.full, work.done, work.skipped) == (36, 18, 0.5)

    def first_layer_then_two_frames(x: Tensor, call: LayerPass) -> Tensor:
        part = x.unflatten(1, (FRAMES, -1))[:, :2].flatten(1, 2)
        call.run(x.clone(), 0, 1, keep_keys=True)
        call.run(part, 0, 1, frames=[0, 1])
        return x

    velocity(first_layer_then_two_frames, work)
    assert (work.full, work.done) == (54, 18 + 6 + 2)


def test_plugins_of_api_1_may_bring_their_own_keys_and_are_told_that_this_goes() -> None:
    from skyreels_cli.model import key_memory

    with pytest.warns(DeprecationWarning, match="keep_keys"):
        memory = key_memory.KeyMemory()
    frames = [2, 3]

    def run_some(x: Tensor, call: LayerPass) -> Tensor:
        before = x.clone()
        with pytest.warns(DeprecationWarning, match="keep_keys"):
            whole = call.run(x, memory=memory).clone()
        part = before.unflatten(1, (FRAMES, -1))[:, frames].flatten(1, 2)
        with pytest.warns(DeprecationWarning, match="keep_keys"):
            some = call.run(part, 0, None, frames, memory)
        assert torch.allclose(some, whole.unflatten(1, (FRAMES, -1))[:, frames].flatten(1, 2), atol=1e-5, rtol=1e-5)
        return whole

    assert torch.equal(velocity(run_some), velocity())
    assert not memory.is_empty
