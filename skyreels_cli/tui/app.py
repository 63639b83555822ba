"""The dashboard: a client of the queue's store, never near a GPU; it reads in one thread and writes in others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.queue import actions
from skyreels_cli.queue.device import sample
from skyreels_cli.queue.store import Store
from skyreels_cli.tui.graphics import Graphics, find_graphics
from skyreels_cli.tui.screens.dashboard import Dashboard
from skyreels_cli.tui.screens.help import Help
from skyreels_cli.tui.screens.history import History
from skyreels_cli.tui.view import Seen, View
from skyreels_cli.tui.watcher import Watcher

Deed = Callable[[Store], str]
START_WORKER = (sys.executable, "-m", "skyreels_cli", "queue", "run")


class Monitor(App[None]):
    """`skyreels queue monitor`: `folder` is the queue's; the rest is for tests."""

    TITLE = "skyreels"
    CSS_PATH = "skyreels.tcss"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012 - so it is in the base class
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-short"), (34, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", id="help", key_display="?"),
        Binding("q", "quit", "Quit", id="quit"),
        *(
            Binding(key, action, label, id=action.replace("_", "-"), tooltip=tooltip, show=False)
            for key, action, label, tooltip in (
                ("w", "start_worker", "Start a worker", "Start rendering on this machine"),
                ("P", "pause_queue", "Pause the queue", "Let no job start, or let the queue go on"),
                ("h", "history", "History", "Finished films, and the pace of each model"),
            )
        ),
    ]

    class Done(Message):
        """A deed is done, or went wrong."""

        def __init__(self, said: str | SkyreelsError) -> None:
            super().__init__()
            self.said = said

    def __init__(
        self,
        folder: Path,
        look_at_device: Callable[[], dict[str, Any]] = sample,
        start_worker: tuple[str, ...] = START_WORKER,
        graphics: Graphics | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.graphics = graphics
        self.view = View()
        self.watcher = Watcher(folder, self._tell, look_at_device)
        self._start_worker = start_worker

    async def on_mount(self) -> None:
        """Show the queue, and begin to read it."""
        await self.push_screen(Dashboard(self))
        self.watcher.start()

    def on_unmount(self) -> None:
        """Let go of the store."""
        self.watcher.stop()

    def _tell(self, seen: View | SkyreelsError | dict[str, Any]) -> None:
        """Called by the watcher in its thread."""
        self.post_message(Seen(seen))

    @on(Seen)
    def show(self, message: Seen) -> None:
        """Hand what was read to every screen, also those that are covered."""
        if isinstance(message.seen, View):
            self.view = message.seen
        for screen in self.screen_stack:
            screen.post_message(Seen(message.seen))

    @on(Done)
    def tell(self, message: Done) -> None:
        """Say what was done, and look at the queue again."""
        if isinstance(message.said, SkyreelsError):
            hint = f"\n{message.said.hint}" if message.said.hint else ""
            self.notify(f"{message.said.message}{hint}", severity="error", markup=False)
        elif message.said:
            self.notify(message.said, timeout=3, markup=False)
        self.watcher.look()

    @work(thread=True, group="deeds", exit_on_error=False)
    def do(self, deed: Deed) -> None:
        """Write to the store, in a thread, for it may be locked for a while."""
        try:
            store = Store(self.folder)
            try:
                said: str | SkyreelsError = deed(store)
            finally:
                store.database.close()
        except SkyreelsError as error:
            said = error
        self.post_message(self.Done(said))

    def action_start_worker(self) -> None:
        """Start `skyreels queue run` as a process that outlives the dashboard."""
        command, log = self._start_worker, self.folder / "logs" / "worker.log"
        self.do(lambda store: start_detached(command, log) if not _at_work(store) else "a worker is running already")

    def action_pause_queue(self) -> None:
        """Let nothing start any more, or let it go on."""
        self.do(_let_go_on if self.view.paused else _let_stand)

    def action_history(self) -> None:
        """Show the films that were finished on this machine."""
        if not isinstance(self.screen, History):
            self.push_screen(History(self))

    def action_help(self) -> None:
        """Show every key."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help())

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


def _let_go_on(store: Store) -> str:
    actions.resume_all(store)
    return "the queue goes on"


def _let_stand(store: Store) -> str:
    actions.pause_all(store)
    return "the queue is paused"


def _at_work(store: Store) -> bool:
    return any(worker.alive for worker in store.workers())


def start_detached(command: tuple[str, ...], log: Path) -> str:
    """Start a process in a session of its own, its output in a log."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    return f"a worker is starting as process {process.pid}; its log is {log}"


def run_monitor(folder: Path) -> None:
    """Show the dashboard until the user leaves it."""
    Monitor(folder, graphics=find_graphics()).run()
