"""The front door of the engine: a rendering goes in, events come out, and at the end there is a film."""

from __future__ import annotations

from collections.abc import Generator
from threading import Event as Flag

from skyreels_cli.film.events import Event
from skyreels_cli.film.film import FilmRenderer
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.ranks.launch import render_on_ranks
from skyreels_cli.film.ranks.split import is_shared
from skyreels_cli.film.rendering import Rendering


def render(rendering: Rendering, *, model: LoadedModel | None = None, ending: Flag | None = None) -> Generator[Event]:
    """Make a film, or go on with it if its work folder is there; the last event is `FilmDone`.

    Closing the generator stops the film within one step and leaves it resumable. An endless film ends, whole, with
    the window during which `ending` is set. A `model` that already holds the model saves loading it; on several GPUs
    each rank has its own.
    """
    ending = ending or Flag()
    if is_shared(rendering.placement):
        return render_on_ranks(rendering, ending)
    model = model or LoadedModel(rendering.weights, rendering.placement)
    return FilmRenderer(rendering, model, ending).run()
