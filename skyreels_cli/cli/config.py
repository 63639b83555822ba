"""`skyreels config`: how this machine is set up, and where that is written."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument

from skyreels_cli.cli.command import unfold
from skyreels_cli.cli.completion import setting_names
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

SettingName = Annotated[str, Argument(metavar="NAME", autocompletion=setting_names, help="Of skyreels config show.")]

app = typer.Typer(help="Settings of this machine: SKYREELS_* variables over config.yaml.")


@app.callback(invoke_without_command=True)
@unfold
def config(out: Output, context: typer.Context) -> None:
    """Settings of this machine: SKYREELS_* variables over config.yaml; alone: all of them."""
    if context.invoked_subcommand is None:
        out.command = "config show"
        show(out)


def show(out: Output) -> None:
    """Print every setting, its value and where the value comes from."""
    from skyreels_cli.settings import load_settings, origin

    settings = load_settings().model_dump(mode="json")
    origins = {name: origin(name, {}) for name in settings}
    data = {name: {"value": value, "origin": origins[name]} for name, value in settings.items()}
    essential = "\n".join(f"{name}: {value}" for name, value in settings.items())
    out.result({"settings": data}, essential, lambda: _table(settings, origins))


app.command("show")(unfold(show))


@app.command("get")
@unfold
def get(out: Output, *, name: SettingName) -> None:
    """Print the value of a setting."""
    from skyreels_cli.settings import load_settings, origin, setting_named

    name = setting_named(name)
    value = load_settings().model_dump(mode="json")[name]
    text = "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    out.result({"name": name, "value": value, "origin": origin(name, {})}, text)


@app.command("set")
@unfold
def set_(
    out: Output,
    *,
    name: SettingName,
    value: Annotated[str | None, Argument(metavar="[VALUE]", help="None takes the setting out of the file.")] = None,
) -> None:
    """Write a setting to config.yaml, whose other lines and comments stay."""
    from skyreels_cli.settings import change_setting, load_settings, origin, setting_named

    name = setting_named(name)
    file = change_setting(name, value)
    now = load_settings().model_dump(mode="json")[name]
    if (where := origin(name, {})).startswith("SKYREELS_"):
        out.warning(f"{where} is set, and wins over {file}")
    out.result({"name": name, "value": now, "path": str(file)}, f"{name}: {now}")


@app.command("edit")
@unfold
def edit(out: Output) -> None:
    """Open config.yaml in $EDITOR, and check what was written."""
    from skyreels_cli.cli.editor import open_editor
    from skyreels_cli.cli.monitor import interactive
    from skyreels_cli.paths import folders
    from skyreels_cli.settings import load_settings

    file = folders().config_file
    if not interactive(out):
        raise UsageError("usage", "nobody is there to edit", f"${{EDITOR:-vi}} {quote(str(file))}")
    file.parent.mkdir(parents=True, exist_ok=True)
    open_editor(file)
    load_settings()
    out.result({"path": str(file)}, str(file))


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
