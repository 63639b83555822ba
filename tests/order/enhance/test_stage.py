"""The stage between draft and recipe: texts are written once, and the recipe tells by whom and from what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.errors import UsageError
from skyreels_cli.order.enhance import stage
from skyreels_cli.order.enhance.instruction import fingerprint
from skyreels_cli.order.enhance.providers import choose_provider
from skyreels_cli.order.enhance.stage import write_pending
from skyreels_cli.order.intake import decide, take_up
from skyreels_cli.order.order import Order
from skyreels_cli.order.request import Request
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.plugins.protocols import Writing, WritingTask
from skyreels_cli.recipe.merge import merge
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.shots import ShotDraft

MODEL = str(Path(__file__).parents[2] / "golden" / "model")
TEXT = (
    "Medium shot of a fox with thick fur in a snowy forest at night. It lifts its head, listens, and then runs "
    "between the trees, faster and faster, until it jumps over a fallen trunk and stops in the light of the moon. The "
    "snow glitters, and the mood is quiet. The camera follows the fox with a slow and steady movement from the side."
)


class Typist:
    """Stands in for a provider: writes the same text for every shot, and counts."""

    written = 0

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        type(self).written += 1
        return Writing("\n\nCUT: ".join([TEXT] * task.shots), "typist-1")


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> type[Typist]:
    """Whoever asks for `qwen` gets the typist, in this process."""
    Typist.written = 0
    monkeypatch.setattr("skyreels_cli.order.enhance.providers.Provider.make", lambda self: Typist())

    def chosen(name: str | None = None, **given: Any) -> Any:
        provider = choose_provider(name, **given)
        return replace(provider, spec=replace(provider.spec, own_process=False))

    monkeypatch.setattr(stage, "choose_provider", chosen)
    return Typist


def order(tmp_path: Path, *, later: bool = False, name: str = "film.mp4", **said: Any) -> Order:
    values = {"model": MODEL, "resolution": "80x48", "num_frames": 17, **said}
    draft = Draft.model_validate({key: value for key, value in values.items() if value is not None})
    return decide(Request(typed=draft, output=tmp_path / name, enhance_later=later))


def test_the_recipe_holds_both_texts_and_who_wrote(tmp_path: Path, typist: type[Typist]) -> None:
    recipe = order(tmp_path, prompt="a fox", prompt_enhancer="qwen", seed=7).recipe
    assert recipe.prompt == TEXT
    assert recipe.enhanced is not None
    assert recipe.enhanced.model_dump() == {
        "prompt": "a fox",
        "provider": "qwen",
        "model": "typist-1",
        "options": {},
        "instruction": fingerprint(),
        "seed": 7,
        "pending": False,
    }
    assert typist.written == 1


def test_a_replay_does_not_write_again(tmp_path: Path, typist: type[Typist]) -> None:
    first = order(tmp_path, prompt="a fox", prompt_enhancer="qwen", seed=7)
    again = decide(Request(typed=first.draft, output=tmp_path / "again.mp4"))
    assert again.recipe == first.recipe
    assert typist.written == 1


@pytest.mark.parametrize("asked", [{"prompt": "a fox"}, {"story": "a fox", "story_shots": 3, "num_frames": 90}])
def test_the_same_words_again_take_the_texts_of_the_film_that_is_there(
    tmp_path: Path, typist: type[Typist], monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    first = order(tmp_path, prompt_enhancer="qwen", seed=7, **asked).recipe
    there = first.model_dump(mode="json", by_alias=True)
    monkeypatch.setattr("skyreels_cli.order.intake._made", lambda output: there)
    assert order(tmp_path, prompt_enhancer="qwen", **asked).recipe == first
    assert typist.written == 1
    order(tmp_path, prompt_enhancer="qwen", prompt="a swan")
    assert typist.written == 2


def test_other_words_drop_the_record() -> None:
    told = Draft(prompt=TEXT, enhanced={"prompt": "a fox", "provider": "rules"})
    assert merge(told, Draft(prompt="a swan")).enhanced is None
    assert merge(told, Draft(seed=3)).enhanced == told.enhanced
    assert merge(Draft(prompt="a swan"), told).enhanced == told.enhanced


def test_each_shot_of_a_file_is_completed(tmp_path: Path, typist: type[Typist]) -> None:
    shots = [ShotDraft(prompt="a fox", num_frames=9), ShotDraft(prompt="a swan", num_frames=8, cut=True)]
    recipe = order(tmp_path, shots=shots, num_frames=None, prompt_enhancer="qwen").recipe
    assert [(shot.prompt, shot.num_frames, shot.cut) for shot in recipe.shots] == [(TEXT, 9, False), (TEXT, 8, True)]
    assert recipe.enhanced is not None
    assert recipe.enhanced.prompt == "a fox\n\na swan"
    assert typist.written == 2


def test_a_long_prompt_is_left_alone_and_nothing_is_recorded(tmp_path: Path) -> None:
    made = order(tmp_path, prompt=TEXT, prompt_enhancer="rules")
    assert (made.recipe.prompt, made.recipe.enhanced) == (TEXT, None)
    assert any("left as it is" in note for note in made.notes)


def test_without_a_name_it_says_who_it_is(tmp_path: Path) -> None:
    made = order(tmp_path, prompt="a fox", prompt_enhancer="default")
    assert made.recipe.enhanced is not None
    assert made.recipe.enhanced.provider == "rules"
    assert any("no language model is set up" in note for note in made.notes)


def test_a_story_becomes_shots_of_the_asked_length(tmp_path: Path, typist: type[Typist]) -> None:
    recipe = order(tmp_path, story="a fox", story_shots=3, prompt_enhancer="qwen", num_frames=90).recipe
    assert [(shot.prompt, shot.cut) for shot in recipe.shots] == [(TEXT, False), (TEXT, True), (TEXT, True)]
    assert recipe.num_frames == sum(shot.num_frames or 0 for shot in recipe.shots) == 90


def test_what_is_wrong_otherwise_is_said_before_anybody_writes(tmp_path: Path, typist: type[Typist]) -> None:
    (tmp_path / "film.mp4").write_bytes(b"a film")
    with pytest.raises(UsageError):
        order(tmp_path, prompt="a fox", prompt_enhancer="qwen")
    with pytest.raises(UsageError):
        order(tmp_path, prompt="a fox", prompt_enhancer="qwen", overlap_history=98, name="other.mp4")
    assert typist.written == 0


@pytest.mark.parametrize(
    "said",
    [
        {"story": "a fox", "prompt": "a swan"},
        {"story": "a fox", "num_frames": None, "shots": [ShotDraft(prompt="a", num_frames=5)]},
        {"story": " "},
        {"story": "a fox", "num_frames": None, "duration": "inf"},
    ],
)
def test_what_does_not_go_together(tmp_path: Path, said: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as raised:
        order(tmp_path, prompt_enhancer="rules", **said)
    assert raised.value.hint


@pytest.mark.parametrize("is_story", [False, True])
def test_later_means_when_the_film_begins(tmp_path: Path, typist: type[Typist], is_story: bool) -> None:
    asked = {"story": "a fox", "story_shots": 2} if is_story else {"prompt": "a fox"}
    waiting = order(tmp_path, later=True, prompt_enhancer="qwen", **asked)
    assert typist.written == 0
    assert waiting.recipe.enhanced is not None
    assert waiting.recipe.enhanced.pending
    assert waiting.recipe.num_frames == 17
    kept = Recipe.model_validate(waiting.recipe.model_dump(mode="json", by_alias=True))
    begun = write_pending(kept, None, waiting.facts)
    assert typist.written == 1
    assert begun.enhanced is not None
    assert not begun.enhanced.pending
    assert {shot.prompt for shot in begun.story} == {TEXT}
    assert make_plan(begun, waiting.facts).num_frames == 17
    resumed = write_pending(kept, begun.model_dump(mode="json", by_alias=True), waiting.facts)
    assert resumed == begun
    assert typist.written == 1


def test_words_changed_in_place_are_still_to_be_written(tmp_path: Path, typist: type[Typist]) -> None:
    """As the form and an editor change them: the mark stays beside them."""
    waiting = order(tmp_path, later=True, prompt="a fox", prompt_enhancer="qwen").draft
    assert waiting is not None
    changed = waiting.model_copy(update={"prompt": "a hare"})
    again = decide(Request(typed=changed, output=tmp_path / "other.mp4", enhance_later=True)).recipe
    assert again.enhanced is not None
    assert (again.prompt, again.enhanced.prompt, again.enhanced.pending) == ("a hare", "a hare", True)
    assert typist.written == 0


def test_a_film_that_is_taken_up_has_its_texts(tmp_path: Path) -> None:
    waiting = order(tmp_path, later=True, prompt="a fox", prompt_enhancer="rules")
    taken = take_up(waiting.recipe, waiting.placement, tmp_path / "film.mp4")
    assert "a fox, its" in taken.recipe.prompt
    assert taken.recipe.enhanced is not None
    assert not taken.recipe.enhanced.pending


@pytest.mark.parametrize("seed", range(50))
def test_stories_by_rules_are_valid_and_plan(tmp_path: Path, seed: int) -> None:
    """On the bundled model, with lengths that fill its windows."""
    story = ("a fairy tale of a fox", "a red circle", "a swan on a lake at dawn", "two boats")[seed % 4]
    values = {"story": story, "story_shots": 2 + seed % 5, "seed": seed, "prompt_enhancer": "rules"}
    made = decide(Request(typed=Draft(model="tiny", **values), output=tmp_path / "film.mp4"))
    assert made.plan.num_frames == made.recipe.num_frames
    assert len(made.recipe.shots) == 2 + seed % 5
    assert made.plan.count == len(made.recipe.shots)
    assert all(window.trim_frames == 0 for window in made.plan.windows)
