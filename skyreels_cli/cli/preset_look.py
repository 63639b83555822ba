"""`skyreels preset list`, `show`, `path`, `validate`, `schema` and `diff`: what presets there are and what they say."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from typer import Argument, Option

from skyreels_cli.cli.completion import preset_names
from skyreels_cli.output import Output

if TYPE_CHECKING:
    from skyreels_cli.recipe.presets.load import LoadedPreset

WHATEVER = "A name, file, share code, URL or film; - reads stdin."
PresetSource = Annotated[str, Argument(metavar="PRESET", autocompletion=preset_names, help=WHATEVER)]


def list_(out: Output) -> None:
    """List the presets of this folder (./presets), your own and those that come along."""
    from skyreels_cli.cli.preset_view import list_view
    from skyreels_cli.recipe.presets.find import list_presets, own_folder

    presets = list_presets(own_folder())
    data = [{**asdict(preset), "path": str(preset.path)} for preset in presets]
    out.result({"presets": data}, "\n".join(preset.name for preset in presets), lambda: list_view(presets))


def show(
    out: Output,
    *,
    preset: PresetSource,
    origin: Annotated[bool, Option("--origin", help="Say where each value comes from.")] = False,
) -> None:
    """Print what a preset sets, what it is about and what it needs."""
    from skyreels_cli.cli.preset_view import origin_view
    from skyreels_cli.recipe.presets.write import to_yaml

    loaded = load_any(preset)
    if origin:
        origins = loaded.origins()
        data = {key: {"value": value, "origin": where} for key, (value, where) in origins.items()}
        out.result(
            {"values": data},
            "\n".join(f"{key}: {where}" for key, (_, where) in origins.items()),
            lambda: origin_view(origins),
        )
        return
    out.result(loaded.flat.plain(), to_yaml(loaded.flat).rstrip("\n"))


def path(
    out: Output,
    *,
    preset: Annotated[
        str | None, Argument(metavar="NAME", autocompletion=preset_names, help="None: your folder.")
    ] = None,
) -> None:
    """Print where a preset lies, or the folder of your own."""
    from skyreels_cli.recipe.presets.find import find_preset, own_folder

    folder = own_folder()
    found = find_preset(preset, folder)[0] if preset else folder
    out.result({"path": str(found), "exists": found.exists()}, str(found))


def validate(
    out: Output,
    *,
    presets: Annotated[list[str], Argument(metavar="PRESET", autocompletion=preset_names, help=WHATEVER)],
) -> None:
    """Check presets: every line that is wrong is named, and what they need and is not there."""
    from skyreels_cli.recipe.presets.requirements import unmet

    checked = [load_any(preset) for preset in presets]
    for loaded in checked:
        for missing in unmet(loaded.requires):
            out.warning(f"{loaded.where} needs {missing.message}: {missing.command}")
    data = [
        {"preset": name, "unmet": [asdict(each) for each in unmet(loaded.requires)]}
        for name, loaded in zip(presets, checked, strict=True)
    ]
    out.result({"valid": data}, "\n".join(f"{preset}: valid" for preset in presets))


def schema(out: Output) -> None:
    """Print the JSON Schema of presets, with which editors complete and check them."""
    import json

    from skyreels_cli.recipe.presets.json_schema import preset_schema

    described = preset_schema()
    out.result(described, json.dumps(described, indent=2, ensure_ascii=False))


def diff(
    out: Output,
    *,
    first: Annotated[str, Argument(metavar="A", autocompletion=preset_names, help=WHATEVER)],
    second: Annotated[str, Argument(metavar="B", autocompletion=preset_names, help=WHATEVER)],
) -> None:
    """Print what sets two presets apart."""
    from skyreels_cli.cli.preset_view import diff_view
    from skyreels_cli.recipe.presets.compare import differences

    found = differences(load_any(first).flat.plain(), load_any(second).flat.plain())
    data = [{"key": each.key, "a": each.first, "b": each.second} for each in found]
    essential = "\n".join(each.key for each in found) or "the same"
    out.result({"differences": data}, essential, lambda: diff_view(first, second, found))


def load_any(source: str) -> LoadedPreset:
    """The preset that somebody named, looked at without being used."""
    from skyreels_cli.recipe.presets.find import own_folder
    from skyreels_cli.recipe.sharing.load import load

    return load(source, own_folder())
