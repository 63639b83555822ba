"""The description of a rendering: everything that is decided before a weight is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skyreels_cli.film.placement import Placement

if TYPE_CHECKING:  # pydantic takes 0.1 s, and commands that only look need none of it
    from skyreels_cli.hub.facts import ModelFacts
    from skyreels_cli.hub.weights import WeightsSpec
    from skyreels_cli.plan.compute import Speed
    from skyreels_cli.plan.plan import Plan
    from skyreels_cli.recipe.schema import Recipe


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """One film: what, by which model, in which windows, computed where, written where.

    `overwrite`: another unfinished film of that name may be thrown away, and a finished one replaced. `keep_work`: the
    work folder stays when the film is done. The window in progress is saved every `checkpoint_seconds`.
    """

    recipe: Recipe
    facts: ModelFacts
    plan: Plan
    placement: Placement
    output: Path
    keep_work: bool = False
    overwrite: bool = False
    checkpoint_seconds: float = 60.0

    @property
    def speed(self) -> Speed | None:
        """How fast this machine makes films of this shape, as far as it was measured."""
        from skyreels_cli.plan.speed import FilmShape

        shape = FilmShape.of(self.recipe, self.facts, self.plan)
        return self.placement.speed_book.speed(shape, self.recipe.dtype)

    @cached_property
    def weights(self) -> WeightsSpec:
        """The weights that the film is made with."""
        from skyreels_cli.recipe.weights import weights_of

        return weights_of(self.recipe, self.facts)
