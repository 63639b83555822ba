"""`skyreels config`: how this machine is set up, and where that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skyreels_cli.cli.command import command_group, unfold
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

app = command_group("Settings of this machine: SKYREELS_* variables over config.yaml.")


@app.command("show")
@unfold
def show(out: Output) -> None:
    """Print every setting, its value and where the value comes from."""
    from skyreels_cli.settings import load_settings, origin

    settings = load_settings().model_dump(mode="json")
    origins = {name: origin(name, {}) for name in settings}
    data = {name: {"value": value, "origin": origins[name]} for name, value in settings.items()}
    essential = "\n".join(f"{name}: {value}" for name, value in settings.items())
    out.result({"settings": data}, essential, lambda: _table(settings, origins))


@app.command("path")
@unfold
def path(out: Output) -> None:
    """Print the path of config.yaml, whether or not it exists."""
    from skyreels_cli.paths import folders

    file = folders().config_file
    out.result({"path": str(file), "exists": file.exists()}, str(file))


@app.command("schema")
@unfold
def schema(out: Output) -> None:
    """Print the JSON Schema of config.yaml, for editors."""
    import json

    from skyreels_cli.settings import Settings

    description = Settings.model_json_schema()
    out.result(description, json.dumps(description, indent=2))


def _table(settings: dict[str, object], origins: dict[str, str]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("setting", "value", "from"):
        table.add_column(title, overflow="fold")
    for name, value in settings.items():
        table.add_row(name, "" if value is None else str(value), origins[name])
    return table
