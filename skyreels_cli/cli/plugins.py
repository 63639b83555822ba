"""`skyreels plugins`: what is installed, what it can do, what is broken, and how to write one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from skyreels_cli.cli.command import unfold
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from rich.console import RenderableType

    from skyreels_cli.plugins.manager import Plugin
    from skyreels_cli.plugins.specs import Spec

Kind = Literal["scheduler", "cache", "parallel", "enhancer"]

app = typer.Typer(help="Schedulers, caches and whatever else packages add.")


@app.callback(invoke_without_command=True)
@unfold
def plugins_(out: Output, context: typer.Context) -> None:
    """Schedulers, caches and whatever else packages add; alone: the list of them."""
    if context.invoked_subcommand is None:
        out.command = "plugins list"
        list_(out)


def list_(out: Output) -> None:
    """List the plugins that are installed, what each offers, and which are broken and why."""
    from skyreels_cli.plugins.manager import plugins

    found = plugins().all
    data = [_plugin_data(plugin) for plugin in found]
    essential = "\n".join(f"{plugin.entry.name} {plugin.state}" for plugin in found)
    out.result({"plugins": data}, essential, lambda: _table(found))


def show(out: Output, name: Annotated[str, typer.Argument(help="A scheduler, a cache and so on, by name.")]) -> None:
    """Print a plugin's options, with their defaults: set them by -O NAME.OPTION=VALUE."""
    from skyreels_cli.errors import PluginError, did_you_mean
    from skyreels_cli.plugins.manager import plugins
    from skyreels_cli.plugins.options import options_model

    known = plugins()
    offered = [spec for plugin in known.all if plugin.state == "ready" for spec in plugin.specs]
    specs = [spec for spec in offered if spec.name == name]
    if not specs:
        near = did_you_mean(name, (spec.name for spec in offered))
        raise PluginError("plugin-not-found", f"no plugin offers {name!r}{near}", "skyreels plugins")
    data = [
        {**_spec_data(spec), "package": known.owner(spec).package, "schema": options_model(spec).model_json_schema()}
        for spec in specs
    ]
    out.result({"specs": data}, "\n".join(map(_option_lines, specs)), lambda: _options_table(specs))


def new(
    out: Output,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people will type: small letters and hyphens.")],
    kind: Annotated[Kind, typer.Option(help="What it adds.")],
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the package's folder goes.")] = Path(),
) -> None:
    """Write the beginning of a plugin package, with tests that pass."""
    from skyreels_cli.cli.plugin_package import write_package

    folder = write_package(name, kind, to.expanduser())
    out.narrate(f"now: pip install -e '{folder}[test]' && pytest {folder}")
    out.result({"folder": str(folder)}, str(folder))


app.command("list")(unfold(list_))
app.command("show")(unfold(show))
app.command("new")(unfold(new))


def _plugin_data(plugin: Plugin) -> dict[str, Any]:
    return {
        "name": plugin.entry.name,
        "package": plugin.entry.package,
        "version": plugin.entry.version,
        "state": plugin.state,
        "hooks": list(plugin.hooks),
        "offers": [_spec_data(spec) for spec in plugin.specs],
        "problem": plugin.problem,
    }


def _spec_data(spec: Spec) -> dict[str, Any]:
    return {"kind": spec.kind, "name": spec.name, "summary": spec.summary}


def _table(found: tuple[Plugin, ...]) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("plugin", "package", "version", "state"):
        table.add_column(title, no_wrap=True)
    table.add_column("offers", overflow="fold")
    for plugin in found:
        offers = plugin.problem or ", ".join(f"{spec.kind} {spec.name}" for spec in plugin.specs)
        table.add_row(plugin.entry.name, plugin.entry.package, plugin.entry.version, plugin.state, offers)
    return table


def _option_lines(spec: Spec) -> str:
    from skyreels_cli.plugins.options import options_model

    fields = options_model(spec).model_fields
    return "\n".join(f"{spec.name}.{name}={field.default}" for name, field in fields.items())


def _options_table(specs: list[Spec]) -> RenderableType:
    from rich.console import Group
    from rich.table import Table

    from skyreels_cli.plugins.options import options_model

    parts: list[RenderableType] = []
    for spec in specs:
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, field in options_model(spec).model_fields.items():
            table.add_row(f"-O {spec.name}.{name}={field.default}", field.description or "")
        parts += [f"{spec.kind} {spec.name}: {spec.summary}", table]
    return Group(*parts)
