"""What windows are told: by shots, by re-rolls, and which stream their noise comes from."""

from __future__ import annotations

from typing import Any

from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.film.windows.script import Script
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft
from tests.film.conftest import GOLDEN, SMALL


def told(rerolls: list[dict[str, Any]], *shots: dict[str, Any]) -> list[tuple[str, Stream]]:
    """Prompt and stream of each window of a film with seed 7; a shot has two windows unless it says otherwise."""
    story = [{"num_frames": 21 if index == 0 else 16, **shot} for index, shot in enumerate(shots)]
    draft = {key: value for key, value in SMALL.items() if key != "num_frames"}
    facts = open_folder(GOLDEN / "model", "golden")
    recipe = complete(Draft.model_validate({**draft, "shots": story, "rerolls": rerolls}), facts)
    plan = make_plan(recipe, facts)
    script = Script(recipe, plan)
    directions = [script.direction(window) for window in plan.windows]
    assert {direction.shot.prompt for direction in directions} <= set(recipe.texts)
    return [(direction.shot.prompt, direction.stream) for direction in directions]


FILM = Stream(7, 0)


def test_shots_share_the_films_stream_unless_they_have_a_seed() -> None:
    assert told([], {"prompt": "a"}, {"prompt": "b", "seed": 9}, {"prompt": "c"}) == [
        ("a", FILM),
        ("a", FILM),
        ("b", Stream(9, 2)),
        ("b", Stream(9, 2)),
        ("c", FILM),
        ("c", FILM),
    ]


def test_a_shot_with_the_films_prompt() -> None:
    assert [prompt for prompt, _ in told([], {}, {"prompt": "b"})] == ["a red ball", "a red ball", "b", "b"]


def test_a_rerolled_seed_holds_from_its_window_on() -> None:
    rerolls = [{"window": 1, "seed": 4}]
    assert told(rerolls, {"prompt": "a"}, {"prompt": "b"}) == [
        ("a", FILM),
        ("a", Stream(4, 1)),
        ("b", Stream(4, 1)),
        ("b", Stream(4, 1)),
    ]


def test_a_later_shots_seed_outlives_a_reroll_but_not_one_in_it() -> None:
    shots = {"prompt": "a"}, {"prompt": "b", "seed": 9}
    assert [stream for _, stream in told([{"window": 1, "seed": 4}], *shots)] == [
        FILM,
        Stream(4, 1),
        Stream(9, 2),
        Stream(9, 2),
    ]
    assert [stream for _, stream in told([{"window": 2, "seed": 4}], *shots)][2:] == [Stream(4, 2)] * 2
    assert [stream for _, stream in told([{"window": 3, "seed": 4}], *shots)][2:] == [Stream(9, 2), Stream(4, 3)]


def test_a_rerolled_prompt_holds_to_the_end_of_the_shot() -> None:
    rerolls = [{"window": 1, "prompt": "z"}]
    assert told(rerolls, {"prompt": "a"}, {"prompt": "b"}) == [("a", FILM), ("z", FILM), ("b", FILM), ("b", FILM)]
