"""What ranks run in tests: the films that they are given, with a record of the latents that each rank sees."""

from __future__ import annotations

from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks.rank import Rendering, render_parts
from skyreels_cli.film.render import render
from skyreels_cli.film.windows import denoising
from skyreels_cli.hub.folder import open_folder
from skyreels_cli.media.reader import read_frames
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.complete import complete
from skyreels_cli.recipe.schema import Draft

GOLDEN = Path(__file__).parents[2] / "golden"
BASE: dict[str, Any] = {
    "prompt": "a red ball",
    "resolution": "64x48",
    "num_frames": 13,
    "base_num_frames": 13,
    "overlap_history": 5,
    "seed": 7,
    "inference_steps": 3,
    "guidance_scale": 3.0,
    "dtype": "float32",
    "codec": "ffv1",
}
# 80x48 has 15 tokens per frame: shares of 8 and 7.
MODES: dict[str, dict[str, Any]] = {
    "sync": {"resolution": "80x48"},
    "async": {"ar_step": 2},
    "long": {"num_frames": 21, "ar_step": 1, "addnoise_condition": 30},
    "image": {"image": str(GOLDEN / "first.png"), "ar_step": 1, "resolution": "80x48"},
    "causal": {"causal_attention": True, "causal_block_size": 2, "ar_step": 1},
    "rolling": {"num_frames": 25, "join": "rolling", "addnoise_condition": 30, "latent_anchor": 0.5},
    "history guidance": {"num_frames": 17, "history_guidance": 1.5},
    "mixed": {
        "num_frames": 18,
        "shots": [
            {"prompt": "a red ball", "num_frames": 13},
            {"prompt": "a boat", "num_frames": 5, "cut": True, "guidance_scale": 1.0},
        ],
    },
}
CACHES: dict[str, dict[str, Any]] = {
    "teacache": {"cache": "teacache", "options": {"teacache": {"threshold": 1.5, "fit": "none"}}, "inference_steps": 6},
    "blockcache": {
        "cache": "blockcache",
        "options": {"blockcache": {"threshold": 0.3, "order": 0}},
        "inference_steps": 6,
    },
    "firstblock": {"cache": "firstblock", "options": {"firstblock": {"threshold": 0.1}}, "inference_steps": 6},
}


def rendering(output: Path, parallel: str | None = None, gpus: int = 1, **changes: Any) -> Rendering:
    """A film of the golden model that saves each row."""
    facts = open_folder(GOLDEN / "model", "golden")
    recipe = complete(Draft.model_validate({**BASE, **changes}), facts)
    placement = Placement(device="cpu", gpus=gpus, parallel=parallel)
    plan = make_plan(recipe, facts)
    return Rendering(recipe=recipe, facts=facts, plan=plan, placement=placement, output=output, checkpoint_seconds=0.0)


def events_of(film: Rendering) -> Any:
    """The film as the program renders it."""
    return render(film)


def frames_of(film: Rendering) -> torch.Tensor:
    """Its frames (n, h, w, 3), as numbers that can be subtracted."""
    return torch.stack([torch.from_numpy(frame).int() for frame in read_frames(film.output)])


def watched_parts(rank: int, pipe: Connection, folder: Path) -> None:
    """A rank's part of films; what it gives the model in every row lies in `folder/rank-<n>.pt` in the end."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    class Watched(denoising.WindowSampler):
        def __init__(self, window: Any, latents: torch.Tensor, *args: Any) -> None:
            super().__init__(window, latents, *args)
            seen.append((latents.clone(), self.latents))  # the second is denoised in place

        def _model_input(self, row: int) -> torch.Tensor:
            latents = super()._model_input(row)
            seen.append((latents.clone(), latents.clone()))  # the prefix with its noise
            torch.save(seen, folder / f"rank-{rank}.pt")
            return latents

    denoising.WindowSampler = Watched  # type: ignore[misc]
    render_parts(rank, pipe)
