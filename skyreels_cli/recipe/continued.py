"""Fields of a recipe whose film continues a video: they follow the video's size, frame rate and codec."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from shlex import quote
from typing import Any

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.media.codecs import ENCODERS
from skyreels_cli.media.video import Video, steady_video
from skyreels_cli.recipe.duration import frames_in
from skyreels_cli.recipe.schema import Draft
from skyreels_cli.recipe.size import nearest_size, parse_size


def continued(draft: Draft, said: dict[str, Any], overlap: int, facts: ModelFacts) -> dict[str, Any]:
    """The fields that the video decides; `resolution` gives only the area, and `num_frames` counts new frames.

    Raises UsageError `video-too-short`, `video-and-image`, `plan-num-frames`, and those that `open_video` raises.
    """
    if draft.image:
        raise UsageError("video-and-image", "both the video and the image say how the film begins", "drop one of them")
    video = steady_video(Path(said["video"]).expanduser().absolute())
    if video.frames < overlap:
        raise _too_short(video, overlap, facts.temporal_stride)
    width, height = parse_size(said["resolution"])
    multiple = facts.spatial_stride * facts.patch[2]
    width, height = nearest_size(video.shown_size, width * height, multiple)
    fields: dict[str, Any] = {
        "video": str(video.path),
        "resolution": f"{width}x{height}",
        "fps": video.fps,
    }
    if not draft.shots:
        fields["num_frames"] = _new_frames(draft, said, overlap, video.fps, facts.temporal_stride)
    return fields if draft.codec or video.codec not in ENCODERS else fields | {"codec": video.codec}


def _new_frames(draft: Draft, said: dict[str, Any], overlap: int, fps: Fraction, stride: int) -> int | None:
    """New frames: those that were asked for (None: endlessly many), else as many as one window adds."""
    if draft.duration is not None:
        asked = frames_in(draft.duration, fps)
        if asked is None:
            return None
    else:
        asked = draft.num_frames or int(said["base_num_frames"]) - (0 if draft.reference_count else overlap)
    new = asked - overlap if draft.reference_count else asked
    if new < 1:
        raise UsageError(
            "plan-num-frames",
            f"--reference-count counts the {overlap} frames that are taken over: {asked} leave nothing to render",
            f"--num-frames {overlap + stride}, or leave out --reference-count",
        )
    return new


def _too_short(video: Video, overlap: int, stride: int) -> UsageError:
    longest = (video.frames - 1) // stride * stride + 1
    frames = "1 frame" if video.frames == 1 else f"{video.frames} frames"
    message = f"{quote(str(video.path))} has {frames}, and {overlap} of them are to be taken over"
    return UsageError("video-too-short", message, f"--overlap-history {longest}")
