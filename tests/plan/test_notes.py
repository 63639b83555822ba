"""Notes of a plan: nothing for an ordinary film, one sentence for each unusual choice."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.dry_run import plan_data
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

RecipeOf = Callable[..., Recipe]
FactsOf = Callable[..., ModelFacts]

ONE_AFTER_ANOTHER = "ar_step 31 is larger than needed: from 30 (the steps) on, blocks are rendered one after another."
RUN_AWAY = (
    "history_guidance 1.5 in a rolling film: what each block takes over is exaggerated again by the next, and colours "
    "may run away."
)
EXPERIMENTAL = "Causal attention is experimental: the released weights were not made for it."


def test_a_sink_needs_room_beside_it(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe = recipe_of(num_frames=257, overlap_history=1, frame_sink=True)
    assert make_plan(recipe, facts_of()).notes == (
        "frame_sink has no effect: an overlap of 1 frame would be nothing but the sink; 5 leave room for more.",
    )


@pytest.mark.parametrize("join", ["pixels", "rolling"])
def test_nor_does_one_that_is_kept_from_drifting(join: str, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    kept = {"addnoise_condition": "auto", "latent_anchor": 0.5, "frame_sink": True}
    guided = {"history_guidance": 1.5} if join == "pixels" else {}
    assert make_plan(recipe_of(num_frames=257, join=join, **kept, **guided), facts_of()).notes == ()


def test_an_ordinary_film_needs_no_note(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe = recipe_of(num_frames=257, ar_step=5, causal_block_size=5, addnoise_condition=20)
    assert make_plan(recipe, facts_of()).notes == ()


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"num_frames": 100}, "101 frames are rendered and the last 1 frame trimmed."),
        ({"num_frames": 98}, "101 frames are rendered and the last 3 frames trimmed."),
        (
            {"causal_attention": True},
            EXPERIMENTAL,
        ),
        (
            {"addnoise_condition": 60},
            "addnoise_condition 60 is above 50: the film may lose what came before.",
        ),
        (
            {"addnoise_condition": "auto"},
            "addnoise_condition auto has no effect: no window goes on from another.",
        ),
        (
            {"latent_anchor": 0.5, "image": "a.png"},
            "latent_anchor 0.5 has no effect: no window goes on from another.",
        ),
        (
            {"history_guidance": 1.5, "join": "rolling", "num_frames": 257},
            RUN_AWAY,
        ),
        (
            {"history_guidance": 2},
            "history_guidance 2.0 has no effect: no window goes on from another.",
        ),
        (
            {"ar_step": 31, "causal_block_size": 5},
            ONE_AFTER_ANOTHER,
        ),
        (
            {"ar_step": 5, "causal_block_size": 25},
            "ar_step 5 has no effect: every window is a single block.",
        ),
        (
            {"num_frames": 121, "base_num_frames": 121},
            "A window of 121 frames is longer than the 97 that the model was trained with.",
        ),
    ],
)
def test_unusual_choices_are_noted(changes: dict[str, Any], note: str, recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    assert make_plan(recipe_of(**changes), facts_of()).notes == (note,)


def test_trained_length_is_the_models(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    longer = recipe_of(num_frames=121, base_num_frames=121)
    assert make_plan(longer, facts_of(native="720P")).notes == ()
    (note,) = make_plan(recipe_of(), facts_of(base_num_frames=33)).notes
    assert "longer than the 33" in note


def test_plan_as_data(recipe_of: RecipeOf, facts_of: FactsOf) -> None:
    recipe = recipe_of(num_frames=175, image="a.png", end_image="b.png", ar_step=5, causal_block_size=5)
    plan = make_plan(recipe, facts_of())
    data = json.loads(json.dumps(plan_data(plan)))
    assert (data["frames"], data["total_rows"], data["tokens_per_frame"]) == (175, 50 + 45, 2040)
    assert data["duration_s"] == pytest.approx(175 / 24)
    assert data["windows"] == [
        {
            "window": 1,
            "count": 1,
            "shot": 0,
            "first_frame": 0,
            "frames": 97,
            "drop_frames": 0,
            "trim_frames": 0,
            "latents": 25,
            "prefix_latents": 1,
            "end_frame": False,
            "blocks": [1, 5, 5, 5, 5, 4],
            "ready_blocks": 1,
            "rows": 50,
            "tokens": 51_000,
        },
        {
            "window": 2,
            "count": 1,
            "shot": 0,
            "first_frame": 97,
            "frames": 78,
            "drop_frames": 17,
            "trim_frames": 2,
            "latents": 25,
            "prefix_latents": 5,
            "end_frame": True,
            "blocks": [5, 5, 5, 5, 5],
            "ready_blocks": 1,
            "rows": 45,
            "tokens": 53_040,
        },
    ]
    assert {"memory", "disk", "time"} <= data["estimates"].keys()
    assert all(e.keys() == {"value", "unit", "basis"} for e in data["estimates"].values())
    assert data["notes"] == list(plan.notes) == ["177 frames are rendered and the last 2 frames trimmed."]
