"""A model on several GPUs: ranks that live on from film to film, each with its part of the model loaded."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from threading import Event as Flag

import torch

from skyreels_cli.errors import UsageError
from skyreels_cli.film.events import Event
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks.launch import Ranks
from skyreels_cli.film.ranks.rank import render_parts
from skyreels_cli.film.ranks.split import check_split
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.model.memory import pick_device


class SharedModel:
    """As many ranks as a placement says; they begin with the first film, and a film that breaks off ends them."""

    def __init__(self, placement: Placement) -> None:
        self.device = pick_device(placement.device)
        self._gpus = placement.gpus
        self._expected: tuple[str, ...] = ()
        self._running = ExitStack()
        self._ranks: Ranks | None = None

    def expect(self, prompts: Iterable[str]) -> None:
        """Name the prompts of films that come after the next one."""
        self._expected = tuple(prompts)

    def render(self, rendering: Rendering, ending: Flag) -> Generator[Event]:
        """The events of a film."""
        self._ranks = self._ranks or self._running.enter_context(Ranks(self._gpus, render_parts))
        finished = False
        try:
            yield from self._ranks.film(rendering, ending, self._expected)
            finished = True
        finally:
            if not finished:  # some rank waits in the midst of a step
                self.close()

    def close(self) -> None:
        """End the ranks, which gives their memory back; another film would begin them anew."""
        self._ranks = None
        self._running.close()


def render_on_ranks(rendering: Rendering, ending: Flag, model: SharedModel | None = None) -> Generator[Event]:
    """The events of a film that as many ranks render as its placement says; UsageError if they cannot."""
    placement = rendering.placement
    check_split(rendering.recipe, rendering.plan, rendering.facts, placement)
    check_devices(placement.device, placement.gpus)
    if model:
        yield from model.render(rendering, ending)
        return
    with closing(SharedModel(placement)) as once:
        yield from once.render(rendering, ending)


def check_devices(device: str, gpus: int) -> None:
    """Raise UsageError `gpus-missing` if there are fewer GPUs from this device on; ranks on a CPU share it."""
    first = pick_device(device)
    if first.type == "cpu":
        return
    there = torch.cuda.device_count() - (first.index or 0) if first.type == "cuda" else 1
    if gpus > there:
        message = f"{gpus} GPUs are asked for, but from {first} on there are {there}"
        raise UsageError("gpus-missing", message, f"--gpus {there}")
