"""Text to video: one window of any length."""

from __future__ import annotations

from skyreels_cli.hub.family import Family

FAMILY = Family(
    name="t2v",
    title="text-to-video",
    pipelines=("SkyReelsV2Pipeline",),
    defaults={"inference_steps": 50, "guidance_scale": 6.0, "shift": 8.0},
)
