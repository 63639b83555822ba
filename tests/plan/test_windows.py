"""Windows are kept as runs of alike ones: against their list where it is short, by hand where it is not."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.dry_run import count_windows, plan_data
from skyreels_cli.plan.frames import latent_frames
from skyreels_cli.plan.matrix import StepMatrix
from skyreels_cli.plan.plan import Window
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import longest_window, plan_windows
from skyreels_cli.plan.work import FilmWork, WindowWork
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

sizes = st.builds(
    lambda base, overlap, block, steps, ar_step: WindowSizes(4, base, min(overlap, base - 1), block, steps, ar_step),
    st.integers(2, 7),
    st.integers(1, 6),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(0, 3),
)
shots = st.lists(
    st.builds(ShotFrames, st.integers(2, 120), st.sampled_from(["nothing", "image", "history"]), st.booleans()),
    min_size=1,
    max_size=4,
)


def windows_one_by_one(sizes: WindowSizes, shots: list[ShotFrames], given: int) -> Iterator[Window]:
    """Every window of a film, made by itself, as long as frames are left."""
    index = first_frame = 0
    known = given
    for shot, said in enumerate(shots):
        assert said.num_frames is not None
        assert sizes.base is not None
        known = known if said.start == "history" else 0
        left, first = said.num_frames, True
        while left:
            prefix = min(sizes.overlap, (known - 1) // 4 + 1) if known else 0
            drop = 4 * prefix - 3 if prefix else 0
            latents = min(sizes.base, latent_frames(drop + left, 4))
            new = min(left, 4 * latents - 3 - drop)
            ready = prefix or int(said.start == "image" and first)
            blocks = cut_blocks(latents, ready, sizes.block_size)
            count = sum(block.ready for block in blocks)
            yield Window(
                index=index,
                latents=latents,
                prefix_latents=ready,
                end_frame=said.end_frame and new == left,
                blocks=blocks,
                steps=StepMatrix(count, len(blocks) - count, sizes.inference_steps, sizes.ar_step),
                first_frame=first_frame,
                new_frames=new,
                drop_frames=drop,
                trim_frames=4 * latents - 3 - drop - new,
                shot=shot,
            )
            index, first_frame, first = index + 1, first_frame + new, False
            left, known = left - new, known + new


@settings(max_examples=400, deadline=None)
@given(sizes=sizes, shots=shots, given_frames=st.integers(1, 40), place=st.integers(-70, 70), count=st.integers(1, 70))
def test_runs_are_the_windows_one_by_one(
    *, sizes: WindowSizes, shots: list[ShotFrames], given_frames: int, place: int, count: int
) -> None:
    windows = plan_windows(sizes, shots, given_frames)
    listed = list(windows_one_by_one(sizes, shots, given_frames))
    assert list(windows) == listed
    assert len(windows) == len(listed)
    assert windows[:count] == tuple(listed[:count])
    if -len(listed) <= place < len(listed):
        assert windows[place] == listed[place]
    else:
        with pytest.raises(IndexError):
            windows[place]
    assert all(not later.continues(run) for run, later in zip(windows.runs, windows.runs[1:], strict=False))
    assert windows.total(lambda window: window.rows) == sum(window.rows for window in listed)
    assert windows.largest(lambda window: window.latents) == max(window.latents for window in listed)
    assert longest_window(sizes, shots, given_frames) == max(window.forward_latents for window in listed)
    short = min(count, len(listed))
    assert list(windows.beginning(short)) == listed[:short]


@settings(max_examples=200, deadline=None)
@given(runs=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 9)), min_size=1), window=st.integers(0, 60))
def test_steps_and_costs_around_a_window(runs: list[tuple[int, int]], window: int) -> None:
    work = FilmWork(WindowWork(count, steps, 2.0 * steps, steps + 7) for count, steps in runs)
    listed = [steps for windows, steps in runs for _ in range(windows)]
    assert (work.windows, work.steps) == (len(listed), sum(listed))
    assert work.steps_before(window) == sum(listed[:window])
    later = listed[window:]
    assert work.costs_from(window) == (sum(2 * steps**2 for steps in later), sum(steps + 7 for steps in later))
    if listed:
        assert work.window(window).steps == (listed[window] if window < len(listed) else listed[-1])


DAY = 24 * 3600 * 24


@pytest.mark.parametrize(
    ("frames", "windows", "last"), [(DAY, 25920, (2073537, 63)), (1_000_000_000, 12_500_000, (999_999_937, 63))]
)
def test_length_costs_nothing(
    frames: int, windows: int, last: tuple[int, int], *, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    """97 frames, then 80 in each window but the last."""
    tracemalloc.start()
    try:
        plan = make_plan(recipe_of(num_frames=frames), facts_of())
        data = plan_data(plan)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000
    assert (plan.count, plan.total_rows) == (windows, 30 * windows)
    assert [(entry["window"], entry["count"]) for entry in data["windows"]] == [
        (1, 1),
        (2, windows - 2),
        (windows, 1),
    ]
    assert count_windows(data) == windows
    end = plan.windows[-1]
    assert (end.first_frame, end.new_frames) == last
    minute, two = (make_plan(recipe_of(num_frames=97 + 80 * count), facts_of()) for count in (17, 18))
    one = two.estimates["time"].value - minute.estimates["time"].value
    assert plan.estimates["time"].value == pytest.approx(windows * one, rel=0.01)


@pytest.mark.parametrize(("family", "option"), [("df", "--base-num-frames"), ("t2v", "--num-frames")])
def test_a_window_of_a_thousand_million_frames_is_refused_before_it_is_made(
    family: str, option: str, recipe_of: RecipeOf, facts_of: FactsOf
) -> None:
    recipe = recipe_of(num_frames=1_000_000_001, base_num_frames=1_000_000_001)
    with pytest.raises(UsageError) as caught:
        make_plan(recipe, facts_of(family))
    assert (caught.value.code, caught.value.hint) == ("plan-window-too-long", f"{option} 4093")


def test_short_films_are_listed_window_by_window(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    for windows, listed in ((200, 200), (201, 3)):
        data = plan_data(make_plan(recipe_of(num_frames=97 + 80 * (windows - 2) + 1), facts_of()))
        assert (len(data["windows"]), count_windows(data)) == (listed, windows)
