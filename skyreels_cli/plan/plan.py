"""The plan of a film: every number that is decided before a weight is loaded. Pure data, no torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
    index of block b in row r: 0 is pure noise, t in 1…T the t-th timestep, T+1 finished (REFERENCE.md §2).
    `shot` counts the shots of the film, `index` its windows.
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
        """Whether it goes on from no earlier frames: a film's beginning, or a cut."""
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
        """Latent frames in a forward pass: the window's and the end frame's."""
        return self.latents + self.end_frame


@dataclass(frozen=True)
class Estimate:
    """A figure and what it rests on."""

    value: float
    unit: str
    basis: str


@dataclass(frozen=True)
class Plan:
    """Windows of a film and their cost; `estimates` has memory and disk in bytes, time in seconds.

    A film without end has `num_frames` None and repeats its last window for ever; its disk and time are for one such
    window.
    """

    width: int
    height: int
    fps: int
    num_frames: int | None
    tokens_per_frame: int
    inference_steps: int
    windows: tuple[Window, ...]
    estimates: dict[str, Estimate]
    notes: tuple[str, ...] = ()

    @property
    def endless(self) -> bool:
        """Whether the film goes on until it is told to end."""
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
        """A window by its number; None behind the end."""
        if index < len(self.windows):
            return self.windows[index]
        last = self.windows[-1]
        later = index - last.index
        moved = replace(last, index=index, first_frame=last.first_frame + later * last.new_frames)
        return moved if self.endless else None

    def all_windows(self) -> Iterator[Window]:
        """Every window in order, made when its turn comes."""
        for index in count():
            window = self.window(index)
            if window is None:
                return
            yield window

    def ended_after(self, windows: int) -> Plan:
        """The plan of what an endless film has become after so many windows."""
        kept = tuple(window for index in range(windows) if (window := self.window(index)))
        return replace(self, windows=kept, num_frames=sum(window.new_frames for window in kept))
