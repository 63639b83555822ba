"""Where a film stands and how long it will still take, worked out from its events."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from skyreels_cli.film.events import CacheUsed, Event, StageStarted, StepDone, WindowDone, WindowStarted
from skyreels_cli.plan.rows import RowCounts

# The steps of a window take equally long but for jitter; recent ones tell of a machine that slows down.
RECENT_STEPS = 10
RECENT_WINDOWS = 100


class Pace:
    """The state of a running film; `rows` counts the steps of each window (None: endless), `now` monotonic seconds."""

    def __init__(self, rows: RowCounts | None, now: Callable[[], float] = time.monotonic) -> None:
        self.rows = rows
        self.window_steps_done = 0
        self.stage = ""
        self.window: WindowStarted | None = None
        self.noise: tuple[float, ...] = ()
        self.peak_memory_bytes = 0
        self.skipped: float | None = None
        self._now = now
        self._last_event = now()
        self._windows_done = 0
        self._recent: deque[float] = deque(maxlen=RECENT_STEPS)
        self._window_steps: list[float] = []
        self._overheads: deque[float] = deque(maxlen=RECENT_WINDOWS)

    def take(self, event: Event) -> None:
        """Account for one event."""
        self._last_event = self._now()
        match event:
            case StageStarted(stage=stage):
                self.stage = stage
            case WindowStarted():
                self.window, self.stage, self.noise = event, "", ()
                self._window_steps, self.window_steps_done = [], 0
                self._windows_done, self.skipped = event.window - 1, None
            case StepDone():
                self.noise, self.stage = event.noise, ""
                self.window_steps_done = event.step + 1
                self._recent.append(event.seconds)
                self._window_steps.append(event.seconds)
                self.peak_memory_bytes = max(self.peak_memory_bytes, event.peak_memory_bytes)
            case CacheUsed(skipped=skipped):
                self.skipped = skipped
            case WindowDone():
                self.peak_memory_bytes = max(self.peak_memory_bytes, event.peak_memory_bytes)
                self._windows_done = event.window
                self._overheads.append(max(0.0, event.seconds - sum(self._window_steps)))

    @property
    def step_seconds(self) -> float | None:
        """Seconds per step of late; None before the first step."""
        return sum(self._recent) / len(self._recent) if self._recent else None

    @property
    def share_done(self) -> float | None:
        """Part of the film's steps that is done; None if it is endless."""
        return self.steps_done / self.rows.total if self.rows else None

    @property
    def steps_done(self) -> int:
        """Steps done of the whole film, those of a resumed film's finished windows included."""
        before = self.rows.before(self.window.window - 1) if self.rows and self.window else 0
        return before + self.window_steps_done

    @property
    def window_step_seconds(self) -> float:
        """Seconds per step over the window at hand; 0 if it had none."""
        return sum(self._window_steps) / max(1, len(self._window_steps))

    @property
    def window_left(self) -> float | None:
        """Seconds until the last step of this window."""
        return self._left(self.window.steps - self.window_steps_done) if self.window else None

    @property
    def film_left(self) -> float | None:
        """Seconds until the film is done; decoding counts once a first window has shown what it takes."""
        if self.rows is None:
            return None
        steps = self._left(self.rows.total - self.steps_done)
        if steps is None or not self._overheads:
            return steps
        windows_left = self.rows.windows - self._windows_done
        return steps + windows_left * sum(self._overheads) / len(self._overheads)

    def _left(self, rows: int) -> float | None:
        """Seconds for so many more rows, less what the current one has taken already."""
        seconds = self.step_seconds
        if seconds is None:
            return None
        return max(0.0, rows * seconds - min(seconds, self._now() - self._last_event))
