"""A worker as a process that may be killed: `queue_worker.py FOLDER RENDERER [once]`.

RENDERER is `fake` (tests/queue/fake_renderer.py), `real` (on the CPU), or a number: the real one, which kills its
worker and itself as soon as it has said that so many steps are done. There is no moment to be caught or missed.
SIGUSR1 makes a worker print where each of its threads stands.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FAKE = [sys.executable, "-S", "-E", str(ROOT / "tests" / "queue" / "fake_renderer.py")]
REAL = [sys.executable, "-m", "skyreels_cli.queue.renderer"]


def work(folder: Path, renderer: str, *, once: bool) -> None:
    """Be a worker, with a lease that soon runs out."""
    from skyreels_local.executor import Local

    from skyreels_cli.queue.store import Store
    from skyreels_cli.queue.supervisor import Supervisor, stop_signals
    from skyreels_cli.queue.worker_config import WorkerConfig

    faulthandler.register(signal.SIGUSR1)
    command = {"fake": FAKE, "real": REAL}.get(renderer, [sys.executable, __file__, renderer])
    config = WorkerConfig(
        {"device": "cpu", "offload": "none", "attention": "auto", "gpus": 1},
        poll_seconds=0.02,
        heartbeat_seconds=0.05,
        lease_seconds=2.0,
        grace_seconds=5.0,
        retry_seconds=0.2,
    )
    with stop_signals() as signals:
        Supervisor(Store(folder), [config], Local(command), lambda event: None).run(signals, once=once)


def render_until(last_step: int) -> None:
    """Be a renderer that brings its worker down with it."""
    from skyreels_cli.queue import renderer

    steps, open_stdout = count(1), renderer._private_stdout

    def fatal_stdout() -> Callable[[Mapping[str, Any]], None]:
        say = open_stdout()

        def say_and_die(event: Mapping[str, Any]) -> None:
            say(event)
            if event["event"] == "step_done" and next(steps) == last_step:
                os.kill(os.getppid(), signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)

        return say_and_die

    renderer._private_stdout = fatal_stdout
    renderer.main()


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]
    os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])
    if len(sys.argv) == 2:
        render_until(int(sys.argv[1]))
    else:
        work(Path(sys.argv[1]), sys.argv[2], once=sys.argv[3:] == ["once"])
