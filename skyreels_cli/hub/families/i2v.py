"""Image to video: one window that begins with a picture, which a CLIP encoder describes as well."""

from __future__ import annotations

from skyreels_cli.hub.family import Family

FAMILY = Family(
    name="i2v",
    title="image-to-video",
    pipelines=("SkyReelsV2ImageToVideoPipeline",),
    defaults={"inference_steps": 50, "guidance_scale": 5.0, "shift": 3.0},
    defaults_720p={"shift": 5.0},
    condition_channels=20,  # a mask of 4 (a latent frame stands for 4 frames) and 16 of the picture's latents
    image_encoder=True,
    image="required",
)
