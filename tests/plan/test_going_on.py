"""Plans of films that go on with a video, against windows filled frame by frame."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]


def simulate(asked: int, base: int, overlap: int) -> list[tuple[int, int, int]]:
    """(first new frame, new frames, surplus) of each window; the video's last frames count below zero."""
    film = list(range(-overlap, 0))
    windows = []
    while film[-1] < asked - 1:
        window = film[-overlap:]
        while len(window) < base and (window[-1] < asked - 1 or len(window) % 4 != 1):
            window.append(window[-1] + 1)
        new = [frame for frame in window[overlap:] if frame < asked]
        windows.append((new[0], len(new), len(window) - overlap - len(new)))
        film = window
    return windows


@given(asked=st.integers(1, 200), base=st.integers(2, 25), overlap=st.integers(1, 24), block=st.integers(1, 7))
def test_windows_begin_behind_the_video(
    recipe_of: RecipeOf, facts_of: FactsOf, asked: int, base: int, overlap: int, block: int
) -> None:
    frames, taken = 4 * base - 3, 4 * min(overlap, base - 1) - 3
    recipe = recipe_of(
        video="clip.mp4", num_frames=asked, base_num_frames=frames, overlap_history=taken, causal_block_size=block
    )
    windows = make_plan(recipe, facts_of()).windows
    found = [(window.first_frame, window.new_frames, window.trim_frames) for window in windows]
    assert found == simulate(asked, frames, taken)
    assert {(window.drop_frames, window.prefix_latents) for window in windows} == {(taken, (taken + 3) // 4)}


def test_text_to_video_models_cannot_go_on(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError, match="going on with a video needs a DF model") as error:
        make_plan(recipe_of(video="clip.mp4"), facts_of("t2v"))
    assert error.value.code == "model-family"
