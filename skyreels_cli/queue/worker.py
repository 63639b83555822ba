"""A worker: takes jobs from the store, has its renderer render them, and records how each ends.

It never computes and never waits: `hear` takes what the renderer says, `tick` (several times a second) does what is
due. Whatever happens to the renderer costs its job one attempt; whatever happens to the worker, its lease runs out and
the job goes on elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from queue import SimpleQueue
from typing import Any, TypeAlias

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.waits import known_waits, remember_waits
from skyreels_cli.plugins.executor import Executor, RendererHandle
from skyreels_cli.queue import leases
from skyreels_cli.queue.batch.folder import JobFolder
from skyreels_cli.queue.circuit_breaker import CircuitBreaker
from skyreels_cli.queue.device import memory_in_use
from skyreels_cli.queue.finished import discard_work, earlier_result, file_mark
from skyreels_cli.queue.job import Job, model_key
from skyreels_cli.queue.logs import JobLog
from skyreels_cli.queue.outcome import RetryDecision, decide_retry, error_record, hang_record
from skyreels_cli.queue.owner import Owner
from skyreels_cli.queue.progress import Progress
from skyreels_cli.queue.store import Store
from skyreels_cli.queue.task import Ending, Task, failed, render_command, stopped, succeeded
from skyreels_cli.queue.worker_config import WorkerConfig

# An idle worker has no progress to report, so that its heartbeats may be rarer.
IDLE_HEARTBEATS = 5
EventHandler = Callable[[Mapping[str, Any]], None]
RendererEvents: TypeAlias = "SimpleQueue[tuple[RendererHandle, dict[str, Any]]]"
"""Events of renderers in the order in which they came."""


class Worker:
    """One renderer and the job it is on; `listen` is told everything, as dicts with `event` and `job`."""

    def __init__(
        self, store: Store, config: WorkerConfig, executor: Executor, inbox: RendererEvents, listen: EventHandler
    ) -> None:
        self.task: Task | None = None
        self._store = store
        self._config = config
        self._executor = executor
        self._inbox = inbox
        self._listen = listen
        self._device = str(config.placement["device"])
        self._owner = self._register()
        self._renderer: RendererHandle | None = None
        self._warm: str | None = None
        self._passed_by = 0
        self._heartbeat_at = self._look_at = self._busy_at = 0.0
        self.closing = False
        self._trouble = ""
        self._breaker = CircuitBreaker(self._device, config.rest_seconds)

    @property
    def rest_reason(self) -> str | None:
        """Why it takes no job at present, if its device seems to be broken."""
        return self._breaker.reason

    def hear(self, renderer: RendererHandle, event: Mapping[str, Any]) -> None:
        """Take in an event of a renderer; events of one that was dropped are ignored."""
        if renderer is not self._renderer:
            return
        task = self.task
        if event["event"] == "exited":
            self._renderer = self._warm = None
            if task and not task.ending:
                self._on_exit(task, event["error"])
        elif task and not task.ending and event.get("job") == task.job.id:
            self._on_event(task, event)
            self._listen(event)

    def tick(self) -> None:
        """Do what is due; a store that cannot be written is complained about once, and tried again."""
        try:
            self._tick(time.monotonic())
            self._trouble = ""
        except SkyreelsError as error:
            if error.code != self._trouble:
                self._trouble = error.code
                self._listen({"event": "store_trouble", "job": None, **error_record(error)})

    def close(self, grace_seconds: float | None = None) -> None:
        """Take no more jobs and stop the one at hand, resumable; `task` is None once that is done."""
        self.closing = True
        if self.task:
            self._ask_to_stop(self.task, self._config.grace_seconds if grace_seconds is None else grace_seconds)

    def leave(self) -> None:
        """End the renderer and sign off."""
        self._drop_renderer()
        leases.retire(self._store, self._owner)

    def _tick(self, now: float) -> None:
        if now >= self._heartbeat_at:
            self._heartbeat_at = now + self._config.heartbeat_seconds * (1 if self.task else IDLE_HEARTBEATS)
            self._heartbeat()
        if self.task and not self.task.ending:
            self._watch(self.task, now)
        if self.task and self.task.ending:
            self._write_ending(self.task, self.task.ending)
        if self.task is None and not self.closing:
            self._look_for_work(now)
        if self.task and not self.task.begun:
            self._begin(self.task)

    def _heartbeat(self) -> None:
        """Renew the lease, record how far the film is, and do what was asked of the job meanwhile."""
        task = self.task
        looked = {**(self._renderer or self._executor).sample(), **self._plans()}
        if task and task.progress:
            task.progress.take_memory(memory_in_use(looked, self._device))
            if not task.plan_noted:
                leases.begin(self._store, self._owner, task.job)
                task.plan_noted = True
        held, reached = (task.job.id, task.reached()) if task else (0, None)
        orders = leases.heartbeat(self._store, self._owner, looked, held, reached)
        if orders.lost:
            self._start_again()
        elif orders.stop:
            self.close(self._config.stop_seconds)
        elif task and (orders.request or orders.paused):
            self._ask_to_stop(task, self._config.stop_seconds)

    @property
    def _patience(self) -> int:
        """How many more jobs in a row may be taken out of order."""
        return max(0, self._config.patience - self._passed_by)

    def _plans(self) -> dict[str, Any]:
        """What decides its next job, for those who look at the queue."""
        return {
            "rest_reason": self.rest_reason,
            "warm": self._warm,
            "patience": self._patience,
            "most_patience": self._config.patience,
        }

    def _start_again(self) -> None:
        """Register anew: the lease ran out (the machine slept), and another worker may have the job."""
        renderer, self._renderer, self._warm = self._renderer, None, None
        if renderer:
            renderer.let_go()
        job = self.task.job.id if self.task else None
        self.task = None
        self._owner = self._register()
        self._listen({"event": "lease_lost", "job": job})

    def _register(self) -> Owner:
        return leases.register(self._store, self._device, self._config.executor, self._config.lease_seconds)

    def _look_for_work(self, now: float) -> None:
        if now < self._look_at or self.rest_reason:
            return
        self._look_at = now + self._config.poll_seconds
        if leases.is_asked_to_stop(self._store, self._owner):
            self.close()
        elif self._store.paused:
            self._drop_renderer()
        else:
            leases.reap(self._store)
            warm = self._warm if self._patience else None
            claimed = leases.claim(self._store, self._owner, warm)
            if claimed:
                self._take(*claimed)
            elif now - self._busy_at > self._config.idle_seconds:
                self._drop_renderer()

    def _take(self, job: Job, passed_by: bool) -> None:
        self._passed_by = self._passed_by + 1 if passed_by else 0
        said = {name: value for name, value in job.placement.items() if value is not None}
        changed = {name: job.overrides[name] for name in ("offload",) if name in job.overrides}
        self.task = Task(job, JobLog(self._store.log(job.id)), {**self._config.placement, **said, **changed})
        self.task.log.note(f"attempt {job.attempts} of {job.max_attempts}")
        self._listen({"event": "job_claimed", "job": job.id, "attempt": job.attempts, "prompt": job.prompt})

    def _begin(self, task: Task) -> None:
        """Start the render, unless the job is to stop, an earlier attempt has finished it, or its name is taken."""
        if task.job.output_before is None:
            mark = file_mark(task.job.output_path)
            leases.note_output(self._store, self._owner, task.job.id, mark)
            task.job = replace(task.job, output_before=mark)
        task.begun = True
        try:
            film = earlier_result(task.job, self._store.assets.resolve(task.job.current_recipe))
        except SkyreelsError as error:
            self._on_failure(task, error_record(error))
            return
        if film:
            JobFolder.of(task.job.output_path).empty()  # nobody was there to read the film's end in it
            if not task.job.keep_work:  # the process died before it could remove the folder
                discard_work(task.job)
            task.ending = succeeded(self._store, self._owner, task, film)
        elif task.kill_at is not None:
            task.ending = stopped(self._store, self._owner, task)
        else:
            self._render(task)

    def _render(self, task: Task) -> None:
        if self._renderer is None:
            self._renderer = self._executor.start(lambda renderer, event: self._inbox.put((renderer, event)))
        self._renderer.log = task.log.write
        self._renderer.send(render_command(self._store, task))

    def _watch(self, task: Task, now: float) -> None:
        """Kill a renderer that does not stop within its time, or that has said nothing for `stall_seconds`."""
        overdue = task.kill_at is not None and now >= task.kill_at
        heard_at = max(task.started_at, self._renderer.heard_at if self._renderer else 0.0)
        if overdue or now - heard_at > self._config.stall_seconds:
            task.log.note("the renderer did not stop in time" if overdue else "the renderer hangs")
            self._drop_renderer()
            self._on_exit(task, hang_record(task.job.id))

    def _ask_to_stop(self, task: Task, grace_seconds: float) -> None:
        kill_at = time.monotonic() + grace_seconds
        if task.kill_at is None and self._renderer:
            self._renderer.send({"do": "stop", "job": task.job.id})
        task.kill_at = min(kill_at, task.kill_at or kill_at)

    def _on_event(self, task: Task, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "job_started":
                task.job = replace(task.job, plan=event["plan"])
                waits = known_waits(event["plan"].get("waits_key", ""))
                task.progress = Progress(event["plan"], task.job.progress.get("windows_done", ()), waits)
                if self._renderer and self._renderer.keeps_model:
                    self._warm = model_key(task.job.current_recipe, {**task.job.placement, **task.job.overrides})
                self._heartbeat_at = 0.0
            case "film_done":
                result = {name: value for name, value in event.items() if name not in ("event", "job", "time")}
                task.ending = succeeded(self._store, self._owner, task, result)
                self._learn(task, event)
            case "job_stopped":
                task.ending = stopped(self._store, self._owner, task)
            case "job_failed":
                self._on_failure(task, {name: event[name] for name in ("code", "message", "hint", "exit_code")})
            case _ if task.progress:
                task.progress.take(event)
                if event["event"] == "step_done":
                    self._breaker.forget()

    def _learn(self, task: Task, done: Mapping[str, Any]) -> None:
        """Keep what the film has shown of this machine, for the next one's time."""
        if task.progress and (key := task.job.plan.get("waits_key")):
            task.progress.take(done)
            remember_waits(key, task.progress.waits)

    def _on_failure(self, task: Task, error: Mapping[str, Any]) -> None:
        config = self._config
        if self._breaker.trips(task.job.id, error):
            decision = RetryDecision(delay=leases.LONGEST_DELAY, counts=False)
            self._heartbeat_at = 0.0
            self._listen({"event": "device_trouble", "job": None, "message": self.rest_reason})
        else:
            decision = decide_retry(
                task.job, task.attempts, error, task.placement, degrade=config.degrade, pause=config.retry_seconds
            )
        task.ending = failed(self._store, self._owner, task, error, decision)

    def _on_exit(self, task: Task, error: Mapping[str, Any]) -> None:
        """Decide what the end of the renderer means."""
        if task.kill_at is not None:
            task.ending = stopped(self._store, self._owner, task)
        else:
            self._on_failure(task, error)

    def _write_ending(self, task: Task, ending: Ending) -> None:
        """Record in the store how a task ended, then tell the listener."""
        state = ending.write()
        text = ending.text if state else "the job has been taken over by another worker"
        self.task = None
        self._busy_at = time.monotonic()
        self._look_at = 0.0
        task.log.note(text)
        if not (ending.keep_renderer or state == "cancelled"):
            self._drop_renderer()
        told = {"event": "job_ended", "job": task.job.id, "state": state, "text": text, **ending.details}
        self._listen(told)

    def _drop_renderer(self) -> None:
        """Kill the renderer, which frees its memory."""
        renderer, self._renderer, self._warm = self._renderer, None, None
        if renderer:
            renderer.kill()
