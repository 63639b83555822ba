"""`skyreels preset import` and `export`: presets from hand to hand, as files, codes and films."""

from __future__ import annotations

import shutil
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from skyreels_cli.cli.monitor import interactive
from skyreels_cli.cli.preset_look import WHATEVER, PresetSource, load_any
from skyreels_cli.errors import InterruptedError, UsageError
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.recipe.sharing.portable import Portable


def import_(
    out: Output,
    *,
    preset: Annotated[str, Argument(metavar="FILE|CODE|URL|FILM|-", help=WHATEVER)],
    name: Annotated[str | None, Option(metavar="NAME", help="What to call it here.")] = None,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace a preset of that name.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Only say what it would do.")] = False,
) -> None:
    """Take a preset into your folder; what it says and needs is shown first."""
    from skyreels_cli.cli.preset_view import incoming_lines
    from skyreels_cli.recipe.presets.find import own_folder
    from skyreels_cli.recipe.presets.store import checked_name, place_of
    from skyreels_cli.recipe.presets.write import refuse_clash
    from skyreels_cli.recipe.sharing.incoming import look_at

    folder = own_folder()
    found = look_at(preset, folder)
    called = checked_name(name or found.name)
    path = place_of(called, folder)
    for line in incoming_lines(found, path):
        out.narrate(line)
    data = {
        "name": called,
        "path": str(path),
        "preset": found.preset.plain(),
        "files": {file: len(content) for file, content in found.files.items()},
        "missing": list(found.missing),
        "unmet": [{"message": each.message, "command": each.command} for each in found.unmet],
        "imported": not dry_run,
    }
    if dry_run:
        out.result(data, called)
        return
    overwrite = overwrite or _may_replace(path, out)
    refuse_clash(path, overwrite=overwrite)
    _ask("Import it?", out)
    data["path"] = str(found.save(called, folder, overwrite=overwrite))
    out.result(data, called, lambda: f"{called}: skyreels generate --preset {quote(called)} …")


def export(
    out: Output,
    *,
    preset: PresetSource,
    output: Annotated[
        Path | None, Option("--output", "-o", metavar="FILE", help="A .yaml, or a .skypreset with its pictures.")
    ] = None,
    code: Annotated[bool, Option("--code", help="One line to paste into a chat.")] = False,
    qr: Annotated[bool, Option("--qr", help="The code to photograph.")] = False,
    overwrite: Annotated[bool, Option("--overwrite", help="Replace a file of that name.")] = False,
) -> None:
    """Make a preset, or what a film was made with, fit to be sent: nothing in it tells of this machine."""
    from skyreels_cli.recipe.presets.store import free_name
    from skyreels_cli.recipe.presets.write import to_yaml
    from skyreels_cli.recipe.sharing.portable import make_portable

    loaded = load_any(preset)
    portable = make_portable(loaded, free_name(loaded.name, "preset"))
    if output:
        _write(portable, output, overwrite=overwrite)
        out.result({"output": str(output), "preset": portable.preset.plain()}, str(output))
        return
    if portable.files:
        message = f"the preset has files: {', '.join(sorted(portable.files))}"
        hint = f"skyreels preset export {quote(preset)} -o {quote(str(portable.preset.name))}.skypreset"
        raise UsageError("preset-has-files", message, hint)
    if code or qr:
        _show_code(portable, out, qr=qr)
    else:
        text = to_yaml(portable.preset)
        out.result({"yaml": text, "preset": portable.preset.plain()}, text.rstrip("\n"))


def _show_code(portable: Portable, out: Output, *, qr: bool) -> None:
    from skyreels_cli.recipe.sharing.code import to_code

    line = to_code(portable.preset)
    data = {"code": line, "preset": portable.preset.plain()}
    if not qr:
        out.result(data, line)
        return
    from skyreels_cli.recipe.sharing.qr import draw_qr

    drawn = draw_qr(line, shutil.get_terminal_size().columns)
    out.result(data, drawn)


def _write(portable: Portable, output: Path, *, overwrite: bool) -> None:
    from skyreels_cli.recipe.presets.find import SUFFIXES
    from skyreels_cli.recipe.presets.write import refuse_clash, to_yaml, write_bytes
    from skyreels_cli.recipe.sharing.archive import SUFFIX, write_archive

    suffix = output.suffix.lower()
    if suffix not in (SUFFIX, *SUFFIXES):
        hint = f"-o {quote(str(output.with_suffix(SUFFIX if portable.files else SUFFIXES[0])))}"
        raise UsageError("bad-suffix", f"{output} is neither a .yaml nor a {SUFFIX}", hint)
    if portable.files and suffix != SUFFIX:
        message = f"{output} cannot hold the preset's files: {', '.join(sorted(portable.files))}"
        raise UsageError("preset-has-files", message, f"-o {quote(str(output.with_suffix(SUFFIX)))}")
    refuse_clash(output, overwrite=overwrite)
    text = to_yaml(portable.preset)
    write_bytes(output, write_archive(text, portable.contents()) if suffix == SUFFIX else text.encode("utf-8"))


def _may_replace(path: Path, out: Output) -> bool:
    return path.exists() and interactive(out) and typer.confirm(f"{path.name} is there already. Replace it?", err=True)


def _ask(question: str, out: Output) -> None:
    if interactive(out) and not typer.confirm(question, default=True, err=True):
        raise InterruptedError("interrupted", "nothing was imported")
