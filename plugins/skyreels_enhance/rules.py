"""The enhancer that needs no model: what was said, word for word, and what was left open, from a vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from skyreels_cli.order.enhance.words import lost_words
from skyreels_cli.plugins.options import Options
from skyreels_cli.plugins.protocols import Writing, WritingTask
from skyreels_enhance.composing import closing_sentences, fit, head_sentence, joined, middle, parts_of
from skyreels_enhance.fewwords import FewWords
from skyreels_enhance.reading import PromptReading, read
from skyreels_enhance.tale import tell


class Rules:
    """Completes prompts from a vocabulary: at once, offline, the same for the same seed."""

    def __init__(self, options: Options, model: str | None) -> None:
        """Takes no options, and no language model."""

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """The prompt with every part that it lacks, or a storyboard; in the words of a film model that knows few."""
        few = FewWords.of(task.film_model)
        if few:
            text = few.write(task)
        elif task.shots > 1:
            text = tell(task)
        else:
            text = complete(task.prompt, task.seed, task.max_words)
        show(text)
        return Writing(text)


def complete(prompt: str, seed: int, max_words: int) -> str:
    """One paragraph; every word of substance in the prompt is in it."""
    reading = read(prompt)
    text = _completed(reading, Random(f"{seed}:{prompt}"), max_words)
    if lost_words(prompt, text):  # a prompt that is taken apart wrongly is kept whole
        whole = replace(reading, opening="", framing="", scene=prompt, subject="", predicate="", camera=(), style=())
        text = _completed(whole, Random(f"{seed}:{prompt}"), max_words)
    return text


def _completed(reading: PromptReading, rng: Random, max_words: int) -> str:
    def assemble(said: dict[str, str]) -> str:
        head = head_sentence(reading, reading.framing or said["framing"], said["attributes"])
        return joined(head, *middle(said), *closing_sentences(reading), said["camera"])

    return fit(parts_of(reading, rng), assemble, rng, max_words)
