"""The far end: a renderer in an actor, which its worker asks for events."""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
from collections.abc import Mapping
from typing import Any

from skyreels_cli.queue.device import sample
from skyreels_cli.queue.renderer import Renderer

# What a library prints by the million lines is of no use to anybody.
MOST_PRINTED = 256_000


class FarRenderer:
    """Renders job after job in one thread of its actor, and answers in the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: list[dict[str, Any]] = []
        self._dropped = 0
        self._stopped: set[int] = set()
        self._printed = Printed()
        sys.stdout = sys.stderr = self._printed
        self._renderer = Renderer(self._say, self._stopped.__contains__)

    def ready(self) -> dict[str, Any]:
        """What is in use on its machine, and that machine's name."""
        return {**sample(os.getpid()), "host": socket.gethostname()}

    def render(self, command: Mapping[str, Any]) -> None:
        """Render a job; its events are there to be fetched."""
        self._stopped.discard(command["job"])
        self._renderer.take(command)

    def stop(self, job: int) -> None:
        """Save a checkpoint and stop, if that job is at work."""
        self._stopped.add(job)

    def fetch(self, after: int) -> tuple[list[dict[str, Any]], str, dict[str, Any]]:
        """The events behind the first `after`, which are forgotten, what has been printed, and a sample."""
        with self._lock:
            self._events = self._events[after - self._dropped :]
            self._dropped = after
            return list(self._events), self._printed.take(), self.ready()

    def _say(self, event: Mapping[str, Any]) -> None:
        with self._lock:
            self._events.append(dict(event))


class Printed(io.TextIOBase):
    """Keeps what is printed until it is fetched."""

    def __init__(self) -> None:
        self._text = ""

    def write(self, text: str, /) -> int:
        """Keep a text, within bounds."""
        self._text = (self._text + text)[-MOST_PRINTED:]
        return len(text)

    def take(self) -> str:
        """What has been printed since the last time."""
        text, self._text = self._text, ""
        return text
