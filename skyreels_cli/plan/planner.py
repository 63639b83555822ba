"""Makes the plan of a film from its recipe and the model's facts, or raises an error that says what would work."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from typing import get_args

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.checks import check_family, check_one_window, check_positions, check_rerolls, check_size
from skyreels_cli.plan.compute import Speed, time_estimate, tokens_per_frame
from skyreels_cli.plan.disk import disk_estimate
from skyreels_cli.plan.frames import whole_latents
from skyreels_cli.plan.memory import memory_estimates
from skyreels_cli.plan.notes import plan_notes
from skyreels_cli.plan.plan import JoinCost, Plan
from skyreels_cli.plan.rolling import rolling_lag
from skyreels_cli.plan.spans import ShotFrames, Start, WindowSizes
from skyreels_cli.plan.story_checks import check_story
from skyreels_cli.plan.windows import closing_window, longest_window, plan_windows
from skyreels_cli.recipe.choices import Join
from skyreels_cli.recipe.schema import Recipe


def make_plan(recipe: Recipe, facts: ModelFacts, speed: Speed | None = None) -> Plan:
    """The plan of a film: windows, blocks, timestep indices and estimates, for exactly the frames that were asked for.

    `speed` is this machine's, if it was measured. Raises UsageError with code `model-family` or `plan-…`.
    """
    check_family(recipe, facts)
    check_one_window(recipe, facts)
    check_size(recipe, facts)
    check_story(recipe, facts)
    given = recipe.overlap_history if recipe.video else 0
    sizes, shots = _window_sizes(recipe, facts), _shots(recipe, facts)
    check_positions(recipe, facts, longest_window(sizes, shots, given))
    windows = plan_windows(sizes, shots, given)
    check_rerolls(recipe, len(windows))
    costing = windows.last_alone if recipe.num_frames is None else windows
    return Plan(
        width=recipe.width,
        height=recipe.height,
        fps=recipe.fps,
        num_frames=recipe.num_frames,
        tokens_per_frame=tokens_per_frame(recipe, facts),
        inference_steps=recipe.inference_steps,
        windows=windows,
        estimates={
            **memory_estimates(recipe, facts, windows),
            "disk": disk_estimate(recipe, facts, costing),
            "time": time_estimate(recipe, facts, costing, speed),
        },
        notes=plan_notes(recipe, facts, windows),
        closing=closing_window(sizes, shots, given, windows),
        joins=_join_costs(recipe, facts, speed) if recipe.num_frames and len(windows) > 1 else {},
    )


def _join_costs(recipe: Recipe, facts: ModelFacts, speed: Speed | None) -> dict[str, JoinCost]:
    """What the film would cost by each join; those that its blocks and steps do not allow are left out."""
    costs = {}
    for join in get_args(Join):
        other = recipe.model_copy(update={"join": join})
        with suppress(UsageError):
            given = other.overlap_history if other.video else 0
            windows = plan_windows(_window_sizes(other, facts), _shots(other, facts), given)
            rows = windows.total(lambda window: window.rows)
            costs[join] = JoinCost(rows, time_estimate(other, facts, windows, speed).value)
    return costs if facts.traits.forcing else {}


def _window_sizes(recipe: Recipe, facts: ModelFacts) -> WindowSizes:
    """The recipe's lengths in latent frames; T2V models render any length as one window."""
    base, overlap = _window_lengths(recipe, facts.temporal_stride) if facts.traits.forcing else (None, 0)
    ar_step: int | Fraction = recipe.ar_step
    rolling = recipe.join == "rolling" and base is not None
    if rolling and base is not None:
        ar_step = rolling_lag(recipe.inference_steps, recipe.ar_step, base, overlap, recipe.causal_block_size)
    return WindowSizes(
        stride=facts.temporal_stride,
        base=base,
        overlap=overlap,
        block_size=recipe.causal_block_size,
        inference_steps=recipe.inference_steps,
        ar_step=ar_step,
        rolling=rolling,
    )


def _shots(recipe: Recipe, facts: ModelFacts) -> list[ShotFrames]:
    """What the windows need to know of each shot."""
    return [
        ShotFrames(shot.num_frames, _start(recipe, facts, index), end_frame=shot.end_image is not None)
        for index, shot in enumerate(recipe.story)
    ]


def _start(recipe: Recipe, facts: ModelFacts, shot: int) -> Start:
    """What a shot's first latents are; an image that only conditions its window is none of them."""
    if recipe.goes_on(shot):
        return "history"
    return "image" if recipe.story[shot].image and facts.traits.forcing else "nothing"


def _window_lengths(recipe: Recipe, stride: int) -> tuple[int, int]:
    """Latent frames of a full window and of the overlap, checked even if the film is one window long."""
    base = whole_latents("base-num-frames", recipe.base_num_frames, stride, least=stride + 1)
    most = recipe.base_num_frames - stride
    return base, whole_latents("overlap-history", recipe.overlap_history, stride, most=most)
