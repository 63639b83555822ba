"""Refuses shots that cannot be rendered, before a weight is loaded, and says what would work instead."""

from __future__ import annotations

from skyreels_cli.errors import UsageError
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.plan.checks import needs_forcing
from skyreels_cli.plan.frames import pixel_frames
from skyreels_cli.recipe.schema import Recipe
from skyreels_cli.recipe.shots import Shot


def check_story(recipe: Recipe, facts: ModelFacts) -> None:
    """Refuse shots that the model, the join or an endless film does not allow."""
    for index, shot in enumerate(recipe.story):
        goes_on = recipe.goes_on(index)
        _check_image(shot, goes_on=goes_on, stride=facts.temporal_stride)
        _check_endless(shot)
        if goes_on and not facts.traits.forcing:
            raise needs_forcing("going on from frames before it", facts)
        if goes_on and index and recipe.join != "pixels":
            _check_whole(recipe, index - 1, facts.temporal_stride)
    if recipe.num_frames is None and not facts.traits.forcing:
        raise needs_forcing("an endless film", facts)


def _check_image(shot: Shot, *, goes_on: bool, stride: int) -> None:
    if shot.image and goes_on:
        message = "a shot that goes on from earlier frames cannot start from an image as well"
        raise UsageError("plan-shots", message, "cut: true, or leave out the image")
    if shot.image and shot.num_frames == 1:
        raise UsageError(
            "plan-num-frames",
            "the image is the first frame, so that 1 frame leaves nothing to render",
            f"--num-frames {pixel_frames(2, stride)}",
        )


def _check_endless(shot: Shot) -> None:
    if shot.num_frames is None and shot.end_image:
        message = "a film without end has no last frame: --end-image and --duration inf exclude each other"
        raise UsageError("plan-endless", message, "--duration 60s")


def _check_whole(recipe: Recipe, index: int, stride: int) -> None:
    """Refuse a shot that does not fill its latents and is continued by latents: nothing can be trimmed in between."""
    fresh = not recipe.goes_on(index)
    extra = 1 if fresh else 0
    frames = recipe.story[index].num_frames or 0
    if (frames - extra) % stride == 0:
        return
    below = (frames - extra) // stride * stride + extra
    nearest = [length for length in (below, below + stride) if length >= 1]
    raise UsageError(
        "plan-shots",
        f"shot {index + 1} has {frames} frames; with --join {recipe.join}, for the next to go on from it, it must have "
        f"a multiple of {stride}{' plus 1' if fresh else ''} (the nearest: {' or '.join(map(str, nearest))})",
        f"num_frames: {min(nearest, key=lambda length: abs(length - frames))}, or --join pixels",
    )
