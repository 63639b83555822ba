from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from skyreels_blockcache.cache import BlockCache
from skyreels_blockcache.plugin import BlockCacheOptions
from skyreels_blockcache.trend import Trend

from skyreels_cli import testing
from skyreels_cli.plan.matrix import updated_blocks
from skyreels_cli.plugins.protocols import CacheSetting

# Timesteps of indices 0 (not begun), 1 … 3, 4 (finished) at three steps.
TIMES = (999, 999, 700, 400, 0)


def run_window(fake_pass: Any, adds: Any, window: testing.TinyWindow, **options: Any) -> tuple[list[int], list[Any]]:
    """Rows in which each block was computed, and what the layers ran in each row (`None`: nothing)."""
    plan = window.plan
    blocks = tuple((block.start, block.stop) for block in plan.blocks)
    setting = CacheSetting("df", 0, plan.rows, window.steps, ("cond",), blocks, 1, 1, 2)
    cache = BlockCache(setting, BlockCacheOptions(**options))
    ran = []
    for row, indices in enumerate(plan.steps):
        updated = updated_blocks(plan, row, window.steps)
        by_block = [(TIMES[index], block in updated) for block, index in enumerate(indices)]
        by_frame = [told for told, block in zip(by_block, plan.blocks, strict=True) for _ in range(block.size)]
        call = fake_pass(
            row=row,
            timesteps=tuple(time for time, _ in by_frame),
            moving=tuple(moving for _, moving in by_frame),
            adds=lambda frame, times=by_frame: adds(times[frame][0]),
        )
        out = cache.run(torch.zeros(1, len(by_frame), 2), call)
        for frame, (time, moving) in enumerate(by_frame):
            if moving and options.get("threshold", 0) < 1:
                assert out[0, frame, 0] == pytest.approx(adds(time), rel=1e-5), (row, frame)
        ran.append(call.ran[0] if call.ran else None)
    return cache.close()["rows_computed"], ran


def test_each_block_decides_for_itself(fake_pass: Any) -> None:
    """Two blocks, two rows apart, whose layers add a constant: any prediction from two rows on is right.

    A block runs in the first row, in its first two rows of moving, and once more when it is finished, for others to
    attend to.
    """
    window = testing.TinyWindow(latents=4, block_size=2, steps=3, ar_step=2)
    assert [block.size for block in window.plan.blocks] == [2, 2]
    assert tuple(window.plan.steps) == ((1, 0), (2, 0), (3, 1), (4, 2), (4, 3))
    computed, ran = run_window(fake_pass, lambda time: 1.0, window, threshold=0.01, order=0)
    assert ran == [(0, 1, 2, 3), (0, 1), (2, 3), (0, 1, 2, 3), None]
    assert computed == [3, 3]


def test_a_trend_needs_three_rows(fake_pass: Any) -> None:
    """Order 1 follows a straight line exactly, once a prediction along the line has proved right."""
    window = testing.TinyWindow(latents=2, block_size=2, steps=3)
    computed, ran = run_window(fake_pass, lambda time: time / 1000, window, threshold=0.01, order=1)
    assert ran == [(0, 1), (0, 1), (0, 1)]
    assert computed == [3]


def test_order_0_sees_a_straight_line_as_error(fake_pass: Any) -> None:
    window = testing.TinyWindow(latents=2, block_size=2, steps=3)
    for threshold, expected in ((0.42, [(0, 1), (0, 1), (0, 1)]), (0.44, [(0, 1), (0, 1), None])):
        # From 999 to 700 it is wrong by 299/700; over the 300 from 700 to 400 by 300/299 of that: 0.4286.
        _, ran = run_window(
            fake_pass, lambda time: time / 1000 if time != 400 else 0.7, window, threshold=threshold, order=0
        )
        assert ran == expected


def test_threshold_0_computes_everything(fake_pass: Any) -> None:
    window = testing.TinyWindow(latents=4, block_size=2, steps=3, ar_step=2)
    computed, _ = run_window(fake_pass, lambda time: 1.0, window, threshold=0)
    assert computed == [5, 5]


def test_frames_that_stand_by_can_be_refreshed(fake_pass: Any) -> None:
    window = testing.TinyWindow(latents=4, block_size=2, steps=3, ar_step=3)
    assert tuple(window.plan.steps) == ((1, 0), (2, 0), (3, 0), (4, 1), (4, 2), (4, 3))
    for refresh, expected in ((0, [0, 3, 4]), (2, [0, 2, 3, 4])):
        _, ran = run_window(fake_pass, lambda time: 1.0, window, threshold=0.01, order=0, refresh=refresh)
        second = [row for row, frames in enumerate(ran) if frames and 2 in frames]
        assert second == expected


class TestTrend:
    def test_nothing_is_known_before_two_rows(self) -> None:
        trend = Trend(order=0)
        trend.learn(torch.ones(1), 0, 900, moving=True)
        assert trend.expected_error(900) == trend.expected_error(800) == math.inf

    @pytest.mark.parametrize("order", [0, 1])
    def test_the_error_grows_with_the_distance(self, order: int) -> None:
        """Off by 1/4 (relative) over 100 timesteps; over half of them by half of it or, with a slope, a quarter."""
        trend = Trend(order)
        if order:
            trend.learn(torch.tensor([3.0]), 0, 1000, moving=True)
        trend.learn(torch.tensor([3.0]), 1, 900, moving=True)
        trend.learn(torch.tensor([4.0]), 2, 800, moving=True)
        assert trend.expected_error(700) == pytest.approx(0.25)
        assert trend.expected_error(750) == pytest.approx(0.25 / 2 ** (order + 1))

    def test_it_predicts_along_the_line(self) -> None:
        trend = Trend(order=1)
        trend.learn(torch.tensor([1.0]), 0, 900, moving=True)
        trend.learn(torch.tensor([2.0]), 1, 800, moving=True)
        assert trend.predict(700).tolist() == [3.0]

    def test_a_block_that_begins_to_move_forgets_what_it_was(self) -> None:
        trend = Trend(order=0)
        trend.learn(torch.ones(1), 0, 999, moving=False)
        trend.learn(torch.ones(1), 4, 900, moving=True)
        assert trend.expected_error(800) == math.inf


def test_conformance() -> None:
    testing.check_cache("blockcache", on={"threshold": 0.1}, off={"threshold": 0})
    testing.check_cache("blockcache", on={"threshold": 0.3, "order": 0, "refresh": 2})


@pytest.mark.parametrize("steps", [6, 7])
@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_the_skip_rate_is_what_the_blocks_say(steps: int, guidance: float) -> None:
    window = testing.TinyWindow(latents=6, block_size=2, steps=steps, ar_step=2, guidance_scale=guidance)
    run = testing.Run(window, "blockcache", {"threshold": 0.2})
    run.go()
    assert run.cache is not None
    computed = run.cache.close()["rows_computed"]
    possible = 3 * window.plan.rows
    assert sum(computed) < possible
    assert run.cache.skipped == pytest.approx(1 - sum(computed) / possible, abs=1e-4)
