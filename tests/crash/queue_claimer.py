"""Claims jobs as quickly as it can until none is left: `queue_claimer.py FOLDER`; prints a line `id seconds` each."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from skyreels_cli.queue import leases
from skyreels_cli.queue.store import Store


def main(folder: Path) -> None:
    store = Store(folder)
    owner = leases.register(store, "cpu")
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        began = time.perf_counter()
        claimed = leases.claim(store, owner)
        seconds = time.perf_counter() - began
        if claimed is None:
            return
        print(claimed[0].id, seconds)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
