"""The plan of a film: every number that is decided before a weight is loaded. Pure data, no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import count


@dataclass(frozen=True)
class Block:
    """Latent frames `start … stop-1` of a window that share a noise level; a ready one is never denoised."""

    start: int
    stop: int
    ready: bool

    @property
    def size(self) -> int:
        """Latent frames in the block."""
        return self.stop - self.start


@dataclass(frozen=True)
class Window:
    """One denoising run. Pixel frames are counted over the film, latent frames within the window.

    `latents` includes the prefix but not the end frame's latent, which (if `end_frame`) is appended behind
    them as a ready block of its own, kept at timestep 0 and dropped before decoding. `steps[r][b]` is the
    index of block b in row r: 0 is pure noise, t in 1…T the t-th timestep, T+1 finished (tests/golden/REFERENCE.md §2).
    `shot` is the number of its shot and `index` its own in the film, both counted from 0.
    """

    index: int
    latents: int
    prefix_latents: int
    end_frame: bool
    blocks: tuple[Block, ...]
    steps: tuple[tuple[int, ...], ...]
    first_frame: int
    new_frames: int
    drop_frames: int
    trim_frames: int
    shot: int = 0

    @property
    def fresh(self) -> bool:
        """Whether it starts without earlier frames: at the beginning of a film or at a cut."""
        return self.drop_frames == 0

    @property
    def rows(self) -> int:
        """Forward passes per guidance branch."""
        return len(self.steps)

    @property
    def new_latents(self) -> int:
        """Latent frames that this window denoises."""
        return self.latents - self.prefix_latents

    @property
    def forward_latents(self) -> int:
        """Latent frames in a forward pass: those of the window and of the end frame."""
        return self.latents + self.end_frame


@dataclass(frozen=True)
class Estimate:
    """An estimated figure, its unit, and a sentence on how it was computed."""

    value: float
    unit: str
    basis: str


@dataclass(frozen=True)
class Plan:
    """Windows of a film and their cost; `estimates` holds memory and disk in bytes, time in seconds.

    An endless film has `num_frames` None and repeats its last window; its disk and time are for one such window.
    """

    width: int
    height: int
    fps: Fraction
    num_frames: int | None
    tokens_per_frame: int
    inference_steps: int
    windows: tuple[Window, ...]
    estimates: dict[str, Estimate]
    notes: tuple[str, ...] = ()

    @property
    def endless(self) -> bool:
        """Whether the film goes on until the user ends it."""
        return self.num_frames is None

    @property
    def count(self) -> int | None:
        """Windows of the film; None if it is endless."""
        return None if self.endless else len(self.windows)

    @property
    def total_rows(self) -> int | None:
        """Rows of the timestep matrix over all windows; None if the film is endless."""
        return None if self.endless else sum(window.rows for window in self.windows)

    def window(self, index: int) -> Window | None:
        """The window of that number, counted from 0; None behind the end of the film."""
        if index < len(self.windows):
            return self.windows[index]
        last = self.windows[-1]
        later = index - last.index
        moved = replace(last, index=index, first_frame=last.first_frame + later * last.new_frames)
        return moved if self.endless else None

    def all_windows(self) -> Iterator[Window]:
        """Every window in order; those of an endless film are made when they are asked for."""
        for index in count():
            window = self.window(index)
            if window is None:
                return
            yield window

    def ended_after(self, windows: int) -> Plan:
        """The plan of an endless film that was ended after so many windows."""
        kept = tuple(window for index in range(windows) if (window := self.window(index)))
        return replace(self, windows=kept, num_frames=sum(window.new_frames for window in kept))
