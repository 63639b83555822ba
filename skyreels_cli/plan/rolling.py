"""The windows of a rolling film: one pass over all of a shot's blocks, seen through a window that moves with them.

All blocks of a shot are one timestep matrix, a staircase in which each block is `lag` rows behind the one before it. A
forward pass sees the last `overlap` clean latents and as many blocks behind them as the window holds. When the first of
these is clean, the next turn begins: that block becomes history, and a block of noise enters at the end
(FIFO-Diffusion, arXiv 2405.11473; Rolling Forcing, arXiv 2509.25161). Nothing is rendered twice, and no window is
joined to another. Where steps are fewer than blocks, some begin in the same row, and leave in the same turn.

What has a piece of film, a record and a checkpoint of its own is still a `Window`: as many turns as a window holds
blocks behind the overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, groupby, pairwise
from math import ceil, floor

from skyreels_cli.errors import UsageError
from skyreels_cli.plan.blocks import prefix_sizes
from skyreels_cli.plan.frames import pixel_frames
from skyreels_cli.plan.matrix import StepMatrix
from skyreels_cli.plan.plan import Block, Window, WindowRun
from skyreels_cli.plan.spans import ShotLatents, WindowSizes


def rolling_lag(steps: int, ar_step: int, base: int, overlap: int, block_size: int) -> int | Fraction:
    """Rows between blocks: what was asked for, else the least with which every block that has begun is in the window.

    That is a fraction where steps are no multiple of the n blocks that the window holds: F blocks then take F·T/n rows.
    Lengths in latent frames. Raises UsageError `plan-rolling`.
    """
    held = (base - overlap) // block_size
    if not held:
        message = f"a window of {base} latent frames, {overlap} of them known, holds no block of {block_size}"
        raise UsageError("plan-rolling", message, f"--causal-block-size {base - overlap}")
    least = Fraction(steps, held)
    if 0 < ar_step < least:
        rows = ceil(least)
        message = (
            f"--ar-step {ar_step}: {steps} steps with {held} blocks in the window take {rows} rows from block to block"
        )
        raise UsageError("plan-rolling", message, f"--ar-step {rows}")
    return ar_step or least


def rolling_runs(sizes: WindowSizes, span: ShotLatents, first_index: int) -> Iterator[WindowRun]:
    """A shot's windows. While the history grows and at the end, where no block enters, they differ."""
    roll = Roll(sizes, span)
    last = roll.windows - 1
    # From the first turn on before which the history was already whole, they are alike.
    lacking = max(0, sizes.overlap - span.prefix) + roll.leaving * sizes.block_size
    growing = -(-lacking // (roll.held * sizes.block_size))
    if span.endless:
        yield from (WindowRun(roll.window(number, first_index + number)) for number in range(growing + 1))
        return
    differing = sorted({*range(min(growing, last + 1)), *range(max(0, last - 1), last + 1)})
    for number, following in pairwise([*differing, last + 1]):
        yield WindowRun(roll.window(number, first_index + number))
        if following - number > 1:
            yield WindowRun(roll.window(number + 1, first_index + number + 1), following - number - 1)


def last_window(sizes: WindowSizes, span: ShotLatents, number: int, index: int) -> Window | None:
    """The window that ends an endless shot after `number` windows: it makes clean what is part-way, if anything is.

    The film then is, frame by frame, the finite one of that length.
    """
    roll = Roll(sizes, span)
    latents = span.prefix + ((number + 1) * roll.held - roll.leaving) * sizes.block_size
    ended = replace(span, latents=latents, frames=pixel_frames(latents, sizes.stride))
    return Roll(sizes, ended).window(number, index) if roll.held > roll.leaving else None


class Roll:
    """All blocks of a shot: `windows` of at most `held` blocks each, of which the last turn makes `leaving` clean."""

    def __init__(self, sizes: WindowSizes, span: ShotLatents) -> None:
        assert sizes.base is not None
        self._sizes = sizes
        self._span = span
        self._base = sizes.base
        self.held = (sizes.base - sizes.overlap) // sizes.block_size
        self._blocks = -(-(span.latents - span.prefix) // sizes.block_size)
        self.windows = -(-self._blocks // self.held)
        self.leaving = sum(self._row(block) == self._row(self.held - 1) for block in range(self.held))

    def window(self, number: int, index: int) -> Window:
        """Window `number` of the shot, which is window `index` of the film."""
        span = self._span
        first, stop = number * self.held, min((number + 1) * self.held, self._blocks)
        turns, row = [], 0
        for _, begun_together in groupby(range(first, stop), self._row):
            turns.append(self._turn(list(begun_together), row))
            row += turns[-1].rows
        prefix, first_frame = turns[0].prefix_latents, self._frames_before(first)
        return Window(
            index=index,
            latents=prefix + self._latents_before(stop) - self._latents_before(first),
            prefix_latents=prefix,
            end_frame=turns[-1].end_frame,
            blocks=self._layout(prefix, first, stop),
            steps=self._matrix(prefix, first, stop, row),
            first_frame=span.first_frame - span.drop + first_frame,
            new_frames=self._frames_before(stop) - first_frame,
            drop_frames=turns[0].drop_frames,
            trim_frames=self._trimmed(stop),
            shot=span.shot,
            carried=turns[0].carried,
            ahead=turns[-1].ahead,
            turns=tuple(turns),
        )

    def _turn(self, leaving: list[int], first_row: int) -> Window:
        """The rows until blocks that began together are clean; `index` and `first_frame` are for the window to say."""
        sizes, span = self._sizes, self._span
        block, left = leaving[0], leaving[-1] + 1
        history, stop = self._history(block), self._seen_until(block)
        seen = self._seen_until(self._began_with(block - 1)) if block else 0
        carried = self._latents_before(seen) - self._latents_before(block) if block else 0
        return Window(
            index=0,
            latents=history + self._latents_before(stop) - self._latents_before(block),
            prefix_latents=history,
            end_frame=span.end_frame and stop == self._blocks,
            blocks=self._layout(history, block, stop),
            steps=self._matrix(history, block, stop, sizes.inference_steps - self._begun(block)),
            first_frame=0,
            new_frames=self._frames_before(left) - self._frames_before(block),
            drop_frames=pixel_frames(history, sizes.stride) if block else span.drop,
            trim_frames=self._trimmed(left),
            shot=span.shot,
            carried=carried,
            ahead=self._latents_before(stop) - self._latents_before(left),
            first_row=first_row,
        )

    def _matrix(self, history: int, first: int, stop: int, rows: int) -> StepMatrix:
        """The rows from which the block before `first` is clean, for blocks `first` … `stop - 1`."""
        sizes = self._sizes
        ready = len(prefix_sizes(history, sizes.block_size))
        period = first % Fraction(sizes.ar_step).denominator
        return StepMatrix(ready, stop - first, sizes.inference_steps, sizes.ar_step, self._begun(first), rows, period)

    def _row(self, block: int) -> int:
        """The row in which a block begins."""
        return floor(block * min(self._sizes.ar_step, self._sizes.inference_steps))

    def _began_with(self, block: int) -> int:
        """The first block of those that began in the same row."""
        return next(first for first in range(block, -1, -1) if self._row(first - 1) < self._row(block))

    def _begun(self, block: int) -> int:
        """Rows that a block has behind it when those that began before it are clean."""
        return self._sizes.inference_steps - (self._row(block) - self._row(block - 1)) if block else 0

    def _latents_before(self, block: int) -> int:
        """Latents of the shot, its prefix included, that come before a block."""
        return min(self._span.prefix + block * self._sizes.block_size, self._span.latents)

    def _frames_before(self, block: int) -> int:
        """Frames of the shot, the known ones included, that come before a block."""
        frames = pixel_frames(self._latents_before(block), self._sizes.stride) if block else self._span.drop
        return min(frames, self._span.frames)

    def _trimmed(self, stop: int) -> int:
        """Frames of the last of all latents that are too many, if block `stop` is behind it."""
        return max(0, pixel_frames(self._latents_before(stop), self._sizes.stride) - self._span.frames)

    def _history(self, block: int) -> int:
        """Clean latents that are seen while a block becomes clean."""
        return min(self._sizes.overlap, self._latents_before(block))

    def _seen_until(self, block: int) -> int:
        """The block behind the last one that is seen until then."""
        return min(block + (self._base - self._history(block)) // self._sizes.block_size, self._blocks)

    def _layout(self, history: int, first: int, stop: int) -> tuple[Block, ...]:
        """Ready blocks over the history, then the shot's own from `first` on."""
        ready = prefix_sizes(history, self._sizes.block_size)
        new = (self._latents_before(block + 1) - self._latents_before(block) for block in range(first, stop))
        stops = accumulate((*ready, *new), initial=0)
        return tuple(Block(start, end, ready=end <= history) for start, end in pairwise(stops))
