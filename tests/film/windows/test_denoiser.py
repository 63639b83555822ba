"""Guidance, and what the transformer is told about time, rate and blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from skyreels_cli.film.windows.denoiser import Denoiser
from skyreels_cli.film.windows.noise import Stream, condition_noise
from skyreels_cli.film.windows.sampler import Step
from skyreels_cli.model.family import family_model
from skyreels_cli.model.single_process import SINGLE_PROCESS
from skyreels_cli.plan.plan import Window
from skyreels_cli.plan.spans import ShotFrames, WindowSizes
from skyreels_cli.plan.windows import plan_windows
from skyreels_cli.recipe.schema import Recipe

WINDOW = plan_windows(
    WindowSizes(stride=4, base=None, overlap=0, block_size=2, inference_steps=3, ar_step=1),
    [ShotFrames(17, "image", end_frame=True)],
)[0]
STEP = Step(0, timesteps=(0, 999, 999, 700, 700, 0), moving=(False, True, True, True, True, False))


class FakeTransformer:
    """Answers with the number in the text, and half of what it is shown; remembers what it was asked."""

    parallel = SINGLE_PROCESS

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, latents: Tensor, times: Tensor, text: Any, **options: Any) -> Tensor:
        self.asked.append({"times": times, "latents": latents, "text": text.embeddings.dtype, **options})
        return latents / 2 + float(text.embeddings[0, 0, 0])


def ask(
    guidance: float,
    texts: list[float],
    *,
    forcing: bool = True,
    window: Window = WINDOW,
    step: Step = STEP,
    latents: Tensor | None = None,
    dtype: torch.dtype = torch.bfloat16,
    **recipe: Any,
) -> tuple[Tensor, FakeTransformer]:
    asked = Recipe(
        prompt="-", negative_prompt="-", model="-", resolution="32x32", num_frames=17, fps=16, seed=0,
        inference_steps=3, guidance_scale=guidance, shift=8.0, base_num_frames=17, overlap_history=5, **recipe,
    )  # fmt: skip
    transformer = FakeTransformer()
    embeddings = [torch.full((1, 512, 8), value) for value in texts]
    family = family_model("df" if forcing else "t2v")
    arguments = (asked, window, embeddings, asked.guidance_scale, Stream(3), dtype, family, {})
    denoiser = Denoiser(transformer, *arguments)  # type: ignore[arg-type]
    return denoiser(step, torch.zeros(1, 16, 6, 4, 4) if latents is None else latents), transformer


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
    assert asked.pop("latents").dtype == torch.bfloat16
    assert asked == {
        "text": torch.bfloat16, "fps": 16, "causal_blocks": None, "shortcut": None
    }  # fmt: skip
    _, transformer = ask(1.0, [3.0], causal_attention=True)
    assert transformer.asked[0]["causal_blocks"] == [(0, 1), (1, 3), (3, 5)]


def test_a_text_to_video_model_knows_one_time_for_all_frames() -> None:
    _, transformer = ask(1.0, [3.0], forcing=False)
    assert transformer.asked[0]["times"].tolist() == [0]


HISTORY = 2
GOES_ON = plan_windows(
    WindowSizes(stride=4, base=None, overlap=HISTORY, block_size=2, inference_steps=3, ar_step=1),
    [ShotFrames(16, "history")],
    given=17,
)[0]


@pytest.mark.parametrize(("guidance", "texts"), [(1.0, [3.0]), (6.0, [3.0, 1.0])])
def test_history_guidance_pulls_towards_what_came_before(guidance: float, texts: list[float]) -> None:
    """Against NumPy: v⁻ + g·(v⁺ − v⁻) + (w − 1)·(v⁺ − v°), where v° is shown noise in place of the prefix."""
    step, weight = Step(1, (20, 20, 700, 700, 999, 999), (False, False, True, True, False, False)), 2.5
    latents = torch.randn(1, 16, 6, 4, 4, generator=torch.Generator().manual_seed(5))
    velocity, transformer = ask(
        guidance, texts, window=GOES_ON, step=step, latents=latents, dtype=torch.float32, history_guidance=weight
    )
    without = latents.numpy().copy()
    without[:, :, :HISTORY] = condition_noise(Stream(3), 0, step.row, (1, 16, HISTORY, 4, 4)).numpy()
    wanted, blind = latents.numpy() / 2 + 3.0, without / 2 + 3.0
    unwanted = latents.numpy() / 2 + texts[-1]
    guided = unwanted + guidance * (wanted - unwanted) if len(texts) > 1 else wanted
    assert np.allclose(velocity.numpy(), guided + (weight - 1) * (wanted - blind), atol=1e-5)
    assert [asked["times"].tolist()[0] for asked in transformer.asked] == [
        *[[20, 20, 700, 700, 999, 999]] * len(texts),
        [999, 999, 700, 700, 999, 999],
    ]


def test_a_start_image_is_no_history() -> None:
    velocity, transformer = ask(1.0, [3.0], history_guidance=2.5)
    assert velocity.unique().item() == 3.0
    assert len(transformer.asked) == 1
