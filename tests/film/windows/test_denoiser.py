"""Guidance, and what the transformer is told about time, rate and blocks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.sampler import Step
from skyreels_cli.model.family import family_model
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import plan_windows
from skyreels_cli.recipe.schema import Recipe

WINDOW = plan_windows(
    WindowSizes(stride=4, base=None, overlap=0, block_size=2, inference_steps=3, ar_step=1),
    [ShotFrames(17, "image", end_frame=True)],
)[0]
STEP = Step(0, timesteps=(0, 999, 999, 700, 700, 0), moving=(False, True, True, True, True, False))


class FakeTransformer:
    """Answers with the number in the text, and remembers what it was asked."""

    parallel = SINGLE_PROCESS

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, latents: Tensor, times: Tensor, text: Any, **options: Any) -> Tensor:
        self.asked.append({"times": times, "dtype": latents.dtype, "text": text.embeddings.dtype, **options})
        return torch.full_like(latents, float(text.embeddings[0, 0, 0]))


def ask(guidance: float, texts: list[float], forcing: bool = True, **recipe: Any) -> tuple[Tensor, FakeTransformer]:
    asked = Recipe(
        prompt="-", negative_prompt="-", model="-", resolution="32x32", num_frames=17, fps=16, seed=0,
        inference_steps=3, guidance_scale=guidance, shift=8.0, base_num_frames=17, overlap_history=5, **recipe,
    )  # fmt: skip
    transformer = FakeTransformer()
    embeddings = [torch.full((1, 512, 8), value) for value in texts]
    family = family_model("df" if forcing else "t2v")
    arguments = (asked, WINDOW, embeddings, asked.guidance_scale, torch.bfloat16, family, {})
    denoiser = Denoiser(transformer, *arguments)  # type: ignore[arg-type]
    return denoiser(STEP, torch.zeros(1, 16, 6, 4, 4)), transformer


@pytest.mark.parametrize("guidance", [1.5, 6.0])
def test_guidance_pulls_away_from_the_negative_prompt(guidance: float) -> None:
    velocity, transformer = ask(guidance, [3.0, 1.0])
    assert torch.equal(velocity, torch.full((1, 16, 6, 4, 4), 1 + guidance * (3 - 1)))
    assert velocity.dtype == torch.float32
    assert len(transformer.asked) == 2


def test_without_guidance_one_forward() -> None:
    velocity, transformer = ask(1.0, [3.0])
    assert velocity.unique().item() == 3.0
    assert len(transformer.asked) == 1


def test_what_the_transformer_is_told() -> None:
    _, transformer = ask(1.0, [3.0])
    (asked,) = transformer.asked
    assert asked.pop("times").tolist() == [list(STEP.timesteps)]
    assert asked == {
        "dtype": torch.bfloat16, "text": torch.bfloat16, "fps": 16, "causal_blocks": None, "shortcut": None
    }  # fmt: skip
    _, transformer = ask(1.0, [3.0], causal_attention=True)
    assert transformer.asked[0]["causal_blocks"] == [(0, 1), (1, 3), (3, 5)]


def test_a_text_to_video_model_knows_one_time_for_all_frames() -> None:
    _, transformer = ask(1.0, [3.0], forcing=False)
    assert transformer.asked[0]["times"].tolist() == [0]
