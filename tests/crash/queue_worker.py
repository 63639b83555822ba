"""A worker as a process that may be killed, with the fake renderer: `queue_worker.py FOLDER [once]`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FAKE = [sys.executable, "-S", "-E", str(ROOT / "tests" / "queue" / "fake_renderer.py")]
PLACEMENT = {"device": "auto", "offload": "none", "attention": None, "gpus": 1}


def main(folder: Path, *, once: bool) -> None:
    sys.path.insert(0, str(ROOT))
    from skyreels_cli.queue.habits import Habits
    from skyreels_cli.queue.store import Store
    from skyreels_cli.queue.supervisor import Supervisor, stop_signals

    habits = Habits(
        PLACEMENT, poll_seconds=0.02, beat_seconds=0.05, lease_seconds=2.0, grace_seconds=5.0, retry_seconds=0.2
    )
    with stop_signals() as signals:
        Supervisor(Store(folder), [habits], FAKE, lambda event: None).run(signals, once=once)


if __name__ == "__main__":
    main(Path(sys.argv[1]), once=sys.argv[2:] == ["once"])
