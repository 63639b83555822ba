from __future__ import annotations

from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.shots import ShotDraft
from skyreels_cli.recipe.unheard import check_heard

FIRST, SECOND = {"num_frames": 17, "prompt": "a"}, {"num_frames": 17, "prompt": "b"}
PAN = {"camera": {"movement": ["pan-left"]}}


def heard(said: dict[str, Any], first: dict[str, Any], second: dict[str, Any]) -> bool:
    shots = [ShotDraft.model_validate({**FIRST, **first}), ShotDraft.model_validate({**SECOND, **second})]
    try:
        check_heard(Draft.model_validate(said), shots, "--shots story.yaml")
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    ("said", "own"),
    [
        ({"prompt": "c"}, {"prompt": "d"}),
        ({"negative_prompt": ""}, {"negative_prompt": "blur"}),
        ({"guidance_scale": 5}, {"guidance_scale": 1}),
        ({"seed": 5}, {"seed": 0}),
        ({"camera": {"movement": ["dolly-in"]}}, PAN),
    ],
)
def test_the_film_is_heard_while_one_shot_has_nothing_of_its_own(said: dict[str, Any], own: dict[str, Any]) -> None:
    nothing = dict.fromkeys(own)
    assert heard(said, nothing, nothing)
    assert heard(said, own, nothing)
    assert heard(said, nothing, own)
    assert not heard(said, own, own)


def test_pictures_belong_to_the_first_and_the_last_shot() -> None:
    assert heard({"image": "x.png"}, {}, {"image": "y.png", "cut": True})
    assert not heard({"image": "x.png"}, {"image": "y.png"}, {})
    assert heard({"end_image": "x.png"}, {"end_image": "y.png"}, {})
    assert not heard({"end_image": "x.png"}, {}, {"end_image": "y.png"})


def test_what_a_shots_camera_leaves_unsaid_is_the_films() -> None:
    assert heard({"camera": {"shot": "close-up"}}, PAN, PAN)


def test_who_writes_the_prompts_draws_from_the_films_seed() -> None:
    assert heard({"seed": 5, "prompt_enhancer": "rules"}, {"seed": 1}, {"seed": 2})


def test_a_film_without_shots_hears_everything() -> None:
    check_heard(Draft(prompt="a", seed=1), None, "")
