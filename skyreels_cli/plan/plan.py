"""The plan of a film: every number that is decided before a weight is loaded. Pure data, no torch."""

from __future__ import annotations

from dataclasses import dataclass


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
    """Windows of a film and their cost; `estimates` has memory and disk in bytes, time in seconds."""

    width: int
    height: int
    fps: int
    num_frames: int
    tokens_per_frame: int
    inference_steps: int
    windows: tuple[Window, ...]
    estimates: dict[str, Estimate]
    notes: tuple[str, ...] = ()

    @property
    def total_rows(self) -> int:
        """Rows of the timestep matrix over all windows."""
        return sum(window.rows for window in self.windows)
