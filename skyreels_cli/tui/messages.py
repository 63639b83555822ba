"""Messages between the app and its screens: what was read goes down to the screens, what is wanted comes up."""

from __future__ import annotations

from typing import Any

from textual.message import Message

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.tui.view import View


class Seen(Message, bubble=False):
    """The watcher has read something: a view, a sample of the devices, or an error.

    It goes from the app to each screen as a message, not as a call: a screen reads its messages while all its widgets
    are there, the app goes on while they are being mounted or taken down.
    """

    def __init__(self, seen: View | SkyreelsError | dict[str, Any]) -> None:
        super().__init__()
        self.seen = seen


class Want(Message):
    """Something else of the queue is to be read: `changes` are fields of `view.Wanted`."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        self.changes = changes
