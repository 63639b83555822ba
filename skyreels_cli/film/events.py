"""Events of a film while it is rendered: plain data for the progress bar, `--events`, the queue and the dashboard."""

from __future__ import annotations

import re
import time
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Event:
    """One thing that happened, and its `time` in seconds since 1970; `to_dict` is its NDJSON form."""

    time: float = field(default_factory=time.time, kw_only=True, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """`{"event": "step_done", "time": 1764329145.2, …}` with the fields of the event."""
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()
        return {"event": name, **asdict(self)}


@dataclass(frozen=True)
class StageStarted(Event):
    """Work without steps begins: `loading transformer`, `preparing the window`, `decoding`, `joining` …"""

    stage: str


@dataclass(frozen=True)
class FilmResumed(Event):
    """An interrupted film goes on: `windows` of it, `frames` long, are kept as they are."""

    windows: int
    frames: int


@dataclass(frozen=True)
class WindowStarted(Event):
    """Window `window` (from 1) of `windows` (None if the film is endless) begins; frames count over the film from 0."""

    window: int
    windows: int | None
    steps: int
    first_frame: int
    new_frames: int
    prompt: str


@dataclass(frozen=True)
class WindowResumed(Event):
    """The window that has begun goes on from a checkpoint: `step` of its `steps` were done before."""

    window: int
    step: int
    steps: int


@dataclass(frozen=True)
class StepDone(Event):
    """Step `step` (from 0) of a window's `steps` is done: one row of its timestep matrix, in `seconds`.

    `noise` holds the noise level (sigma, 1 … 0) that each latent frame has reached.
    """

    window: int
    step: int
    steps: int
    seconds: float
    peak_memory_bytes: int
    noise: tuple[float, ...]


@dataclass(frozen=True)
class CacheUsed(Event):
    """A window was denoised with a cache; `skipped` is the share of the transformer's work that was not done."""

    window: int
    cache: str
    skipped: float
    facts: dict[str, Any]


@dataclass(frozen=True)
class FramesReady(Event):
    """Frames have left for the encoder; `frames` counts the film's so far, `total_frames` is None if it is endless."""

    window: int
    frames: int
    total_frames: int | None


@dataclass(frozen=True)
class WindowDone(Event):
    """A window is decoded and encoded; `look` is how it looks (a `Look`), `drift` that less window 1's."""

    window: int
    seconds: float
    peak_memory_bytes: int
    look: dict[str, float] = field(default_factory=dict)
    drift: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class FilmDone(Event):
    """The film lies under its final name; the fields are the `data` of the command's envelope."""

    output: str
    frames: int
    fps: int | float
    width: int
    height: int
    duration_s: float
    seed: int
    windows: int
    steps: int
    model: str
    elapsed_s: float
    peak_memory_bytes: int
    recipe: dict[str, Any]
