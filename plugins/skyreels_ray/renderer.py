"""A renderer in a Ray actor, as its worker sees it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

from skyreels_cli.errors import OutOfMemoryError, SkyreelsError, first_line
from skyreels_cli.plugins.executor import ENDINGS, TellWorker
from skyreels_cli.queue.device import NOTHING_IN_USE
from skyreels_ray.far import FarRenderer
from skyreels_ray.plugin import RayOptions

FETCH_SECONDS = 0.5
# A machine that swaps answers late; Ray itself finds out about one that is gone.
ANSWER_SECONDS = 60.0
# What a thread that waits for an answer leaves behind ends with this process.
KILL_SECONDS = 5.0


class RayRenderer:
    """An actor, and a thread that talks to it: Ray's calls may wait, and a worker must not.

    `in_line` are the renderers whose actor has no place yet; one that has no job gives them its own.
    """

    keeps_model = True

    def __init__(self, ray: Any, options: RayOptions, tell: TellWorker, in_line: set[RayRenderer]) -> None:
        self.log: Callable[[str], object] = str
        self.heard_at = time.monotonic()
        self._ray = ray
        self._options = options
        self._tell = tell
        self._commands: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._in_line = in_line
        self._job = 0
        self._gpus = -1
        self._actor: Any = None
        self._pending: Any = None
        self._waiting: Mapping[str, Any] | None = None
        self._fetched = 0
        self._sample: dict[str, Any] = {}
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def send(self, command: Mapping[str, Any]) -> None:
        """Pass a command on to the actor, which is made for the first job."""
        self.heard_at = time.monotonic()
        self._commands.put(command)

    def kill(self) -> None:
        """End the actor; its film can go on from its last checkpoint."""
        self._commands.put(None)
        self._thread.join(KILL_SECONDS)

    def let_go(self) -> None:
        """End the actor, as nobody else can hear it."""
        self.kill()

    def sample(self) -> dict[str, Any]:
        """What the actor told last of its machine, and where that is."""
        return {**NOTHING_IN_USE, **self._sample}

    def _work(self) -> None:
        while True:
            try:
                command = self._commands.get(timeout=FETCH_SECONDS if self._actor else None)
            except Empty:
                command = {}
            if command is None:
                self._end_actor()
                return
            try:
                self._do(command)
                self._follow()
            except Exception as error:  # noqa: BLE001 - whatever ray raises, this actor is of no more use
                self._end_actor()
                self._tell(self, {"event": "exited", "error": self._record(error)})
                return

    def _do(self, command: Mapping[str, Any]) -> None:
        if command.get("do") == "render":
            self._job = command["job"]
            self._make_actor(command["placement"])
            self._waiting = command
        elif command.get("do") == "stop" and self._waiting:
            self._end_actor()
            self._pass_on({"event": "job_stopped", "job": self._job})
        elif command.get("do") == "stop" and self._job:
            self._actor.stop.remote(command["job"])

    def _make_actor(self, placement: Mapping[str, Any]) -> None:
        """An actor with the GPUs that the job wants; the one that is there if it has as many."""
        gpus = 0 if placement["device"] == "cpu" else placement["gpus"]
        if self._actor and gpus == self._gpus:
            return
        self._end_actor()
        self._gpus, self._fetched, self._sample = gpus, 0, {}
        asked = {"num_cpus": self._options.cpus, "num_gpus": gpus, "resources": self._options.resources}
        far = self._ray.remote(max_concurrency=4, **asked)(FarRenderer)  # one renders, the others answer
        self._actor = far.remote()
        self._pending = self._actor.ready.remote()

    def _follow(self) -> None:
        """Wait for the actor, give it its job, and pass on what it tells; without a job it may have to give way."""
        if self._in_line and not self._job:
            self._end_actor()
        if self._actor is None or (self._pending is not None and not self._has_come()):
            return
        if self._waiting:
            command, self._waiting = self._waiting, None
            self._actor.render.remote(command)
        try:
            events, printed, sample = self._ray.get(self._actor.fetch.remote(self._fetched), timeout=ANSWER_SECONDS)
        except self._ray.exceptions.GetTimeoutError:
            return
        self.heard_at = time.monotonic()
        self._fetched += len(events)
        self._sample = {**sample, "place": self._sample["place"]}
        if printed:
            self.log(printed)
        for event in events:
            self._pass_on(event)

    def _pass_on(self, event: dict[str, Any]) -> None:
        if event["event"] in ENDINGS:
            self._job = 0
        self._tell(self, event)

    def _has_come(self) -> bool:
        """Whether the actor has got its place in the cluster."""
        done, _ = self._ray.wait([self._pending], timeout=0)
        if not done:
            self._in_line.add(self)
            self.heard_at = time.monotonic()
            self._show("waiting", f"ray, {self._gpus} GPUs" if self._gpus else "ray")
            return False
        self._in_line.discard(self)
        self._sample = self._ray.get(self._pending)
        self._pending = None
        self._show("running", f"ray on {self._sample['host']}")
        return True

    def _show(self, state: str, text: str) -> None:
        place = {"state": state, "text": text}
        if self._sample.get("place") != place:
            self._sample = {**self._sample, "place": place}
            self.log(f"[{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}] {state}: {text}\n")
            self._tell(self, {"event": "job_placed", "job": self._job, **place})

    def _end_actor(self) -> None:
        self._in_line.discard(self)
        if self._actor:
            self._ray.kill(self._actor)
        self._actor = self._pending = self._waiting = None

    def _record(self, error: Exception) -> dict[str, Any]:
        """Why the actor is gone."""
        for_memory = isinstance(error, self._ray.exceptions.OutOfMemoryError)
        return {
            "code": "renderer-died",
            "message": f"the renderer's actor is gone: {first_line(error)}",
            "hint": f"skyreels queue logs {self._job}",
            "exit_code": OutOfMemoryError.exit_code if for_memory else SkyreelsError.exit_code,
        }
