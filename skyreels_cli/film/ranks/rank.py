"""One rank at work on a film: rank 0 renders it, the others denoise its windows along with it."""

from __future__ import annotations

import os
import signal
import traceback
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from threading import Event as Flag

import torch

from skyreels_cli.film.film import FilmRenderer
from skyreels_cli.film.loaded_model import LoadedModel
from skyreels_cli.film.placement import Placement
from skyreels_cli.film.ranks.parent import ParentProcess, portable
from skyreels_cli.film.ranks.split import load_of, make_parallel
from skyreels_cli.film.rendering import Rendering
from skyreels_cli.film.windows.denoising import Denoising
from skyreels_cli.film.windows.meeting import Meeting
from skyreels_cli.model.memory import pick_device


def render_parts(rank: int, pipe: Connection) -> None:
    """One rank's part of films, one after the other, as the parent sends them.

    An error is sent to the parent, its traceback to the log; it ends the rank.
    """
    for name in ("SIGINT", "SIGHUP"):  # what comes from the terminal is for the parent
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = ParentProcess(pipe)
    try:
        rendering, expected = parent.next_film()
        device = _rank_device(rendering.placement, rank)
        meeting = Meeting.join("cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo")
        model = None
        while True:
            model = _open_model(rendering, device, meeting, model)
            model.expect(expected)
            if rank == 0:
                _render(rendering, model, meeting, parent)
            else:
                _help(rendering, model, meeting)
            rendering, expected = parent.next_film()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the film's end
        traceback.print_exc()
        parent.tell(portable(error))


def _open_model(rendering: Rendering, device: torch.device, meeting: Meeting, known: LoadedModel | None) -> LoadedModel:
    """The model of this rank, its backend started for the film; the `known` one if it is the same.

    Weights are memory-mapped, so that the disk is read once for all ranks.
    """
    parallel = make_parallel(rendering.placement)
    meeting.wait()
    parallel.start(load_of(rendering.recipe, rendering.plan, rendering.facts))
    placement = replace(rendering.placement, device=str(device))
    if known and (known.weights, known.placement) == (rendering.weights, placement):
        known.share(parallel)
        return known
    if known:
        known.close()
    return LoadedModel(rendering.weights, placement, parallel)


def _render(rendering: Rendering, model: LoadedModel, meeting: Meeting, parent: ParentProcess) -> None:
    """Rank 0: the film, event by event."""
    ending = Flag()
    with closing(FilmRenderer(rendering, model, ending, meeting).run()) as events:
        while parent.wants_more(ending):
            event = next(events, None)
            if event is None:
                meeting.share(None)
                break
            parent.tell(event)
    parent.tell(None)  # where the film was stopped in a window the others wait for the next step until they are ended


def _help(rendering: Rendering, model: LoadedModel, meeting: Meeting) -> None:
    """Any other rank: windows, one after the other, until rank 0 says that there is none."""
    for _ in model.prepare_transformer():
        pass
    while task := meeting.hear(model.device):
        with model.transformer() as transformer:
            denoising = Denoising(task, rendering.recipe, rendering.facts.family, transformer, meeting.wait)
            for _ in denoising.run():
                pass
            denoising.close()


def _rank_device(placement: Placement, rank: int) -> torch.device:
    first = pick_device(placement.device)
    if first.type == "cuda":
        device = torch.device("cuda", (first.index or 0) + rank)
        torch.cuda.set_device(device)
        return device
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, (os.cpu_count() or 1) // placement.gpus))
    return first
