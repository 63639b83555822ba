"""`skyreels queue`: jobs that are rendered one after another, whatever happens in between."""

from __future__ import annotations

import typer

from skyreels_cli.cli import monitor, queue_add, queue_change, queue_files, queue_look, queue_run
from skyreels_cli.cli.command import unfold
from skyreels_cli.output import Output

app = typer.Typer(help="Jobs to render, kept through crashes and restarts.")


@app.callback(invoke_without_command=True)
@unfold
def queue(out: Output, context: typer.Context) -> None:
    """Jobs to render, kept through crashes and restarts; alone: the list of them."""
    if context.invoked_subcommand is None:
        out.command = "queue list"
        queue_look.list_(out)


app.command("add")(unfold(queue_add.add))
app.command("list")(unfold(queue_look.list_))
app.command("show")(unfold(queue_look.show))
app.command("cancel")(unfold(queue_change.cancel))
app.command("retry")(unfold(queue_change.retry))
app.command("pause")(unfold(queue_change.pause))
app.command("resume")(unfold(queue_change.resume))
app.command("move")(unfold(queue_change.move))
app.command("priority")(unfold(queue_change.priority))
app.command("edit")(unfold(queue_add.edit))
app.command("remove")(unfold(queue_change.remove))
app.command("clear")(unfold(queue_change.clear))
app.command("logs")(unfold(queue_look.logs))
app.command("watch")(unfold(queue_look.watch))
app.command("run")(unfold(queue_run.run))
app.command("stop")(unfold(queue_change.stop))
app.command("export")(unfold(queue_files.export))
app.command("import")(unfold(queue_files.import_))
app.command("install-service")(unfold(queue_files.install_service))
app.command("monitor")(unfold(monitor.monitor))
