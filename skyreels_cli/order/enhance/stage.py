"""The stage of the intake between draft and recipe: texts that somebody else shall write are written, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.order.enhance.answer import Paragraph
from skyreels_cli.order.enhance.enhance import Enhanced, Wish, enhance, left_alone
from skyreels_cli.order.enhance.picture import picture
from skyreels_cli.order.enhance.providers import Provider, choose_provider
from skyreels_cli.order.enhance.storyboard import grid_of, length_of, write_shots
from skyreels_cli.order.enhance.writer import open_writer
from skyreels_cli.recipe.enhancement import Enhancement
from skyreels_cli.recipe.schema import Draft, Recipe
from skyreels_cli.recipe.shots import ShotDraft

DEFAULT_SHOTS = 4
Show = Callable[[str], object]


def is_asked(draft: Draft) -> bool:
    """Whether somebody else shall write texts of this draft."""
    return draft.prompt_enhancer is not None or draft.story is not None


def reopened(draft: Draft) -> Draft:
    """The draft; texts that were left for later are asked for once more if the words they come from have changed."""
    mark = draft.enhanced
    if mark is None or not mark.pending or mark.prompt == (draft.story or _own_words(draft)):
        return draft
    if draft.story is None and draft.shots and all(shot.prompt == mark.prompt for shot in draft.shots):
        return draft  # a story, in each of its shots
    return draft.model_copy(update={"enhanced": None, "prompt_enhancer": draft.prompt_enhancer or mark.provider})


def take_texts(draft: Draft, made: Mapping[str, Any] | None) -> Draft:
    """The draft with the texts of a film that is there (`made`, its recipe), if they come from the same words."""
    taken = _taken_up(draft, made) if is_asked(draft) else None
    return _settled(draft, taken) if taken else draft


def write_texts(draft: Draft, facts: ModelFacts, notes: list[str], show: Show = str) -> Draft:
    """The draft with its texts written, and the record of that; `notes` are added to.

    Raises UsageError `usage` for a story beside shots or a prompt, and what providers raise.
    """
    _check_story(draft)
    provider = choose_provider(draft.prompt_enhancer, options=draft.options)
    if provider.chosen_because:
        notes.append(f"prompts are enhanced by {provider.name}, {provider.chosen_because}")
    if draft.story:
        return _settled(draft, _story(draft, facts, provider, notes, show))
    return _settled(draft, _prompts(draft, facts, provider, notes, show))


def leave_for_later(draft: Draft, facts: ModelFacts) -> Draft:
    """The draft with a mark that its texts are to be written when the film begins; lengths are settled now."""
    _check_story(draft)
    provider = choose_provider(draft.prompt_enhancer, options=draft.options)
    mark = Enhancement(
        prompt=draft.story or _own_words(draft),
        provider=provider.name,
        options=dict(provider.options),
        seed=draft.seed or 0,
        pending=True,
    )
    update: dict[str, Any] = {"enhanced": mark}
    if draft.story:
        grid = grid_of(draft, facts)
        unwritten = [Paragraph(draft.story)] * (draft.story_shots or DEFAULT_SHOTS)
        update["shots"] = write_shots(unwritten, grid, length_of(draft, grid.fps))
    return _settled(draft, update)


def write_pending(recipe: Recipe, made: Mapping[str, Any] | None, facts: ModelFacts, show: Show = str) -> Recipe:
    """The recipe of a film that begins, with the texts that were left for now; its lengths stay as they are."""
    if recipe.enhanced is None or not recipe.enhanced.pending:
        return recipe
    mark = recipe.enhanced
    if made and _is_of(made, mark.prompt):
        shots = [
            shot.model_copy(update={"prompt": other["prompt"], "cut": other["cut"]})
            for shot, other in zip(recipe.shots, made["shots"], strict=True)
        ]
        known = Enhancement.model_validate(made["enhanced"])
        return recipe.model_copy(update={"prompt": made["prompt"], "shots": shots, "enhanced": known})
    is_story = bool(recipe.shots) and all(shot.prompt == mark.prompt for shot in recipe.shots)
    prompts = [mark.prompt] if is_story else [shot.prompt for shot in recipe.story]
    provider = choose_provider(mark.provider, options={mark.provider: mark.options})
    with picture(recipe.story[0].image, recipe.video) as first:
        wishes = [
            Wish(
                prompt=prompt,
                shots=len(recipe.shots) if is_story else 1,
                seed=mark.seed,
                image=None if number else first,
                goes_on=recipe.video is not None,
                film_model=facts.name,
            )
            for number, prompt in enumerate(prompts)
        ]
        done = _write(wishes, provider, show, silent=True)
    written = record(mark.prompt, provider, done)
    texts = [paragraph for each in done for paragraph in each.paragraphs]
    shots = [
        shot.model_copy(update={"prompt": text.text, "cut": text.cut if is_story else shot.cut})
        for shot, text in zip(recipe.shots, texts, strict=False)
    ]
    return recipe.model_copy(update={"prompt": texts[0].text, "shots": shots, "enhanced": written})


def _story(draft: Draft, facts: ModelFacts, provider: Provider, notes: list[str], show: Show) -> dict[str, Any]:
    grid = grid_of(draft, facts)
    frames = length_of(draft, grid.fps)
    with picture(_first_image(draft), draft.video) as first:
        wish = Wish(
            prompt=draft.story or "",
            shots=draft.story_shots or DEFAULT_SHOTS,
            seed=draft.seed or 0,
            image=first,
            goes_on=draft.video is not None,
            film_model=facts.name,
        )
        (done,) = _write([wish], provider, show)
    notes += done.notes
    written = record(draft.story or "", provider, [done])
    shots = write_shots(done.paragraphs, grid, frames)
    return {"shots": shots, "num_frames": None, "duration": None, "enhanced": written}


def _prompts(draft: Draft, facts: ModelFacts, provider: Provider, notes: list[str], show: Show) -> dict[str, Any]:
    """The prompt, or that of each shot that has one."""
    own = [shot.prompt for shot in draft.shots or () if shot.prompt] if draft.shots else [draft.prompt or ""]
    seed = draft.seed or 0
    with picture(_first_image(draft), draft.video) as first:
        wishes = [
            Wish(
                prompt=text,
                seed=seed,
                image=None if number else first,
                goes_on=draft.video is not None,
                film_model=facts.name,
            )
            for number, text in enumerate(own)
        ]
        done = _write(wishes, provider, show)
    notes += [note for each in done for note in each.notes]
    update: dict[str, Any] = {"enhanced": record(_own_words(draft), provider, done)}
    texts = iter([each.text for each in done])
    if draft.shots:
        shots = [shot.model_copy(update={"prompt": next(texts)}) if shot.prompt else shot for shot in draft.shots]
        return {**update, "shots": shots}
    return {**update, "prompt": next(texts)}


def enhance_alone(wish: Wish) -> tuple[Enhanced, Enhancement | None]:
    """A single text by the provider that is set up, with nothing shown, and the record of it."""
    if done := left_alone(wish):
        return done, None
    provider = choose_provider()
    (done,) = _write([wish], provider, str)
    return done, record(wish.prompt, provider, [done])


def _write(wishes: list[Wish], provider: Provider, show: Show, *, silent: bool = False) -> list[Enhanced]:
    """All texts by one writer, whose memory is back when this returns; `silent` is one that prints nothing itself."""
    with open_writer(provider, silent=silent or show is str) as writer:
        return [enhance(wish, writer, provider.name, show) for wish in wishes]


def record(own: str, provider: Provider, done: Sequence[Enhanced]) -> Enhancement | None:
    """What a recipe keeps of an enhancement; None if nothing was written, as prompts were long already or are kept."""
    written = next((each for each in done if each.provider), None)
    if written is None:
        return None
    return Enhancement(
        prompt=own,
        provider=provider.name,
        model=written.model,
        options=dict(provider.options),
        instruction=written.instruction,
        seed=written.wish.seed,
    )


def _settled(draft: Draft, update: Mapping[str, Any]) -> Draft:
    """The draft with no wish left open."""
    return draft.model_copy(update={"prompt_enhancer": None, "story": None, "story_shots": None, **update})


def _taken_up(draft: Draft, made: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The texts of an unfinished film that began with the same words; None if there is no such film."""
    own = draft.story or _own_words(draft)
    if made is None or not _is_of(made, own):
        return None
    known = Enhancement.model_validate(made["enhanced"])
    if not draft.story and not draft.shots:
        return {"prompt": made["prompt"], "enhanced": known}
    kept = ("prompt", "num_frames", "cut") if draft.story else ("prompt",)
    written = [{name: shot[name] for name in kept} for shot in made["shots"]]
    before = draft.shots if draft.shots and not draft.story else [ShotDraft()] * len(written)
    shots = [shot.model_copy(update=values) for shot, values in zip(before, written, strict=False)]
    length = {"num_frames": None, "duration": None} if draft.story else {}
    return {"shots": shots, "enhanced": known, **length}


def _is_of(made: Mapping[str, Any], own: str) -> bool:
    enhanced = made.get("enhanced") or {}
    return enhanced.get("prompt") == own and not enhanced.get("pending")


def _own_words(draft: Draft) -> str:
    """What the person wrote: the prompt, or those of all shots."""
    if draft.shots:
        return "\n\n".join(shot.prompt for shot in draft.shots if shot.prompt)
    return draft.prompt or ""


def _first_image(draft: Draft) -> str | None:
    return draft.image or (draft.shots[0].image if draft.shots else None)


def _check_story(draft: Draft) -> None:
    if draft.story is None:
        return
    if not draft.story.strip():
        raise UsageError("no-prompt", "the story has no words", '--story "a fairy tale of a fox" --shots 6')
    if draft.prompt:
        raise UsageError("usage", "a story and a prompt both say what is seen", "leave one of them out")
    if draft.shots:
        raise UsageError("usage", "a story writes its own shots, and --shots FILE has others", "--shots 6")
