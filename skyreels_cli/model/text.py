"""Prompts to embeddings with the model's own UMT5 encoder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from skyreels_cli.recipe.prompt_text import clean_prompt

TEXT_TOKENS = 512


@torch.inference_mode()
def encode_prompts(tokenizer: Any, encoder: Any, prompts: Sequence[str], device: torch.device) -> list[Tensor]:
    """One `(1, 512, text_dim)` tensor per prompt; positions behind the prompt's last token are zero."""
    return [_encode(tokenizer, encoder, clean_prompt(prompt), device) for prompt in prompts]


def _encode(tokenizer: Any, encoder: Any, prompt: str, device: torch.device) -> Tensor:
    tokens = tokenizer(
        [prompt],
        padding="max_length",
        max_length=TEXT_TOKENS,
        truncation=True,
        add_special_tokens=True,
        return_attention_mask=True,
        return_tensors="pt",
    )
    mask = tokens.attention_mask.to(device)
    states: Tensor = encoder(tokens.input_ids.to(device), mask).last_hidden_state
    return states * mask.unsqueeze(-1).to(states.dtype)
