"""The text encoder is loaded as seldom as possible, and what it made is kept no longer than needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from skyreels_cli.film import loaded_model as module
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.hub.weights import weights_spec
from skyreels_cli.model.loading import load_text_encoder
from skyreels_cli.model.text import encode_prompts

from .conftest import GOLDEN


@pytest.fixture
def model() -> LoadedModel:
    return LoadedModel(weights_spec(open_folder(GOLDEN / "model", "golden"), "float32"), Placement(device="cpu"))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """One entry for each time that the text encoder is loaded."""
    loads: list[Any] = []

    def counted(*arguments: Any) -> Any:
        loads.append(arguments)
        return load_text_encoder(*arguments)

    monkeypatch.setattr(module, "load_text_encoder", counted)
    return loads


def make_films(model: LoadedModel, *films: str) -> None:
    """Prepare for films of a prompt each, as a worker does that knows the next two."""
    for number, prompt in enumerate(films):
        model.expect(films[number + 1 : number + 3])
        list(model.prepare([prompt, "bad quality"]))


def encoded(model: LoadedModel, *prompts: str) -> Sequence[torch.Tensor]:
    tokenizer, encoder = load_text_encoder(model.facts, "float32", torch.device("cpu"))
    return encode_prompts(tokenizer, encoder, prompts, torch.device("cpu"))


def test_prompts_of_films_that_come_next_are_encoded_along(model: LoadedModel, loads: list[Any]) -> None:
    make_films(model, "a cat", "a dog", "a cow")
    assert len(loads) == 1
    make_films(model, "a hen", "a pig", "a fox", "a cat")  # the cat is new again: nobody had expected it
    assert len(loads) == 3
    for prompt, text in zip(("a cat", "bad quality"), encoded(model, "a cat", "bad quality"), strict=True):
        assert torch.equal(model.text(prompt), text)


def test_what_no_film_needs_any_more_is_forgotten(model: LoadedModel) -> None:
    make_films(model, *(f"prompt {number}" for number in range(9)))
    assert list(model._texts) == ["bad quality", "prompt 8"]


def test_prompts_that_only_later_films_need_are_no_reason_to_load_it(model: LoadedModel, loads: list[Any]) -> None:
    list(model.prepare(["a cat"]))
    model.expect(["a dog"])
    list(model.prepare(["a cat"]))
    assert len(loads) == 1
