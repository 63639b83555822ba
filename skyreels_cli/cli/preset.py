"""`skyreels preset`: recipes to start from, kept as files and passed from hand to hand."""

from __future__ import annotations

import typer

from skyreels_cli.cli import preset_change, preset_look, preset_share
from skyreels_cli.cli.command import unfold
from skyreels_cli.output import Output

app = typer.Typer(help="Recipes to start from, in YAML.")


@app.callback(invoke_without_command=True)
@unfold
def preset(out: Output, context: typer.Context) -> None:
    """Recipes to start from, in YAML; alone: the list of them."""
    if context.invoked_subcommand is None:
        out.command = "preset list"
        preset_look.list_(out)


app.command("list")(unfold(preset_look.list_))
app.command("show")(unfold(preset_look.show))
app.command("path")(unfold(preset_look.path))
app.command("validate")(unfold(preset_look.validate))
app.command("schema")(unfold(preset_look.schema))
app.command("diff")(unfold(preset_look.diff))
app.command("edit")(unfold(preset_change.edit))
app.command("rename")(unfold(preset_change.rename))
app.command("remove")(unfold(preset_change.remove))
app.command("import")(unfold(preset_share.import_))
app.command("export")(unfold(preset_share.export))
