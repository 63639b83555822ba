"""A provider at work: here, or in a process of its own whose end gives all of its memory back."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from tempfile import TemporaryFile
from typing import IO

from skyreels_cli.errors import OutOfMemoryError, PluginError, SkyreelsError, as_out_of_memory, first_line
from skyreels_cli.order.enhance.providers import Provider
from skyreels_cli.plugins.protocols import PromptEnhancer, Writing, WritingTask

# One that is told to go and hangs in a driver is killed after so long.
FAREWELL_SECONDS = 3.0
LAST_BYTES = 2000


@contextmanager
def open_writer(provider: Provider, *, silent: bool = False) -> Iterator[PromptEnhancer]:
    """The provider, ready for tasks until the context is left.

    What a process of its own prints (the progress of a download) is seen unless it shall be `silent`.
    """
    if not provider.spec.own_process:
        yield provider.make()
        return
    with TemporaryFile() as log:
        writer = ProcessWriter(provider, log if silent else None)
        try:
            yield writer
        except BaseException:
            writer.close(patience=0)
            raise
        writer.close()


class ProcessWriter:
    """A `PromptEnhancer` in another process; it is loaded once, for all tasks."""

    def __init__(self, provider: Provider, log: IO[bytes] | None) -> None:
        context = get_context("spawn")  # a fork would carry the threads' locks of this process along
        self._name = provider.name
        self._log = log
        self._pipe, theirs = context.Pipe()
        descriptor = os.dup(log.fileno()) if log and os.name == "posix" else None
        self._process: BaseProcess = context.Process(
            target=_serve, args=(theirs, provider, log is not None), daemon=True
        )
        with _stderr_to(descriptor):
            self._process.start()
        theirs.close()

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """Send the task, pass on each piece of text, and return what was written or raise what was raised there."""
        try:
            self._pipe.send(task)
            while (answer := self._pipe.recv())[0] == "piece":
                show(answer[1])
        except (EOFError, OSError):
            raise self._died() from None
        kind, content = answer
        if kind == "error":
            raise content
        return Writing(*content)

    def close(self, patience: float = FAREWELL_SECONDS) -> None:
        """End the process, which may take so many seconds to go by itself; its memory is back when this returns."""
        with suppress(OSError):
            self._pipe.close()
        self._process.join(patience)
        self._process.terminate()
        self._process.join(FAREWELL_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join(FAREWELL_SECONDS)

    def _died(self) -> SkyreelsError:
        self._process.join(FAREWELL_SECONDS)
        status = self._process.exitcode or 0
        if status == -getattr(signal, "SIGKILL", 9):
            message = f"prompt enhancer {self._name} was killed, most likely for the memory it took"
            return OutOfMemoryError("enhancer-memory", message, "a smaller language model, or --prompt-enhancer rules")
        message = f"prompt enhancer {self._name}: its process ended with status {status}{self._last_words()}"
        return PluginError("enhancer-failed", message, "--prompt-enhancer rules")

    def _last_words(self) -> str:
        if self._log is None:
            return ""
        self._log.seek(0)
        lines = self._log.read()[-LAST_BYTES:].decode(errors="replace").strip().splitlines()
        return f": {lines[-1]}" if lines else ""


def _serve(pipe: Connection, provider: Provider, silent: bool) -> None:
    """Do tasks until the pipe is closed; the parent decides about Ctrl-C, and owns stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.dup2(2, 1)
    if silent:
        os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
    writer: PromptEnhancer | None = None
    with suppress(EOFError, OSError):
        while True:
            task = pipe.recv()
            try:
                writer = writer or provider.make()
                written = writer.write(task, lambda piece: pipe.send(("piece", piece)))
                pipe.send(("done", (written.text, written.model, written.saw_image)))
            except (BrokenPipeError, ConnectionError):
                return
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises, the program says it in one line
                pipe.send(("error", _as_ours(error, provider)))


def _as_ours(error: Exception, provider: Provider) -> SkyreelsError:
    if isinstance(error, SkyreelsError):
        return error
    memory = as_out_of_memory(error)
    if memory:
        message = f"prompt enhancer {provider.name}: {memory.message}"
        return OutOfMemoryError("enhancer-memory", message, "a smaller language model, or --prompt-enhancer rules")
    message = f"prompt enhancer {provider.name}: {type(error).__name__}: {first_line(error)}"
    return PluginError("enhancer-failed", message, "--prompt-enhancer rules")


@contextmanager
def _stderr_to(descriptor: int | None) -> Iterator[None]:
    """A process that is started within inherits this as its stderr."""
    if descriptor is None:
        yield
        return
    kept = os.dup(2)
    os.dup2(descriptor, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(descriptor)
