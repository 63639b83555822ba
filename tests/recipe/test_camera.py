"""The camera's vocabulary: which words there are, and what they make of a prompt."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.camera import (
    ANGLES,
    MOVEMENTS,
    POSITIONS,
    SHOT_TYPES,
    Camera,
    camera_of,
    in_words,
    without_words,
)
from skyreels_cli.recipe.choices import CAMERA_WORDS, Angle, Movement, Position, ShotType
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.validate import find_problems

# The options that the prompt of SkyCaptioner-V1's own inference script lists, but for its last one, `other`.
CAPTIONER = {
    "shot": "long_shot/full_shot/medium_shot/close_up/extreme_close_up",
    "angle": "eye_level/high_angle/low_angle",
    "position": "front_view/back_view/side_view/over_the_shoulder/overhead_view/point_of_view/aerial_view/"
    "overlooking_view",
}

cameras = st.builds(
    Camera,
    shot=st.none() | st.sampled_from(get_args(ShotType)),
    angle=st.none() | st.sampled_from(get_args(Angle)),
    position=st.none() | st.sampled_from(get_args(Position)),
    movement=st.none() | st.lists(st.sampled_from(get_args(Movement)), min_size=1, max_size=3),
)


@pytest.mark.parametrize("field", CAPTIONER)
def test_the_captioners_words_are_ours(field: str) -> None:
    words = [getattr(Camera.model_validate({field: word}), field) for word in CAPTIONER[field].split("/")]
    assert sorted(words) == sorted(word for word, of in CAMERA_WORDS.items() if of == field)


def test_every_word_has_a_phrase_and_one_list_only() -> None:
    lists = [(ShotType, SHOT_TYPES), (Angle, ANGLES), (Position, POSITIONS), (Movement, MOVEMENTS)]
    assert all(set(get_args(words)) == set(phrases) for words, phrases in lists)
    assert len(CAMERA_WORDS) == sum(len(get_args(words)) for words, _ in lists)


def test_a_prompt_in_the_captioners_order() -> None:
    camera = Camera.model_validate({"shot": "close-up", "angle": "low", "position": "side", "movement": "dolly-in"})
    assert in_words("a cat sleeps", camera) == (
        "A close-up shot from a low angle, in side view. A cat sleeps. The camera dollies in."
    )


def test_movements_happen_together() -> None:
    camera = Camera.model_validate({"movement": ["Dolly out", "pedestal_up"]})
    assert in_words("雪が降る。", camera) == "雪が降る。 The camera dollies out and rises."


@given(prompt=st.text(min_size=1), camera=cameras)
def test_what_is_said_once_is_not_said_again(prompt: str, camera: Camera) -> None:
    said = in_words(prompt, camera)
    assert in_words(said, camera) == said
    assert prompt.strip()[1:].rstrip(" .!?…。！？") in said


@given(prompt=st.from_regex(r"[A-Z][a-z ]{1,20}[a-z]\.", fullmatch=True), camera=cameras)
def test_another_camera_replaces_the_words(prompt: str, camera: Camera) -> None:
    assert without_words(in_words(prompt, camera), camera) == prompt


def test_a_film_is_made_again_from_its_recipe(facts: Callable[..., ModelFacts]) -> None:
    camera = {"shot": "long", "movement": "tracking"}
    shots = [{"duration": "1s", "camera": {"angle": "low"}}, {"prompt": "b", "num_frames": 9}]
    recipe = complete(Draft.model_validate({"prompt": "a ball", "camera": camera, "shots": shots, "seed": 1}), facts())
    assert recipe.prompt == "A long shot. A ball. The camera follows the subject."
    assert recipe.shots[0].prompt == "A long shot from a low angle. A ball. The camera follows the subject."
    assert recipe.shots[1].prompt == "A long shot. B. The camera follows the subject."
    said = {key: value for key, value in recipe.model_dump(by_alias=True, exclude_none=True).items() if value != []}
    again = complete(Draft.model_validate(said), facts())
    assert again == recipe


def test_cameras_merge_field_by_field_and_reword_the_prompt_of_a_film() -> None:
    film = Draft.model_validate({"prompt": "A close-up shot. A ball.", "camera": {"shot": "close-up"}})
    typed = Draft.model_validate({"camera": {"shot": "long", "movement": "static"}})
    merged = merge(film, typed)
    assert merged.prompt == "A ball."
    assert merged.camera == Camera(shot="long", movement=["static"])
    assert merge(Draft.model_validate({"camera": {"angle": "low"}}), typed).camera == Camera(
        shot="long", angle="low", movement=["static"]
    )


def test_words_of_the_command_line() -> None:
    assert camera_of(["dolly-in", "Low Angle", "tilt_up"]) == {"angle": "low", "movement": ["dolly-in", "tilt-up"]}
    with pytest.raises(UsageError, match='did you mean "dolly-in"') as error:
        camera_of(["dolyl-in"])
    assert error.value.exit_code == 2
    with pytest.raises(UsageError, match="low and high exclude each other"):
        camera_of(["low", "high"])


def test_wrong_words_in_a_preset() -> None:
    problems = find_problems({"camera": {"shott": "close-up", "angle": "lo", "movement": ["fly"]}})
    assert [problem.key for problem in problems] == ["camera.angle", "camera.movement.0", "camera.shott"]
    assert problems[2].message == 'unknown key; did you mean "shot"?'
    assert problems[0].message == "'lo' should be 'eye-level', 'low' or 'high'"
