"""The child that renders: one process per device, kept alive so that the next job finds the model loaded.

Protocol: one JSON object per line. On stdin

    {"do": "render", "job": 12, "recipe": {…}, "placement": {…}, "output": "/…/film.mp4",
     "keep_work": false, "overwrite": false, "next": [{…}, …]}
                                     `next`: recipes of jobs that wait for the same model, to prepare for at leisure
    {"do": "stop", "job": 12}        save a checkpoint and stop; ignored if the job is over
    end of file                      the worker is gone: die at once (the film's folder allows it at any moment)

and on stdout, each with the job's id: `text_written` (text: a piece) while prompts that were left for later are
written, `job_started` (plan), then the film's events (`film.events`), then exactly one of `film_done`, `job_stopped`,
`job_failed` (code, message, hint, exit_code). Whatever else is printed goes to stderr. Any program that speaks this can
stand in for it (`queue.executors`).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TextIO

from skyreels_cli.queue.outcome import error_record

if TYPE_CHECKING:
    from skyreels_cli.film.placement import Placement
    from skyreels_cli.film.render import HeldModel
    from skyreels_cli.film.rendering import Rendering
    from skyreels_cli.plan.machine import Machine

Say = Callable[[Mapping[str, Any]], None]


class Inbox:
    """Commands from the worker, read in a thread of its own so that a stop is heard while a film is made."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._jobs: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._stopped: set[int] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def jobs(self) -> Iterator[dict[str, Any]]:
        """Jobs to render, for ever."""
        while True:
            yield self._jobs.get()

    def is_stopped(self, job: int) -> bool:
        """Whether a job is to stop."""
        return job in self._stopped

    def _listen(self) -> None:
        for line in self._stream:
            command = json.loads(line)
            if command["do"] == "stop":
                self._stopped.add(command["job"])
            else:
                self._stopped.discard(command["job"])
                self._jobs.put(command)
        os._exit(0)


class Renderer:
    """Renders job after job with the model loaded, until a job wants another one or another placement."""

    def __init__(self, say: Say, is_stopped: Callable[[int], bool]) -> None:
        self._say = say
        self._is_stopped = is_stopped
        self._model: HeldModel | None = None
        self._model_key: tuple[Any, ...] = ()
        self._machine: tuple[tuple[Any, ...], Machine] | None = None

    def take(self, command: Mapping[str, Any]) -> None:
        """Render one job and say how it ended."""
        job = command["job"]

        def say(event: Mapping[str, Any]) -> None:
            self._say({**event, "job": job})

        try:
            self._render(command, say)
        except Exception as error:  # noqa: BLE001 - a job that fails costs itself alone
            traceback.print_exc()
            say({"event": "job_failed", **error_record(error)})

    def _render(self, command: Mapping[str, Any], say: Say) -> None:
        from skyreels_cli.film.events import FilmDone
        from skyreels_cli.film.placement import Placement
        from skyreels_cli.film.render import render
        from skyreels_cli.order.intake import take_up
        from skyreels_cli.recipe.schema import Recipe

        recipe = Recipe.model_validate(command["recipe"])
        if recipe.enhanced and recipe.enhanced.pending:
            self._drop_model()  # a language model and the film's may not fit side by side
            say({"event": "stage_started", "stage": "writing prompt"})
        placement = Placement(**command["placement"])
        rendering = take_up(
            recipe,
            placement,
            Path(command["output"]),
            keep_work=command["keep_work"],
            overwrite=command["overwrite"],
            open_dtype=command.get("open_dtype", False),
            machine=self._free(placement),
            show=lambda piece: say({"event": "text_written", "text": piece}),  # a worker kills who says nothing
        )
        model = self._model_for(rendering)
        model.expect(_texts(command["next"]))
        say({"event": "job_started", "plan": _plan_of(rendering, str(model.device))})
        with closing(render(rendering, model=model)) as events:
            for event in events:
                say(event.to_dict())
                if self._is_stopped(command["job"]) and not isinstance(event, FilmDone):
                    break
            else:
                return
        say({"event": "job_stopped"})

    def _free(self, placement: Placement) -> Machine:
        """The machine with what is free there, as it was before the model that is loaded took its part."""
        from skyreels_cli.order.machine_here import machine_here

        where = (placement.device, placement.gpus)
        if self._model is None or self._machine is None or self._machine[0] != where:
            self._drop_model()
            self._machine = where, machine_here(*where, free=True)
        return self._machine[1]

    def _model_for(self, rendering: Rendering) -> HeldModel:
        from skyreels_cli.film.render import hold

        key = (rendering.weights, rendering.placement)
        if self._model is None or self._model_key != key:
            self._drop_model()
            self._model, self._model_key = hold(rendering), key
        return self._model

    def _drop_model(self) -> None:
        """Give the model's memory back."""
        if self._model is not None:
            self._model.close()
            self._model = None


def _plan_of(rendering: Rendering, device: str) -> dict[str, Any]:
    """The plan as data, with what the worker needs to tell how fast the device is."""
    from skyreels_cli.film.waits import waits_key
    from skyreels_cli.plan.compute import denoise_flops
    from skyreels_cli.plan.dry_run import plan_data
    from skyreels_cli.plan.work import FilmWork

    recipe, facts, plan = rendering.recipe, rendering.facts, rendering.plan
    return {
        **plan_data(plan),
        "family": facts.family,
        "device": device,
        "offload": rendering.placement.offload,
        "denoise_flops": denoise_flops(recipe, facts, plan.windows),
        "work": FilmWork.of(recipe, facts, plan, rendering.speed).to_data(),
        "waits_key": waits_key(recipe, facts, rendering.placement),
    }


def _texts(recipes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Prompts of films to come; what is wrong with a recipe is told when its turn comes."""
    from skyreels_cli.recipe.schema import Recipe

    for said in recipes:
        with suppress(ValueError):
            yield from Recipe.model_validate(said).texts


def _private_stdout() -> Say:
    """Keep stdout for the protocol; prints of libraries, also those of C code, go to stderr from here on."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.stdout = sys.stderr

    def say(event: Mapping[str, Any]) -> None:
        try:
            print(json.dumps(event), file=stream, flush=True)
        except BrokenPipeError:
            os._exit(0)

    return say


def main() -> None:
    """Serve until the worker hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the worker
    inbox = Inbox(sys.stdin)
    renderer = Renderer(_private_stdout(), inbox.is_stopped)
    for command in inbox.jobs():
        renderer.take(command)


if __name__ == "__main__":
    main()
