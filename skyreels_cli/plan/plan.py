"""The plan of a film: every number that is decided before a weight is loaded. Pure data, no torch."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import count
from typing import TypeVar, overload

Number = TypeVar("Number", int, float)


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
    `shot` is its shot and `index` its own place in the film, both counted from 0; `number` is what people are told.

    A window of a rolling film is denoised in `turns`, each a `Window` of its own from row `first_row` on: behind its
    prefix come `carried` latents that earlier turns have begun, then new noise, and when its first new block is clean,
    it leaves the `ahead` others, part-way, to the next turn. Its `latents` then are those that it makes clean, and its
    `new_frames` those of its turns.
    """

    index: int
    latents: int
    prefix_latents: int
    end_frame: bool
    blocks: tuple[Block, ...]
    steps: Sequence[tuple[int, ...]]
    first_frame: int
    new_frames: int
    drop_frames: int
    trim_frames: int
    shot: int = 0
    carried: int = 0
    ahead: int = 0
    first_row: int = 0
    turns: tuple[Window, ...] = ()

    @property
    def passes(self) -> tuple[Window, ...]:
        """The runs of the sampler that it takes: its turns, or itself."""
        return tuple(replace(turn, index=self.index) for turn in self.turns) or (self,)

    def until(self, turn: int) -> Window:
        """What its turns before that one make of it."""
        return replace(self, new_frames=sum(each.new_frames for each in self.turns[:turn]))

    @property
    def drawn_latents(self) -> int:
        """Latent frames of noise that a pass draws: all, also under its prefix, or what enters behind the carried."""
        return self.latents - (self.prefix_latents + self.carried if self.carried else 0)

    @property
    def clean_latents(self) -> int:
        """Latent frames of a pass that are clean at its end, from the first one on."""
        return self.latents - (0 if self.turns else self.ahead)

    @property
    def number(self) -> int:
        """Its place in the film, counted from 1 as in flags, events and plans."""
        return self.index + 1

    @property
    def fresh(self) -> bool:
        """Whether it starts without earlier frames: at the beginning of a film or at a cut."""
        return self.drop_frames == 0

    @property
    def history_latents(self) -> int:
        """Latent frames of its prefix that earlier windows or a given video have left; a start image is none."""
        return 0 if self.fresh else self.prefix_latents

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
        """Latent frames in the longest forward pass: those of the window or turn, and of the end frame."""
        return max((turn.forward_latents for turn in self.turns), default=self.latents + self.end_frame)


@dataclass(frozen=True)
class WindowRun:
    """`count` windows in a row that are alike but for their place; `first` is the first of them."""

    first: Window
    count: int = 1

    @property
    def stop(self) -> int:
        """The index of the window behind the run."""
        return self.first.index + self.count

    @property
    def new_frames(self) -> int:
        """Frames that all its windows add to the film."""
        return self.count * self.first.new_frames

    def window(self, index: int) -> Window:
        """The window of that number in the film, also one behind the run's end, as if it went on."""
        later = index - self.first.index
        return replace(self.first, index=index, first_frame=self.first.first_frame + later * self.first.new_frames)

    def continues(self, before: WindowRun) -> bool:
        """Whether it and the run before it are one."""
        return before.window(self.first.index) == self.first


class Windows(Sequence[Window]):
    """The windows of a film, kept as runs of alike ones: a day of film takes no more memory than a minute of it."""

    def __init__(self, runs: Iterable[WindowRun]) -> None:
        joined: list[WindowRun] = []
        for run in runs:
            if joined and run.continues(joined[-1]):
                joined[-1] = replace(joined[-1], count=joined[-1].count + run.count)
            else:
                joined.append(run)
        self.runs = tuple(joined)
        self._firsts = [run.first.index for run in joined]

    def __len__(self) -> int:
        return self.runs[-1].stop if self.runs else 0

    @overload
    def __getitem__(self, place: int) -> Window: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Window, ...]: ...
    def __getitem__(self, place: int | slice) -> Window | tuple[Window, ...]:
        if isinstance(place, slice):
            return tuple(self[index] for index in range(*place.indices(len(self))))
        index = range(len(self))[place]
        return self.runs[bisect_right(self._firsts, index) - 1].window(index)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Windows) and self.runs == other.runs

    def __hash__(self) -> int:
        return hash(self.runs)

    def total(self, value: Callable[[Window], Number]) -> Number:
        """The sum over all windows of a value that is the same for alike ones."""
        return sum(run.count * value(run.first) for run in self.runs)

    def largest(self, value: Callable[[Window], int]) -> int:
        """The largest over all windows of a value that is the same for alike ones."""
        return max(value(run.first) for run in self.runs)

    def beginning(self, count: int) -> Windows:
        """The first `count` windows; the last run goes on for as long as that takes."""
        kept = [run for run in self.runs if run.first.index < count]
        cut = [replace(run, count=min(run.count, count - run.first.index)) for run in kept[:-1]]
        return Windows([*cut, *(replace(run, count=count - run.first.index) for run in kept[-1:])])

    @property
    def last_alone(self) -> Windows:
        """The last window, which an endless film repeats, as if it were the only one."""
        return Windows([WindowRun(replace(self[-1], index=0))])


@dataclass(frozen=True)
class Estimate:
    """An estimated figure, its unit, and a sentence on how it was computed."""

    value: float
    unit: str
    basis: str


@dataclass(frozen=True)
class JoinCost:
    """Rows of a film whose windows are joined in some way, and the seconds that it is estimated to take."""

    rows: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """Windows of a film and their cost; `estimates` holds memory and disk in bytes, time in seconds.

    An endless film has `num_frames` None and repeats its last window; its disk and time are for one such window. One
    that rolls ends with a `closing` window, in place of any behind `windows`. `joins` says what a longer film than a
    window would cost by each join that its settings allow.
    """

    width: int
    height: int
    fps: Fraction
    num_frames: int | None
    tokens_per_frame: int
    inference_steps: int
    windows: Windows
    estimates: dict[str, Estimate]
    notes: tuple[str, ...] = ()
    closing: Window | None = None
    joins: Mapping[str, JoinCost] = field(default_factory=dict)

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
        return None if self.endless else self.windows.total(lambda window: window.rows)

    def window(self, index: int) -> Window | None:
        """The window of that number, counted from 0; None behind the end of the film."""
        if index < len(self.windows):
            return self.windows[index]
        return self.windows.runs[-1].window(index) if self.endless else None

    def all_windows(self) -> Iterator[Window]:
        """Every window in order; those of an endless film are made when they are asked for."""
        for index in count():
            window = self.window(index)
            if window is None:
                return
            yield window

    def closed_by(self, index: int) -> Window | None:
        """The closing window as that of this number; None for a film that needs none to end."""
        place = self.windows.runs[-1].window(index)
        return self.closing and replace(self.closing, index=index, first_frame=place.first_frame)

    def ended_after(self, windows: int) -> Plan:
        """The plan of an endless film that was ended after so many windows, the closing one included."""
        closing = self.closed_by(windows - 1)
        kept = self.windows.beginning(windows - 1 if closing else windows)
        if closing:
            kept = Windows([*kept.runs, WindowRun(closing)])
        return replace(self, windows=kept, num_frames=kept.total(lambda window: window.new_frames))
