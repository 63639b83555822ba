"""A family that nobody released: text to video, and one channel more, which says how bright the image is."""

from __future__ import annotations

from skyreels_cli.hub.family import Family

FAMILY = Family(
    name="toy",
    title="brightness-to-video",
    pipelines=("ToyPipeline",),
    defaults={"inference_steps": 2, "guidance_scale": 1.0, "shift": 3.0},
    condition_channels=1,
    image="required",
)
