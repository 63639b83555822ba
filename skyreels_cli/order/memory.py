"""What leaves the device, and what is changed at the very last, so that a film fits into the memory that is free."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from skyreels_cli.errors import OutOfMemoryError, UsageError
from skyreels_cli.film.placement import Placement
from skyreels_cli.hub.facts import ModelFacts
from skyreels_cli.order.machine_here import machine_here
from skyreels_cli.plan.fitting import Way, fit, vaes_on
from skyreels_cli.plan.machine import Machine
from skyreels_cli.plan.plan import Windows
from skyreels_cli.plan.planner import make_plan
from skyreels_cli.recipe.choices import WeightsDtype
from skyreels_cli.recipe.schema import Draft, Recipe

SIZES = ((1280, 720), (960, 544), (640, 368), (480, 272))
SHORTER = (97, 49)
"""Frames of a window; in shorter ones motion falls apart."""


def fit_new(recipe: Recipe, facts: ModelFacts, windows: Windows, placement: Placement, draft: Draft) -> Way | None:
    """The way in which a new film fits best; the recipe changes only where nobody said otherwise. None if it was said.

    Weights go to fp8 where that was allowed (`--weights-dtype auto`), the VAE to bfloat16 or tiles where it was left
    open.
    """
    if placement.offload != "auto":
        return None
    machine = machine_here(placement.device, placement.gpus, free=True)
    weights: Sequence[WeightsDtype] = ("file", "fp8") if draft.weights_dtype == "auto" else ()
    return fit(recipe, facts, windows, machine, weights, () if draft.vae else vaes_on(machine))


def fit_decided(
    recipe: Recipe, facts: ModelFacts, windows: Windows, placement: Placement, machine: Machine | None = None
) -> Way | None:
    """The way in which a film that was decided before fits best, its recipe as it is; None if it was said."""
    if placement.offload != "auto":
        return None
    return fit(recipe, facts, windows, machine or machine_here(placement.device, placement.gpus, free=True))


def check_fit(way: Way | None, recipe: Recipe, facts: ModelFacts) -> None:
    """Raise OutOfMemoryError `does-not-fit`, with what would; a system that swaps is left to try."""
    if way and not way.fits and way.machine.kind == "cuda":
        raise OutOfMemoryError("does-not-fit", misfit(way), nearest(recipe, facts, way.machine))


def misfit(way: Way) -> str:
    """What a film that does not fit would take."""
    return f"the film does not fit: at the least ({way.called}) it {way.because.partition(';')[0]}"


def nearest(recipe: Recipe, facts: ModelFacts, machine: Machine) -> str:
    """Options with which the film would fit: 8 bits, else a shorter window or a smaller picture; else where to look."""
    for change in _changes(recipe, machine):
        changed = recipe.model_copy(update=change)
        try:
            windows = make_plan(changed, facts).windows
        except UsageError:
            continue  # a window that does not go with the film's overlap
        if fit(changed, facts, windows, machine, (), vaes_on(machine)).fits:
            return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in change.items())
    return "skyreels models recommend"


def _changes(recipe: Recipe, machine: Machine) -> Iterator[dict[str, Any]]:
    """What to say instead so that less and less is needed."""
    sizes = [{}, *({"resolution": size} for size in _smaller_sizes(recipe))]
    lengths = [{}, *({"base_num_frames": frames} for frames in SHORTER if frames < recipe.base_num_frames)]
    packed = [{}, {"weights_dtype": "fp8"}] if machine.kind == "cuda" else [{}]
    for size, length, weights in product(sizes, lengths, packed):
        if size or length or weights:
            yield {**size, **length, **weights}


def _smaller_sizes(recipe: Recipe) -> Iterator[str]:
    """Usual sizes with fewer pixels, turned like the film."""
    for width, height in SIZES:
        if width * height < recipe.width * recipe.height:
            yield f"{height}x{width}" if recipe.height > recipe.width else f"{width}x{height}"
