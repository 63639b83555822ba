"""Writes the bundle's tokenizer: word level, with `vocabulary`'s table as normaliser rules, so any engine
reads prompts alike.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from .vocabulary import PHRASES, SINGLE, SYNONYMS, WORDS

SPECIAL: Final = ("<pad>", "</s>", "<unk>")


def token_ids() -> dict[str, int]:
    """Return every token's id: pad 0, end 1, unknown 2, then the words."""
    return {token: place for place, token in enumerate((*SPECIAL, *WORDS))}


def write_tokenizer(folder: Path) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` as `transformers.AutoTokenizer` reads them."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer_json(), indent=1) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(_config(), indent=2) + "\n")


def tokenizer_json() -> dict[str, Any]:
    """Return the content of `tokenizer.json`."""
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_added(token, place) for place, token in enumerate(SPECIAL)],
        "normalizer": {"type": "Sequence", "normalizers": _normalisers()},
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": _end_token(),
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": token_ids(), "unk_token": "<unk>"},
    }


def _normalisers() -> list[dict[str, Any]]:
    """Lower case, a to z only; phrases longest first, then synonyms; whatever is left unknown is dropped.

    Replaced text is written in upper case until the end, so that a later rule cannot touch it again.
    """
    steps: list[dict[str, Any]] = [{"type": "NFKD"}, {"type": "StripAccents"}, {"type": "Lowercase"}]
    steps.append(_replace("[^a-z]+", " "))
    phrases = sorted(PHRASES, key=lambda text: -len(text.split()))
    steps += [_replace(rf"\b{phrase}\b", PHRASES[phrase].upper()) for phrase in phrases]
    groups = {meaning: "|".join(words.split()) for meaning, words in SYNONYMS.items()}
    steps += [_replace(rf"\b(?:{words})\b", meaning.upper()) for meaning, words in groups.items()]
    steps.append({"type": "Lowercase"})
    steps.append(_replace(rf"\b(?!(?:{'|'.join(WORDS)})\b)[a-z]+\b", " "))
    return steps


def _replace(pattern: str, content: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def _added(token: str, place: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": place, "content": token, **flags}


def _end_token() -> dict[str, Any]:
    """Append `</s>` to every text, as T5 does."""
    piece, end = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "</s>", "type_id": 0}}
    second = {"Sequence": {"id": "B", "type_id": 1}}
    return {
        "type": "TemplateProcessing",
        "single": [piece, end],
        "pair": [piece, second, end],
        "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}},
    }


def _config() -> dict[str, Any]:
    return {
        "backend": "tokenizers",
        "eos_token": "</s>",
        "model_max_length": 512,
        "pad_token": "<pad>",
        "tokenizer_class": "TokenizersBackend",
        "unk_token": "<unk>",
    }


def replaced_words() -> int:
    """Count the single words that the tokenizer maps to another (for the model card)."""
    return len(SINGLE)
