"""What each window is rendered from: the prompt, guidance and pictures of its shot, and the stream of its noise."""

from __future__ import annotations

from dataclasses import dataclass

from skyreels_cli.film.windows.noise import Stream
from skyreels_cli.plan.plan import Plan, Window
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.shots import Shot


@dataclass(frozen=True)
class Direction:
    """The shot that a window belongs to, with the prompt as it is for this window, and the stream of its noise."""

    shot: Shot
    stream: Stream


class Script:
    """Directions of all windows, from a recipe's shots and the re-rolls that change their prompts or their noise."""

    def __init__(self, recipe: Recipe, plan: Plan) -> None:
        self._story = recipe.story
        self._rerolls = recipe.rerolls
        self._film_stream = Stream(recipe.seed)
        self._first_windows = {run.first.shot: run.first.index for run in reversed(plan.windows.runs)}

    def direction(self, window: Window) -> Direction:
        """The direction of a window."""
        shot, first = self._story[window.shot], self._first_windows[window.shot]
        begun = [reroll for reroll in self._rerolls if reroll.window <= window.index]
        stream = self._stream(shot.seed, first, {reroll.window: reroll.seed for reroll in begun})
        prompts = [reroll.prompt for reroll in begun if reroll.prompt and reroll.window >= first]
        return Direction(shot.model_copy(update={"prompt": prompts[-1]}) if prompts else shot, stream)

    def _stream(self, shot_seed: int | None, first_window: int, rerolled: dict[int, int | None]) -> Stream:
        """The stream that began last: the film's, that of a shot with a seed of its own, or a re-roll's."""
        seeds = {first_window: shot_seed} | {window: seed for window, seed in rerolled.items() if seed is not None}
        begun = [Stream(seed, window) for window, seed in seeds.items() if seed is not None]
        return max(begun, key=lambda stream: stream.first_window, default=self._film_stream)
