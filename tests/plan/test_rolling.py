"""Rolling films: their turns against the matrix of all blocks by the reference's recursion, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.frames import latent_frames
from skyreels_cli.plan.plan import Window
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plan.rolling import rolling_lag
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import closing_window, longest_window, plan_windows
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]


@st.composite
def rolling_sizes(draw: st.DrawFn) -> WindowSizes:
    base = draw(st.integers(2, 9))
    overlap = draw(st.integers(1, base - 1))
    block, steps = draw(st.integers(1, base - overlap)), draw(st.integers(1, 9))
    least = rolling_lag(steps, 0, base, overlap, block)
    lag = draw(st.sampled_from([least, *(ceil(least) + more for more in range(3))]))
    return WindowSizes(4, base, overlap, block, steps, lag, rolling=True)


shots = st.lists(
    st.builds(ShotFrames, st.integers(2, 150), st.sampled_from(["nothing", "image", "history"]), st.booleans()),
    min_size=1,
    max_size=3,
)


def staircase(blocks: int, steps: int, lag: int | Fraction) -> Iterator[list[int]]:
    """Index of every block of a shot in every row: block b begins in row ⌊b · lag⌋, or when the one before is done."""
    begins = [int(block * min(lag, steps)) for block in range(blocks)]
    for row in range(begins[-1] + steps):
        yield [min(max(row + 1 - begin, 0), steps + 1) for begin in begins]


@pytest.mark.parametrize(("steps", "lag"), [(3, 1), (5, 2), (4, 9)])
def test_the_staircase_is_the_references(steps: int, lag: int) -> None:
    """The recursion of tests/golden/REFERENCE.md §2."""
    before, rows = [0] * 6, []
    while any(index < steps for index in before):
        row: list[int] = []
        for block, index in enumerate(before):
            released = block == 0 or before[block - 1] >= steps
            row.append(min(max(index + 1 if released else row[block - 1] - lag, 0), steps + 1))
        rows.append(row)
        before = row
    assert rows == list(staircase(6, steps, lag))


@settings(max_examples=300, deadline=None)
@given(sizes=rolling_sizes(), shots=shots, given_frames=st.integers(1, 40))
def test_turns_are_the_staircase_seen_through_a_window(
    *, sizes: WindowSizes, shots: list[ShotFrames], given_frames: int
) -> None:
    windows = plan_windows(sizes, shots, given_frames)
    assert windows.total(lambda window: window.new_frames) == sum(shot.num_frames or 0 for shot in shots)
    assert windows[0].first_frame == 0
    for first, second in pairwise(windows):
        assert first.first_frame + first.new_frames == second.first_frame
    for number, shot in enumerate(shots):
        check_shot(sizes, shot, [window for window in windows if window.shot == number])
    assert longest_window(sizes, shots, given_frames) >= windows.largest(lambda window: window.forward_latents)


def check_shot(sizes: WindowSizes, shot: ShotFrames, windows: list[Window]) -> None:
    """Every row of every turn is a part of the staircase, and no block that has begun is out of sight."""
    first = windows[0]
    latents = latent_frames(first.drop_frames + (shot.num_frames or 0), 4)
    new = latents - first.prefix_latents
    assert sum(window.new_latents for window in windows) == new
    if not first.turns:
        assert len(windows) == 1
        assert latents <= (sizes.base or 0)
        return
    blocks = -(-new // sizes.block_size)
    rows = list(staircase(blocks, sizes.inference_steps, sizes.ar_step))
    turns = [turn for window in windows for turn in window.passes]
    assert sum(turn.rows for turn in turns) == sum(window.rows for window in windows) == len(rows)
    drawn = row = clean = 0
    for turn in turns:
        assert turn.latents <= (sizes.base or 0)
        assert turn.prefix_latents == min(sizes.overlap, first.prefix_latents + clean * sizes.block_size)
        assert turn.end_frame == (shot.end_frame and clean + new_blocks(turn) == blocks)
        drawn += turn.drawn_latents - (0 if turn.carried else turn.prefix_latents)
        for seen in turn.steps:
            whole = rows[row]
            assert list(seen[-new_blocks(turn) :]) == whole[clean : clean + new_blocks(turn)]
            assert set(seen[: -new_blocks(turn)]) <= {sizes.inference_steps + 1}
            assert all(index >= sizes.inference_steps for index in whole[:clean])
            assert not any(whole[clean + new_blocks(turn) :])
            row += 1
        left = sum(index == sizes.inference_steps for index in rows[row - 1][clean:])
        assert left > 0
        assert turn.ahead == sum(block.size for block in turn.blocks if not block.ready) - sum(
            block.size for block in [each for each in turn.blocks if not each.ready][:left]
        )
        clean += left
    assert clean == blocks
    assert drawn == new, "every new latent has its noise once"


def new_blocks(turn: Window) -> int:
    return sum(not block.ready for block in turn.blocks)


@pytest.mark.parametrize(
    ("frames", "changes", "rows"),
    [
        (97, {}, 30 + 36),  # one window: 25 blocks, 20 of which fit behind the overlap; 24 · 30/20
        (737, {}, 30 + 276),  # joined windows take 9 · 30
        (737, {"inference_steps": 8}, 8 + 73),
        (737, {"causal_block_size": 5}, 30 + 270),
        (737, {"overlap_history": 1}, 30 + 230),
        (737, {"inference_steps": 50, "ar_step": 5}, 50 + 184 * 5),
    ],
)
def test_rows_by_hand(
    *, recipe_of: RecipeOf, facts_of: FactsOf, frames: int, changes: dict[str, int], rows: int
) -> None:
    recipe = recipe_of(num_frames=frames, join="rolling", **changes)
    assert make_plan(recipe, facts_of()).total_rows == rows


def test_a_day_of_film_is_planned_at_once(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(recipe_of(num_frames=24 * 86400 + 1, join="rolling"), facts_of())
    assert plan.windows.total(lambda window: window.new_frames) == 24 * 86400 + 1
    assert len(plan.windows.runs) <= 5


@settings(max_examples=60, deadline=None)
@given(sizes=rolling_sizes(), more=st.integers(0, 4), start=st.sampled_from(["nothing", "image"]))
def test_an_endless_film_that_ends_is_the_finite_one(sizes: WindowSizes, more: int, start: str) -> None:
    endless = [ShotFrames(None, start)]  # type: ignore[arg-type]
    windows = plan_windows(sizes, endless)
    count = len(windows) + more
    known = [window for run in [windows.beginning(count)] for window in run]
    closing = closing_window(sizes, endless, 0, windows)
    if closing is not None:
        known.append(closing)
    frames = sum(window.new_frames for window in known)
    finite = list(plan_windows(sizes, [ShotFrames(frames, start)]))  # type: ignore[arg-type]
    if closing is None and (sizes.base or 0) - sizes.overlap > sizes.block_size:
        return  # blocks that fit beside the growing history have been seen ahead of the end
    assert [window.turns for window in known] == [window.turns for window in finite]


def test_what_does_not_fit_is_refused_with_what_does(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError) as refused:
        make_plan(recipe_of(join="rolling", causal_block_size=21), facts_of())
    assert (refused.value.code, refused.value.hint) == ("plan-rolling", "--causal-block-size 20")
    with pytest.raises(UsageError) as refused:
        make_plan(recipe_of(join="rolling", ar_step=1), facts_of())
    assert (refused.value.code, refused.value.hint) == ("plan-rolling", "--ar-step 2")
    with pytest.raises(UsageError) as refused:
        make_plan(recipe_of(join="rolling"), facts_of("t2v"))
    assert refused.value.code == "model-family"
