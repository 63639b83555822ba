"""`skyreels doctor`: what works on this machine, what does not, and what to do about it."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from skyreels_cli import __version__
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.cli.checks import Check

MARKS = {"ok": "✓", "warning": "!", "problem": "✗"}


def doctor(out: Output) -> None:
    """Check devices, torch, ffmpeg, disk and models, and say what to do where something is amiss."""
    from skyreels_cli.cli.checks import run_checks

    checks = list(run_checks())
    healthy = all(check.status != "problem" for check in checks)
    data = {
        "healthy": healthy,
        "skyreels": __version__,
        "python": platform.python_version(),
        "executable": sys.executable,
        "checks": [asdict(check) for check in checks],
    }
    out.result(data, "healthy" if healthy else "unhealthy", lambda: _table(checks))


def _table(checks: list[Check]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for check in checks:
        table.add_row(MARKS[check.status], check.name, check.found)
        if check.advice:
            table.add_row("", "", f"→ {check.advice}")
    return table
