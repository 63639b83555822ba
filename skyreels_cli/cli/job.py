"""`skyreels job run`: the far end of the queue's executors; the worker starts it, on whatever machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument

from skyreels_cli.cli.command import command_group, unfold
from skyreels_cli.output import Output


def run(out: Output, *, folder: Annotated[Path, Argument(metavar="FOLDER", help="The job's folder.")]) -> None:
    """Render the job in a folder, or go on with it; a SIGTERM makes it save a checkpoint and end with status 130."""
    from skyreels_cli.paths import absolute
    from skyreels_cli.queue.batch.remote import run_job

    out.result(run_job(absolute(folder)), "")


app = command_group("What the queue's executors start on other machines.")
app.command("run")(unfold(run))
