"""Where a film stands, worked out from its events, for the display on the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable

from skyreels_cli.film.events import (
    CacheUsed,
    Event,
    FramesReady,
    StageStarted,
    StepDone,
    WindowDone,
    WindowResumed,
    WindowStarted,
)
from skyreels_cli.film.time_left import TimeLeft
from skyreels_cli.film.waits import NOT_KNOWN, Waits
from skyreels_cli.plan.work import FilmWork


class Pace:
    """The state of a running film; `waits` are those of an earlier film, `now` monotonic seconds."""

    def __init__(self, work: FilmWork, waits: Waits = NOT_KNOWN, now: Callable[[], float] = time.monotonic) -> None:
        self.work = work
        self.time = TimeLeft(work, waits, now)
        self.window_steps_done = 0
        self.stage = ""
        self.window: WindowStarted | None = None
        self.noise: tuple[float, ...] = ()
        self.frames = 0
        self.peak_memory_bytes = 0
        self.skipped: float | None = None
        self._window_steps: list[float] = []

    def take(self, event: Event) -> None:
        """Account for one event."""
        self.time.take(event.to_dict())
        match event:
            case StageStarted(stage=stage):
                self.stage = stage
            case WindowStarted():
                self.window, self.stage, self.noise = event, "", ()
                self._window_steps, self.window_steps_done = [], 0
                self.frames, self.skipped = 0, None
            case WindowResumed():
                self.window_steps_done = event.step
            case StepDone():
                self.noise, self.stage = event.noise, ""
                self.window_steps_done = event.step + 1
                self._window_steps.append(event.seconds)
                self.peak_memory_bytes = max(self.peak_memory_bytes, event.peak_memory_bytes)
            case FramesReady() if self.window:
                self.frames = event.frames - self.window.first_frame
            case CacheUsed(skipped=skipped):
                self.skipped = skipped
            case WindowDone():
                self.stage = ""
                self.peak_memory_bytes = max(self.peak_memory_bytes, event.peak_memory_bytes)

    @property
    def share(self) -> float | None:
        """Part of the film that is done, by time or else by steps; None if it is endless."""
        if self.work.endless:
            return None
        share = self.time.share
        return self.steps_done / max(1, self.work.steps) if share is None else share

    @property
    def steps_done(self) -> int:
        """Steps done of the whole film, those of a resumed film's finished windows included."""
        before = self.work.steps_before(self.window.window - 1) if self.window else 0
        return before + self.window_steps_done

    @property
    def window_step_seconds(self) -> float | None:
        """Seconds per step over the window at hand; None if it had none."""
        return sum(self._window_steps) / len(self._window_steps) if self._window_steps else None
