"""The far end of a job with the fake renderer in the place of the real one: `far.py job run FOLDER`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "plugins")]

from skyreels_cli.errors import SkyreelsError  # noqa: E402
from skyreels_cli.queue.batch import remote  # noqa: E402
from tests.queue.fake_renderer import Renderer  # noqa: E402


class FakeFar(Renderer):
    """Tells its events as the real renderer does."""

    def __init__(self, tell: Callable[[Mapping[str, Any]], None], is_stopped: Callable[[int], bool]) -> None:
        super().__init__()
        self._tell = tell
        self.stopped = Stopped(is_stopped)

    def say(self, **event: Any) -> None:
        self._tell(event)


class Stopped:
    """Stands for the set of jobs that are to stop."""

    def __init__(self, is_stopped: Callable[[int], bool]) -> None:
        self._is_stopped = is_stopped

    def __contains__(self, job: int) -> bool:
        return self._is_stopped(job)


def main() -> int:
    """The exit status of `skyreels job run`."""
    remote.Renderer = FakeFar  # type: ignore[misc, assignment]
    try:
        remote.run_job(Path(sys.argv[-1]))
    except SkyreelsError as error:
        print(f"error: {error.message}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
