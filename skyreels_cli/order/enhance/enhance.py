"""The enhancement itself: ask, clean, check, ask once more, and keep the person's own words if all that fails."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from skyreels_cli.errors import SkyreelsError, UsageError
from skyreels_cli.order.enhance.answer import Paragraph, paragraphs, shortened
from skyreels_cli.order.enhance.continuity import breaks, mended
from skyreels_cli.order.enhance.faults import faults, lost_facts
from skyreels_cli.order.enhance.instruction import (
    LAST_FRAME,
    MAX_TOKENS,
    MAX_WORDS,
    MIN_WORDS,
    PICTURE,
    asked_again,
    conversation,
    fingerprint,
    instruction,
)
from skyreels_cli.order.enhance.words import count_words, token_estimate
from skyreels_cli.plugins.protocols import PromptEnhancer, Writing, WritingTask

LEAST_MAX_WORDS = 20
LEAVES_OUT, IN_A_SHOT = "it leaves out ", "shot "
"""How problems begin that can be mended."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What shall be written; `image` is the first frame or, if the film `goes_on`, the last one before it."""

    prompt: str
    shots: int = 1
    max_words: int = MAX_WORDS
    seed: int = 0
    image: Path | None = None
    goes_on: bool = False
    film_model: str | None = None


@dataclass(frozen=True)
class Enhanced:
    """What became of a wish: a paragraph for each shot, and how it came about.

    `provider` is None if nothing was written: the paragraph is the person's own text then, and `notes` say why.
    `instruction` is the fingerprint of what the language model was told, None if none was asked.
    """

    wish: Wish
    paragraphs: tuple[Paragraph, ...]
    provider: str | None = None
    model: str | None = None
    instruction: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All paragraphs, with an empty line between two."""
        return "\n\n".join(paragraph.text for paragraph in self.paragraphs)


def left_alone(wish: Wish) -> Enhanced | None:
    """What comes of a prompt that needs nothing; None if it does. Raises UsageError for a wish that makes no sense."""
    if not wish.prompt.strip() and wish.image is None:
        raise UsageError("no-prompt", "there is no prompt to enhance", 'skyreels enhance-prompt "a fox in the snow"')
    if wish.max_words < LEAST_MAX_WORDS:
        message = f"--max-words {wish.max_words} leaves no room: a prompt has at least {LEAST_MAX_WORDS} words"
        raise UsageError("max-words", message, f"--max-words {MAX_WORDS}")
    long = count_words(wish.prompt)
    if wish.shots > 1 or (long < MIN_WORDS and long <= wish.max_words):
        return None
    note = f"the prompt has {long} words already: it is left as it is"
    if token_estimate(wish.prompt) > MAX_TOKENS:
        note += f", but the model may read no more than its first {MAX_TOKENS} tokens"
    return Enhanced(wish, (Paragraph(wish.prompt),), notes=(note,))


def enhance(wish: Wish, writer: PromptEnhancer, provider: str, show: Callable[[str], object] = str) -> Enhanced:
    """What the writer makes of the wish, checked; `show` gets each piece of text as it comes.

    Raises SkyreelsError `enhancer-unusable` if a story does not get its shots; a single prompt is kept as it was.
    """
    if done := left_alone(wish):
        return done
    task = _task(wish)
    answers = [writer.write(task, show)]
    shots, wrong = _judged(wish, answers[0])
    if wrong and answers[0].model is not None:
        show("\n")
        answers.append(writer.write(replace(task, messages=_again(task, answers[0], wrong)), show))
        second, still_wrong = _judged(wish, answers[1])
        if len(still_wrong) <= len(wrong) and second:
            shots, wrong = second, still_wrong
    notes = _notes(wish, answers, provider)
    model = answers[-1].model
    told = fingerprint() if model is not None else None
    if not wrong:
        return Enhanced(wish, shots, provider, model, told, notes)
    if repaired := _repaired(wish, shots, wrong):
        return Enhanced(wish, repaired, provider, model, told, (*notes, *_broken(wish, repaired)))
    why = f"{provider} wrote nothing that can be used: {'; '.join(wrong)}"
    if wish.shots > 1:
        raise SkyreelsError("enhancer-unusable", why, "another --seed, another --model, or --provider rules")
    return Enhanced(wish, (Paragraph(wish.prompt),), notes=(*notes, f"{why}; the prompt stays as it is"))


def _task(wish: Wish) -> WritingTask:
    picture = "" if wish.image is None else LAST_FRAME if wish.goes_on else PICTURE
    return WritingTask(
        prompt=wish.prompt,
        messages=conversation(wish.prompt, instruction(wish.shots, wish.max_words, picture)),
        shots=wish.shots,
        max_words=wish.max_words,
        seed=wish.seed,
        image=str(wish.image) if wish.image else None,
        film_model=wish.film_model,
    )


def _again(task: WritingTask, answer: Writing, wrong: list[str]) -> tuple[dict[str, str], ...]:
    return asked_again(task.messages, answer.text, wrong)


def _judged(wish: Wish, written: Writing) -> tuple[tuple[Paragraph, ...], list[str]]:
    """The paragraphs of an answer, cut to length, and what is wrong with them; rules need no judge but for facts."""
    found = tuple(
        replace(paragraph, text=shortened(paragraph.text, wish.max_words, MAX_TOKENS))
        for paragraph in paragraphs(written.text, wish.shots)
    )[: wish.shots]
    if len(found) < wish.shots:
        return found, [f"it has {len(found)} paragraphs instead of {wish.shots}" if found else "it is empty"]
    by_rules = written.model is None
    wrong = [] if by_rules else [fault for shot in found for fault in faults(shot.text, wish.max_words)]
    wrong += [] if by_rules else _broken(wish, found)
    lost = lost_facts(wish.prompt, " ".join(paragraph.text for paragraph in found))
    return found, list(dict.fromkeys(wrong)) + ([_leaves_out(lost)] if lost else [])


def _broken(wish: Wish, shots: tuple[Paragraph, ...]) -> list[str]:
    """In which the shots of a story do not go together."""
    return [gap.text for gap in breaks(wish.prompt, shots)] if len(shots) > 1 else []


def _leaves_out(lost: list[str]) -> str:
    return f"{LEAVES_OUT}{', '.join(lost)}"


def _repaired(wish: Wish, shots: tuple[Paragraph, ...], wrong: list[str]) -> tuple[Paragraph, ...] | None:
    """If only facts got lost: the person's own words before the first paragraph; if only shots do not go together:
    what another shot says of place and light.
    """
    if not all(problem.startswith((LEAVES_OUT, IN_A_SHOT)) for problem in wrong):
        return None
    shots = mended(wish.prompt, shots, wish.max_words)
    if not any(problem.startswith(LEAVES_OUT) for problem in wrong):
        return shots
    own = wish.prompt.strip()
    own += "" if own.endswith((".", "!", "?", "。")) else "."
    room = max(0, wish.max_words - count_words(own))
    rest = shortened(shots[0].text, room, MAX_TOKENS - token_estimate(own)) if room else ""
    return (replace(shots[0], text=f"{own} {rest}".strip()), *shots[1:])


def _notes(wish: Wish, answers: list[Writing], provider: str) -> tuple[str, ...]:
    if wish.image is None or any(answer.saw_image for answer in answers):
        return ()
    ignored = "the last frame of the video" if wish.goes_on else wish.image.name
    return (f"{provider} does not look at pictures: {ignored} was ignored",)
