"""How a film is divided into windows: which frames each renders, and which it drops or trims.

A window begins with the last `overlap` latents of the frames before it; the frames that it decodes from them are known
and dropped. A shot is rounded up to whole latents, and its last window trims the surplus frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.frames import latent_frames, pixel_frames
from skyreels_cli.plan.matrix import StepMatrix
from skyreels_cli.plan.plan import Window, WindowRun, Windows

Start = Literal["nothing", "image", "history"]


@dataclass(frozen=True)
class WindowSizes:
    """Sizes that are the same for every window; `base`, `overlap` and `block_size` count latent frames.

    With `base` None each shot is one window, however long it is.
    """

    stride: int
    base: int | None
    overlap: int
    block_size: int
    inference_steps: int
    ar_step: int


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


def plan_windows(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int = 0) -> Windows:
    """The windows of a film in order; each shot gets exactly its frames, and an endless one gets two windows.

    `given` counts the frames of a video that the first shot goes on from.
    """
    runs: list[WindowRun] = []
    for span in _spans(sizes, shots, given):
        runs += _runs(sizes, span, runs[-1].stop if runs else 0)
    return Windows(runs)


def longest_window(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int = 0) -> int:
    """Latent frames in the longest forward pass of a film, end frames included, found without making its windows."""
    longest = 0
    for span in _spans(sizes, shots, given):
        base = sizes.base or span.latents
        last = window_count(span.latents, sizes.base, sizes.overlap) - 1
        rest = span.latents - last * (base - sizes.overlap) + span.end_frame
        longest = max(longest, rest, base if last else 0)
    return longest


def _spans(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int) -> Iterator[ShotLatents]:
    first_frame, known = 0, given
    for shot, shot_frames in enumerate(shots):
        known = known if shot_frames.start == "history" else 0
        span = _shot_latents(sizes, shot, shot_frames, first_frame, known)
        yield span
        added = span.frames - span.drop
        first_frame, known = first_frame + added, known + added


def window_count(latents: int, base: int | None, overlap: int) -> int:
    """Windows of at most `base` latents, `overlap` of them known, for `latents` (tests/golden/REFERENCE.md §2)."""
    if base is None or latents <= base:
        return 1
    return 2 + (latents - base - 1) // (base - overlap)


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
        frames = pixel_frames(2 * sizes.base - sizes.overlap, sizes.stride)
    else:
        frames = drop + shot_frames.num_frames
    latents = latent_frames(frames, sizes.stride)
    return ShotLatents(shot, latents, prefix, drop, frames, first_frame, shot_frames.end_frame)


def _runs(sizes: WindowSizes, span: ShotLatents, first_index: int) -> Iterator[WindowRun]:
    """A shot's windows: its first and its last differ from those between, which are all alike."""
    last = window_count(span.latents, sizes.base, sizes.overlap) - 1
    counts = {0: 1, 1: last - 1, last: 1}
    for number, count in counts.items():
        if count > 0:
            yield WindowRun(_window(sizes, span, number, first_index + number, last=number == last), count)


def _window(sizes: WindowSizes, span: ShotLatents, number: int, index: int, *, last: bool) -> Window:
    """Window `number` of a shot, which is window `index` of the film."""
    base = sizes.base or span.latents
    start = number * (base - sizes.overlap)
    latents = min(span.latents - start, base)
    prefix, drop = (sizes.overlap, pixel_frames(sizes.overlap, sizes.stride)) if number else (span.prefix, span.drop)
    stop = sizes.stride * start + pixel_frames(latents, sizes.stride)
    first, trim = sizes.stride * start + drop, (stop - span.frames if last else 0)
    blocks = cut_blocks(latents, prefix, sizes.block_size)
    ready = sum(block.ready for block in blocks)
    return Window(
        index=index,
        latents=latents,
        prefix_latents=prefix,
        end_frame=span.end_frame and last,
        blocks=blocks,
        steps=StepMatrix(ready, len(blocks) - ready, sizes.inference_steps, sizes.ar_step),
        first_frame=span.first_frame - span.drop + first,
        new_frames=stop - trim - first,
        drop_frames=drop,
        trim_frames=trim,
        shot=span.shot,
    )
