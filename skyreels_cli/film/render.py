"""The front door of the engine: a rendering goes in, events come out, and at the end there is a film.

What is behind it takes seconds to import, and is imported when somebody comes in.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from threading import Event as Flag
from typing import TYPE_CHECKING, TypeAlias

from skyreels_cli.film.events import Event
from skyreels_cli.film.ranks.split import is_shared
from skyreels_cli.film.rendering import Rendering

if TYPE_CHECKING:
    from skyreels_cli.film.loaded_model import LoadedModel
    from skyreels_cli.film.ranks.shared_model import SharedModel

    HeldModel: TypeAlias = LoadedModel | SharedModel
    """What renders film after film without loading its model again."""


def hold(rendering: Rendering) -> HeldModel:
    """What renders this film and others of its model and placement."""
    with _importing():
        if is_shared(rendering.placement):
            from skyreels_cli.film.ranks.shared_model import SharedModel

            return SharedModel(rendering.placement)
        from skyreels_cli.film.loaded_model import LoadedModel

    return LoadedModel(rendering.weights, rendering.placement)


def render(rendering: Rendering, *, model: HeldModel | None = None, ending: Flag | None = None) -> Generator[Event]:
    """Make a film, or go on with it if its work folder is there; the last event is `FilmDone`.

    Closing the generator stops the film within one step and leaves it resumable. An endless film ends, whole, with
    the window during which `ending` is set. A `model` that already holds the model saves loading it.
    """
    ending = ending or Flag()
    with _importing():
        from skyreels_cli.film.film import FilmRenderer
        from skyreels_cli.film.loaded_model import LoadedModel
    if not is_shared(rendering.placement):
        model = model or LoadedModel(rendering.weights, rendering.placement)
        assert isinstance(model, LoadedModel), "a film in one process is not made by several"
        return FilmRenderer(rendering, model, ending).run()
    from skyreels_cli.film.ranks.shared_model import render_on_ranks

    assert not isinstance(model, LoadedModel), "one process cannot stand in for several"
    return render_on_ranks(rendering, ending, model)


@contextmanager
def _importing() -> Iterator[None]:
    """Import without looking for garbage, nor later in what modules are made of: that would be a tenth of the time."""
    if "skyreels_cli.film.loaded_model" in sys.modules:
        yield
        return
    collecting = gc.isenabled()
    gc.collect()  # what is garbage by now is not to stay
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
