"""Frames of films to look at: the newest one of an unfinished film, and some of a finished one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.folder.manifest import read_record, work_folder
from skyreels_cli.film.identity import sidecar_of
from skyreels_cli.media.reader import Frame, as_pictures, decoded, read_tail
from skyreels_cli.media.video import Video, open_video

PREVIEWS = ("preview.mp4", "preview.mkv")
# Wider than any terminal shows in half-blocks.
LARGEST_SIDE = 320
EVEN_PICTURES = 12
"""Pictures that stand for a video whose windows are not known, evenly spaced."""


def preview_of(output: Path) -> tuple[Path, float] | None:
    """The playable part of an unfinished film and when it was written; the finished film once it is there."""
    for path in (*(work_folder(output) / name for name in PREVIEWS), output):
        with suppress(OSError):
            return path, path.stat().st_mtime
    return None


def last_frame(video: Path) -> Frame | None:
    """The last frame (h, w, 3), scaled down; None if it is gone or cannot be read just now."""
    try:
        seen = open_video(video)
        frame: Frame = read_tail(seen, 1, *_small(seen))[0]
    except (SkyreelsError, OSError):
        return None
    return frame


def small_frames(video: Video, numbers: Sequence[int]) -> Iterator[Frame]:
    """Frames of these numbers, from 0, scaled down; each is sought, so that a long film takes no longer."""
    for number in numbers:
        tick = video.times.ticks[number]
        found = (frame for frame in decoded(video.path, tick) if frame.pts is not None and frame.pts >= tick)
        yield from as_pictures(video, [next(found)], _small(video))


def telling_frames(video: Video) -> tuple[list[int], list[str]]:
    """Frames that stand for a film, counted from 0, and captions.

    The first of each window; evenly spaced where windows are not known, or one is all there is.
    """
    starts = window_starts(video)
    starts = starts if len(starts) > 1 else []
    count = min(EVEN_PICTURES, video.frames)
    numbers = starts or [n * (video.frames - 1) // max(1, count - 1) for n in range(count)]
    captions = [f"frame {number + 1}" for number in numbers]
    if starts:
        captions = [f"window {n}/{len(starts)}, {caption}" for n, caption in enumerate(captions, 1)]
    return numbers, captions


def window_starts(video: Video) -> list[int]:
    """The first frame of each window, by the plan in the file beside the film; empty if there is none."""
    try:
        plan = (read_record(sidecar_of(video.path)) or {})["plan"]
        before = video.frames - int(plan["frames"])  # those of a video that the film goes on with
        starts = [before + int(window["first_frame"]) for window in plan["windows"]]
    except (ValueError, KeyError, TypeError):
        return []
    return starts if starts == sorted(set(starts)) and starts[0] >= 0 and starts[-1] < video.frames else []


def _small(video: Video) -> tuple[int, int]:
    width, height = video.shown_size
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))
