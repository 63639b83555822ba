"""The dashboard's app: opens screens, writes to the queue's store, starts workers, and has the watcher read.

It never touches a GPU. It reads the store in one thread and writes to it in others.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.screen import Screen

from skyreels_cli.errors import InterruptedError, SkyreelsError, UsageError, did_you_mean
from skyreels_cli.queue.device import sample
from skyreels_cli.queue.job import JobSummary, NewJob
from skyreels_cli.queue.store import Store
from skyreels_cli.tui.changes import add_job, edit_job, pause_queue, resume_queue, start_worker, stop_worker
from skyreels_cli.tui.graphics import Graphics, find_graphics
from skyreels_cli.tui.harmless import HarmlessLines
from skyreels_cli.tui.job_actions import JOB_ACTIONS, JobAction
from skyreels_cli.tui.job_presets import code_of_job, save_film_as_preset
from skyreels_cli.tui.messages import Seen, Want
from skyreels_cli.tui.remembered import Remembered, keep, recall
from skyreels_cli.tui.screens.confirm import Confirm
from skyreels_cli.tui.screens.dashboard import DETAIL_WIDTH, Dashboard
from skyreels_cli.tui.screens.form import JobForm
from skyreels_cli.tui.screens.help import HelpScreen
from skyreels_cli.tui.screens.history import HistoryScreen
from skyreels_cli.tui.screens.job import JobScreen
from skyreels_cli.tui.view import View
from skyreels_cli.tui.watcher import Watcher
from skyreels_cli.tui.widgets.job_table import JobTable

Write = Callable[[Store], str]
"""Changes the store and returns what was done, in words."""
TALL_SCREEN = 34
START_WORKER = (sys.executable, "-m", "skyreels_cli", "queue", "run")


class Monitor(App[None]):
    """`skyreels queue monitor`: `folder` is the queue's; `look_at_device` and `start_worker` are replaced in tests.

    `keys` are other keys by the action's id; with `slow` little is sent to the terminal.
    """

    TITLE = "skyreels"
    CSS_PATH = "skyreels.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (DETAIL_WIDTH, "-widest")]  # noqa: RUF012 - so it is in the base class
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-short"), (TALL_SCREEN, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", id="help", key_display="?"),
        Binding("q", "quit", "Quit", id="quit"),
        *(
            Binding(key, action, label, id=action.replace("_", "-"), tooltip=tooltip, show=False)
            for key, action, label, tooltip in (
                ("w", "worker", "Start or stop the worker", "Render on this machine, or save the film and stop"),
                ("P", "pause_queue", "Pause the queue", "Let no job start, or let the queue go on"),
                ("y", "copy_code", "Copy code", "Copy a share code of the job's recipe"),
                ("h", "history", "History", "Finished films, and the pace of each model"),
            )
        ),
    ]

    class Written(Message):
        """A write to the store is done, or went wrong."""

        def __init__(self, outcome: str | SkyreelsError) -> None:
            super().__init__()
            self.outcome = outcome

    def __init__(
        self,
        folder: Path,
        look_at_device: Callable[[], dict[str, Any]] = sample,
        start_worker: tuple[str, ...] = START_WORKER,
        graphics: Graphics | None = None,
        keys: Mapping[str, str] | None = None,
        *,
        slow: bool = False,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.view = View()
        self._remembered = recall(folder)
        self.dashboard = Dashboard(folder, graphics, slow=slow)
        self.watcher = Watcher(folder, self._tell, look_at_device, self._remembered.wanted)
        self._keys = dict(keys or {})
        if slow:
            self.animation_level = "none"
            self.watcher.slow_down()
        self._start_worker = start_worker
        self._harmless = HarmlessLines(pictures=graphics is not None)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every drawn line passes through."""
        return [*super().get_line_filters(), self._harmless]

    async def on_mount(self) -> None:
        """Show the queue, and begin to read it."""
        if not self.is_headless:
            self._leave_on_signals()
        if self._remembered.theme in self.available_themes:
            self.theme = self._remembered.theme
        self.set_keymap(self._keys)
        await self.push_screen(self.dashboard)
        self.watcher.start()

    def _leave_on_signals(self) -> None:
        """Restore the terminal and leave, also when it is a signal that ends the dashboard."""
        for name in ("SIGTERM", "SIGHUP"):
            with suppress(AttributeError, NotImplementedError):  # as on Windows
                number = getattr(signal, name)
                asyncio.get_running_loop().add_signal_handler(number, self.exit, None, InterruptedError.exit_code)

    def on_unmount(self) -> None:
        """Let go of the store, and keep how the list looked."""
        self.watcher.stop()
        keep(self.folder, Remembered.of(self.theme, self.watcher.wanted))

    def _tell(self, seen: View | SkyreelsError | dict[str, Any]) -> None:
        """Called by the watcher in its thread."""
        self.post_message(Seen(seen))

    @on(Seen)
    def show(self, message: Seen) -> None:
        """Hand what was read to every screen, also those that are covered."""
        if isinstance(message.seen, View):
            self.view = message.seen
        # Not Textual's own blank one at the bottom: when that wakes it has everything drawn anew, 6 kB at 80×24.
        for screen in self.screen_stack[1:]:
            screen.post_message(Seen(message.seen))

    @on(Want)
    def want(self, message: Want) -> None:
        """Have something else read."""
        self.watcher.want(**message.changes)

    def notify(self, message: str, **options: Any) -> None:
        """Say something; where lines are few it takes the place of what was said before, so that it covers no job."""
        if self.size.height < TALL_SCREEN:
            self.clear_notifications()
            self.screen.query("ToastHolder").remove()  # else what held the one before keeps its line
        super().notify(message, **options)

    @on(Written)
    def tell(self, message: Written) -> None:
        """Say what was done, and look at the queue again."""
        if isinstance(message.outcome, SkyreelsError):
            hint = f"\n{message.outcome.hint}" if message.outcome.hint else ""
            self.notify(f"{message.outcome.message}{hint}", severity="error", markup=False)
        else:
            self.notify(message.outcome, timeout=3, markup=False)
        self.watcher.look()

    @work(thread=True, group="writes", exit_on_error=False)
    def write(self, change: Write) -> None:
        """Write to the store, in a thread, for it may be locked for a while."""
        try:
            store = Store(self.folder)
            try:
                outcome: str | SkyreelsError = change(store)
            finally:
                store.database.close()
        except SkyreelsError as error:
            outcome = error
        self.post_message(self.Written(outcome))

    def action_job(self, name: str) -> None:
        """Do something to the marked jobs or the one under the cursor, after asking where it cannot be undone."""
        jobs, action = self.dashboard.chosen, JOB_ACTIONS[name]
        suited = [job for job in jobs if action.suits(job)]
        if jobs and not suited:
            said = f"job {jobs[0].id} is {jobs[0].state}" if len(jobs) == 1 else f"{len(jobs)} jobs are marked"
            self.notify(f"{said}: {action.label.lower()} is for {' or '.join(action.states)}", timeout=3)
        elif suited and action.asks:
            question = Confirm(action.question(suited), action.label)
            self.push_screen(question, lambda yes: self._act(action, suited) if yes else None)
        elif suited:
            self._act(action, suited)

    def _act(self, action: JobAction, jobs: Sequence[JobSummary]) -> None:
        self.write(lambda store: action.do_all(store, jobs))

    @work(thread=True, group="codes", exit_on_error=False)
    def action_copy_code(self) -> None:
        """Put the share code of the job under the cursor into the clipboard (OSC 52)."""
        job = self.dashboard.selected
        if job is None:
            return
        try:
            store = Store(self.folder)
            try:
                code = code_of_job(store, job)
            finally:
                store.database.close()
        except SkyreelsError as error:
            self.post_message(self.Written(error))
        else:
            self.call_from_thread(self.copy_to_clipboard, code)
            self.post_message(self.Written(f"the code of job {job.id} is in the clipboard, {len(code):,} characters"))

    def action_details(self) -> None:
        """Open the job under the cursor."""
        job = self.dashboard.selected
        if job:
            log = self.folder / "logs" / f"{job.id}.log"
            self.push_screen(JobScreen(job.id, log, self.view), lambda _: self.watcher.want(detail=None))
            self.watcher.want(detail=job.id)

    def action_new(self) -> None:
        """Fill in a form for a new job."""
        self.push_screen(JobForm(self.folder), self._add)

    def action_edit(self) -> None:
        """Fill in a form for the job under the cursor."""
        job = self.dashboard.selected
        if job and job.state in ("running", "succeeded"):
            self.notify(f"job {job.id} is {job.state}: pause or duplicate it (p, d), then edit", timeout=4)
        elif job:
            number = job.id
            self.push_screen(JobForm(self.folder, number), lambda new: self._edit(number, new))

    def _add(self, new: NewJob | None) -> None:
        if new:
            self.write(lambda store: add_job(store, new))

    def _edit(self, number: int, new: NewJob | None) -> None:
        if new:
            self.write(lambda store: edit_job(store, number, new))

    def action_worker(self) -> None:
        """Start `skyreels queue run` as a process that outlives the dashboard, or have the one that runs leave."""
        command = self._start_worker
        self.write(stop_worker if self.view.living else lambda store: start_worker(store, command))

    def action_pause_queue(self) -> None:
        """Let nothing start any more, or let it go on."""
        self.write(resume_queue if self.view.paused else pause_queue)

    def action_history(self) -> None:
        """Show the films that were finished on this machine."""
        if not isinstance(self.screen, HistoryScreen):
            self.push_screen(HistoryScreen(self.folder), self._save_film)
            self.watcher.want(history=True)

    def _save_film(self, film: Path | None) -> None:
        self.watcher.want(history=False)
        if film:
            self.write(lambda _: save_film_as_preset(film))

    def action_help(self) -> None:
        """Show every key."""
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen())

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Everything that has a key is in the palette too."""
        yield from super().get_system_commands(screen)
        known: set[str] = set()
        for active in screen.active_bindings.values():
            binding = active.binding
            if binding.id and binding.action not in known | {"quit", "help"}:
                known.add(binding.action)
                run = self._runner(active.node, binding.action)
                yield SystemCommand(binding.description, binding.tooltip or "", run)

    def _runner(self, node: Any, action: str) -> Callable[[], Any]:
        async def run() -> None:
            await self.run_action(action, default_namespace=node)

        return run


def check_keys(keys: Mapping[str, str]) -> None:
    """Raise UsageError `bad-setting` for an action that there is not."""
    screens: tuple[Any, ...] = (Monitor, Dashboard, JobTable, JobForm, HistoryScreen, JobScreen)
    bindings = (binding for screen in screens for binding in screen.BINDINGS)
    known = [binding.id for binding in bindings if isinstance(binding, Binding) and binding.id]
    for name in keys:
        if name not in known:
            message = f"keys: there is no action {name!r}{did_you_mean(name, known)}"
            raise UsageError("bad-setting", message, f"one of: {', '.join(dict.fromkeys(known))}")


def run_monitor(folder: Path, keys: Mapping[str, str], *, slow: bool) -> None:
    """Show the dashboard until the user leaves it.

    Raises InterruptedError if a signal has ended it, UsageError `bad-setting` for keys of what is no action.
    """
    check_keys(keys)
    monitor = Monitor(folder, graphics=None if slow else find_graphics(), keys=keys, slow=slow)
    monitor.run()
    if monitor.return_code == InterruptedError.exit_code:
        raise InterruptedError("interrupted", "the dashboard was told to end; the queue goes on without it")
