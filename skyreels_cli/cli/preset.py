"""`skyreels preset`: the presets there are, and what is in one."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from skyreels_cli.cli.command import command_group, unfold
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.recipe.presets.find import Listed as Preset

app = command_group("Recipes to start from, in YAML.")


@app.command("list")
@unfold
def list_(out: Output) -> None:
    """List the presets that come along and those in your presets folder."""
    from skyreels_cli.recipe.presets.find import list_presets
    from skyreels_cli.settings import load_settings

    presets = list_presets(load_settings().presets_dir)
    data = [{**asdict(preset), "path": str(preset.path)} for preset in presets]
    out.result({"presets": data}, "\n".join(preset.name for preset in presets), lambda: _table(presets))


@app.command("show")
@unfold
def show(out: Output, name: Annotated[str, typer.Argument(help="A preset's name or file.")]) -> None:
    """Print what a preset sets."""
    from skyreels_cli.recipe.presets.load import load_preset
    from skyreels_cli.settings import load_settings

    draft = load_preset(name, load_settings().presets_dir)
    values = draft.model_dump(by_alias=True, exclude_none=True)
    out.result(values, "\n".join(f"{key}: {value}" for key, value in values.items()))


def _table(presets: list[Preset]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("preset", "from", "what it is for"):
        table.add_column(title)
    for preset in presets:
        table.add_row(preset.name, preset.origin, f"broken: {preset.problem}" if preset.problem else preset.description)
    return table
