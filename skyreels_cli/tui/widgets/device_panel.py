"""The devices: memory in use and memory planned, load, temperature, power."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from textual.content import Content

from skyreels_cli.media.drawing import bar, curve
from skyreels_cli.output import byte_size
from skyreels_cli.queue.job import Job
from skyreels_cli.tui.view import View, planned_memory
from skyreels_cli.tui.widgets.changing_lines import ChangingLines

REMEMBERED = 120


class DevicePanel(ChangingLines):
    """A line per GPU, or one for the host where there is none; a sparkline shows the last minutes."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.border_title = "devices"
        self._sample: dict[str, Any] = {}
        self._past: dict[str, deque[float]] = {}
        self._job: Job | None = None
        self._machines: dict[str, list[dict[str, Any]]] = {}

    def take(self, sample: dict[str, Any]) -> None:
        """Draw another sample of the devices, as `queue.device.sample` returns it."""
        self._sample = sample
        for name, share in _shares(sample):
            self._past.setdefault(name, deque(maxlen=REMEMBERED)).append(share)
        self._draw()

    def show(self, view: View) -> None:
        """Draw the memory of the running job of a reading, and the GPUs of other machines."""
        nodes = view.nodes
        if view.film != self._job or nodes != self._machines:
            self._job, self._machines = view.film, nodes
            self._draw()

    def on_resize(self) -> None:
        """Redraw, as the bars depend on the width."""
        self._draw()

    def _draw(self) -> None:
        if self._sample:
            self.draw(self._told())

    def _told(self) -> Iterator[Content]:
        for index, gpu in enumerate(self._sample["gpus"]):
            yield self._line(f"cuda:{index}", gpu["used_bytes"], gpu["total_bytes"], _facts(gpu))
        load = f"cpu {self._sample['cpu_percent']:.0f} %"
        yield self._line("host", self._sample["ram_used_bytes"], self._sample["ram_total_bytes"], [load])
        for node, gpus in self._machines.items():
            for gpu in gpus:
                yield self._line(node, gpu["used_bytes"], gpu["total_bytes"], _facts(gpu))
        film = self._film_memory()
        if film:
            yield film

    def _line(self, name: str, used: float, total: float, facts: list[str]) -> Content:
        """`cuda:0  ████░░  51.2 of 141.0 GB  ▁▂▅  97 % 64° 512 W`."""
        room = max(8, min(40, (self.size.width - 46) // 2))
        taken, free = bar(used / max(total, 1), room)
        history = curve(list(self._past.get(name, [])), room, 0.0, 1.0).rjust(room)
        figures = f"{used / 1e9:.1f} of {byte_size(total)}"
        return Content.assemble(
            f"{name:<7} ",
            (taken, "$primary"),
            (free, "$foreground-disabled"),
            f" {figures:<17} ",
            (history, "$primary"),
            f"  {' '.join(facts)}",
        )

    def _film_memory(self) -> Content | None:
        """Memory that the running job was planned to need and what it uses; the plan is half the curve's height."""
        job = self._job
        if job is None or not job.progress:
            return None
        planned, past = planned_memory(job), job.progress.get("memory") or []
        taken = job.progress.get("peak_memory_bytes") or max(past, default=0)
        facts = [f"planned {byte_size(planned)}"] if planned else []
        facts += [f"peak {byte_size(taken)}"] if taken else []
        words = f"film    {', '.join(facts)}"
        room = max(8, min(40, self.size.width - len(words) - 3))
        return Content.assemble(words, "  ", (curve(past, room, 0.0, 2 * planned if planned else None), "$primary"))


def _facts(gpu: dict[str, Any]) -> list[str]:
    units = (("load_percent", "{:.0f} %"), ("celsius", "{:.0f}°"), ("watts", "{:.0f} W"))
    return [words.format(gpu[name]) for name, words in units if gpu[name] is not None]


def _shares(sample: dict[str, Any]) -> Iterator[tuple[str, float]]:
    for index, gpu in enumerate(sample["gpus"]):
        yield f"cuda:{index}", gpu["used_bytes"] / max(gpu["total_bytes"], 1)
    yield "host", sample["ram_used_bytes"] / max(sample["ram_total_bytes"], 1)
