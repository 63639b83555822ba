"""What a film's steps and the rest of its windows took, from which later films are estimated."""

from __future__ import annotations

from statistics import median

from skyreels_cli.film.events import Event, StepDone, WindowDone
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.plan.compute import Speed, denoise_flops, vae_flops
from skyreels_cli.plan.plan import WindowRun, Windows
from skyreels_cli.plan.speed import FilmShape


class Timing:
    """Sums up the windows that one run renders from their first step on; the first window also warms up."""

    def __init__(self, rendering: Rendering) -> None:
        self._rendering = rendering
        self._steps: list[float] = []
        self._step_seconds = self._window_seconds = 0.0
        self._windows: list[int] = []

    def take(self, event: Event) -> None:
        """Account for one event."""
        match event:
            case StepDone():
                self._steps.append(event.seconds)
            case WindowDone():
                window = self._rendering.plan.window(event.window - 1)
                if window and len(self._steps) == window.rows:
                    self._windows.append(event.window - 1)
                    self._step_seconds += sum(self._steps) - self._compiling
                    self._window_seconds += event.seconds - self._compiling
                self._steps = []

    @property
    def _compiling(self) -> float:
        """Seconds of the window's first step beyond a usual one's, if layers are compiled: minutes, and only once."""
        return self._steps[0] - median(self._steps) if self._rendering.placement.compile else 0.0

    def remember(self) -> None:
        """Keep the speed for films of the same shape; a cache and joined latents leave out work that is counted."""
        recipe, facts, plan = self._rendering.recipe, self._rendering.facts, self._rendering.plan
        rest = self._window_seconds - self._step_seconds
        if recipe.cache or recipe.join != "pixels" or not self._windows or self._step_seconds <= 0 or rest <= 0:
            return
        windows = [window for index in self._windows if (window := plan.window(index))]
        denoising = sum(denoise_flops(recipe, facts, Windows([WindowRun(each)])) for each in windows)
        vae = sum(vae_flops(recipe, facts, each) for each in windows)
        speed = Speed(denoising / self._step_seconds, vae / rest, "measured in the latest such film")
        book = self._rendering.placement.speed_book
        book.keep_speed(FilmShape.of(recipe, facts, plan), recipe.dtype, speed)
