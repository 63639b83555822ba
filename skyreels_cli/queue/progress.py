"""How far a running film is, computed from its events; kept in the job as JSON about once a second.

The keys (none is missing once the renderer has spoken; times in seconds, memory in bytes):

    stage           what is done between steps ("loading transformer", "decoding", "joining"), or ""
    window, windows the window at hand, from 1, and how many there are (both 0 before the first has begun)
    first_frame, new_frames, prompt
                    what the window adds to the film, and its prompt
    step, steps     steps done of this window, and its total
    noise           noise level in [0, 1] of each latent frame of the window after the last step: the denoising wave
    frames, total_frames
                    frames that have left for the encoder, and those of the film
    steps_done, total_steps
                    steps done over all windows, those of earlier attempts included
    step_seconds    mean of the last 30 steps, or null
    window_seconds_left, seconds_left
                    until the window is decoded, until the film is done, or null
    share           part of the film's time that is over, 0 … 0.99
    elapsed_s       since this attempt began
    peak_memory_bytes
                    the renderer's own count on its device
    memory          memory in use on the device over time, one value every 5 s, the latest 120
    windows_done    the `window_done` event of each finished window, the latest 200: seconds, memory, `look` and `drift`
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

from skyreels_cli.film.time_left import TimeLeft
from skyreels_cli.film.waits import NOT_KNOWN, Waits
from skyreels_cli.plan.work import FilmWork

# A film without bounds must not fill the worker's memory with what its steps took.
MEASURED_STEPS = 1000
MEMORY_EVERY_SECONDS = 5.0


class Progress:
    """The state of one attempt at a film; `plan` is `plan_data`'s, `before` the `windows_done` of earlier attempts.

    `waits` are those of an earlier film of the kind, `now` is a monotonic clock in seconds.
    """

    def __init__(
        self,
        plan: Mapping[str, Any],
        before: Iterable[Mapping[str, Any]] = (),
        waits: Waits = NOT_KNOWN,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._before = list(before)
        self._work = FilmWork.of_data(plan)
        self._time = TimeLeft(self._work, waits, now)
        self._flops = plan.get("denoise_flops")
        self._now = now
        self._started = self._last_event = now()
        self._step_times: deque[float] = deque(maxlen=MEASURED_STEPS)
        self._measured = 0
        self._measured_seconds = 0.0
        self._memory: deque[int] = deque(maxlen=120)
        self._sampled = float("-inf")
        self._done: deque[dict[str, Any]] = deque(maxlen=200)
        self._state: dict[str, Any] = {
            "stage": "",
            "window": 0,
            "windows": 0,
            "first_frame": 0,
            "new_frames": 0,
            "prompt": "",
            "step": 0,
            "steps": 0,
            "noise": [],
            "frames": 0,
            "total_frames": plan["frames"],
            "steps_done": 0,
            "total_steps": plan["total_rows"],
            "peak_memory_bytes": 0,
        }

    def take(self, event: Mapping[str, Any]) -> None:
        """Take in one event of `film.events` in its dict form; unknown ones are ignored."""
        self._last_event = self._now()
        self._time.take(event)
        state = self._state
        match event["event"]:
            case "stage_started":
                state["stage"] = event["stage"]
            case "film_resumed":
                state["frames"] = event["frames"]
                state["steps_done"] = self._work.steps_before(event["windows"])
                self._done.extend(dict(window) for window in self._before if window["window"] <= event["windows"])
            case "window_started":
                names = ("window", "windows", "steps", "first_frame", "new_frames", "prompt")
                state.update({name: event[name] for name in names}, stage="", step=0, noise=[])
                state["steps_done"] = self._work.steps_before(event["window"] - 1)
            case "window_resumed":
                state["step"] = event["step"]
                state["steps_done"] = self._work.steps_before(event["window"] - 1) + event["step"]
            case "step_done":
                self._take_step(event)
            case "frames_ready":
                state["frames"] = event["frames"]
            case "window_done":
                state["stage"] = ""
                self._done.append(
                    {name: value for name, value in event.items() if name not in ("event", "job", "time")}
                )
        if "peak_memory_bytes" in event:
            state["peak_memory_bytes"] = max(state["peak_memory_bytes"], event["peak_memory_bytes"])

    def take_memory(self, used_bytes: int) -> None:
        """Note the memory in use; more often than every 5 s changes nothing."""
        if self._now() - self._sampled >= MEMORY_EVERY_SECONDS:
            self._sampled = self._now()
            self._memory.append(used_bytes)

    def to_dict(self) -> dict[str, Any]:
        """The state as JSON values, with the keys that the module describes."""
        return {
            **self._state,
            "step_seconds": self._time.step_seconds,
            "window_seconds_left": self._time.window_left,
            "seconds_left": self._time.film_left,
            "share": self._share(),
            "elapsed_s": self._now() - self._started,
            "memory": list(self._memory),
            "windows_done": list(self._done),
        }

    @property
    def steps_done(self) -> int:
        """Steps done over all windows."""
        return int(self._state["steps_done"])

    @property
    def idle_seconds(self) -> float:
        """Seconds since the renderer last said anything."""
        return self._now() - self._last_event

    @property
    def waits(self) -> Waits:
        """What this attempt has waited for beside its windows."""
        return self._time.measured

    @property
    def step_seconds(self) -> float | None:
        """Median over the latest 1000 steps of this attempt."""
        return float(median(self._step_times)) if self._step_times else None

    @property
    def flops_per_second(self) -> float | None:
        """The transformer's rate over the steps of this attempt, where the plan says what they cost."""
        if not self._flops or not self._step_times:
            return None
        share: float = self._measured / self._state["total_steps"]
        return float(self._flops) * share / self._measured_seconds

    def _take_step(self, event: Mapping[str, Any]) -> None:
        self._step_times.append(event["seconds"])
        self._measured += 1
        self._measured_seconds += event["seconds"]
        before = self._work.steps_before(event["window"] - 1)
        self._state.update(
            stage="", step=event["step"] + 1, noise=list(event["noise"]), steps_done=before + event["step"] + 1
        )

    def _share(self) -> float:
        """By time, or by steps before a step has shown what they take."""
        share = self._time.share
        return self.steps_done / max(1, self._work.steps) if share is None else share
