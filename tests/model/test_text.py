"""Prompts: what is cleaned, what the encoder gives, what is zero, what is kept between steps."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from transformers import AutoTokenizer, UMT5EncoderModel

from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.model.loading import load_text_encoder
from skyreels_cli.model.text import TEXT_TOKENS, encode_prompts
from skyreels_cli.model.text_context import KEEP_KEYS_UP_TO_TOKENS, KeyValue, TextContext
from skyreels_cli.recipe.prompt_text import clean_prompt

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("prompt", "clean"),
    [
        ("  a red\n\n ball\t moves ", "a red ball moves"),
        ("salt &amp;amp; pepper &lt;3", "salt & pepper <3"),
        ("schÃ¶n", "schön"),
        ("ﬁre \u00a0 ball", "fire ball"),
        ("", ""),
    ],
)
def test_cleaning(prompt: str, clean: str) -> None:
    assert clean_prompt(prompt) == clean


def test_embeddings_are_the_encoders_and_zero_behind_the_prompt(facts: ModelFacts) -> None:
    tokenizer, encoder = load_text_encoder(facts, "float32", CPU)
    prompts = ["a red ball", "a red ball moves to the right over water " * 100, ""]
    found = encode_prompts(tokenizer, encoder, prompts, CPU)
    own = UMT5EncoderModel.from_pretrained(facts.folder / "text_encoder").eval()
    words = AutoTokenizer.from_pretrained(facts.folder / "tokenizer")
    for prompt, states in zip(prompts, found, strict=True):
        ids = words([prompt.strip()], truncation=True, max_length=512, return_tensors="pt").input_ids
        with torch.no_grad():
            expected = own(ids).last_hidden_state
        length = ids.shape[1]
        assert states.shape == (1, TEXT_TOKENS, 32)
        assert torch.allclose(states[:, :length], expected, atol=1e-5)
        assert not states[:, length:].any()
    assert found[1][:, -1].any()  # too long: cut to 512, all of them used


def test_the_prompt_is_projected_once() -> None:
    calls = []

    def project(embeddings: Tensor) -> Tensor:
        calls.append(embeddings)
        return embeddings * 2

    context = TextContext(torch.ones(1, 3, 4))
    assert torch.equal(context.projected("text", project), torch.full((1, 3, 4), 2.0))
    assert context.projected("text", project) is context.projected("text", project)
    assert len(calls) == 1


@pytest.mark.parametrize(("tokens", "computed"), [(KEEP_KEYS_UP_TO_TOKENS, 2), (KEEP_KEYS_UP_TO_TOKENS + 1, 6)])
def test_keys_are_kept_for_small_windows_only(tokens: int, computed: int) -> None:
    calls = []

    def compute() -> KeyValue:
        calls.append(len(calls))
        return torch.tensor(len(calls)), torch.tensor(-len(calls))

    context = TextContext(torch.ones(1, 3, 4))
    for _ in range(3):
        pairs = [context.keys_and_values(block, "text", tokens, compute) for block in (11, 12)]
    assert len(calls) == computed
    assert pairs[0][0] != pairs[1][0]
