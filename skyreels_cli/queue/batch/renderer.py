"""A renderer that a batch system runs, as its worker sees it: submitted, followed through its folder, cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from skyreels_cli.errors import RetryableError
from skyreels_cli.output import clock
from skyreels_cli.plugins.executor import ENDINGS, BatchSystem, JobPlace, TellWorker
from skyreels_cli.queue.batch.ending import end_record
from skyreels_cli.queue.batch.event_log import EventReader
from skyreels_cli.queue.batch.folder import JobFolder, is_same_film
from skyreels_cli.queue.batch.tail import Tail
from skyreels_cli.queue.device import NOTHING_IN_USE
from skyreels_cli.queue.outcome import error_record

# Looks at the folder for new events.
FOLLOW_SECONDS = 1.0
# A job that runs gives a sign of life every 5 s; a file server may keep it back for a minute.
SILENT_SECONDS = 120.0
# A batch system that hangs must not keep the worker.
KILL_SECONDS = 10.0
T = TypeVar("T")


class BatchRenderer:
    """Renders one job at a time, each as a job of its own of the batch system.

    A job that an earlier worker has left behind, by dying, is gone on with: it may run, or have ended meanwhile.
    """

    keeps_model = False

    def __init__(self, system: BatchSystem, tell: TellWorker, follow_seconds: float = FOLLOW_SECONDS) -> None:
        self.log: Callable[[str], object] = str
        self.heard_at = time.monotonic()
        self._system = system
        self._tell = tell
        self._follow_seconds = follow_seconds
        self._job: FollowedJob | None = None

    def send(self, command: Mapping[str, Any]) -> None:
        """Submit a job, or ask the one at hand to stop."""
        if command["do"] == "render":
            self.heard_at = time.monotonic()
            self._job = FollowedJob(self, self._system, {**command, "next": []}, self._follow_seconds)
        elif self._job:
            self._job.ask_to_stop()

    def kill(self) -> None:
        """Cancel the job at hand; its film can go on from its last checkpoint."""
        if self._job:
            self._job.end(cancel=True)

    def let_go(self) -> None:
        """Leave the job to the worker that has it now."""
        if self._job:
            self._job.end(cancel=False)

    def sample(self) -> dict[str, Any]:
        """What the job told last of its machine, and where it is."""
        return {**NOTHING_IN_USE, **(self._job.sample if self._job else {})}

    def tell(self, event: dict[str, Any]) -> None:
        """Pass an event to the worker."""
        self._tell(self, event)

    def note(self, text: str) -> None:
        """A line in the job's log."""
        self.log(f"[{datetime.now().astimezone():%Y-%m-%d %H:%M:%S}] {text}\n")


class FollowedJob:
    """Submits a job and follows it, in a thread of its own, until it has ended."""

    def __init__(
        self, renderer: BatchRenderer, system: BatchSystem, command: Mapping[str, Any], follow_seconds: float
    ) -> None:
        self.sample: dict[str, Any] = {}
        self._renderer = renderer
        self._system = system
        self._command = command
        self._number = command["job"]
        self._pause = follow_seconds
        self._folder = JobFolder.of(Path(command["output"]))
        self._events = EventReader(self._folder.events)
        self._output = Tail(self._folder.output)
        self._place: JobPlace | None = None
        self._over_at: float | None = None
        self._id = ""
        self._last = ""
        self._alive_at = time.monotonic()
        self._trouble = ""
        self._to_stop = self._to_cancel = self._to_leave = self._asked = False
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Have it save a checkpoint and stop; one that waits for its turn is cancelled."""
        self._to_stop = True
        self._wake.set()

    def end(self, *, cancel: bool) -> None:
        """Follow it no longer, and wait for that a little."""
        self._to_leave, self._to_cancel = True, cancel
        self._wake.set()
        self._thread.join(KILL_SECONDS)

    def _work(self) -> None:
        try:
            self._take_up()
            while not self._to_leave and not self._step():
                self._wake.wait(self._pause)
                self._wake.clear()
            if self._to_cancel and self._last not in ENDINGS:
                self._cancel()
        except Exception as error:  # noqa: BLE001 - a job that cannot be submitted costs itself alone
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        """Tell why it was not submitted; what may still run of an earlier attempt is left to the next one."""
        if not isinstance(error, RetryableError):
            self._folder.empty()
        ending = {"event": "job_stopped"} if self._to_stop else {"event": "job_failed", **error_record(error)}
        self._last = str(ending["event"])
        self._renderer.tell({**ending, "job": self._number})

    def _take_up(self) -> None:
        """Go on with a job that is there already for this film, or submit one."""
        before = self._folder.command
        self._id = (self._folder.id if before else None) or self._answer(self._find) or ""
        if before and self._id and is_same_film(before, self._command):
            self._folder.let_go_on()  # what was asked of it while no worker was there is over
            self._renderer.note(f"goes on with {self._system.name} {self._id}")
            return
        if self._id:
            self._answer(lambda: self._system.cancel(self._id))
        self._answer(lambda: self._folder.fill(self._command))
        self._submit()

    def _find(self) -> str | None:
        return self._system.find(self._folder.path, self._folder.name)

    def _submit(self) -> None:
        self._id = self._answer(self._submit_once)
        self._folder.note_id(self._id)
        self._renderer.note(f"submitted as {self._system.name} {self._id or '?'}")

    def _submit_once(self) -> str:
        """Submit it, unless that has been done by a call whose answer did not arrive; "" if it has even ended since."""
        placement = self._command["placement"]
        gpus = 0 if placement["device"] == "cpu" else placement["gpus"]
        before = self._find() if self._trouble else None
        if before is None and self._trouble and self._events.has_more():
            return ""
        return before or self._system.submit(self._folder.path, self._folder.name, gpus)

    def _answer(self, ask: Callable[[], T]) -> T:
        """What the batch system or the file server answers, however long that takes: it costs a job no attempt."""
        while True:
            try:
                return ask()
            except RetryableError as error:
                self._complain(error)
                if self._to_stop or self._to_leave:
                    raise
            self._alive_at = self._renderer.heard_at = time.monotonic()
            self._show(JobPlace("waiting", f"{self._system.name}, not submitted yet"))
            self._wake.wait(self._system.poll_seconds)

    def _complain(self, error: RetryableError) -> None:
        """Note a trouble, once for as long as it lasts."""
        if error.message != self._trouble:
            self._trouble = error.message
            self._renderer.note(error.message)

    def _cancel(self) -> None:
        """Cancel it; one that cannot be reached keeps its folder, so that the next attempt goes on with it."""
        try:
            self._system.cancel(self._id)
        except RetryableError as error:
            self._renderer.note(error.message)
        else:
            self._folder.empty()

    def _step(self) -> bool:
        """Take in what is new; True if the job has ended."""
        place = self._look()  # before the events: those of a job that is over are all there
        for text in self._output.read():
            self._renderer.log(text)
        if any(self._take(event) for event in self._events.read()):
            return True
        self._show(place)
        if self._to_stop and self._stop(place):
            return True
        return place is not None and self._is_over(place) and self._on_end(place)

    def _is_over(self, place: JobPlace) -> bool:
        """Whether a job is over for good: while it is put back into the line, it may seem so for a moment."""
        if place.state != "over":
            self._over_at = None
            return False
        self._over_at = self._over_at or time.monotonic()
        return time.monotonic() - self._over_at >= self._system.settle_seconds

    def _look(self) -> JobPlace | None:
        """Where the job is; None if the batch system does not answer."""
        try:
            place = self._system.look(self._id) if self._id else JobPlace("over", "its id was lost")
            self._trouble = ""
        except RetryableError as error:
            self._complain(error)
            return None
        if place.state == "waiting":
            self._alive_at = self._renderer.heard_at = time.monotonic()
        return place

    def _take(self, event: dict[str, Any]) -> bool:
        """Take in an event; True if it is the job's last."""
        self._alive_at = self._renderer.heard_at = time.monotonic()
        if event["event"] == "heartbeat":
            self.sample = {**self.sample, **event["sample"]}
            return False
        self._last = event["event"]
        if event["event"] in ENDINGS:
            self._finish(event)
            return True
        self._renderer.tell({**event, "job": self._number})
        return False

    def _finish(self, event: dict[str, Any]) -> None:
        """Tell an ending. The folder goes first: no other attempt may read the ending of this one."""
        self._last = event["event"]
        for text in self._output.read():
            self._renderer.log(text)
        self._folder.empty()
        self._renderer.tell({**event, "job": self._number})

    def _show(self, place: JobPlace | None) -> None:
        """Tell where the job is, whenever that has changed."""
        if place is None or place.state == "over":
            return
        silence = time.monotonic() - self._alive_at
        text = place.text
        if silence > SILENT_SECONDS:
            text += f", silent for {clock(silence // 60 * 60)}"
        shown = JobPlace(place.state, text)
        if shown != self._place:
            self._place = shown
            self.sample = {**self.sample, "place": {"state": shown.state, "text": text}}
            self._renderer.note(f"{shown.state}: {text}")
            self._renderer.tell({"event": "job_placed", "job": self._number, **self.sample["place"]})

    def _stop(self, place: JobPlace | None) -> bool:
        """Pass on that it is to stop; True if that was all there is to do."""
        if place is not None and place.state == "waiting":
            try:
                self._system.cancel(self._id)
            except RetryableError as error:
                self._complain(error)
                return False
            self._finish({"event": "job_stopped"})
            return True
        if not self._asked:
            self._asked = True
            self._folder.ask_to_stop()
        return False

    def _on_end(self, place: JobPlace) -> bool:
        """What a job means that is over and has not said how; True unless it has been submitted once more."""
        if self._last == "job_interrupted" and place.end == "":
            self._over_at = None
            self._submit()
            return False
        self._finish({"event": "job_failed", **end_record(self._number, place, self._folder.path.parent)})
        return True
