"""A renderer that imports nothing heavy: its films are chains of hashes, its accidents are scripted.

What happens is said in the draft's `options.fake`: `windows` and `rows` (of each), `seconds` per row, `load_seconds`
per model, and accidents at a row counted over the film: `fail_at` (with `code` and `exit_code`), `die_at` (with
`signal`), `hang_at`, and `wait_at`, where it waits to be told to stop, so that no machine is too quick for a test that
does something to a running job. The first `times` attempts are meant to have them: one that is ended before it gets
there counts too, or the next would wait where nobody expects it. `needs` maps `offload`, `base_num_frames` or `dtype`
to the values with which memory suffices. Every row is checkpointed, unless `checkpoint` is false. What was loaded and
which films were finished is written to the file $FAKE_LEDGER.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

Facts = dict[str, Any]

RECIPE = {
    "negative_prompt": "",
    "model": "fake",
    "resolution": "80x48",
    "num_frames": 97,
    "base_num_frames": 97,
    "dtype": "bfloat16",
}


def complete(draft: Facts) -> Facts:
    return {**RECIPE, **{name: value for name, value in draft.items() if name != "duration"}}


def plan(recipe: Facts) -> Facts:
    fake = script(recipe)
    windows = [{"rows": fake["rows"]} for _ in range(fake["windows"])]
    return {
        "frames": recipe["num_frames"],
        "fps": 24,
        "duration_s": recipe["num_frames"] / 24,
        "total_rows": fake["rows"] * fake["windows"],
        "windows": windows,
        "estimates": {},
        "family": "df",
        "denoise_flops": 1e12,
        "waits_key": "fake",
        "device": "cuda:0",
    }


def script(recipe: Facts) -> Facts:
    defaults = {"windows": 2, "rows": 3, "seconds": 0.0, "load_seconds": 0.0, "checkpoint": True, "times": 1}
    return {**defaults, **recipe.get("options", {}).get("fake", {})}


def film_text(recipe: Facts) -> str:
    """What the film of a recipe must contain, worked out at once."""
    fake, digest, lines = script(recipe), identity(recipe), []
    for row in range(fake["windows"] * fake["rows"]):
        digest = after(digest, row)
        lines.append(digest)
    return "\n".join(lines)


def identity(recipe: Facts) -> str:
    same = {name: value for name, value in recipe.items() if name != "options"}
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def after(digest: str, row: int) -> str:
    return hashlib.sha256(f"{digest} {row}".encode()).hexdigest()


class Accident(Exception):
    def __init__(self, **record: Any) -> None:
        self.record = record


class Renderer:
    def __init__(self) -> None:
        self.stopped = set()
        self.model = None
        self.say_lock = threading.Lock()

    def say(self, **event: Any) -> None:
        print(json.dumps(event), flush=True)

    def take(self, command: Facts) -> None:
        job = command["job"]
        try:
            self.render(command)
        except Accident as accident:
            print(f"job {job}: an accident", file=sys.stderr, flush=True)
            self.say(event="job_failed", job=job, **accident.record)

    def render(self, command: Facts) -> None:
        output = Path(command["output"])
        recipe = command["recipe"]
        folder = output.with_name(output.name + ".skyreels")
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Accident(code="film-busy", message="somebody is at it", hint=None, exit_code=2) from None
            self.render_alone(command, recipe, folder)

    def render_alone(self, command: Facts, recipe: Facts, folder: Path) -> None:
        job, output, fake = command["job"], Path(command["output"]), script(recipe)
        begun = read(folder / "film.json")
        if begun and begun["recipe"] != recipe:
            if not command["overwrite"]:
                raise Accident(code="film-changed", message="another film lies there", hint=None, exit_code=2)
            (folder / "state.json").unlink(missing_ok=True)
        write(folder / "film.json", {"recipe": recipe})
        said = plan(recipe)
        self.say(event="job_started", job=job, plan=said)
        self.load(job, recipe, command["placement"], fake)
        self.check_memory(recipe, command["placement"], fake)
        state = read(folder / "state.json") or {"lines": []}
        done = len(state["lines"])
        fated = self.count_attempt(fake, folder)
        if done:
            self.say(event="film_resumed", job=job, windows=done // fake["rows"], frames=done)
        for row in range(done, said["total_rows"]):
            window, step = divmod(row, fake["rows"])
            if row == done or step == 0:
                self.say(
                    event="window_started",
                    job=job,
                    window=window + 1,
                    windows=fake["windows"],
                    steps=fake["rows"],
                    first_frame=49 * window,
                    new_frames=49,
                    prompt=recipe["prompt"],
                )
            if fated:
                self.have_accident(job, fake, row)
            time.sleep(fake["seconds"])
            state["lines"].append(after(state["lines"][-1] if state["lines"] else identity(recipe), row))
            if fake["checkpoint"]:
                write(folder / "state.json", state)
            self.say(
                event="step_done",
                job=job,
                window=window + 1,
                step=step,
                steps=fake["rows"],
                seconds=fake["seconds"] or 0.001,
                peak_memory_bytes=10**9,
                noise=[0.5, 1.0],
            )
            if step == fake["rows"] - 1:
                self.say(event="window_done", job=job, window=window + 1, seconds=0.1, peak_memory_bytes=10**9)
            if job in self.stopped:
                write(folder / "state.json", state)
                self.say(event="job_stopped", job=job)
                return
        self.finish(job, recipe, output, folder, state)

    def load(self, job: int, recipe: Facts, placement: Facts, fake: Facts) -> None:
        if self.model != [recipe["model"], recipe["dtype"], placement]:
            self.say(event="stage_started", job=job, stage="loading transformer")
            time.sleep(fake["load_seconds"])
            self.model = [recipe["model"], recipe["dtype"], placement]
            ledger(f"load {recipe['model']}")

    def check_memory(self, recipe: Facts, placement: Facts, fake: Facts) -> None:
        have = {"offload": placement["offload"], "base_num_frames": recipe["base_num_frames"], "dtype": recipe["dtype"]}
        for name, enough in fake.get("needs", {}).items():
            if have[name] not in enough:
                raise Accident(code="out-of-memory", message="out of memory: CUDA", hint=None, exit_code=4)

    def count_attempt(self, fake: Facts, folder: Path) -> bool:
        """Whether this attempt is one of those that have an accident."""
        if not any(name in fake for name in ("fail_at", "die_at", "hang_at", "wait_at")):
            return False
        had = folder.with_name(folder.name + ".accidents")
        count = read(had) or 0
        write(had, count + 1)
        return count < fake["times"]

    def have_accident(self, job: int, fake: Facts, row: int) -> None:
        if row == fake.get("die_at"):
            print("the renderer's last words", file=sys.stderr, flush=True)
            os.kill(os.getpid(), fake.get("signal", 11))
        while row == fake.get("hang_at"):
            time.sleep(1)
        while row == fake.get("wait_at") and job not in self.stopped:
            time.sleep(0.01)
        if row != fake.get("fail_at"):
            return
        code, exit_code = fake.get("code", "internal"), fake.get("exit_code", 1)
        raise Accident(code=code, message=f"it went wrong: {code}", hint="do it right", exit_code=exit_code)

    def finish(self, job: int, recipe: Facts, output: Path, folder: Path, state: Facts) -> None:
        result = {
            "output": str(output),
            "frames": recipe["num_frames"],
            "seed": recipe["seed"],
            "elapsed_s": 1.0,
            "peak_memory_bytes": 10**9,
        }
        write(output.with_name(output.name + ".json"), {"recipe": recipe, "result": result})
        film = folder / "film"
        film.write_text("\n".join(state["lines"]))
        ledger(f"finish {output.name}")
        film.replace(output)
        shutil.rmtree(folder)
        self.say(event="film_done", job=job, recipe=recipe, **result)


def read(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write(path: Path, content: object) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_text(json.dumps(content))
    partial.replace(path)


def ledger(line: str) -> None:
    if "FAKE_LEDGER" in os.environ:
        descriptor = os.open(os.environ["FAKE_LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)


def main() -> None:
    renderer, jobs, ready = Renderer(), [], threading.Semaphore(0)

    def listen() -> None:
        for line in sys.stdin:
            command = json.loads(line)
            if command["do"] == "stop":
                renderer.stopped.add(command["job"])
            else:
                renderer.stopped.discard(command["job"])
                jobs.append(command)
                ready.release()
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        ready.acquire()
        renderer.take(jobs.pop(0))


if __name__ == "__main__":
    main()
