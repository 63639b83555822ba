"""`skyreels queue monitor`: the dashboard, which `skyreels` alone in a terminal offers as well."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output


def monitor(
    out: Output,
    *,
    slow: Annotated[bool, typer.Option("--slow", help="Send little to the terminal: for a slow line.")] = False,
) -> None:
    """Watch and steer the queue in a dashboard; leaving it stops nothing."""
    if not interactive(out):
        raise UsageError("no-terminal", "the dashboard needs a terminal", "skyreels queue list")
    from skyreels_cli.paths import folders
    from skyreels_cli.settings import load_settings
    from skyreels_cli.tui.app import run_monitor

    run_monitor(folders().queue, load_settings().keys, slow=slow)


def offer(out: Output) -> None:
    """Ask whether somebody who typed `skyreels` alone would like to see the dashboard."""
    if interactive(out) and typer.confirm("Open the dashboard?", err=True):
        monitor(out)


def interactive(out: Output) -> bool:
    """Whether somebody sits there who may be shown a screen and asked a question."""
    machine = out.json or out.events or out.quiet or out.no_input
    return sys.stdin.isatty() and sys.stdout.isatty() and not machine
