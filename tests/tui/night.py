"""A whole night, scripted: a fake worker and a fake engine that write into a real store what real ones would."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from skyreels_cli.media.reader import Frame
from skyreels_cli.queue import actions, leases
from skyreels_cli.queue.job import Job, NewJob
from skyreels_cli.queue.owner import Owner
from skyreels_cli.queue.progress import Progress
from skyreels_cli.queue.store import FinishedFilm, Store

GB = 1e9
PROMPTS = (
    "A lighthouse at dusk, waves breaking over the rocks, the lamp turning slowly",
    "Two cats play chess in a sunlit kitchen",
    "Schnee fällt auf einen alten Bahnhof",
    "雨の夜、ネオンの街を歩く少女",
    "A paper boat drifts down a gutter after the storm",
    "Time lapse of a seed becoming a tree",
)
PEAK = {"peak_memory_bytes": int(45.1e9)}
DRIFT = {"luma": 0.004, "saturation": 0.011, "contrast": -0.002, "sharpness": -0.006}
SAMPLE: dict[str, Any] = {
    "ram_used_bytes": 61 * GB,
    "ram_total_bytes": 256 * GB,
    "cpu_percent": 23.0,
    "renderer_bytes": 9 * GB,
    "gpus": [
        {
            "name": "NVIDIA H100 80GB HBM3",
            "used_bytes": 44.2 * GB,
            "total_bytes": 80 * GB,
            "load_percent": 98,
            "celsius": 67,
            "watts": 512.0,
        }
    ],
}


def plan_of(frames: int = 257, steps: int = 30, ar_step: int = 0, block: int = 1) -> dict[str, Any]:
    """A plan as `plan_data` gives it: windows of 97 frames (25 latent ones) that overlap by 17 (5)."""
    windows: list[dict[str, Any]] = []
    while (first := sum(window["frames"] for window in windows)) < frames:
        new = min(80 if windows else 97, frames - first)
        prefix = 5 if windows else 0
        latents = -(-(new + 3 * (not windows)) // 4)
        blocks = [min(block, latents - start) for start in range(0, latents, block)]
        windows.append(
            {
                "window": len(windows) + 1,
                "first_frame": first,
                "frames": new,
                "latents": prefix + latents,
                "blocks": [prefix] * bool(prefix) + blocks,
                "ready_blocks": int(bool(prefix)),
                "rows": steps + (len(blocks) - 1) * ar_step,
            }
        )
    work = [
        [1, window["rows"], 1.0, 8 / 2.4, 17 if window["window"] > 1 else 0, window["frames"]] for window in windows
    ]
    rows = sum(window["rows"] for window in windows)
    memory = {"memory": 46.8e9, "memory_offload_model": 31.0e9, "memory_offload_stream": 9.4e9, "disk": 0.4e9}
    estimates = {name: {"value": value, "unit": "B", "basis": ""} for name, value in memory.items()}
    return {
        "frames": frames,
        "fps": 24,
        "duration_s": frames / 24,
        "width": 960,
        "height": 544,
        "inference_steps": steps,
        "total_rows": rows,
        "family": "df",
        "device": "cuda:0",
        "windows": windows,
        "work": {"known": False, "cached": False, "runs": work},
        "estimates": {**estimates, "time": {"value": rows * 2.4, "unit": "s", "basis": ""}},
        "notes": [],
    }


def new_job(number: int, folder: Path, plan: dict[str, Any] | None = None, **said: Any) -> NewJob:
    """A job of the night; `said` are fields of NewJob."""
    plan = plan or plan_of()
    recipe = {
        "schema": 1,
        "prompt": PROMPTS[number % len(PROMPTS)],
        "model": "Skywork/SkyReels-V2-DF-1.3B-540P-Diffusers",
        "resolution": "960x544",
        "num_frames": plan["frames"],
        "base_num_frames": 97,
        "dtype": "bfloat16",
        "seed": 1000 + number,
    }
    draft = {name: recipe[name] for name in ("schema", "prompt", "model", "num_frames", "seed")}
    return NewJob(draft=draft, recipe=recipe, plan=plan, output=folder / f"film-{number}.mp4", **said)


@dataclass
class FakeEngine:
    """Says of a job what `film.events` would say; every step takes `step_seconds` on a clock of its own."""

    store: Store
    owner: Owner
    step_seconds: float = 2.4
    clock: float = 0.0
    job: Job | None = None
    progress: Progress | None = None
    events: Iterator[dict[str, Any]] = field(default_factory=lambda: iter(()))

    @classmethod
    def arrive(cls, store: Store, device: str = "cuda:0") -> FakeEngine:
        """A worker comes to work; the night may be a long one."""
        return cls(store, leases.register(store, device, lease_seconds=3600))

    def take(self) -> Job:
        """Claim the next job and begin it."""
        claimed = leases.claim(self.store, self.owner)
        assert claimed, "there is a job to take"
        self.job = claimed[0]
        self.progress = Progress(self.job.plan, now=lambda: self.clock)
        self.events = self._script(self.job.plan)
        self.heartbeat()
        return self.job

    def play(self, steps: int) -> None:
        """Go on by some steps, with all that happens between them."""
        assert self.progress
        while steps:
            event = next(self.events)
            self.clock += event.get("seconds", 0.0) if event["event"] == "step_done" else 0.0
            self.progress.take(event)
            self.progress.take_memory(int(44e9 + 2e9 * math.sin(self.clock / 20)))
            steps -= event["event"] == "step_done"
        self.heartbeat()

    def heartbeat(self) -> leases.HeartbeatReply:
        """A sign of life, with what the film has come to."""
        assert self.job
        return leases.heartbeat(self.store, self.owner, SAMPLE, self.job.id, self._reached())

    def finish(self) -> None:
        """The film is there."""
        assert self.job
        result = {"elapsed_s": 421.0, "peak_memory_bytes": int(45.1e9), "output": self.job.output}
        leases.succeed(self.store, self.owner, self.job.id, self._reached(), result, self._film(self.job))

    def fail(self, code: str = "internal", message: str = "CUDA error: an illegal memory access") -> None:
        """The job fails for good."""
        assert self.job
        error = {"code": code, "message": message, "hint": f"skyreels queue logs {self.job.id}", "exit_code": 1}
        log = self.store.log(self.job.id)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(f"[2026-11-21 23:14:02] attempt 3 of 3\nRuntimeError: {message}\n", encoding="utf-8")
        leases.fail(self.store, self.owner, self.job.id, self._reached(), error)

    def run_out_of_memory(self) -> None:
        """The job goes back to be tried with the weights on the host."""
        assert self.job
        step = {"change": {"offload": "stream"}, "was": {"offload": "none"}, "at": 0.0, "reason": "CUDA out of memory"}
        leases.degrade(self.store, self.owner, self.job, self._reached(), step)

    def stop(self) -> None:
        """Do what was asked: the job is paused, cancelled, or just given back."""
        assert self.job
        leases.release(self.store, self.owner, self.job.id, self._reached())

    def die(self) -> None:
        """Vanish without a word: as if the process had been killed."""
        with self.store.database.write() as connection:
            connection.execute("UPDATE workers SET pid = 2147483646 WHERE id = ?", (self.owner.id,))

    def _reached(self) -> dict[str, Any] | None:
        return self.progress.to_dict() if self.progress else None

    def _film(self, job: Job) -> FinishedFilm:
        recipe = job.recipe
        return FinishedFilm(
            job=job.id,
            finished_at=self.store.now(),
            prompt=job.prompt,
            output=job.output,
            model=job.model,
            dtype=recipe["dtype"],
            resolution=job.resolution,
            frames=job.num_frames,
            steps=job.total_steps,
            device="cuda:0",
            offload="none",
            step_seconds=self.step_seconds,
            flops_per_second=4e14,
            elapsed_s=421.0,
            peak_memory_bytes=int(45.1e9),
        )

    def _script(self, plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield {"event": "stage_started", "stage": "loading transformer"}
        count = len(plan["windows"])
        for window in plan["windows"]:
            number, rows = window["window"], window["rows"]
            shape = {"window": number, "windows": count, "steps": rows, "prompt": ""}
            frames = {"first_frame": window["first_frame"], "new_frames": window["frames"]}
            yield {"event": "window_started", **shape, **frames}
            for row in range(rows):
                said = {"seconds": self.step_seconds, "noise": wave(window, row, plan["inference_steps"])}
                yield {"event": "step_done", "window": number, "step": row, "steps": rows, **said, **PEAK}
            yield {"event": "stage_started", "stage": "decoding"}
            yield {"event": "frames_ready", "window": number, "frames": window["first_frame"] + window["frames"]}
            drift = {name: (number - 1) * slope for name, slope in DRIFT.items()}
            yield {"event": "window_done", "window": number, "seconds": 80.0, **PEAK, "drift": drift}


def wave(window: dict[str, Any], row: int, steps: int) -> list[float]:
    """Noise of each latent frame after a row: each block begins where the plan's rows leave room for it."""
    new = len(window["blocks"]) - window["ready_blocks"]
    lag = (window["rows"] - steps) / (new - 1) if new > 1 else 0
    levels = []
    for place, size in enumerate(window["blocks"]):
        block = place - window["ready_blocks"]
        done = 1.0 if block < 0 else min(max((row + 1 - block * lag) / steps, 0.0), 1.0)
        levels += [1.0 - done] * size
    return levels


def fill(store: Store, count: int, folder: Path) -> None:
    """Many waiting jobs in one transaction."""
    plan = plan_of(97)
    with store.database.write() as connection:
        for number in range(count):
            new = new_job(number, folder, plan, priority=number % 3)
            store.insert(connection, new, new.draft, new.output)


def whole_night(store: Store, folder: Path) -> FakeEngine:
    """Films finished, one that failed, one out of memory, one paused, one cancelled, and an async one in the making."""
    for number in range(10):
        said = plan_of(737, 30, ar_step=5, block=5) if number == 5 else None
        store.add(new_job(number, folder, said))
    engine = FakeEngine.arrive(store)
    for _ in range(2):
        engine.take()
        engine.play(20)
        engine.finish()
    engine.take()
    engine.play(31)
    engine.fail()
    engine.take()
    engine.play(3)
    engine.run_out_of_memory()
    return engine


def go_on(engine: FakeEngine) -> None:
    """The middle of the night: an async film is in its fourth window, and everything has happened to the others."""
    actions.set_priority(engine.store, 6, 5)
    engine.take()
    engine.play(170)
    actions.pause(engine.store, 9)
    actions.cancel(engine.store, 10)


def sunset(height: int = 54, width: int = 96) -> Frame:
    """A frame that needs no video: a sun over the sea."""
    y, x = np.mgrid[0:height, 0:width] / [[[height]], [[width]]]
    sky = np.stack([0.95 - 0.5 * y, 0.35 + 0.3 * y, 0.3 + 0.5 * (1 - y)], axis=-1)
    sea = np.stack([0.1 + 0.2 * x, 0.2 + 0.1 * y, 0.45 + 0.1 * np.sin(40 * y)], axis=-1)
    picture = np.where((y < 0.65)[..., None], sky, sea)
    picture[((x - 0.6) * 1.78) ** 2 + (y - 0.6) ** 2 < 0.03] = (1.0, 0.85, 0.4)
    frame: Frame = (np.clip(picture, 0, 1) * 255).astype(np.uint8)
    return frame
