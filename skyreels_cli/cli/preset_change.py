"""`skyreels preset edit`, `rename` and `remove`: your own presets and those of ./presets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer
from typer import Argument, Option

from skyreels_cli.cli.completion import preset_names
from skyreels_cli.cli.editor import open_editor
from skyreels_cli.cli.monitor import interactive
from skyreels_cli.errors import UsageError
from skyreels_cli.output import Output

Named = Annotated[str, Argument(metavar="NAME", autocompletion=preset_names, help="The preset.")]


def edit(out: Output, *, preset: Named) -> None:
    """Change a preset in $EDITOR: a copy, which replaces it once it is valid; a shipped one becomes your own."""
    from skyreels_cli.recipe.presets.find import find_preset, own_folder
    from skyreels_cli.recipe.presets.read import read_file
    from skyreels_cli.recipe.presets.write import write_bytes

    folder = own_folder()
    path, origin = find_preset(preset, folder)
    if out.no_input or out.json:
        raise UsageError("no-terminal", "an editor needs somebody to type in it", f"edit {path}")
    target = folder / path.name if origin == "shipped" else path
    before = read_file(path)
    after = _edited(path.name, before, out)
    if after == before:
        raise UsageError("nothing-to-change", "nothing was changed", f"skyreels preset edit {quote(preset)}")
    write_bytes(target, after)
    out.result({"name": preset, "path": str(target)}, str(target))


def rename(
    out: Output, *, preset: Named, new: Annotated[str, Argument(metavar="NEW", help="What it is called from now on.")]
) -> None:
    """Give a preset another name; presets beside it that extend it follow."""
    from skyreels_cli.recipe.presets.find import own_folder
    from skyreels_cli.recipe.presets.store import rename_preset

    path = rename_preset(preset, new, own_folder())
    out.result({"name": new, "path": str(path)}, str(path))


def remove(
    out: Output, *, preset: Named, yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Delete a preset of your own, and the pictures that came with it."""
    from skyreels_cli.recipe.presets.find import own_folder, own_preset
    from skyreels_cli.recipe.presets.store import remove_preset

    folder = own_folder()
    path = own_preset(preset, folder, "removed")
    if interactive(out) and not yes and not typer.confirm(f"Delete {path}?", err=True):
        raise typer.Abort
    out.result({"removed": str(remove_preset(preset, folder))}, str(path))


def _edited(name: str, before: bytes, out: Output) -> bytes:
    """What somebody made of a copy, once it is valid; where it is not and nobody wants to go on, it is kept."""
    from skyreels_cli.recipe.presets.read import read_preset

    copy = Path(tempfile.mkdtemp()) / name
    copy.write_bytes(before)
    while True:
        open_editor(copy)
        after = copy.read_bytes()
        try:
            read_preset(after, str(copy))
        except UsageError as error:
            if not interactive(out):
                raise
            out.warning(error.message)
            if not typer.confirm("Go on editing?", default=True, err=True):
                raise
        else:
            copy.unlink()
            copy.parent.rmdir()
            return after
