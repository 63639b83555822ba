"""`skyreels queue export`, `import` and `install-service`: the queue as a file, the worker as a service."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from skyreels_cli.cli.queue_look import open_store
from skyreels_cli.output import Output


def export(out: Output, *, file: Annotated[Path, Argument(help="A .zip to write.", show_default=False)]) -> None:
    """Write the whole queue, pictures included, into one file."""
    from skyreels_cli.queue.bundle import export_queue

    count = export_queue(open_store(), file)
    out.result({"file": str(file), "jobs": count}, str(file), lambda: f"{count} jobs → {file}")


def import_(out: Output, *, file: Annotated[Path, Argument(help="A file of export.", show_default=False)]) -> None:
    """Append the jobs of an exported queue; what is here already is left out."""
    from skyreels_cli.queue.bundle import import_queue
    from skyreels_cli.settings import load_settings

    done = import_queue(open_store(), file, load_settings().outdir)
    known = f", {done.known} were here already" if done.known else ""
    for number in done.freed:
        out.narrate(f"job {number} waits for no other job: the one that it was to follow is not in {file}")
    data = {"jobs": done.added, "known": done.known, "freed": done.freed}
    out.result(data, "\n".join(map(str, done.added)), lambda: f"{len(done.added)} jobs added{known}")


def install_service(
    out: Output, *, print_: Annotated[bool, Option("--print", help="Print the unit; write nothing.")] = False
) -> None:
    """Write a systemd unit of the user's that keeps a worker running."""
    from skyreels_cli.queue.service import UNIT, unit_folder, unit_text, write_unit

    path = unit_folder() / UNIT
    if print_:
        out.result({"unit": unit_text(), "path": str(path)}, unit_text().rstrip("\n"))
        return
    write_unit(path)
    out.narrate(f"now: systemctl --user daemon-reload && systemctl --user enable --now {UNIT}")
    out.narrate("so that it also runs while you are logged out: loginctl enable-linger")
    out.result({"path": str(path)}, str(path))
