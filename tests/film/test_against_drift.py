"""What the recipe offers against drift, in whole films: off it changes nothing, on it is the same film after a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from skyreels_cli.film.events import Event, FilmDone, StepDone
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.model.transformer import Transformer
from skyreels_cli.plan.compute import TransformerShape, denoise_flops, forward_flops
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.schema import Recipe

Film = Callable[..., Iterator[Event]]
Frames = Callable[[Path], np.ndarray]

GOLDEN = Path(__file__).parents[1] / "golden"
AGAINST_DRIFT: dict[str, dict[str, Any]] = {
    "noise by schedule": {"addnoise_condition": "auto"},
    "latent anchor": {"latent_anchor": 0.7},
    "history guidance": {"history_guidance": 1.5},
    "frame sink": {"frame_sink": True},
}
ALL = {name: value for said in AGAINST_DRIFT.values() for name, value in said.items()}
JOINS = ("pixels", "latents", "rolling")


@pytest.mark.parametrize("name", AGAINST_DRIFT)
def test_the_first_window_is_as_it_was(name: str, film: Film, frames_of: Frames, tmp_path: Path) -> None:
    list(film(tmp_path / "plain.mkv"))
    list(film(tmp_path / "held.mkv", **AGAINST_DRIFT[name]))
    plain, held = frames_of(tmp_path / "plain.mkv"), frames_of(tmp_path / "held.mkv")
    assert np.array_equal(plain[:13], held[:13])
    assert not np.array_equal(plain[13:], held[13:])


@pytest.mark.parametrize(("join", "steps"), [("pixels", 8), ("latents", 5), ("rolling", 7)])
def test_stopped_and_resumed_is_bit_exact(join: str, steps: int, film: Film, frames_of: Frames, tmp_path: Path) -> None:
    said = {"join": join, "num_frames": 29, "guidance_scale": 2.0, **ALL}
    list(film(tmp_path / "calm.mkv", **said))
    events = film(**said)
    for event in events:
        steps -= isinstance(event, StepDone)
        if steps == 0:
            break
    events.close()  # type: ignore[attr-defined]
    *_, done = film(**said)
    assert isinstance(done, FilmDone)
    assert {name: done.recipe[name] for name in ALL} == ALL
    assert np.array_equal(frames_of(tmp_path / "film.mkv"), frames_of(tmp_path / "calm.mkv"))


@pytest.mark.parametrize("join", JOINS)
def test_the_plan_counts_every_forward_pass(join: str, film: Film, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the model is asked in the film, against what the plan takes it for."""
    asked = 0.0
    facts = open_folder(GOLDEN / "model", "golden")
    shape, original = TransformerShape.of(facts), Transformer.forward

    def forward(self: Any, hidden_states: Any, *args: Any, **said: Any) -> Any:
        nonlocal asked
        asked += forward_flops(shape, hidden_states.shape[2] * 12)  # 64x48 pixels are 12 tokens
        return original(self, hidden_states, *args, **said)

    monkeypatch.setattr(Transformer, "forward", forward)
    *_, done = film(join=join, num_frames=25, guidance_scale=2.0, history_guidance=1.5)
    assert isinstance(done, FilmDone)
    recipe = Recipe.model_validate(done.recipe)
    assert asked == pytest.approx(denoise_flops(recipe, facts, make_plan(recipe, facts).windows))
