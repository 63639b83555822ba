"""A worker as a process that may be killed, on Slurm with the far end of far.py: `worker.py QUEUE SLOTS JSON`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parents[1] / "plugins")]

from skyreels_slurm.executor import executor  # noqa: E402
from skyreels_slurm.plugin import SlurmOptions  # noqa: E402

from skyreels_cli.queue.batch import renderer  # noqa: E402
from skyreels_cli.queue.store import Store  # noqa: E402
from skyreels_cli.queue.supervisor import Supervisor, stop_signals  # noqa: E402
from skyreels_cli.queue.worker_config import WorkerConfig  # noqa: E402

PLACEMENT = {"device": "cpu", "offload": "none", "attention": None, "gpus": 1}


def tell(event: Mapping[str, Any]) -> None:
    """Print an event as a line of JSON."""
    print(json.dumps(event), flush=True)


def main() -> None:
    """Work until nothing is left."""
    said = json.loads(sys.argv[3])
    renderer.SILENT_SECONDS = said["silent"]
    options = SlurmOptions(poll=0.5, command=f"{sys.executable} {HERE / 'far.py'}", **said["options"])
    config = WorkerConfig(PLACEMENT, "slurm", retry_seconds=0.5)
    with stop_signals() as signals:
        supervisor = Supervisor(Store(Path(sys.argv[1])), [config] * int(sys.argv[2]), executor(options), tell)
        supervisor.run(signals, once=True)


if __name__ == "__main__":
    main()
