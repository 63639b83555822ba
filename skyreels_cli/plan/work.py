"""The work of a film of any length: the steps of its windows, and what a step and a decoding cost beside each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import accumulate, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from skyreels_cli.hub.facts import ModelFacts
    from skyreels_cli.plan.compute import Speed
    from skyreels_cli.plan.plan import Plan, Window
    from skyreels_cli.recipe.schema import Recipe


class WindowWork(NamedTuple):
    """`windows` windows in a row that are alike: `steps` each, and the seconds that a step and a decoding should take.

    Of the frames that are decoded the first `drop` are left out, and `frames` are added to the film.
    """

    windows: int
    steps: int
    step_cost: float = 1.0
    decode_cost: float = 0.0
    drop: int = 0
    frames: int = 1


class FilmWork:
    """The windows of a film as runs of alike ones; an `endless` film repeats its last window.

    Where the machine's speed is not `known` costs are good beside each other only; with a cache (`cached`) steps take
    less than their cost.
    """

    def __init__(
        self, runs: Iterable[WindowWork], *, endless: bool = False, known: bool = False, cached: bool = False
    ) -> None:
        self.endless = endless
        self.known = known
        self.cached = cached
        self._runs = [run for run in runs if run.windows]
        self._firsts = list(accumulate((run.windows for run in self._runs), initial=0))

    @classmethod
    def of(cls, recipe: Recipe, facts: ModelFacts, plan: Plan, speed: Speed | None) -> FilmWork:
        """The work of a plan at the `speed` of this machine, or at an assumed one."""
        costs, runs = _Costs(recipe, facts, plan, speed), []
        for run, following in zip_longest(plan.windows.runs, plan.windows.runs[1:]):
            last = run.window(run.stop - 1)
            runs.append(costs.work(run.first, run.count - 1, run.first))
            runs.append(costs.work(last, 1, following.first if following else last if plan.endless else None))
        known = speed is not None
        return cls(runs, endless=plan.endless, known=known, cached=recipe.cache is not None)

    @classmethod
    def of_data(cls, plan: Mapping[str, Any]) -> FilmWork:
        """The work of a plan in the form of `plan_data`, which may hold the `work` as `to_data` gives it."""
        if "work" in plan:
            work = plan["work"]
            return cls((WindowWork(*run) for run in work["runs"]), known=work["known"], cached=work["cached"])
        return cls(WindowWork(window.get("count", 1), window["rows"]) for window in plan["windows"])

    def to_data(self) -> dict[str, Any]:
        """The runs as JSON values."""
        return {"known": self.known, "cached": self.cached, "runs": [list(run) for run in self._runs]}

    @property
    def windows(self) -> int:
        """How many windows there are."""
        return self._firsts[-1]

    @property
    def steps(self) -> int:
        """Steps of all windows."""
        return self.steps_before(self.windows)

    def window(self, index: int) -> WindowWork:
        """A window, counted from 0; one behind the end is like the last."""
        return self._runs[min(bisect_right(self._firsts, index), len(self._runs)) - 1]

    def steps_before(self, window: int) -> int:
        """Steps of all windows before the one of that number; of all windows for a number behind the last."""
        return int(self._before(window, lambda run: run.steps))

    def costs_from(self, window: int) -> tuple[float, float]:
        """What the steps, and what the decodings cost of that window and all behind it."""
        steps, decodings = _step_cost, _decode_cost
        return (
            self._before(self.windows, steps) - self._before(window, steps),
            self._before(self.windows, decodings) - self._before(window, decodings),
        )

    @property
    def frames(self) -> int:
        """Frames that all windows add to the film."""
        return int(self._before(self.windows, lambda run: run.frames))

    def _before(self, window: int, value: Callable[[WindowWork], float]) -> float:
        runs = zip(self._firsts, self._runs, strict=False)
        return sum(value(run) * max(0, min(run.windows, window - first)) for first, run in runs)


def _step_cost(run: WindowWork) -> float:
    return run.steps * run.step_cost


def _decode_cost(run: WindowWork) -> float:
    return run.decode_cost


class _Costs:
    """What windows should take, by the plan's operations."""

    def __init__(self, recipe: Recipe, facts: ModelFacts, plan: Plan, speed: Speed | None) -> None:
        from skyreels_cli.plan.compute import TransformerShape, assumed_speed, vae_flops

        self._recipe = recipe
        self._tokens = plan.tokens_per_frame
        self._shape = TransformerShape.of(facts)
        self._at = speed or assumed_speed(recipe)
        self._vae_flops = partial(vae_flops, recipe, facts)
        self._chained = recipe.join != "pixels"

    def work(self, window: Window, count: int, following: Window | None) -> WindowWork:
        """Alike windows; each also encodes the end of the film for the one that is `following`, if that goes on."""
        from skyreels_cli.plan.branches import guidance_branches
        from skyreels_cli.plan.compute import forward_flops

        passes = max(len(guidance_branches(self._recipe, part)) for part in window.passes)
        step = passes * forward_flops(self._shape, window.forward_latents * self._tokens) / self._at.transformer
        chained = self._chained and not window.fresh  # then only new latents are decoded, and none is encoded
        decoded = replace(window, prefix_latents=0, latents=window.new_latents if chained else window.latents)
        encoding = 0.0 if following is None or self._chained else self._encoding(following)
        decode = (self._vae_flops(decoded) + encoding) / self._at.vae
        return WindowWork(count, window.rows, step, decode, 0 if chained else window.drop_frames, window.new_frames)

    def _encoding(self, window: Window) -> float:
        return self._vae_flops(window) - self._vae_flops(replace(window, prefix_latents=0))
