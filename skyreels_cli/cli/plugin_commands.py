"""Commands that plugins bring, as part of the command tree; and the word about those that are broken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from skyreels_cli.output import Output


def add_plugin_commands(group: Any, args: Sequence[str], out: Output) -> None:
    """Add each plugin's command to the tree; its code is loaded only if its name is on the command line.

    Where a command of the program's own is called and there are no packages of third parties, no plugin is loaded.
    """
    from skyreels_cli.plugins.entries import find_entries

    if not group.commands.keys().isdisjoint(args) and all(entry.own for entry in find_entries()):
        return
    from skyreels_cli.plugins.manager import plugins
    from skyreels_cli.plugins.specs import CommandSpec

    known = plugins()
    for name, spec in known.specs(CommandSpec).items():
        if name in group.commands:
            out.warning(f"the command {name} of {known.owner(spec)} is hidden by skyreels' own")
            continue
        command = known.load(spec) if name in args else typer.Typer(help=spec.summary)
        if name not in args:
            command.callback(invoke_without_command=True)(lambda: None)
        tree = typer.main.get_command(command)
        tree.name, tree.help = name, tree.help or spec.summary
        group.add_command(tree, name)


def warn_of_broken_plugins(out: Output) -> None:
    """Say once, on stderr, which plugins were set aside and how to get rid of them."""
    from skyreels_cli.plugins.manager import plugins

    for plugin in plugins().broken:
        out.warning(plugin.warning)
