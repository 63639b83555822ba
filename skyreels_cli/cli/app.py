"""The command tree. Every module imported here is light, so that `skyreels --help` stays quick."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from skyreels_cli import __version__
from skyreels_cli.cli import (
    config,
    doctor,
    download,
    enhance_prompt,
    extend,
    films,
    generate,
    job,
    models,
    monitor,
    plugins,
    preset,
    queue,
    resume,
    show,
)
from skyreels_cli.cli.command import unfold
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

# The normaliser makes `--num_frames` the same as `--num-frames`, and touches names only, never values.
CONTEXT: dict[str, Any] = {
    "help_option_names": ["-h", "--help"],
    "token_normalize_func": lambda name: name.replace("_", "-"),
}

app = typer.Typer(name="skyreels", context_settings=CONTEXT, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skyreels {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@unfold
def root(
    out: Output,
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Films of any length with SkyReels-V2 diffusion-forcing models."""
    if context.invoked_subcommand is None:
        if out.json or out.events:
            raise UsageError("usage", "no command given", "skyreels --help")
        typer.echo(context.get_help())
        monitor.offer(out)


app.command("generate")(unfold(generate.generate))
app.command("extend")(unfold(extend.extend))
app.command("enhance-prompt")(unfold(enhance_prompt.enhance_prompt))
app.command("resume")(unfold(resume.resume))
app.command("show")(unfold(show.show))
app.command("download")(unfold(download.download))
app.command("doctor")(unfold(doctor.doctor))
app.add_typer(films.app, name="films")
app.add_typer(preset.app, name="preset")
app.add_typer(models.app, name="models")
app.add_typer(config.app, name="config")
app.add_typer(queue.app, name="queue")
app.add_typer(job.app, name="job")
app.add_typer(plugins.app, name="plugins")
