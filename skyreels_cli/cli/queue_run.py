"""`skyreels queue run`: the worker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from skyreels_cli.cli.options import MachineOptions
from skyreels_cli.cli.plugin_flags import fold_machine_flags
from skyreels_cli.cli.queue_look import open_store
from skyreels_cli.errors import InterruptedError, SkyreelsError, UsageError
from skyreels_cli.output import Output, clock
from skyreels_cli.queue.job import place_text

if TYPE_CHECKING:
    from skyreels_cli.queue.notify import Notifier
    from skyreels_cli.queue.store import Store
    from skyreels_cli.queue.worker_config import WorkerConfig

SIDE_BY_SIDE = "Renderers side by side, one per GPU."
SLOTS = "Jobs at a time on other machines."


def run(
    out: Output,
    *,
    once: Annotated[bool, Option("--once", help="End when no job is left to start.")] = False,
    workers: Annotated[int, Option(min=1, metavar="N", help=SIDE_BY_SIDE)] = 1,
    executor: Annotated[str, Option(metavar="NAME", help="Where the jobs run.")] = "local",
    slots: Annotated[int | None, Option(min=1, metavar="N", help=SLOTS)] = None,
    option: Annotated[
        list[str] | None,
        Option("-O", "--option", metavar="NAME.OPTION=VALUE", help="Set up the executor; as often as needed."),
    ] = None,
    keep_order: Annotated[
        bool, Option("--keep-order", help="Never prefer a job whose model is loaded already.")
    ] = False,
    degrade: Annotated[
        bool, Option("--degrade/--no-degrade", help="Out of memory: offload, smaller windows, fp8.")
    ] = True,
    machine: MachineOptions,
) -> None:
    """Render the queue, job after job, until Ctrl-C or SIGTERM; what is half done is kept. It outlives its terminal."""
    from skyreels_cli.plugins.options import parse_options
    from skyreels_cli.queue.executors import find_executor
    from skyreels_cli.queue.notify import Notifier
    from skyreels_cli.queue.supervisor import Supervisor, stop_signals
    from skyreels_cli.settings import load_settings

    place = find_executor(executor, parse_options(option or []))
    _check_count(executor, elsewhere=place.elsewhere, workers=workers, slots=slots)
    store, settings = open_store(), load_settings()
    notifier = Notifier(out.warning, settings.on_finished, settings.on_failed, settings.webhook)
    reporter = Reporter(out, store, notifier, bell=settings.bell)
    shared = _shared_config(machine, executor, patience=not keep_order, degrade=degrade)
    configs = [shared] * (slots or 1) if place.elsewhere else _on_devices(shared, workers)
    for worker in store.workers():
        if worker.alive:
            out.warning(f"process {worker.pid} is at work already, on {worker.device}")
    with stop_signals() as signals:
        supervisor = Supervisor(store, configs, place, reporter.take)
        out.narrate(f"at work on {store.folder} as process {os.getpid()}; Ctrl-C stops, and loses nothing")
        supervisor.run(signals, once=once)
    notifier.wait()
    if signals.first == signal.SIGINT:
        hint = "skyreels queue run"
        raise InterruptedError("interrupted", "stopped; what is half done goes on with the next worker", hint)
    if supervisor.rest_reason:
        hint = "skyreels doctor, then skyreels queue run; skyreels queue retry ID for those that failed"
        raise SkyreelsError("device-trouble", supervisor.rest_reason, hint)
    ended = dict(supervisor.ended)
    out.result({"ended": ended}, _summary(ended))


def _check_count(executor: str, *, elsewhere: bool, workers: int, slots: int | None) -> None:
    """`--workers` counts this machine's GPUs, `--slots` jobs on others: UsageError `usage` for the wrong one."""
    if slots is not None and not elsewhere:
        message = f"--slots is for executors on other machines; {executor} has a worker for each GPU"
        raise UsageError("usage", message, f"--workers {slots}")
    if workers != 1 and elsewhere:
        raise UsageError(
            "usage", f"--workers is for the GPUs of this machine; {executor} has slots", f"--slots {workers}"
        )


def _shared_config(machine: MachineOptions, executor: str, *, patience: bool, degrade: bool) -> WorkerConfig:
    """How every worker works."""
    from skyreels_cli.order.intake import make_placement
    from skyreels_cli.queue.worker_config import WorkerConfig
    from skyreels_cli.settings import load_settings

    placement = asdict(make_placement(load_settings(**fold_machine_flags(machine)), {}))
    return WorkerConfig(placement, executor, degrade=degrade, patience=WorkerConfig.patience if patience else 0)


def _on_devices(shared: WorkerConfig, workers: int) -> list[WorkerConfig]:
    """Settings of each worker: with several of them and no device named, each computes on GPUs of its own."""
    placement = shared.placement
    if workers == 1 or placement["device"] != "auto":
        return [shared] * workers
    firsts = range(0, workers * placement["gpus"], placement["gpus"])
    return [replace(shared, placement={**placement, "device": f"cuda:{first}"}) for first in firsts]


class Reporter:
    """Tells a person, a script and the hooks what the workers do."""

    def __init__(self, out: Output, store: Store, notifier: Notifier, *, bell: bool) -> None:
        self._out = out
        self._store = store
        self._notifier = notifier
        self._bell = bell

    def take(self, event: Mapping[str, Any]) -> None:
        """One event of a worker or of the film it makes."""
        self._out.event(event)
        line = WORDS[event["event"]](event) if event["event"] in WORDS else ""
        if line:
            self._out.narrate(f"{datetime.now().astimezone():%H:%M:%S} {line}")
        if event["event"] == "job_ended" and event["state"] in ("succeeded", "failed"):
            self._alert(line)
            self._notifier.job_ended(self._store.job(event["job"]))

    def _alert(self, line: str) -> None:
        from skyreels_cli.queue.notify import terminal_alert

        if self._bell and self._out.animated:
            sys.stderr.write(terminal_alert(f"skyreels: {line}"))


WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "job_claimed": lambda event: f"job {event['job']}: {event['prompt'][:60]}",
    "job_placed": lambda event: f"job {event['job']}: {place_text(event)}",
    "film_resumed": lambda event: f"job {event['job']}: goes on behind {event['frames']} frames",
    "window_done": lambda event: f"job {event['job']}: window {event['window']}, {clock(event['seconds'])}",
    "job_ended": lambda event: f"job {event['job']}: {event['text']}",
    "lease_lost": lambda _: "the lease ran out: another worker may have gone on",
    "device_trouble": lambda event: f"{event['message']}; the next trial is in a few minutes",
    "store_trouble": lambda event: f"{event['message']}; trying on",
}
"""Events that a person is told of; the others come by the hundred."""


def _summary(ended: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(ended.items())) or "nothing to do"
