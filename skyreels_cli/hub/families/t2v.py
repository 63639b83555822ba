"""Text to video: one window of any length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skyreels_cli.hub.family import Family


def _defaults(native_720p: bool, image: bool) -> Mapping[str, Any]:
    return {"inference_steps": 50, "guidance_scale": 6.0, "shift": 8.0}


FAMILY = Family(name="t2v", title="text-to-video", pipelines=("SkyReelsV2Pipeline",), defaults=_defaults)
