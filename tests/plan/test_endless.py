"""Films without end: windows are made when their turn comes, and any beginning is a finite film's."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]


@settings(max_examples=100, deadline=None)
@given(
    base=st.integers(2, 12),
    overlap=st.integers(1, 11),
    block=st.integers(1, 6),
    ar_step=st.integers(0, 5),
    before=st.lists(st.integers(1, 40), max_size=3),
    image=st.booleans(),
    windows=st.integers(1, 12),
)
def test_told_to_end_it_is_the_finite_film(
    *,
    base: int,
    overlap: int,
    block: int,
    ar_step: int,
    before: list[int],
    image: bool,
    windows: int,
    recipe_of: RecipeOf,
    facts_of: FactsOf,
) -> None:
    def shot(frames: int | None, **more: Any) -> dict[str, Any]:
        return {"prompt": "x", "negative_prompt": "", "num_frames": frames, "guidance_scale": 6.0, **more}

    shots = [shot(2 + frames) for frames in before] + [shot(None)]
    shots[0]["image"] = "first.png" if image else None
    recipe = recipe_of(
        num_frames=None,
        shots=shots,
        base_num_frames=4 * (base - 1) + 1,
        overlap_history=4 * (min(overlap, base - 1) - 1) + 1,
        causal_block_size=block,
        ar_step=ar_step,
    )
    plan = make_plan(recipe, facts_of())
    windows = max(windows, sum(window.shot < len(before) for window in plan.windows) + 1)
    ended = plan.ended_after(windows)
    assert ended.num_frames == sum(window.new_frames for window in islice(plan.all_windows(), windows))
    finite = recipe.ended_at(ended.num_frames)
    assert make_plan(finite, facts_of()).windows == ended.windows
    assert finite.num_frames == ended.num_frames


def test_windows_go_on_and_on(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(recipe_of(num_frames=None), facts_of())
    assert (plan.endless, plan.count, plan.total_rows, len(plan.windows)) == (True, None, None, 2)
    far = plan.window(1_000_000)
    assert far is not None
    assert (far.index, far.first_frame, far.new_frames) == (1_000_000, 97 + 999_999 * 80, 80)
    assert plan.notes == (
        "The film goes on until Ctrl-C: each window adds 80 frames (3.3 s), for which disk and time are given.",
    )
    data = plan_data(plan)
    assert (data["frames"], data["duration_s"], data["total_rows"]) == (None, None, None)
    assert [window["frames"] for window in data["windows"]] == [97, 80]


def test_a_finite_film_ends(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    plan = make_plan(recipe_of(num_frames=177), facts_of())
    assert (plan.endless, plan.count, plan.window(2)) == (False, 2, None)
    assert tuple(plan.all_windows()) == tuple(plan.windows)


@pytest.mark.parametrize(
    ("family", "changes", "code"),
    [("df", {"end_image": "last.png"}, "plan-endless"), ("t2v", {}, "model-family")],
)
def test_refused(family: str, changes: dict[str, Any], code: str, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    with pytest.raises(UsageError) as caught:
        make_plan(recipe_of(num_frames=None, **changes), facts_of(family))
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
