"""Notifications that a job has ended: a command of the user's, a webhook, the terminal."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from skyreels_cli.queue.job import Job

HOOK_SECONDS = 60.0
WEBHOOK_SECONDS = 15.0


class Notifier:
    """Hooks and webhooks run in threads of their own: a slow one delays no film, a broken one costs one line."""

    def __init__(
        self,
        complain: Callable[[str], None],
        on_finished: str | None = None,
        on_failed: str | None = None,
        webhook: str | None = None,
    ) -> None:
        self._complain = complain
        self._commands = {"succeeded": on_finished, "failed": on_failed}
        self._webhook = webhook
        self._running: list[threading.Thread] = []

    def job_ended(self, job: Job) -> None:
        """Notify of a job that has succeeded or failed, not of others."""
        if job.state not in self._commands:
            return
        command = self._commands[job.state]
        if command:
            self._start(lambda: self._run(command, job))
        if self._webhook:
            self._start(lambda: self._post(str(self._webhook), job))

    def wait(self, seconds: float = HOOK_SECONDS) -> None:
        """Wait for hooks and webhooks that are running, so long for each."""
        for thread in self._running:
            thread.join(seconds)

    def _start(self, work: Callable[[], None]) -> None:
        self._running = [thread for thread in self._running if thread.is_alive()]
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        self._running.append(thread)

    def _run(self, command: str, job: Job) -> None:
        """Through the shell, as in every tool that has hooks; the job comes in variables and as JSON on stdin."""
        try:
            subprocess.run(  # noqa: S602 - for the reason beside `shell`
                command,
                shell=True,  # the user's own words, from the user's own config
                env={**os.environ, **variables(job)},
                input=json.dumps(message(job)),
                text=True,
                timeout=HOOK_SECONDS,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            self._complain(f"the hook for job {job.id} did not work: {error}")

    def _post(self, url: str, job: Job) -> None:
        body = json.dumps(message(job)).encode()
        request = urllib.request.Request(  # noqa: S310 - settings allow http(s) only
            url, data=body, headers={"Content-Type": "application/json", "User-Agent": "skyreels"}
        )
        try:
            with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS):  # noqa: S310
                pass
        except (OSError, ValueError) as error:
            self._complain(f"the webhook for job {job.id} did not work: {error}")


def message(job: Job) -> dict[str, Any]:
    """What a hook gets on stdin and a webhook as its body."""
    names = ("id", "state", "prompt", "model", "output", "created_at", "started_at", "finished_at", "error", "result")
    return {"skyreels": 1, "event": f"job_{job.state}", "job": {name: getattr(job, name) for name in names}}


def variables(job: Job) -> Mapping[str, str]:
    """Environment variables of a hook: SKYREELS_JOB, _STATE, _PROMPT, _OUTPUT, _ERROR."""
    error = job.error["message"] if job.error else ""
    said = {"JOB": job.id, "STATE": job.state, "PROMPT": job.prompt, "OUTPUT": job.output, "ERROR": error}
    return {f"SKYREELS_{name}": str(value) for name, value in said.items()}


def terminal_alert(text: str) -> str:
    """A bell, and a desktop notification where the terminal knows OSC 9 (iTerm2, kitty, WezTerm, Windows Terminal)."""
    plain = "".join(character for character in text if character.isprintable())
    return f"\033]9;{plain}\033\\\a"
