"""Shots: what a list of them may say, where each mistake is found, and what the film fills in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.presets.load import load_shots
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.sharing.load import load_preset
from skyreels_cli.recipe.validate import find_problems

Facts = Callable[..., ModelFacts]


def draft(**said: Any) -> Draft:
    return Draft.model_validate(said)


def completed(facts: Facts, *shots: dict[str, Any], **film: Any) -> Recipe:
    return complete(draft(shots=list(shots), **film), facts())


@pytest.mark.parametrize(
    ("shots", "key", "message"),
    [
        ([{"prompt": "a"}], "shots.0", "how long is it? neither num_frames nor duration says"),
        ([{"num_frames": 9, "duration": "1s"}], "shots.0.duration", "num_frames says already how long the shot is"),
        ([{"num_frames": 0}], "shots.0.num_frames", "0 should be greater than or equal to 1"),
        (
            [{"duration": "1s"}, {"num_frames": 9, "seed": -1}],
            "shots.1.seed",
            "-1 should be greater than or equal to 0",
        ),
        ([{"num_frames": 9, "promt": "a"}], "shots.0.promt", 'unknown key; did you mean "prompt"?'),
        ([{"num_frames": 9, "fps": 12}], "shots.0.fps", "unknown key"),
        ([{"duration": "inf"}, {"num_frames": 9}], "shots.0.duration", "only the last shot can be endless"),
        (
            [{"num_frames": 9}, {"num_frames": 9, "image": "a.png"}],
            "shots.1.image",
            "only a shot with `cut: true` (or the first) can start from an image",
        ),
        ([{"num_frames": 9, "cut": "perhaps"}], "shots.0.cut", "'perhaps' should be a valid boolean"),
    ],
)
def test_refused(shots: list[dict[str, Any]], key: str, message: str) -> None:
    assert [(problem.key, problem.message) for problem in find_problems({"shots": shots})] == [(key, message)]


def test_no_shots_are_none() -> None:
    (problem,) = find_problems({"shots": []})
    assert problem.key == "shots"


def test_what_a_shot_leaves_out_is_the_films(facts: Facts) -> None:
    recipe = completed(
        facts,
        {"num_frames": 9},
        {"duration": "0.5s", "prompt": "b", "negative_prompt": "", "guidance_scale": 2, "seed": 4, "cut": True},
        prompt="a",
        negative_prompt="bad",
        guidance_scale=3,
    )
    first, second = recipe.story
    assert (first.prompt, first.negative_prompt, first.guidance_scale, first.seed) == ("a", "bad", 3, None)
    assert (second.prompt, second.negative_prompt, second.guidance_scale, second.seed) == ("b", "", 2, 4)
    assert (first.num_frames, second.num_frames, recipe.num_frames) == (9, 12, 21)
    assert (first.cut, second.cut) == (False, True)


def test_the_first_prompt_names_the_film(facts: Facts) -> None:
    assert completed(facts, {"num_frames": 9, "prompt": "a"}, {"num_frames": 9, "prompt": "b"}).prompt == "a"


def test_every_shot_needs_a_prompt(facts: Facts) -> None:
    with pytest.raises(UsageError, match="shot 2 has no prompt") as error:
        completed(facts, {"num_frames": 9, "prompt": "a"}, {"num_frames": 9})
    assert error.value.code == "no-prompt"


def test_the_films_images_start_the_first_and_end_the_last(facts: Facts, tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "c.png"):
        Image.new("RGB", (64, 96)).save(tmp_path / name)
    recipe = completed(
        facts,
        {"num_frames": 9},
        {"num_frames": 9, "cut": True, "image": str(tmp_path / "c.png")},
        prompt="a",
        image=str(tmp_path / "a.png"),
        end_image=str(tmp_path / "b.png"),
    )
    assert [Path(shot.image or "").name for shot in recipe.story] == ["a.png", "c.png"]
    assert [shot.end_image and Path(shot.end_image).name for shot in recipe.story] == [None, "b.png"]
    assert recipe.guidance_scale == 5.0, "the default of films that start from an image"
    assert recipe.height > recipe.width, "as the image is"


def test_a_missing_image_of_a_shot(facts: Facts) -> None:
    with pytest.raises(UsageError) as error:
        completed(facts, {"num_frames": 9, "prompt": "a", "end_image": "gone.png"})
    assert error.value.code == "image-not-found"


@pytest.mark.parametrize("length", [{"num_frames": 20}, {"duration": "10s"}, {"duration": "inf"}])
def test_another_length_contradicts(facts: Facts, length: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="the shots make 18 frames") as error:
        completed(facts, {"num_frames": 9, "prompt": "a"}, {"num_frames": 9}, prompt="a", **length)
    assert (error.value.code, error.value.exit_code) == ("shots-length", 2)


def test_shots_replace_the_length_of_a_preset(facts: Facts) -> None:
    merged = merge(load_preset("10s-sync"), draft(shots=[{"num_frames": 9, "prompt": "a"}]))
    assert complete(merged, facts()).num_frames == 9


def test_a_recipe_is_a_draft_that_makes_the_same_recipe(facts: Facts) -> None:
    recipe = completed(facts, {"num_frames": 9, "prompt": "a"}, {"num_frames": 8, "prompt": "b", "seed": 3}, seed=7)
    again = draft(**recipe.model_dump(mode="json", by_alias=True))
    assert complete(again, facts()) == recipe


def test_an_endless_last_shot(facts: Facts) -> None:
    recipe = completed(facts, {"num_frames": 9, "prompt": "a"}, {"duration": "inf", "prompt": "b"})
    assert (recipe.num_frames, recipe.story[1].num_frames) == (None, None)
    ended = recipe.ended_at(25)
    assert (ended.num_frames, [shot.num_frames for shot in ended.story]) == (25, [9, 16])


def test_a_film_without_shots_is_one(facts: Facts) -> None:
    recipe = complete(draft(prompt="a", duration="inf", guidance_scale=1, negative_prompt="bad"), facts())
    (shot,) = recipe.story
    assert (shot.prompt, shot.num_frames, shot.texts) == ("a", None, ("a",))
    assert recipe.ended_at(97).num_frames == 97


class TestFile:
    def test_a_list_or_a_preset_with_shots(self, tmp_path: Path) -> None:
        bare, whole = tmp_path / "bare.yaml", tmp_path / "whole.yaml"
        bare.write_text("- {prompt: a, num_frames: 9}\n- prompt: b\n  duration: 2s\n")
        whole.write_text("seed: 5\nshots:\n- {prompt: a, num_frames: 9}\n- prompt: b\n  duration: 2s\n")
        assert load_shots(bare).shots == load_shots(whole).shots
        assert (load_shots(bare).seed, load_shots(whole).seed) == (None, 5)
        assert load_preset(str(whole)) == load_shots(whole)

    def test_images_are_relative_to_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "story.yaml"
        path.write_text("- {prompt: a, num_frames: 9, image: in/a.png, end_image: /b.png}\n")
        (shot,) = load_shots(path).shots or ()
        assert (shot.image, shot.end_image) == (str(tmp_path / "in/a.png"), "/b.png")

    @pytest.mark.parametrize(
        ("text", "problems"),
        [
            (
                "shots:\n- prompt: a\n  num_frames: 9\n- prompt: b\n  duration: soon\n",
                [":5: shots.1.duration: duration 'soon' is no length of time such as 10s, 2m, 1m30s or 1.5"],
            ),
            (
                "# a comment\n- prompt: a\n- num_frames: 9\n  promt: b\n",
                [':4: shots.1.promt: unknown key; did you mean "prompt"?'],
            ),
            (
                "- prompt: a\n- num_frames: 9\n\n  image: a.png\n",
                [
                    ":1: shots.0: how long is it? neither num_frames nor duration says",
                    ":4: shots.1.image: only a shot with `cut: true` (or the first) can start from an image",
                ],
            ),
            ("- a\n", [":1: shots.0: 'a' should be a valid dictionary or instance of ShotDraft"]),
            ("seed: 5\n", [":1: there are no `shots:` in it"]),
            ("a shot\n", [":1: expected `key: value` lines"]),
        ],
    )
    def test_mistakes_have_a_line(self, text: str, problems: list[str], tmp_path: Path) -> None:
        path = tmp_path / "story.yaml"
        path.write_text(text)
        with pytest.raises(UsageError) as error:
            load_shots(path)
        assert error.value.code == "bad-preset"
        assert error.value.message.splitlines() == [f"{path}{problem}" for problem in problems]

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError) as error:
            load_shots(tmp_path / "gone.yaml")
        assert (error.value.code, error.value.exit_code) == ("shots-not-found", 2)
