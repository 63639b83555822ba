"""How a film is divided into windows: which frames each renders, and which it drops or trims.

A window begins with the last `overlap` latents of the frames before it; the frames that it decodes from them are known
and dropped. A shot is rounded up to whole latents, and its last window trims the surplus frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from skyreels_cli.plan.blocks import cut_blocks
from skyreels_cli.plan.frames import pixel_frames
from skyreels_cli.plan.matrix import StepMatrix
from skyreels_cli.plan.plan import Window, WindowRun, Windows
from skyreels_cli.plan.rolling import last_window, rolling_runs
from skyreels_cli.plan.spans import ShotFrames, ShotLatents, WindowSizes, shot_spans


def plan_windows(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int = 0) -> Windows:
    """The windows of a film in order; each shot gets exactly its frames, and an endless one gets two windows.

    `given` counts the frames of a video that the first shot goes on from.
    """
    runs: list[WindowRun] = []
    for span in shot_spans(sizes, shots, given):
        first_index = runs[-1].stop if runs else 0
        rolls = sizes.rolling and sizes.base is not None and span.latents > sizes.base
        runs += rolling_runs(sizes, span, first_index) if rolls else _runs(sizes, span, first_index)
    return Windows(runs)


def closing_window(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int, windows: Windows) -> Window | None:
    """The window with which an endless rolling film ends behind those `windows`; None for any other film."""
    *_, span = shot_spans(sizes, shots, given)
    if not (span.endless and sizes.rolling):
        return None
    before = sum(run.count for run in windows.runs if run.first.shot != span.shot)
    return last_window(sizes, span, len(windows) - before, len(windows))


def longest_window(sizes: WindowSizes, shots: Iterable[ShotFrames], given: int = 0) -> int:
    """Latent frames in the longest forward pass of a film, end frames included, found without making its windows."""
    longest = 0
    for span in shot_spans(sizes, shots, given):
        base = sizes.base or span.latents
        if sizes.rolling:
            longest = max(longest, min(span.latents, base) + span.end_frame)
            continue
        last = window_count(span.latents, sizes.base, sizes.overlap) - 1
        rest = span.latents - last * (base - sizes.overlap) + span.end_frame
        longest = max(longest, rest, base if last else 0)
    return longest


def window_count(latents: int, base: int | None, overlap: int) -> int:
    """Windows of at most `base` latents, `overlap` of them known, for `latents` (tests/golden/REFERENCE.md §2)."""
    if base is None or latents <= base:
        return 1
    return 2 + (latents - base - 1) // (base - overlap)


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
