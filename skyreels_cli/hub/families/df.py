"""Diffusion forcing: films of any length, from text, pictures and videos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyreels_cli.hub.family import Family


def _defaults(native_720p: bool, image: bool) -> Mapping[str, Any]:
    pull = {"guidance_scale": 5.0, "shift": 5.0} if image else {"guidance_scale": 6.0, "shift": 8.0}
    return {"inference_steps": 30, **pull}


FAMILY = Family(
    name="df",
    title="diffusion-forcing",
    pipelines=(
        "SkyReelsV2DiffusionForcingPipeline",
        "SkyReelsV2DiffusionForcingImageToVideoPipeline",
        "SkyReelsV2DiffusionForcingVideoToVideoPipeline",
    ),
    defaults=_defaults,
    fps_input=True,
    forcing=True,
    image="optional",
)
