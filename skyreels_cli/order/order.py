"""An order: one film, decided once, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from skyreels_cli.film.events import FilmDone
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.plan.fitting import Way
from skyreels_cli.recipe.schema import Draft


@dataclass(frozen=True, kw_only=True)
class Order(Rendering):
    """A rendering, and how it was decided.

    `draft` is what was said, presets included; `sources` says for each field of the recipe where its value comes from;
    `finished` is the film itself, where it lies there already, of this recipe and model; `notes` are sentences about
    what was decided for the person who asked; `split` is how several GPUs share the work; `way` how the film fits into
    the memory that is free, None if it was said or is decided when its turn comes.
    """

    draft: Draft
    sources: Mapping[str, str]
    finished: FilmDone | None = None
    notes: tuple[str, ...] = ()
    split: str | None = None
    way: Way | None = None
