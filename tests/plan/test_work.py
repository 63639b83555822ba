"""What windows should take, by the plan."""

from __future__ import annotations

import pytest

from skyreels_cli.plan.compute import Speed, denoise_flops, vae_flops
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plan.work import FilmWork

from .conftest import FactsOf, RecipeOf

SPEED = Speed(transformer=2e12, vae=5e11, basis="a test")


@pytest.mark.parametrize("frames", [97, 257, 290])
def test_the_work_of_a_film_adds_up_to_the_plan(frames: int, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    """Encoding the end of a window is done in that window, and planned in the next one."""
    recipe, facts = recipe_of(num_frames=frames), facts_of()
    plan = make_plan(recipe, facts)
    work = FilmWork.of(recipe, facts, plan, SPEED)
    steps, decodings = work.costs_from(0)
    assert steps == pytest.approx(denoise_flops(recipe, facts, plan.windows) / SPEED.transformer)
    assert decodings == pytest.approx(plan.windows.total(lambda each: vae_flops(recipe, facts, each)) / SPEED.vae)
    assert (work.windows, work.steps, work.frames) == (plan.count, plan.total_rows, frames)
    assert FilmWork.of_data({"work": work.to_data()}).to_data() == work.to_data()


def test_joined_latents_are_neither_decoded_again_nor_encoded(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    facts = facts_of()
    pixels, latents = (recipe_of(num_frames=257, join=join) for join in ("pixels", "latents"))
    again, chained = (FilmWork.of(each, facts, make_plan(each, facts), SPEED).window(1) for each in (pixels, latents))
    assert chained.decode_cost < again.decode_cost
    assert (chained.drop, again.drop) == (0, 17)
