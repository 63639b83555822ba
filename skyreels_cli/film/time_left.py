"""How long a running film will still take: from what its events have shown, earlier films, and the plan's shares."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from statistics import mean
from typing import Any

from skyreels_cli.film.waits import NOT_KNOWN, Waits
from skyreels_cli.plan.work import FilmWork

# Steps of a window take equally long but for jitter and caches; the latest ones tell of a machine that slows down.
RECENT_STEPS = 30
RECENT_WINDOWS = 5
# A share is told apart from the whole only once everything is done.
MOST_SHARE = 0.99


class TimeLeft:
    """Takes the events of a film in their dict form; `waits` are an earlier film's, `now` monotonic seconds."""

    def __init__(self, work: FilmWork, waits: Waits = NOT_KNOWN, now: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._waits = waits
        self._now = now
        self._last_at = now()
        self._began: float | None = None
        self._loads = False
        self._loading: float | None = None
        self._kept_windows = 0
        self._window: int | None = None
        self._steps_done = 0
        self._steps_seconds = 0.0
        self._steps: deque[float] = deque(maxlen=RECENT_STEPS)
        self._seconds: deque[float] = deque(maxlen=RECENT_STEPS)
        self._steps_seen = 0
        self._decoding_at: float | None = None
        self._decoded = 0.0
        self._decoded_at = 0.0
        self._decodings: deque[float] = deque(maxlen=RECENT_WINDOWS)
        self._joining_at: float | None = None
        self._joining: float | None = None
        self._first_frame = 0

    def take(self, event: Mapping[str, Any]) -> None:
        """Account for one event; those that say nothing of time are ignored."""
        self._last_at = self._now()
        if self._began is None:
            self._began = self._last_at
        match event["event"]:
            case "stage_started":
                self._take_stage(event["stage"])
            case "film_resumed":
                self._kept_windows = event["windows"]
            case "window_started":
                self._begin_window(event)
            case "window_resumed":
                self._steps_done = event["step"]
            case "step_done":
                self._take_step(event)
            case "frames_ready":
                window = self._work.window(event["window"] - 1)
                done = window.drop + event["frames"] - self._first_frame
                self._decoded, self._decoded_at = done / (window.drop + window.frames), self._last_at
            case "window_done":
                self._end_window(event)
            case "film_done" if self._joining_at is not None:
                self._joining = (self._last_at - self._joining_at) / max(1, self._work.frames)

    @property
    def step_seconds(self) -> float | None:
        """Seconds per step of late; None before the first step."""
        return mean(self._seconds) if self._seconds else None

    @property
    def window_left(self) -> float | None:
        """Seconds until the window at hand is decoded; None before anything is known of its steps."""
        pace = self._step_pace
        if pace is None or self._window is None:
            return None
        window = self._work.window(self._window)
        steps = (window.steps - self._steps_done) * window.step_cost * pace
        if self._decoding_at is not None:
            return self._decoding_left(window.decode_cost)
        since = min(window.step_cost * pace, self._now() - self._last_at)
        return max(0.0, steps - since) + self._decode_pace(pace) * window.decode_cost * (1 - self._decoded)

    @property
    def film_left(self) -> float | None:
        """Seconds until the film lies under its name; None if that is not known or the film is endless."""
        pace = self._step_pace
        if pace is None or self._work.endless:
            return None
        joining = (self._waits.joining or 0.0) * self._work.frames
        if self._joining_at is not None:
            return 0.0 if self._joining is not None else max(0.0, joining - (self._now() - self._joining_at))
        if self._window is None:
            return self._loading_left + self._from(self._kept_windows, pace) + joining
        return (self.window_left or 0.0) + self._from(self._window + 1, pace) + joining

    @property
    def share(self) -> float | None:
        """Part of the film's time that is over, loading left out; None if the time left is not known."""
        left, pace = self.film_left, self._step_pace
        if left is None or pace is None:
            return None
        whole = self._from(0, pace) + (self._waits.joining or 0.0) * self._work.frames
        return max(0.0, min(1.0 - left / whole, MOST_SHARE)) if whole else 0.0

    @property
    def measured(self) -> Waits:
        """What this film has waited for."""
        return Waits(self._loading if self._loads else None, self._joining)

    def _take_stage(self, stage: str) -> None:
        self._loads = self._loads or stage.startswith("loading transformer")
        if stage == "decoding":
            self._decoding_at = self._last_at
        elif stage == "joining":
            self._joining_at = self._last_at

    def _begin_window(self, event: Mapping[str, Any]) -> None:
        if self._window is None:
            self._loading = self._last_at - (self._began or self._last_at)
        self._window, self._first_frame = event["window"] - 1, event["first_frame"]
        self._steps_done, self._steps_seconds = 0, 0.0
        self._decoding_at, self._decoded = None, 0.0

    def _take_step(self, event: Mapping[str, Any]) -> None:
        self._steps_done = event["step"] + 1
        self._steps_seconds += event["seconds"]
        if self._steps_seen == 1:  # the first one also warms up, or compiles: it counts until there is another
            self._seconds.clear()
            self._steps.clear()
        self._steps_seen += 1
        self._seconds.append(event["seconds"])
        self._steps.append(event["seconds"] / self._work.window(event["window"] - 1).step_cost)

    def _end_window(self, event: Mapping[str, Any]) -> None:
        window = self._work.window(event["window"] - 1)
        if window.decode_cost:
            self._decodings.append(max(0.0, event["seconds"] - self._steps_seconds) / window.decode_cost)
        self._window, self._kept_windows = None, event["window"]

    @property
    def _step_pace(self) -> float | None:
        """How much longer than their cost steps take; None if nothing is known of this machine."""
        if self._steps:
            return mean(self._steps)
        return 1.0 if self._work.known and not self._work.cached else None

    def _decode_pace(self, step_pace: float) -> float:
        """How much longer than their cost decodings take: as measured, else as the steps do without a cache."""
        if self._decodings:
            return mean(self._decodings)
        return 1.0 if self._work.known and self._work.cached else step_pace

    @property
    def _loading_left(self) -> float:
        if self._loading is not None or not self._loads or self._began is None:
            return 0.0
        return max(0.0, (self._waits.loading or 0.0) - (self._now() - self._began))

    def _decoding_left(self, cost: float) -> float:
        """By what decodings take, and the more of the frames are there the more by these."""
        assert self._decoding_at is not None
        expected, done, now = self._decode_pace(self._step_pace or 0.0) * cost, self._decoded, self._now()
        if not done:
            return max(0.0, expected - (now - self._decoding_at))
        since = now - self._decoded_at
        if self._decodings:
            return max(0.0, expected - (now - self._decoding_at), expected * (1 - done) - since)
        whole = expected * (1 - done) + self._decoded_at - self._decoding_at
        return max(0.0, whole * (1 - done) - since)

    def _from(self, window: int, pace: float) -> float:
        steps, decodings = self._work.costs_from(window)
        return steps * pace + decodings * self._decode_pace(pace)
