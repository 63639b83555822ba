"""Shots in latent frames: what each begins with, how long it is, and where its frames come in the film."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from skyreels_cli.plan.frames import latent_frames, pixel_frames

Start = Literal["nothing", "image", "history"]

ENDLESS = 2**40
"""Latent frames of an endless rolling shot, whose windows never see its end."""


@dataclass(frozen=True)
class WindowSizes:
    """Sizes that are the same for every window; `base`, `overlap` and `block_size` count latent frames.

    With `base` None each shot is one window, however long it is. Where shots are `rolling`, those that are longer than
    a window are denoised in one pass.
    """

    stride: int
    base: int | None
    overlap: int
    block_size: int
    inference_steps: int
    ar_step: int | Fraction
    rolling: bool = False


@dataclass(frozen=True)
class ShotFrames:
    """How many frames a shot adds (None: endlessly many), what it starts from, and whether it has an end frame."""

    num_frames: int | None
    start: Start = "nothing"
    end_frame: bool = False


@dataclass(frozen=True)
class ShotLatents:
    """A shot in latent frames, `prefix` of which are known and decode to `drop` known frames.

    `frames` includes the dropped ones; `first_frame` is the film's frame that the first new one becomes.
    """

    shot: int
    latents: int
    prefix: int
    drop: int
    frames: int
    first_frame: int
    end_frame: bool
    endless: bool = False


def shot_spans(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int) -> Iterator[ShotLatents]:
    """Every shot in latent frames; `given` counts the frames of a video that the first one goes on from."""
    first_frame, known = 0, given
    for shot, shot_frames in enumerate(shots):
        known = known if shot_frames.start == "history" else 0
        span = _shot_latents(sizes, shot, shot_frames, first_frame, known)
        yield span
        added = span.frames - span.drop
        first_frame, known = first_frame + added, known + added


def _shot_latents(sizes: WindowSizes, shot: int, shot_frames: ShotFrames, first_frame: int, known: int) -> ShotLatents:
    """A shot with its prefix, which is as many of the `known` frames as the overlap holds, in whole latents.

    A start image is a prefix of one latent that is not dropped, because it is the first frame of the shot.
    """
    prefix, drop = int(shot_frames.start == "image"), 0
    if shot_frames.start == "history":
        prefix = min(sizes.overlap, (known - 1) // sizes.stride + 1)
        drop = pixel_frames(prefix, sizes.stride)
    if shot_frames.num_frames is None:
        assert sizes.base is not None, "an endless film has windows"
        frames = pixel_frames(ENDLESS if sizes.rolling else 2 * sizes.base - sizes.overlap, sizes.stride)
    else:
        frames = drop + shot_frames.num_frames
    latents = latent_frames(frames, sizes.stride)
    return ShotLatents(
        shot, latents, prefix, drop, frames, first_frame, shot_frames.end_frame, shot_frames.num_frames is None
    )
