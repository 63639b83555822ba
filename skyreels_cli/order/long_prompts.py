"""Tells of prompts that are longer than the text encoder reads: two that differ only in the rest give one film."""

from __future__ import annotations

from collections.abc import Iterator

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.compute import TEXT_TOKENS
from skyreels_cli.recipe.schema import Recipe

SHOWN = 30


def cut_prompts(recipe: Recipe, facts: ModelFacts) -> Iterator[str]:
    """A sentence for each prompt that is cut: where, and what is lost. A model that is not here yet cannot tell."""
    file = facts.tokenizer / "tokenizer.json"
    # A token is at least a byte of text, so that short prompts need no tokenizer (16 MB, half a second).
    long = [text for text in recipe.texts if len(text.encode("utf-8")) >= TEXT_TOKENS]
    if not long or not file.is_file():
        return
    from tokenizers import Tokenizer

    from skyreels_cli.recipe.prompt_text import clean_prompt

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    for text in map(clean_prompt, long):
        tokens = tokenizer.encode(text)
        if len(tokens.ids) > TEXT_TOKENS:
            end = tokens.offsets[TEXT_TOKENS - 2][1]  # the last place is the end token's
            yield (
                f"a prompt of {len(tokens.ids)} tokens is cut to {TEXT_TOKENS}, behind “…{text[:end][-SHOWN:]}”: "
                f"the last {len(text) - end} characters are lost, from “{text[end:].strip()[:SHOWN]}…” on"
            )
