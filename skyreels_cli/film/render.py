"""The front door of the engine: a rendering goes in, events come out, and at the end there is a film."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event as Flag
from typing import TypeAlias

from skyreels_cli.film.events import Event
from skyreels_cli.film.film import FilmRenderer
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.ranks.shared_model import SharedModel, render_on_ranks
from skyreels_cli.film.ranks.split import is_shared
from skyreels_cli.film.rendering import Rendering

HeldModel: TypeAlias = LoadedModel | SharedModel
"""What renders film after film without loading its model again."""


def hold(rendering: Rendering) -> HeldModel:
    """What renders this film and others of its model and placement."""
    placement = rendering.placement
    return SharedModel(placement) if is_shared(placement) else LoadedModel(rendering.weights, placement)


def render(rendering: Rendering, *, model: HeldModel | None = None, ending: Flag | None = None) -> Generator[Event]:
    """Make a film, or go on with it if its work folder is there; the last event is `FilmDone`.

    Closing the generator stops the film within one step and leaves it resumable. An endless film ends, whole, with
    the window during which `ending` is set. A `model` that already holds the model saves loading it.
    """
    ending = ending or Flag()
    if isinstance(model, SharedModel) or is_shared(rendering.placement):
        assert not isinstance(model, LoadedModel), "one process cannot stand in for several"
        return render_on_ranks(rendering, ending, model)
    model = model or LoadedModel(rendering.weights, rendering.placement)
    return FilmRenderer(rendering, model, ending).run()
