"""Diffusion forcing: films of any length, from text, pictures and videos."""

from __future__ import annotations

from skyreels_cli.hub.family import Family

FAMILY = Family(
    name="df",
    title="diffusion-forcing",
    pipelines=(
        "SkyReelsV2DiffusionForcingPipeline",
        "SkyReelsV2DiffusionForcingImageToVideoPipeline",
        "SkyReelsV2DiffusionForcingVideoToVideoPipeline",
    ),
    defaults={"inference_steps": 30, "guidance_scale": 6.0, "shift": 8.0},
    defaults_image={"guidance_scale": 5.0, "shift": 5.0},
    fps_input=True,
    forcing=True,
    image="optional",
)
