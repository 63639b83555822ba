"""One rank at work on a film: rank 0 makes it, the others denoise its windows along with it."""

from __future__ import annotations

import os
import signal
import traceback
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from multiprocessing.connection import Connection
from threading import Event as Flag

import torch
import torch.distributed as dist

from skyreels_cli.film.film import FilmRenderer
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks.parent import ParentProcess, portable
from skyreels_cli.film.ranks.split import load_of, make_parallel
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.denoising import begin, hear, share
from skyreels_cli.model.memory import pick_device

# While rank 0 loads a text encoder from a slow disk or decodes a window the others wait; a dead rank is seen at once.
PATIENCE = timedelta(days=7)


def render_part(rank: int, pipe: Connection, *renderings: Rendering) -> None:
    """One rank's part of films, one after the other; an error is told, and leaves its traceback in the log."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the parent
    parent = ParentProcess(pipe)
    try:
        device = _join(rank, renderings[0].placement)
        for rendering in renderings:
            model = _open_model(rendering, device)
            if rank == 0:
                _make(rendering, model, parent)
            else:
                _help(rendering, model)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the film's end
        traceback.print_exc()
        parent.tell(portable(error))


def _join(rank: int, placement: Placement) -> torch.device:
    """Meet the other ranks; each has a device of its own."""
    device = _rank_device(placement, rank)
    dist.init_process_group("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return device


def _open_model(rendering: Rendering, device: torch.device) -> LoadedModel:
    """The model of this rank, its backend started; weights are memory-mapped, so the disk is read once for all."""
    parallel = make_parallel(rendering.placement)
    parallel.start(load_of(rendering.recipe, rendering.plan, rendering.facts))
    placement = replace(rendering.placement, device=str(device))
    return LoadedModel(rendering.weights, placement, parallel)


def _make(rendering: Rendering, model: LoadedModel, parent: ParentProcess) -> None:
    """Rank 0: the film, event by event."""
    ending = Flag()
    with closing(FilmRenderer(rendering, model, ending).run()) as events:
        while parent.wants_more(ending):
            event = next(events, None)
            if event is None:
                share(None)
                break
            parent.tell(event)
    parent.tell(None)  # where the film was stopped in a window the others wait for the next row until they are ended


def _help(rendering: Rendering, model: LoadedModel) -> None:
    """Any other rank: windows, one after the other, until rank 0 says that there is none."""
    for _ in model.prepare_transformer():
        pass
    while task := hear(model.device):
        with model.transformer() as transformer:
            sampler, cache = begin(task, rendering.recipe, model, transformer)
            for _ in sampler.run():
                pass
            if cache:
                cache.close()


def _rank_device(placement: Placement, rank: int) -> torch.device:
    first = pick_device(placement.device)
    if first.type == "cuda":
        device = torch.device("cuda", (first.index or 0) + rank)
        torch.cuda.set_device(device)
        return device
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // placement.gpus))
    return first
